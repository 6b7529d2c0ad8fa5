"""Sources to windows, through the running service."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests import media
from tests.conftest import Keys
from tests.integration.ingest_service import Ingest, Refusal, facts, kind, window_sound
from tests.unit.ingest.origin import Origin, serving
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.ingest_events_pb2 import CaptionMode, JobOutcome
from vidmesh.ingest.v1 import ingest_service_pb2 as api
from vidmesh.ingest.v1.job_pb2 import JobState


@pytest.fixture
async def ingest(environment: Callable[[str], dict[str, str]], keys: Keys) -> AsyncIterator[Ingest]:
    service = Ingest(environment("ingest"), keys)
    await service.start()
    yield service
    assert service.stop() == 0
    await service.channel.close()


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving() as site:
        yield site


def reference(path: Path) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """A file's sound as PyAV alone decodes it."""
    resampler = av.AudioResampler("s16", "mono", media.RATE)
    with av.open(str(path)) as container:
        blocks = [
            made.to_ndarray() for frame in container.decode(audio=0) for made in resampler.resample(frame)
        ]
    return np.concatenate(
        [*blocks, *(made.to_ndarray() for made in resampler.resample(None))], axis=1
    ).reshape(-1)


CONTAINERS = [".mp4", ".m4a", ".mkv", ".webm", ".ogg", ".mp3", ".flac", ".wav"]


async def test_every_container_becomes_windows_of_its_sound(ingest: Ingest, tmp_path: Path) -> None:
    jobs = []
    for suffix in CONTAINERS:
        path = media.write(
            tmp_path / f"talk{suffix}", media.speech(20), picture=suffix in media.PICTURE_CODECS
        )
        upload = await ingest.upload(path.read_bytes(), path.name)
        jobs.append((path, (await ingest.submit(upload_id=upload)).job.id))
    for path, job_id in jobs:
        events = await ingest.events(job_id, "source_ingested", "job_ended")
        told = facts(events)
        assert [event.number for event in told] == list(range(1, len(told) + 1)), path.name
        assert [kind(event) for event in told] == [
            "job_accepted",
            "source_opened",
            *["window_ready"] * 2,
            "source_ingested",
        ], path.name
        windows = [event.window_ready for event in told if kind(event) == "window_ready"]
        assert [window.index for window in windows] == [0, 1]
        assert windows[0].start.ToTimedelta().total_seconds() == 0
        assert 5 <= windows[0].end.ToTimedelta().total_seconds() <= 8
        assert windows[1].start == windows[0].end
        opened = told[1].source_opened
        assert (opened.title, opened.extractor, opened.size_bytes) == (
            path.name,
            "upload",
            path.stat().st_size,
        )
        ended = told[-1].source_ingested
        assert (ended.window_count, ended.warning) == (2, "")
        assert (tmp_path / "media" / ended.media_key).read_bytes() == path.read_bytes()
        assert ended.media_type.partition("/")[2] in {
            "mp4",
            "x-matroska",
            "webm",
            "ogg",
            "mpeg",
            "flac",
            "wav",
        }
        sound, expected = window_sound(tmp_path / "media", told), reference(path)
        assert abs(len(sound) - 20 * media.RATE) < media.RATE // 5
        assert np.array_equal(sound, expected[: len(sound)]), path.name


async def test_a_link_is_read_while_it_is_downloaded(ingest: Ingest, origin: Origin, tmp_path: Path) -> None:
    path = media.write(tmp_path / "My talk.webm", media.speech(), picture=True)
    data = path.read_bytes()
    url = origin.file("/My%20talk.webm", data, media_type="video/webm", chunk=len(data) // 40, pause=0.1)
    job = (await ingest.submit(url=url)).job
    events = await ingest.events(job.id, "source_ingested", "job_ended")
    kinds = [kind(event) for event in events]
    assert kinds[-1] == "source_ingested"
    before = [e.stage_progress for e in events[: kinds.index("window_ready")] if kind(e) == "stage_progress"]
    after = [e.stage_progress for e in events[kinds.index("window_ready") :] if kind(e) == "stage_progress"]
    assert {p.activity for p in before} == {"downloading"}
    assert any(p.activity == "downloading" for p in after)
    assert events[-1].source_ingested.window_count == 4
    opened = next(e.source_opened for e in events if kind(e) == "source_opened")
    assert (opened.title, opened.extractor, opened.page_url) == ("My talk.webm", "http", url)
    assert opened.size_bytes == len(data)


async def test_a_page_with_a_video_is_read_by_yt_dlp(ingest: Ingest, origin: Origin, tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.mp4", media.speech(20), picture=True, index_first=True)
    origin.file("/v.mp4", path.read_bytes())
    url = origin.page(
        "/watch", "<html><title>My talk</title><body><video src='/v.mp4'></video></body></html>"
    )
    events = await ingest.events((await ingest.submit(url=url)).job.id, "source_ingested", "job_ended")
    told = {kind(event): event for event in events}
    assert told["source_opened"].source_opened.title == "My talk"
    assert told["source_opened"].source_opened.page_url == url
    assert told["source_ingested"].source_ingested.window_count == 2
    sound = window_sound(tmp_path / "media", events)
    assert np.array_equal(sound, reference(path)[: len(sound)])


async def test_captions_of_a_file_take_the_place_of_recognition_when_asked(
    ingest: Ingest, tmp_path: Path
) -> None:
    lines = [media.Line(start=1, end=2, text="Hello."), media.Line(start=3, end=4, text="World.")]
    path = media.write(tmp_path / "a.mkv", media.speech(12), captions=lines)
    upload = await ingest.upload(path.read_bytes(), "a.mkv")
    for mode in (CaptionMode.CAPTION_MODE_PREFER, CaptionMode.CAPTION_MODE_ONLY):
        job = (await ingest.submit(upload_id=upload, captions=mode, force=True)).job
        told = facts(await ingest.events(job.id, "source_ingested", "job_ended"))
        assert [kind(e) for e in told] == [
            "job_accepted",
            "source_opened",
            "captions_found",
            "source_ingested",
        ]
        found = told[2].captions_found
        assert (found.language, found.replaces_recognition) == ("en", True)
        text = (tmp_path / "media" / found.media_key).read_text()
        assert "00:00:01.000 --> 00:00:02.000\nHello." in text
        assert told[3].source_ingested.window_count == 0
    job = (await ingest.submit(upload_id=upload, force=True)).job
    told = facts(await ingest.events(job.id, "source_ingested", "job_ended"))
    assert [kind(e) for e in told][2:] == ["window_ready", "window_ready", "source_ingested"]


async def test_where_there_are_no_captions_speech_is_recognised_or_the_job_fails(
    ingest: Ingest, tmp_path: Path
) -> None:
    upload = await ingest.upload(media.write(tmp_path / "a.wav", media.speech(10)).read_bytes())
    job = (await ingest.submit(upload_id=upload, captions=CaptionMode.CAPTION_MODE_PREFER)).job
    told = facts(await ingest.events(job.id, "source_ingested", "job_ended"))
    assert "window_ready" in [kind(e) for e in told]
    job = (await ingest.submit(upload_id=upload, captions=CaptionMode.CAPTION_MODE_ONLY, force=True)).job
    ended = (await ingest.events(job.id, "job_ended"))[-1].job_ended
    assert ended.failure.reason == ErrorReason.ERROR_REASON_NO_CAPTIONS


async def test_captions_of_a_page_are_fetched_without_its_media(
    ingest: Ingest, origin: Origin, tmp_path: Path
) -> None:
    origin.file("/v.mp4", b"never asked for")
    origin.page("/c.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHello <i>there</i>.\n", Content_Type="text/vtt")
    url = origin.page(
        "/watch", "<title>T</title><video src='/v.mp4'><track kind=subtitles srclang=en src='/c.vtt'></video>"
    )
    job = (await ingest.submit(url=url, captions=CaptionMode.CAPTION_MODE_PREFER)).job
    told = facts(await ingest.events(job.id, "source_ingested", "job_ended"))
    assert [kind(e) for e in told] == ["job_accepted", "source_opened", "captions_found", "source_ingested"]
    assert told[1].source_opened.title == "T"
    assert told[3].source_ingested.duration.ToTimedelta().total_seconds() == 2
    assert "Hello there." in (tmp_path / "media" / told[-2].captions_found.media_key).read_text()


@pytest.mark.parametrize("name", ["truncated.mp4"])
async def test_a_file_that_breaks_off_gives_what_can_be_read_and_says_so(
    ingest: Ingest, tmp_path: Path, name: str
) -> None:
    data = media.write(tmp_path / name, media.speech(30), picture=True, index_first=True).read_bytes()
    upload = await ingest.upload(data[: len(data) * 6 // 10], name)
    job = (await ingest.submit(upload_id=upload)).job
    ended = (await ingest.events(job.id, "source_ingested", "job_ended"))[-1].source_ingested
    assert "breaks off" in ended.warning
    assert 10 < ended.duration.ToTimedelta().total_seconds() < 25
    assert ended.warning in (await ingest.job(job.id)).notices


def broken(tmp_path: Path) -> dict[str, tuple[bytes, str]]:
    late = media.write(tmp_path / "late.mp4", media.speech(10), picture=True).read_bytes()
    mute = media.write(tmp_path / "mute.mp4", None, seconds=2).read_bytes()
    return {
        "text.mp4": (b"This is no video. " * 100, "NOT_MEDIA"),
        "list.m3u8": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "NOT_MEDIA"),
        "list.ffconcat": (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "NOT_MEDIA"),
        "cut.mp4": (late[: len(late) // 2], "CORRUPT_MEDIA"),
        "mute.mp4": (mute, "NO_AUDIO"),
    }


async def test_files_that_cannot_be_read_say_why_and_are_not_tried_again(
    ingest: Ingest, tmp_path: Path
) -> None:
    for name, (data, reason) in broken(tmp_path).items():
        job = (await ingest.submit(upload_id=await ingest.upload(data, name))).job
        told = facts(await ingest.events(job.id, "job_ended"))
        assert [kind(e) for e in told][-2:] == ["stage_failed", "job_ended"], name
        failure = told[-1].job_ended.failure
        assert ErrorReason.Name(failure.reason) == f"ERROR_REASON_{reason}", name
        assert failure.message, name
        assert failure.advice, name
        assert not failure.retryable
        assert told[-1].job_ended.outcome == JobOutcome.JOB_OUTCOME_FAILED
        found = await ingest.job(job.id)
        assert (found.state, found.failure.reason) == (JobState.JOB_STATE_FAILED, failure.reason)


async def test_links_that_cannot_be_had_say_why(ingest: Ingest, origin: Origin) -> None:
    origin.file("/empty.mp4", b"")
    cases = {
        origin.page("/article", "<html><title>News</title><p>Words.</p></html>"): "NO_VIDEO",
        origin.url("/gone.mp4"): "VIDEO_REMOVED",
        origin.page("/secret.mp4", "no", status=403): "PRIVATE_VIDEO",
        origin.url("/empty.mp4"): "EMPTY_FILE",
        "http://[::1]:80/a.mp4": "EGRESS_REFUSED",
        "http://169.254.169.254/latest/meta-data": "EGRESS_REFUSED",
    }
    jobs = {url: (await ingest.submit(url=url)).job.id for url in cases}
    for url, reason in cases.items():
        ended = (await ingest.events(jobs[url], "job_ended"))[-1].job_ended
        assert ErrorReason.Name(ended.failure.reason) == f"ERROR_REASON_{reason}", url


async def test_an_unreachable_host_is_tried_again_and_then_given_up(
    ingest: Ingest, origin: Origin, environment: Callable[[str], dict[str, str]]
) -> None:
    job = (await ingest.submit(url=origin.page("/a.mp4", "later", status=503))).job
    ended = (await ingest.events(job.id, "job_ended"))[-1].job_ended
    assert ended.failure.reason == ErrorReason.ERROR_REASON_SOURCE_UNREACHABLE
    assert ended.failure.retryable
    assert len(origin.hits) == 4


async def test_a_site_that_asks_for_it_is_left_alone_by_all_jobs(ingest: Ingest, origin: Origin) -> None:
    slow = origin.page("/a.mp4", "slow down", status=429, Retry_After="2")
    first = (await ingest.submit(url=slow)).job
    waiting = (await ingest.events(first.id, "stage_progress"))[-1].stage_progress
    assert waiting.activity == "waiting to try again: The server answers 429 Too Many Requests."
    second = (await ingest.submit(url=origin.page("/b.mp4", "hello", status=410))).job
    waiting = (await ingest.events(second.id, "stage_progress", "job_ended"))[-1].stage_progress
    assert waiting.activity == "waiting to try again: The site limits how often it is asked."
    assert origin.paths() == ["/a.mp4"]
    ended = (await ingest.events(second.id, "job_ended"))[-1].job_ended
    assert ended.failure.reason in {
        ErrorReason.ERROR_REASON_VIDEO_REMOVED,
        ErrorReason.ERROR_REASON_RATE_LIMITED,
    }


async def test_nothing_is_left_on_the_disk_but_what_is_kept(
    ingest: Ingest, origin: Origin, tmp_path: Path
) -> None:
    data = media.write(tmp_path / "a.wav", media.speech(10)).read_bytes()
    job = (await ingest.submit(url=origin.file("/a.wav", data, media_type="audio/wav"))).job
    await ingest.events(job.id, "source_ingested", "job_ended")
    for _ in range(50):
        if not list((tmp_path / "data" / "ingest" / "jobs").iterdir()):
            break
        await asyncio.sleep(0.1)
    assert not list((tmp_path / "data" / "ingest" / "jobs").iterdir())


async def test_the_same_source_is_one_video(ingest: Ingest, tmp_path: Path, origin: Origin) -> None:
    data = media.write(tmp_path / "a.wav", media.speech(5)).read_bytes()
    first = await ingest.submit(upload_id=await ingest.upload(data))
    again = await ingest.submit(upload_id=await ingest.upload(data, "other name.wav"))
    assert (again.existing, again.job.id) == (True, first.job.id)
    forced = await ingest.submit(upload_id=await ingest.upload(data), force=True)
    assert not forced.existing
    assert (forced.job.video_id, forced.job.id != first.job.id) == (first.job.video_id, True)
    accepted = (await ingest.events(forced.job.id, "job_accepted"))[0].job_accepted
    assert accepted.replaces
    url = origin.file("/b.wav", data, media_type="audio/wav")
    one = await ingest.submit(url=url)
    same = await ingest.submit(url=f"{url}?utm_source=mail#t=5")
    assert (same.existing, same.job.video_id) == (True, one.job.video_id)


async def test_what_failed_is_tried_again_when_submitted_again(ingest: Ingest, origin: Origin) -> None:
    first = await ingest.submit(url=origin.url("/a.mp4"))
    await ingest.events(first.job.id, "job_ended")
    again = await ingest.submit(url=origin.url("/a.mp4"))
    assert not again.existing
    assert again.job.video_id == first.job.video_id


async def test_a_playlist_is_taken_on_entry_by_entry(ingest: Ingest, origin: Origin) -> None:
    items = "".join(
        f"<item><title>Part {n}</title><enclosure url='{origin.url(f'/{n}.mp3')}' type='audio/mpeg'/></item>"
        for n in range(3)
    )
    url = origin.page(
        "/feed",
        f"<?xml version='1.0'?><rss version='2.0'><channel><title>Pod</title>{items}</channel></rss>",
        Content_Type="application/rss+xml",
    )
    call = ingest.stub.SubmitPlaylist(
        api.SubmitPlaylistRequest(url=url, limit=2), metadata=ingest.metadata(), timeout=60
    )
    found = [response async for response in call]
    assert [(r.index, r.url, r.title) for r in found] == [
        (0, origin.url("/0.mp3"), "Part 0"),
        (1, origin.url("/1.mp3"), "Part 1"),
    ]
    assert all(r.job.id and not r.existing for r in found)
    single = (await ingest.submit(url=url)).job
    ended = (await ingest.events(single.id, "job_ended"))[-1].job_ended
    assert "playlist" in ended.failure.message


async def test_what_is_kept_is_given_piece_by_piece(ingest: Ingest, tmp_path: Path) -> None:
    path = media.write(tmp_path / "talk.wav", media.speech(40))
    upload = await ingest.upload(path.read_bytes(), path.name)

    async def piece(
        video_id: str, *, tenant: str = "acme", offset: int = 0, length: int = 0
    ) -> api.GetMediaResponse:
        request = api.GetMediaRequest(video_id=video_id, offset=offset, length=length)
        answer: api.GetMediaResponse = await ingest.call("GetMedia", request, tenant=tenant)
        return answer

    job = (await ingest.submit(upload_id=upload)).job
    await ingest.events(job.id, "source_ingested")
    size = path.stat().st_size
    assert size > 1 << 20
    read = b""
    while data := (await piece(job.video_id, offset=len(read))).data:
        assert len(data) <= 1 << 20
        read += data
    assert read == path.read_bytes()
    middle = await piece(job.video_id, offset=1000, length=24)
    assert (middle.data, middle.size_bytes, middle.media_type) == (read[1000:1024], size, "audio/wav")
    assert (await piece(job.video_id, offset=size - 5, length=24)).data == read[-5:]
    for offset, length in ((-1, 0), (0, -1), (0, (1 << 20) + 1)):
        with pytest.raises(Refusal) as refused:
            await piece(job.video_id, offset=offset, length=length)
        assert refused.value.reason == "INVALID_FIELD", (offset, length)
    for video_id, tenant in ((job.video_id, "other"), ("no-id", "acme"), (job.id, "acme")):
        with pytest.raises(Refusal) as refused:
            await piece(video_id, tenant=tenant)
        assert refused.value.reason == "NOT_FOUND"
    # What is gone from the store is not there.
    (tmp_path / "media" / "acme" / job.video_id / "source.wav").unlink()
    with pytest.raises(Refusal) as refused:
        await piece(job.video_id)
    assert refused.value.reason == "NOT_FOUND"


async def test_the_bytes_kept_are_those_sent(ingest: Ingest, tmp_path: Path) -> None:
    data = media.write(tmp_path / "a.wav", media.speech(3)).read_bytes()
    upload = await ingest.upload(data, chunk=10_000)
    found = (await ingest.call("GetUpload", api.GetUploadRequest(upload_id=upload))).upload
    assert (found.sha256, found.offset) == (hashlib.sha256(data).hexdigest(), len(data))
