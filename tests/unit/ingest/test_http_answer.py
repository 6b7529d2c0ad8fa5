"""Heads of answers: what they say of the file, read without trust."""

from datetime import UTC, datetime, timedelta

import pytest

from vidmesh_ingest.http_answer import given_name, media_type, range_start, retry_after, validator, whole_size

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "headers", "size"),
    [
        (200, {"content-length": "12"}, 12),
        (200, {}, None),
        (200, {"content-length": "-3"}, None),
        (200, {"content-length": "x"}, None),
        (206, {"content-length": "2", "content-range": "bytes 10-11/12"}, 12),
        (206, {"content-length": "2", "content-range": "bytes 10-11/*"}, None),
        (416, {"content-length": "0", "content-range": "bytes */12"}, 12),
    ],
)
def test_the_size_is_that_of_the_whole(status: int, headers: dict[str, str], size: int | None) -> None:
    assert whole_size(status, headers) == size


@pytest.mark.parametrize(
    ("headers", "start"),
    [({"content-range": "bytes 10-11/12"}, 10), ({"content-range": "x"}, None), ({}, None)],
)
def test_a_part_says_where_it_begins(headers: dict[str, str], start: int | None) -> None:
    assert range_start(headers) == start


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"etag": '"a"', "last-modified": "d"}, '"a"'),
        ({"etag": 'W/"a"', "last-modified": "d"}, "d"),
        ({"etag": 'W/"a"'}, None),
        ({}, None),
    ],
)
def test_only_strong_validators_count(headers: dict[str, str], expected: str | None) -> None:
    assert validator(headers) == expected


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="talk.mp4"', "talk.mp4"),
        ("attachment; filename*=UTF-8''Vortr%C3%A4ge.mp4", "Vorträge.mp4"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="..\\\\a.mp4"', "a.mp4"),
        ("inline", ""),
        ("", ""),
    ],
)
def test_the_given_name_is_never_a_path(header: str, name: str) -> None:
    assert given_name({"content-disposition": header}) == name


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("7", timedelta(seconds=7)),
        ("99999999999999999999", timedelta(days=1)),
        ("Thu, 01 Jan 2026 00:01:00 GMT", timedelta(minutes=1)),
        ("Thu, 01 Jan 2015 00:01:00 GMT", timedelta(0)),
        ("soon", None),
        ("", None),
    ],
)
def test_the_wait_is_read_as_seconds_or_date(text: str, wait: timedelta | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == wait


def test_the_type_has_no_parameters() -> None:
    assert media_type({"content-type": "Video/MP4; codecs=x"}) == "video/mp4"
