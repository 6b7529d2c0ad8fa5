"""The query service as a real process on a real PostgreSQL and a real NATS."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.conftest import Keys, NatsServer
from tests.integration.query_service import Process, Stages, Talk, client, stages
from vidmesh.query.v1.query_service_pb2 import GetVideoRequest, SearchRequest
from vidmesh.query.v1.query_service_pb2_grpc import QueryServiceStub

LIONS = Talk(
    title="Lions in Paris",
    windows=(
        ("Welcome to this talk about animals that travel.", "The lions carried seven red boxes to Paris."),
        ("In each box there was a letter for the mayor.", "He read them all on a rainy afternoon."),
    ),
)


@pytest.fixture
async def process(environment: Callable[[str], dict[str, str]], tmp_path: Path) -> AsyncIterator[Process]:
    made = Process(environment("query"), tmp_path / "query.log")
    made.start()
    yield made
    assert await made.stop() == 0, made.log


@pytest.fixture
async def query(process: Process, keys: Keys) -> AsyncIterator[QueryServiceStub]:
    async with client(process, keys) as stub:
        yield stub


@pytest.fixture
async def bus(query: QueryServiceStub, nats_server: NatsServer) -> AsyncIterator[Stages]:
    async with stages(nats_server.url) as opened:
        yield opened


async def test_what_was_said_is_found_with_its_moment(query: QueryServiceStub, bus: Stages) -> None:
    await bus.whole(LIONS)
    fact = await bus.indexed(LIONS)
    assert fact.count == 1
    video = (await query.GetVideo(GetVideoRequest(video_id=LIONS.video))).video
    assert (video.title, video.author, video.passage_count, video.searchable) == (
        "Lions in Paris",
        "An author",
        1,
        True,
    )
    found = await query.Search(SearchRequest(query="seven boxes"))
    assert not found.degraded
    [hit] = found.hits
    assert hit.video_title == "Lions in Paris"
    assert [hit.snippet.text[span.start : span.end] for span in hit.snippet.highlights] == [
        "seven",
        "boxes",
        "box",
    ]
    assert hit.moment.ToMilliseconds() == (8 * 400 + 200) + 3 * 400
