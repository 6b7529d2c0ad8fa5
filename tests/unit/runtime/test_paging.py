"""Page tokens."""

from datetime import UTC, datetime

import pytest

from vidmesh.ingest.v1.ingest_service_pb2 import ListJobsRequest
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.paging import make_token, page_size, read_token

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_a_token_gives_its_cursor_back() -> None:
    request = ListJobsRequest(video_id="v", page_size=10)
    token = make_token(request, NOON, "id", 7)
    again = ListJobsRequest(video_id="v", page_size=20, page_token=token)
    assert read_token(again, token, datetime, str, int) == [NOON, "id", 7]
    assert read_token(again, "", datetime, str, int) is None


@pytest.mark.parametrize(
    "token", ["x", "....", "ÄÖ", "bm90IGpzb24", "W10", "bnVsbA", "WyJhIl0", "A" * 10_000]
)
def test_a_token_of_nobody_is_refused(token: str) -> None:
    with pytest.raises(Failure, match="INVALID_PAGE_TOKEN"):
        read_token(ListJobsRequest(), token, datetime, str)


def test_a_token_of_another_query_is_refused() -> None:
    token = make_token(ListJobsRequest(video_id="v"), NOON, "id")
    with pytest.raises(Failure, match="INVALID_PAGE_TOKEN"):
        read_token(ListJobsRequest(video_id="w"), token, datetime, str)
    with pytest.raises(Failure, match="INVALID_PAGE_TOKEN"):
        read_token(ListJobsRequest(video_id="v"), token, str, datetime)


@pytest.mark.parametrize("asked", [-1, 201])
def test_page_sizes_have_bounds(asked: int) -> None:
    with pytest.raises(Failure, match="INVALID_FIELD"):
        page_size(asked)


def test_page_sizes_have_a_default() -> None:
    assert (page_size(0), page_size(7)) == (50, 7)
