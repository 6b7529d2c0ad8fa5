"""Plain links from a real server: fetched whole, resumed where they broke off, refused with a reason."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.unit.ingest.origin import Gate, Origin
from vidmesh_ingest.address import EgressRule
from vidmesh_ingest.egress import Egress
from vidmesh_ingest.link import Download, LinkLimits, download
from vidmesh_ingest.part import FileHead, Part
from vidmesh_ingest.reason import Reason, SourceError

LIMITS = LinkLimits(max_bytes=10_000_000, patience=(0.0, 0.01, 0.01))
DATA = os.urandom(1_000_000)


@asynccontextmanager
async def opened(
    url: str, folder: Path, *, limits: LinkLimits = LIMITS, allow: str = "127.0.0.0/8"
) -> AsyncIterator[tuple[Download, FileHead | None]]:
    async with (
        Egress(EgressRule.parse([allow])) as egress,
        egress.grant(limits.max_bytes * 2) as granted,
        download(url, folder, granted, limits) as fetched,
    ):
        yield fetched, await fetched.open()


async def fetch(url: str, folder: Path, *, limits: LinkLimits = LIMITS) -> bytes:
    async with opened(url, folder, limits=limits) as (fetched, head):
        assert head is not None
        await fetched.run()
        return fetched.file.path.read_bytes()


async def refusal(
    url: str, folder: Path, *, limits: LinkLimits = LIMITS, allow: str = "127.0.0.0/8"
) -> SourceError:
    try:
        async with opened(url, folder, limits=limits, allow=allow) as (fetched, head):
            assert head is not None
            await fetched.run()
    except SourceError as error:
        return error
    pytest.fail("it was fetched")


async def test_a_file_is_fetched_whole_and_described(origin: Origin, tmp_path: Path) -> None:
    url = origin.file("/a/My%20Talk.mp4", DATA)
    async with opened(url, tmp_path) as (fetched, head):
        assert head == FileHead(name="My Talk.mp4", media_type="video/mp4", size=len(DATA), validator='"1"')
        await fetched.run()
        assert fetched.file.finished
        assert fetched.file.path.read_bytes() == DATA
    assert len(origin.hits) == 1


async def test_it_can_be_read_while_it_is_fetched(origin: Origin, tmp_path: Path) -> None:
    url = origin.file("/a.mp4", DATA, chunk=100_000, pause=0.02)
    async with opened(url, tmp_path) as (fetched, _):
        running = asyncio.create_task(fetched.run())
        with fetched.file.reader() as reader:
            first = await asyncio.to_thread(reader.read, 1000)
            assert first == DATA[:1000]
            assert not running.done()
        await running


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("breaks", [[0, 0], [1], [300_000, 100], [100, 100, 100, 999_000]])
async def test_a_broken_connection_is_gone_on_with(
    origin: Origin, tmp_path: Path, breaks: list[int], ranges: bool
) -> None:
    url = origin.file("/a.mp4", DATA, breaks=breaks, ranges=ranges)
    assert await fetch(url, tmp_path) == DATA
    assert len(origin.hits) >= 2
    if ranges and breaks == [300_000, 100]:
        assert [headers.get("Range") for _, headers in origin.hits] == [
            None,
            "bytes=300000-",
            "bytes=300100-",
        ]
        assert origin.hits[1][1]["If-Range"] == '"1"'


async def test_what_a_crashed_run_left_is_gone_on_with(origin: Origin, tmp_path: Path) -> None:
    url = origin.file("/a.mp4", DATA, breaks=[400_000, 0, 0, 0, 0])
    assert (await refusal(url, tmp_path)).reason is Reason.SOURCE_BROKEN_OFF
    origin.hits.clear()
    assert await fetch(url, tmp_path) == DATA
    assert origin.hits[0][1]["Range"] == "bytes=400000-"
    origin.hits.clear()
    assert await fetch(url, tmp_path) == DATA
    assert origin.hits == []


async def test_what_a_crashed_run_left_of_another_version_is_thrown_away(
    origin: Origin, tmp_path: Path
) -> None:
    await refusal(origin.file("/a.mp4", DATA[::-1], breaks=[400_000, 0, 0, 0, 0]), tmp_path)
    assert await fetch(origin.file("/a.mp4", DATA, etag='"2"'), tmp_path) == DATA


async def test_a_file_that_changes_on_the_way_is_not_pieced_together(origin: Origin, tmp_path: Path) -> None:
    url = origin.file("/a.mp4", DATA, breaks=[400_000])
    async with opened(url, tmp_path) as (fetched, _):
        origin.file("/a.mp4", DATA[::-1], etag='"2"')
        with pytest.raises(SourceError, match="changed") as caught:
            await fetched.run()
    assert caught.value.reason is Reason.SOURCE_BROKEN_OFF


async def test_a_download_that_breaks_off_for_good_fails_its_readers(origin: Origin, tmp_path: Path) -> None:
    url = origin.file("/a.mp4", DATA, breaks=[5000, 0, 0, 0, 0, 0])
    async with opened(url, tmp_path) as (fetched, _):
        with pytest.raises(SourceError):
            await fetched.run()
        with fetched.file.reader() as reader:
            assert len(reader.read(10_000)) == 5000
            with pytest.raises(SourceError, match="broke off after 5000"):
                reader.read(1)


async def test_a_length_need_not_be_known(origin: Origin, tmp_path: Path) -> None:
    url = origin.file("/a.mp4", DATA, length=False)
    async with opened(url, tmp_path) as (fetched, head):
        assert head is not None
        assert head.size is None
        await fetched.run()
        assert fetched.file.total_size() == len(DATA)


async def test_an_empty_file_is_fetched(origin: Origin, tmp_path: Path) -> None:
    assert await fetch(origin.file("/a.mp4", b""), tmp_path) == b""


async def test_a_file_without_a_type_is_known_by_its_bytes(origin: Origin, tmp_path: Path) -> None:
    data = b"\0\0\0\x20ftypisom" + DATA
    assert await fetch(origin.file("/get", data, media_type=""), tmp_path) == data


@pytest.mark.parametrize(
    ("body", "status", "media_type"),
    [
        ("<html>", 200, "text/html"),
        ("#EXTM3U", 200, "application/vnd.apple.mpegurl"),
        ("<rss/>", 200, "application/rss+xml"),
        ("blocked", 403, "text/html"),
        ("gone", 404, "text/html"),
    ],
)
async def test_a_page_is_not_fetched(
    origin: Origin, tmp_path: Path, body: str, status: int, media_type: str
) -> None:
    url = origin.page("/watch", body, status=status, Content_Type=media_type)
    async with opened(url, tmp_path) as (_, head):
        assert head is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.PRIVATE_VIDEO),
        (403, Reason.PRIVATE_VIDEO),
        (404, Reason.VIDEO_REMOVED),
        (410, Reason.VIDEO_REMOVED),
        (418, Reason.SOURCE_REFUSED),
        (429, Reason.RATE_LIMITED),
        (451, Reason.GEO_BLOCKED),
        (500, Reason.SOURCE_UNREACHABLE),
        (503, Reason.SOURCE_UNREACHABLE),
    ],
)
async def test_a_file_that_is_not_given_says_why(
    origin: Origin, tmp_path: Path, status: int, reason: Reason
) -> None:
    error = await refusal(origin.page("/a.mp4", "no", status=status, Retry_After="30"), tmp_path)
    assert error.reason is reason
    assert str(status) in error.message
    assert error.retry_after == timedelta(seconds=30)


async def test_a_host_that_is_not_there_is_unreachable(dead_port: int, tmp_path: Path) -> None:
    error = await refusal(f"http://127.0.0.1:{dead_port}/a.mp4", tmp_path)
    assert (error.reason, error.message) == (Reason.SOURCE_UNREACHABLE, "127.0.0.1 refused the connection.")
    error = await refusal(f"https://127.0.0.1:{dead_port}/a.mp4", tmp_path)
    assert (error.reason, error.message) == (Reason.SOURCE_UNREACHABLE, "127.0.0.1 refused the connection.")
    error = await refusal("http://nowhere.invalid/a.mp4", tmp_path)
    assert (error.reason, error.message) == (
        Reason.SOURCE_UNREACHABLE,
        "The name nowhere.invalid is not known.",
    )


async def test_a_host_without_tls_is_unreachable(origin: Origin, tmp_path: Path) -> None:
    error = await refusal(f"https://127.0.0.1:{origin.port}/a.mp4", tmp_path)
    assert error.reason is Reason.SOURCE_UNREACHABLE
    assert "TLS" in error.message


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_private_address_is_refused_as_such(origin: Origin, tmp_path: Path, scheme: str) -> None:
    origin.file("/a.mp4", DATA)
    error = await refusal(f"{scheme}://127.0.0.1:{origin.port}/a.mp4", tmp_path, allow="")
    assert error.reason is Reason.EGRESS_REFUSED
    assert "127.0.0.1" in error.message
    assert origin.hits == []


async def test_a_redirect_is_followed_and_checked(origin: Origin, tmp_path: Path) -> None:
    origin.file("/b.mp4", DATA)
    assert await fetch(origin.page("/a", "", status=302, Location="/b.mp4"), tmp_path / "..") == DATA
    loop = origin.page("/loop.mp4", "", status=302, Location="/loop.mp4")
    assert (await refusal(loop, tmp_path)).reason is Reason.NO_VIDEO
    other = origin.page("/ftp.mp4", "", status=302, Location="ftp://127.0.0.1/a.mp4")
    assert (await refusal(other, tmp_path)).reason is Reason.NO_VIDEO
    private = origin.page("/private.mp4", "", status=302, Location=f"http://[::1]:{origin.port}/b.mp4")
    assert (await refusal(private, tmp_path)).reason is Reason.EGRESS_REFUSED


@pytest.mark.parametrize("length", [True, False])
async def test_a_file_that_is_too_large_is_not_fetched(origin: Origin, tmp_path: Path, length: bool) -> None:
    url = origin.file("/a.mp4", DATA, length=length)
    error = await refusal(url, tmp_path, limits=LinkLimits(max_bytes=500_000))
    assert error.reason is Reason.TOO_LARGE
    assert (tmp_path / "source").stat().st_size <= 500_000


async def test_a_server_that_stalls_is_given_up(origin: Origin, tmp_path: Path) -> None:
    url = origin.file("/a.mp4", DATA, chunk=10, pause=0.4)
    error = await refusal(url, tmp_path, limits=LinkLimits(max_bytes=10**7, patience=(), answer=0.1))
    assert error.reason in {Reason.SOURCE_BROKEN_OFF, Reason.SOURCE_UNREACHABLE}


async def test_a_server_that_stalls_is_asked_for_the_rest(origin: Origin, tmp_path: Path) -> None:
    gate = Gate(600_000)
    url = origin.file("/a.mp4", DATA, chunk=100_000, gate=gate)
    limits = LinkLimits(max_bytes=10**7, patience=(0.0,) * 20, answer=0.3)
    async with opened(url, tmp_path, limits=limits) as (fetched, _):
        running = asyncio.create_task(fetched.run())
        while len(origin.hits) < 2:
            await asyncio.sleep(0.02)
        gate.open()
        await running
        assert fetched.file.path.read_bytes() == DATA
    assert origin.hits[1][1]["Range"] == "bytes=600000-"
    assert origin.hits[1][1]["If-Range"] == '"1"'


@pytest.mark.parametrize("crash", [False, True])
async def test_a_server_that_announces_more_than_it_has_is_believed_no_more(
    origin: Origin, tmp_path: Path, crash: bool
) -> None:
    if crash:  # it has sent all that there is, and the rest is asked for in another run
        (tmp_path / "source").write_bytes(DATA)
        with Part(tmp_path) as part:
            part.describe(FileHead(name="a", media_type="video/mp4", size=len(DATA) + 5000, validator='"1"'))
        (tmp_path / "source").write_bytes(DATA)
    assert await fetch(origin.file("/a.mp4", DATA, boast=5000), tmp_path) == DATA
    assert origin.hits[-1][1]["Range"] == f"bytes={len(DATA)}-"


async def test_a_server_that_sends_another_part_is_not_believed(origin: Origin, tmp_path: Path) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        first = "Range" not in request.headers
        request.send_response(200 if first else 206)
        request.send_header("Content-Type", "video/mp4")
        request.send_header("Content-Length", "1000")
        if not first:
            request.send_header("Content-Range", "bytes 0-999/1000")
        request.end_headers()
        request.wfile.write(DATA[:500])
        request.close_connection = True

    origin.answers["/a.mp4"] = answer
    error = await refusal(origin.url("/a.mp4"), tmp_path)
    assert (error.reason, error.message) == (
        Reason.SOURCE_REFUSED,
        "The server sent another part of the file than was asked for.",
    )


async def test_a_full_disk_is_told_as_such(origin: Origin, tmp_path: Path) -> None:
    url = origin.file("/a.mp4", DATA)
    device = Path("/dev/full")
    (tmp_path / "source").symlink_to(device)
    async with opened(url, tmp_path) as (fetched, head):
        assert head is not None
        with pytest.raises(SourceError) as caught:
            await fetched.run()
    assert caught.value.reason is Reason.RESOURCE_EXHAUSTED


async def test_a_cancelled_download_ends_its_readers(origin: Origin, tmp_path: Path) -> None:
    url = origin.file("/a.mp4", DATA, chunk=1000, pause=0.05)
    async with opened(url, tmp_path) as (fetched, _):
        running = asyncio.create_task(fetched.run())
        await asyncio.sleep(0.1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with pytest.raises(asyncio.CancelledError):
            fetched.file.wait(len(DATA))
