"""Sites through the real child process and the real proxy, from a web site on loopback."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.unit.ingest.origin import Origin
from vidmesh_ingest.address import EgressRule
from vidmesh_ingest.egress import Egress
from vidmesh_ingest.reason import Reason, SourceError
from vidmesh_ingest.settings import IngestSettings
from vidmesh_ingest.site import Entry, Site, open_site

FORMAT = str(IngestSettings.model_fields["site_format"].default)
DATA = b"\0\0\0\x20ftypisom" + os.urandom(300_000)


@asynccontextmanager
async def site(
    url: str, folder: Path, *, allow: str = "127.0.0.0/8", max_bytes: int = 10**7
) -> AsyncIterator[Site]:
    async with (
        Egress(EgressRule.parse([allow])) as egress,
        egress.grant(10**8) as granted,
        open_site(url, folder, granted, site_format=FORMAT, max_bytes=max_bytes) as opened,
    ):
        yield opened


async def refusal(url: str, folder: Path, *, allow: str = "127.0.0.0/8") -> SourceError:
    async with site(url, folder, allow=allow) as opened:
        with pytest.raises(SourceError) as caught:
            await opened.info()
        return caught.value


async def test_a_page_with_a_video_and_captions(origin: Origin, tmp_path: Path) -> None:
    origin.file("/v.mp4", DATA, chunk=20_000, pause=0.02)
    origin.page("/c.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHello <i>there</i>\n", Content_Type="text/vtt")
    url = origin.page(
        "/watch",
        "<title>My talk</title><video src='/v.mp4'><track kind=subtitles srclang=en src='/c.vtt'></video>",
    )
    async with site(url, tmp_path) as opened:
        info = await opened.info()
        assert (info.title, info.page_url, info.captions, info.named) == ("My talk", url, ("en",), False)
        assert await opened.captions("en") == "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nHello there\n\n"
        fetching = asyncio.create_task(opened.fetch())
        there = await asyncio.to_thread(opened.file.wait, 1)
        assert 0 < there < len(DATA)
        await fetching
        assert opened.file.finished
        assert opened.file.path.read_bytes() == DATA
    assert not [headers for _, headers in origin.hits if "Proxy-Authorization" in headers]


async def test_an_hls_stream_is_put_together_as_it_comes(origin: Origin, tmp_path: Path) -> None:
    parts = [os.urandom(188 * 100) for _ in range(3)]
    for number, part in enumerate(parts):
        origin.file(f"/{number}.ts", part, media_type="video/mp2t")
    lines = "".join(f"#EXTINF:4,\n{number}.ts\n" for number in range(3))
    url = origin.page(
        "/talk.m3u8",
        f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n{lines}#EXT-X-ENDLIST\n",
        Content_Type="application/vnd.apple.mpegurl",
    )
    async with site(url, tmp_path) as opened:
        await opened.info()
        await opened.fetch()
        assert opened.file.path.read_bytes() == b"".join(parts)


async def test_a_manifest_that_leads_into_a_private_network_is_refused(
    origin: Origin, canary: Origin, tmp_path: Path
) -> None:
    canary.file("/0.ts", b"secret")
    url = origin.page(
        "/talk.m3u8",
        f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nhttp://127.0.0.2:{canary.port}/0.ts\n#EXT-X-ENDLIST\n",
        Content_Type="application/vnd.apple.mpegurl",
    )
    async with site(url, tmp_path, allow="127.0.0.1") as opened:
        await opened.info()
        with pytest.raises(SourceError) as caught:
            await opened.fetch()
    assert caught.value.reason is Reason.EGRESS_REFUSED
    assert canary.hits == []


async def test_a_page_without_a_video_has_none(origin: Origin, tmp_path: Path) -> None:
    error = await refusal(origin.page("/article", "<title>News</title><p>Words.</p>"), tmp_path)
    assert error.reason is Reason.NO_VIDEO


async def test_pages_that_are_refused_say_why(origin: Origin, dead_port: int, tmp_path: Path) -> None:
    cases = [
        (origin.url("/gone"), Reason.VIDEO_REMOVED),
        (origin.page("/slow-down", "no", status=429), Reason.RATE_LIMITED),
        (f"http://127.0.0.1:{dead_port}/watch", Reason.SOURCE_UNREACHABLE),
    ]
    errors = await asyncio.gather(*(refusal(url, _folder(tmp_path, n)) for n, (url, _) in enumerate(cases)))
    assert [error.reason for error in errors] == [reason for _, reason in cases]
    assert errors[2].message == "127.0.0.1 refused the connection."


async def test_a_private_page_is_refused_as_such(origin: Origin, tmp_path: Path) -> None:
    error = await refusal(origin.page("/watch", "secret"), tmp_path, allow="")
    assert (error.reason, origin.hits) == (Reason.EGRESS_REFUSED, [])


async def test_without_the_proxy_nothing_is_fetched(origin: Origin, tmp_path: Path) -> None:
    url = origin.page("/watch", "<video src='/v.mp4'></video>")
    async with Egress(EgressRule.parse(["127.0.0.0/8"])) as egress, egress.grant(10**8) as granted:
        pass
    async with open_site(url, tmp_path, granted, site_format=FORMAT, max_bytes=10**7) as opened:
        with pytest.raises(SourceError) as caught:
            await opened.info()
    assert (caught.value.reason, origin.hits) == (Reason.SOURCE_UNREACHABLE, [])


async def test_the_entries_of_a_feed(origin: Origin, tmp_path: Path) -> None:
    items = "".join(
        f"<item><title>Part {n}</title><enclosure url='{origin.url(f'/{n}.mp3')}' type='audio/mpeg'/></item>"
        for n in range(3)
    )
    feed = f"<?xml version='1.0'?><rss version='2.0'><channel><title>Pod</title>{items}</channel></rss>"
    url = origin.page("/feed", feed, Content_Type="application/rss+xml")
    async with site(url, tmp_path) as opened:
        assert [entry async for entry in opened.entries(2)] == [
            Entry(url=origin.url("/0.mp3"), title="Part 0"),
            Entry(url=origin.url("/1.mp3"), title="Part 1"),
        ]
    error = await refusal(url, _folder(tmp_path, 1))
    assert (error.reason, error.message) == (Reason.NO_VIDEO, "This is a playlist; submit it as one.")
    assert "/0.mp3" not in origin.paths()


async def test_a_file_that_is_too_large_is_cut_off(origin: Origin, tmp_path: Path) -> None:
    origin.file("/v.mp4", os.urandom(4_000_000), length=False, chunk=100_000, pause=0.05)
    url = origin.page("/watch", "<video src='/v.mp4'></video>")
    async with site(url, tmp_path, max_bytes=1_000_000) as opened:
        await opened.info()
        with pytest.raises(SourceError) as caught:
            await opened.fetch()
        with pytest.raises(SourceError):
            opened.file.wait(10**7)
    assert caught.value.reason is Reason.TOO_LARGE


async def test_the_process_is_gone_when_the_source_is_left(origin: Origin, tmp_path: Path) -> None:
    url = origin.page("/watch", "<video src='/v.mp4'></video>")
    async with site(url, tmp_path) as opened:
        process = opened._process
        assert process.returncode is None
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"PATH=" not in environment
        assert b"VIDMESH" not in environment
    assert process.returncode is not None


async def test_the_process_ends_with_the_service_that_started_it(origin: Origin, tmp_path: Path) -> None:
    async with site(origin.url("/"), tmp_path) as opened:
        assert opened._process.stdin is not None
        opened._process.stdin.close()
        async with asyncio.timeout(30):
            assert await opened._process.wait() == 0


def _folder(parent: Path, number: int) -> Path:
    folder = parent / str(number)
    folder.mkdir()
    return folder
