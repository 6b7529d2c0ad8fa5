"""Sources that are read while they come, break off, begin anew, change or stand still: what was cut stays cut."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests import media
from tests.conftest import Keys
from tests.integration.ingest_service import Ingest, Refusal, facts, kind, window_sound
from tests.unit.ingest.origin import Gate, Origin, serving
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.ingest.v1 import ingest_service_pb2 as api
from vidmesh.ingest.v1.job_pb2 import Job
from vidmesh.ingest.v1.upload_pb2 import Upload, UploadState


@pytest.fixture
async def ingest(environment: Callable[[str], dict[str, str]], keys: Keys) -> AsyncIterator[Ingest]:
    service = Ingest(environment("ingest"), keys)
    # So that another process goes on soon after one was killed.
    service.environment |= {"VIDMESH_LEASE": "3", "VIDMESH_GRACE": "0.2"}
    await service.start()
    yield service
    assert service.stop() == 0
    await service.channel.close()


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving() as site:
        yield site


def talk(tmp_path: Path, suffix: str = ".wav") -> bytes:
    """All 57 s of the speech, in four windows."""
    path = tmp_path / f"talk{suffix}"
    return media.write(path, media.speech(), index_first=suffix == ".mp4").read_bytes()


async def through(ingest: Ingest, job: Job) -> list[JobEvent]:
    """The facts of a job up to the end of ingest: each told once, its windows end to end."""
    told = facts(await ingest.events(job.id, "source_ingested", "job_ended"))
    assert [event.number for event in told] == list(range(1, len(told) + 1))
    windows = [event.window_ready for event in told if kind(event) == "window_ready"]
    assert [window.index for window in windows] == list(range(len(windows)))
    assert all(one.end == other.start for one, other in pairwise(windows))
    return told


def is_whole(told: list[JobEvent]) -> bool:
    """Whether they tell of all of the speech."""
    windows = [event.window_ready for event in told if kind(event) == "window_ready"]
    return (
        kind(told[-1]) == "source_ingested"
        and len(windows) == told[-1].source_ingested.window_count == 4
        and abs(windows[-1].end.ToTimedelta().total_seconds() - len(media.speech()) / media.RATE) < 0.2
    )


async def test_a_links_first_window_comes_before_its_last_byte(
    ingest: Ingest, origin: Origin, tmp_path: Path
) -> None:
    jobs = []
    for suffix, media_type in ((".mp4", "video/mp4"), (".webm", "video/webm"), (".mp3", "audio/mpeg")):
        data = talk(tmp_path, suffix)
        gate = Gate(len(data) // 2)
        url = origin.file(f"/talk{suffix}", data, media_type=media_type, gate=gate, chunk=4096)
        job = (await ingest.submit(url=url)).job
        assert kind((await ingest.events(job.id, "window_ready"))[-1]) == "window_ready", suffix
        assert gate.closed
        gate.open()
        jobs.append(job)
    for job in jobs:
        assert is_whole(await through(ingest, job)), job.source


async def test_an_index_behind_the_media_is_waited_for(
    ingest: Ingest, origin: Origin, tmp_path: Path
) -> None:
    data = media.write(tmp_path / "a.m4a", media.speech()).read_bytes()
    gate = Gate(len(data) - 2000)
    url = origin.file("/a.m4a", data, media_type="audio/mp4", gate=gate, chunk=1000)
    job = (await ingest.submit(url=url)).job
    async with ingest.watching(job.id) as responses:
        async for response in responses:
            if response.HasField("event"):
                assert kind(response.event) in {"job_accepted", "stage_progress"}
                if response.event.stage_progress.done >= len(data) - 3000:
                    break
    gate.open()
    assert is_whole(await through(ingest, job))


async def test_a_sites_first_window_comes_before_its_last_byte(
    ingest: Ingest, origin: Origin, tmp_path: Path
) -> None:
    data = talk(tmp_path, ".mp4")
    gate = Gate(len(data) * 3 // 4)
    origin.file("/v.mp4", data, gate=gate, chunk=4096, breaks=[len(data) // 8])
    url = origin.page(
        "/watch", "<html><title>My talk</title><body><video src='/v.mp4'></video></body></html>"
    )
    job = (await ingest.submit(url=url)).job
    assert kind((await ingest.events(job.id, "window_ready"))[-1]) == "window_ready"
    assert gate.closed
    gate.open()
    assert is_whole(await through(ingest, job))


async def test_a_link_that_breaks_off_goes_on_where_it_was(
    ingest: Ingest, origin: Origin, tmp_path: Path
) -> None:
    data = talk(tmp_path)
    third = len(data) // 3
    for ranges in (True, False):
        breaks = [third, third] if ranges else [third, 2 * third]
        url = origin.file(
            f"/{ranges}.wav", data, media_type="audio/wav", ranges=ranges, breaks=breaks, etag=f'"{ranges}"'
        )
        told = await through(ingest, (await ingest.submit(url=url)).job)
        assert is_whole(told)
        assert np.array_equal(window_sound(tmp_path / "media", told), media.speech())
    asked = [headers.get("Range") for path, headers in origin.hits if path == "/True.wav"]
    assert asked == [None, f"bytes={third}-", f"bytes={2 * third}-"]


async def test_what_was_cut_stays_cut_when_the_process_is_killed(
    ingest: Ingest, origin: Origin, tmp_path: Path
) -> None:
    data = talk(tmp_path)
    jobs = []
    gates = [Gate(len(data) // 2), Gate(len(data) // 2)]
    for ranges, gate in zip((True, False), gates, strict=True):
        url = origin.file(
            f"/{ranges}.wav", data, media_type="audio/wav", ranges=ranges, gate=gate, chunk=20_000
        )
        job = (await ingest.submit(url=url)).job
        jobs.append((job, facts(await ingest.events(job.id, "window_ready"))))
    ingest.stop(signal.SIGKILL)
    for gate in gates:
        gate.open()
    origin.hits.clear()
    await ingest.start()
    for job, before in jobs:
        told = await through(ingest, job)
        assert is_whole(told), job.source
        assert [event.id for event in told[: len(before)]] == [event.id for event in before]
        assert np.array_equal(window_sound(tmp_path / "media", told), media.speech())
    assert all("Range" in headers for _, headers in origin.hits)


async def test_windows_of_two_versions_of_a_file_are_not_put_together(
    ingest: Ingest, origin: Origin, tmp_path: Path
) -> None:
    data = talk(tmp_path)
    gate = Gate(len(data) // 2)
    url = origin.file("/talk.wav", data, media_type="audio/wav", gate=gate, chunk=20_000)
    job = (await ingest.submit(url=url)).job
    before = facts(await ingest.events(job.id, "window_ready"))
    ingest.stop(signal.SIGKILL)
    gate.open()
    origin.file("/talk.wav", data, media_type="audio/wav", etag='"2"')
    await ingest.start()
    told = await through(ingest, job)
    assert [event.id for event in told[: len(before)]] == [event.id for event in before]
    failure = told[-1].job_ended.failure
    assert (failure.reason, failure.retryable) == (ErrorReason.ERROR_REASON_SOURCE_CHANGED, False)
    again = (await ingest.submit(url=url, force=True)).job
    assert is_whole(await through(ingest, again))
    # Before a first window was cut, the new version is simply read.
    early = Gate(20_000)
    url = origin.file("/b.wav", data[::-1], media_type="audio/wav", gate=early, chunk=10_000)
    job = (await ingest.submit(url=url)).job
    while "/b.wav" not in origin.paths():
        await asyncio.sleep(0.05)
    ingest.stop(signal.SIGKILL)
    early.open()
    origin.file("/b.wav", data, media_type="audio/wav", etag='"2"')
    await ingest.start()
    assert is_whole(await through(ingest, job))


async def begun(ingest: Ingest, data: bytes, share: float, *, announced: int | None = None) -> Upload:
    """An upload of which this share has come."""
    size = len(data) if announced is None else announced
    request = api.CreateUploadRequest(filename="talk.wav", size_bytes=size)
    upload: Upload = (await ingest.call("CreateUpload", request)).upload
    return await gone_on(ingest, upload, data, int(len(data) * share))


async def gone_on(ingest: Ingest, upload: Upload, data: bytes, end: int) -> Upload:
    while upload.offset < end:
        chunk = data[upload.offset : min(upload.offset + 200_000, end)]
        request = api.WriteUploadRequest(upload_id=upload.id, offset=upload.offset, data=chunk)
        upload = (await ingest.call("WriteUpload", request)).upload
    return upload


async def test_an_uploads_first_window_comes_before_its_last_byte(ingest: Ingest, tmp_path: Path) -> None:
    data = talk(tmp_path)
    upload = await begun(ingest, data, 0)
    job = (await ingest.submit(upload_id=upload.id)).job
    upload = await gone_on(ingest, upload, data, len(data) // 2)
    assert kind((await ingest.events(job.id, "window_ready"))[-1]) == "window_ready"
    found = (await ingest.call("GetUpload", api.GetUploadRequest(upload_id=upload.id))).upload
    assert found.state == UploadState.UPLOAD_STATE_OPEN
    assert (await ingest.submit(upload_id=upload.id)).job.id == job.id
    await gone_on(ingest, upload, data, len(data))
    await ingest.call("CompleteUpload", api.CompleteUploadRequest(upload_id=upload.id))
    told = await through(ingest, job)
    assert is_whole(told)
    kept = tmp_path / "media" / told[-1].source_ingested.media_key
    assert kept.read_bytes() == data
    # The same bytes sent again are the same video, though they were not known when it was taken on.
    assert (await ingest.submit(upload_id=await ingest.upload(data))).job.id == job.id


async def test_an_upload_of_unknown_size_is_read_to_where_it_is_declared_complete(
    ingest: Ingest, tmp_path: Path
) -> None:
    data = talk(tmp_path, ".mp3")
    upload = await begun(ingest, data, 0.5, announced=0)
    job = (await ingest.submit(upload_id=upload.id)).job
    assert kind((await ingest.events(job.id, "window_ready"))[-1]) == "window_ready"
    await gone_on(ingest, upload, data, len(data))
    await ingest.call("CompleteUpload", api.CompleteUploadRequest(upload_id=upload.id))
    assert is_whole(await through(ingest, job))


async def test_an_upload_that_stands_still_fails_its_job_and_a_retry_goes_on(
    ingest: Ingest, tmp_path: Path
) -> None:
    ingest.environment |= {"VIDMESH_UPLOAD_PATIENCE": "0.5", "VIDMESH_MAX_ATTEMPTS": "2"}
    assert ingest.stop() == 0
    await ingest.start()
    data = talk(tmp_path)
    upload = await begun(ingest, data, 0.5)
    job = (await ingest.submit(upload_id=upload.id)).job
    told = await through(ingest, job)
    assert "stood still" in told[-1].job_ended.failure.message
    await gone_on(ingest, upload, data, len(data))
    await ingest.call("CompleteUpload", api.CompleteUploadRequest(upload_id=upload.id))
    await ingest.call("RetryJob", api.RetryJobRequest(job_id=job.id))
    again = facts(await ingest.events(job.id, "source_ingested", after=told[-1].sequence))
    windows = [event for event in [*told, *again] if kind(event) == "window_ready"]
    assert [event.window_ready.index for event in windows] == list(range(4))


async def test_an_upload_that_is_thrown_away_ends_its_job(ingest: Ingest, tmp_path: Path) -> None:
    data = talk(tmp_path)
    upload = await begun(ingest, data, 0.9)
    job = (await ingest.submit(upload_id=upload.id)).job
    await ingest.events(job.id, "window_ready")
    rest = data[upload.offset :] + b"more"
    request = api.WriteUploadRequest(upload_id=upload.id, offset=upload.offset, data=rest)
    with pytest.raises(Refusal) as caught:
        await ingest.call("WriteUpload", request)
    assert caught.value.reason == "UPLOAD_MISMATCH"
    failure = (await through(ingest, job))[-1].job_ended.failure
    assert (failure.reason, failure.retryable) == (ErrorReason.ERROR_REASON_VIDEO_REMOVED, False)
