"""Jobs through the running service: watching, steering, tracking, surviving."""

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import grpc
import nats
import numpy as np
import pytest
from google.protobuf.message import Message

from tests import media
from tests.conftest import Keys, NatsServer
from tests.integration.ingest_service import Ingest, Refusal, facts, kind, window_sound
from tests.unit.ingest.origin import Origin, serving
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.errors.v1.failure_pb2 import Failure
from vidmesh.events.v1.index_events_pb2 import IndexCompleted
from vidmesh.events.v1.ingest_events_pb2 import CaptionMode, JobOutcome, Priority, StageFailed
from vidmesh.events.v1.stage_pb2 import StageState
from vidmesh.events.v1.summarize_events_pb2 import ChaptersCompleted, SummaryCompleted
from vidmesh.events.v1.transcribe_events_pb2 import TranscriptCompleted, TranscriptStarted
from vidmesh.ingest.v1 import ingest_service_pb2 as api
from vidmesh.ingest.v1.job_pb2 import Job, JobState
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh_runtime.bus import event_subject
from vidmesh_runtime.events import event_headers, kind_of


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


class Mesh:
    """The other stages: what they tell of a job."""

    def __init__(self, server: NatsServer) -> None:
        self.server = server
        self.number = 0

    async def tell(self, job: Job, stage: str, fact: Message, *, at: datetime | None = None) -> None:
        client = await nats.connect(self.server.url)
        self.number += 1
        headers = event_headers(
            identifier=str(uuid.uuid4()),
            time=at or datetime.now(UTC),
            source=stage,
            kind=type(fact).__name__,
            job_id=job.id,
            number=self.number,
        )
        subject = event_subject("acme", job.id, stage, kind_of(fact))
        await client.jetstream().publish(subject, fact.SerializeToString(), headers=headers)
        await client.close()

    async def succeed(self, job: Job, *stages: str) -> None:
        told: dict[str, list[Message]] = {
            "transcribe": [TranscriptCompleted(video_id=job.video_id)],
            "summarize": [ChaptersCompleted(video_id=job.video_id), SummaryCompleted(video_id=job.video_id)],
            "index": [IndexCompleted(video_id=job.video_id)],
        }
        for stage in stages:
            for fact in told[stage]:
                await self.tell(job, stage, fact)

    async def fail(self, job: Job, stage: str, *, at: datetime | None = None) -> None:
        failure = Failure(reason=ErrorReason.ERROR_REASON_MODEL_MISSING, message=f"{stage} cannot")
        await self.tell(job, stage, StageFailed(video_id=job.video_id, failure=failure), at=at)


@pytest.fixture
def mesh(nats_server: NatsServer) -> Mesh:
    return Mesh(nats_server)


async def a_job(ingest: Ingest, tmp_path: Path, seconds: float = 5) -> Job:
    """A job whose ingest stage is done."""
    data = media.write(tmp_path / "a.wav", media.speech(seconds)).read_bytes()
    job = (await ingest.submit(upload_id=await ingest.upload(data))).job
    await ingest.events(job.id, "source_ingested")
    return job


@asynccontextmanager
async def slow_job(ingest: Ingest, origin: Origin, tmp_path: Path) -> AsyncIterator[Job]:
    """A job whose source comes slowly, with its first window told."""
    data = media.write(tmp_path / "slow.wav", media.speech()).read_bytes()
    job = (await ingest.submit(url=origin.file("/slow.wav", data, chunk=20_000, pause=0.1))).job
    await ingest.events(job.id, "window_ready")
    yield job


STAGES = ["transcribe", "summarize", "index"]


async def test_a_job_succeeds_when_every_stage_has(ingest: Ingest, mesh: Mesh, tmp_path: Path) -> None:
    job = await a_job(ingest, tmp_path)
    await mesh.tell(job, "transcribe", TranscriptStarted(notice="A lesser recogniser was used."))
    await mesh.succeed(job, "index", "summarize", "transcribe")
    ended = (await ingest.events(job.id, "job_ended"))[-1].job_ended
    assert (ended.outcome, ended.run) == (JobOutcome.JOB_OUTCOME_SUCCEEDED, 1)
    found = await ingest.job(job.id)
    assert found.state == JobState.JOB_STATE_SUCCEEDED
    assert [stage.state for stage in found.stages] == [StageState.STAGE_STATE_SUCCEEDED] * 4
    assert list(found.notices) == ["A lesser recogniser was used."]
    assert found.HasField("ended_at")
    windows = tmp_path / "media" / "acme" / job.video_id / job.id / "windows"
    for _ in range(100):
        if not list(windows.glob("*")):
            break
        await asyncio.sleep(0.1)
    assert not list(windows.glob("*"))


async def test_summary_and_chapters_end_the_summarize_stage_in_any_order(
    ingest: Ingest, mesh: Mesh, tmp_path: Path
) -> None:
    job = await a_job(ingest, tmp_path)
    await mesh.succeed(job, "transcribe", "index")
    await mesh.tell(job, "summarize", SummaryCompleted(video_id=job.video_id))
    await asyncio.sleep(0.5)
    assert (await ingest.job(job.id)).state == JobState.JOB_STATE_RUNNING
    await mesh.tell(job, "summarize", ChaptersCompleted(video_id=job.video_id))
    assert (await ingest.events(job.id, "job_ended"))[
        -1
    ].job_ended.outcome == JobOutcome.JOB_OUTCOME_SUCCEEDED


async def test_a_later_stage_that_fails_makes_it_partial_and_a_retry_whole(
    ingest: Ingest, mesh: Mesh, tmp_path: Path
) -> None:
    job = await a_job(ingest, tmp_path)
    await mesh.succeed(job, "transcribe", "index")
    failed_at = datetime.now(UTC)
    await mesh.fail(job, "summarize")
    events = await ingest.events(job.id, "job_ended")
    ended = events[-1].job_ended
    assert ended.outcome == JobOutcome.JOB_OUTCOME_PARTIAL
    assert ended.failure.message == "summarize cannot"
    found = (await ingest.call("RetryJob", api.RetryJobRequest(job_id=job.id))).job
    assert (found.run, found.state, found.HasField("failure")) == (2, JobState.JOB_STATE_RUNNING, False)
    # A fact of the first run that comes late is no failure of the second.
    await mesh.fail(job, "summarize", at=failed_at)
    await mesh.succeed(job, "summarize")
    again = facts(await ingest.events(job.id, after=events[-1].sequence))
    assert [kind(e) for e in again if e.stage == 1] == ["job_retried", "job_ended"]
    assert (again[-1].job_ended.outcome, again[-1].job_ended.run) == (JobOutcome.JOB_OUTCOME_SUCCEEDED, 2)
    with pytest.raises(Refusal) as caught:
        await ingest.call("RetryJob", api.RetryJobRequest(job_id=job.id))
    assert caught.value.reason == "WRONG_STATE"


async def test_a_transcript_that_fails_fails_the_job_at_once(
    ingest: Ingest, mesh: Mesh, tmp_path: Path
) -> None:
    job = await a_job(ingest, tmp_path)
    await mesh.fail(job, "transcribe")
    assert (await ingest.events(job.id, "job_ended"))[-1].job_ended.outcome == JobOutcome.JOB_OUTCOME_FAILED
    await mesh.fail(job, "summarize")
    await asyncio.sleep(0.5)
    found = await ingest.job(job.id)
    assert (found.state, found.failure.message) == (JobState.JOB_STATE_FAILED, "transcribe cannot")


async def test_a_watch_goes_on_where_it_stopped(ingest: Ingest, mesh: Mesh, tmp_path: Path) -> None:
    job = await a_job(ingest, tmp_path, 30)
    await mesh.succeed(job, *STAGES)
    whole = facts(await ingest.events(job.id))
    assert kind(whole[-1]) == "job_ended"
    for event in whole[:-1]:
        rest = facts(await ingest.events(job.id, after=event.sequence))
        assert [e.id for e in rest] == [e.id for e in whole if e.sequence > event.sequence]
    assert await ingest.events(job.id, after=whole[-1].sequence, within=10) == []


async def test_all_jobs_are_watched_at_once(ingest: Ingest, tmp_path: Path) -> None:
    watch = ingest.stub.WatchJobs(api.WatchJobsRequest(), metadata=ingest.metadata(), timeout=60)
    assert (await watch.read()).HasField("heartbeat"), "the watch has begun"
    job = await a_job(ingest, tmp_path)
    first = (await watch.read()).event
    assert (first.job_id, kind(first)) == (job.id, "job_accepted")
    watch.cancel()


async def test_a_job_is_cancelled_in_the_middle(ingest: Ingest, origin: Origin, tmp_path: Path) -> None:
    async with slow_job(ingest, origin, tmp_path) as job:
        found = (await ingest.call("CancelJob", api.CancelJobRequest(job_id=job.id))).job
        assert found.state == JobState.JOB_STATE_CANCELLED
        told = facts(await ingest.events(job.id))
        assert [kind(e) for e in told][-2:] == ["job_cancelled", "job_ended"]
        assert told[-1].job_ended.outcome == JobOutcome.JOB_OUTCOME_CANCELLED
        again = (await ingest.call("CancelJob", api.CancelJobRequest(job_id=job.id))).job
        assert again.state == JobState.JOB_STATE_CANCELLED
        await asyncio.sleep(1)
        assert len(facts(await ingest.events(job.id))) == len(told)
        retried = (await ingest.call("RetryJob", api.RetryJobRequest(job_id=job.id))).job
        assert retried.run == 2
        rest = facts(await ingest.events(job.id, "source_ingested", after=told[-1].sequence))
        windows = [e.window_ready.index for e in [*told, *rest] if kind(e) == "window_ready"]
        assert windows == list(range(4))


async def test_an_ended_job_cannot_be_cancelled(ingest: Ingest, mesh: Mesh, tmp_path: Path) -> None:
    job = await a_job(ingest, tmp_path)
    await mesh.succeed(job, *STAGES)
    await ingest.events(job.id, "job_ended")
    with pytest.raises(Refusal) as caught:
        await ingest.call("CancelJob", api.CancelJobRequest(job_id=job.id))
    assert (caught.value.reason, caught.value.code) == ("WRONG_STATE", grpc.StatusCode.FAILED_PRECONDITION)


async def test_a_deleted_video_leaves_nothing(ingest: Ingest, origin: Origin, tmp_path: Path) -> None:
    async with slow_job(ingest, origin, tmp_path) as job:
        folder = tmp_path / "media" / "acme" / job.video_id
        assert list(folder.rglob("*.s16"))
        await ingest.call("DeleteVideo", api.DeleteVideoRequest(video_id=job.video_id))
        with pytest.raises(Refusal) as caught:
            await ingest.job(job.id)
        assert caught.value.reason == "NOT_FOUND"
        for _ in range(200):
            if not [path for path in folder.rglob("*") if path.is_file()]:
                break
            await asyncio.sleep(0.1)
        assert not [path for path in folder.rglob("*") if path.is_file()]
        anew = await ingest.submit(url=origin.url("/slow.wav"))
        assert not anew.existing
        assert anew.job.video_id != job.video_id


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_stopped_service_goes_on_with_the_next_window(
    ingest: Ingest, origin: Origin, tmp_path: Path, number: int
) -> None:
    ingest.environment["VIDMESH_LEASE"] = "3"
    ingest.environment["VIDMESH_GRACE"] = "0.2"
    assert ingest.stop() == 0
    await ingest.start()
    async with slow_job(ingest, origin, tmp_path) as job:
        before = facts(await ingest.events(job.id, "window_ready"))
        ingest.stop(number)
        origin.hits.clear()
        await ingest.start()
        told = facts(await ingest.events(job.id, "source_ingested"))
    assert [event.number for event in told] == list(range(1, len(told) + 1))
    assert [event.id for event in told[: len(before)]] == [event.id for event in before]
    kinds = [kind(event) for event in told]
    assert kinds == ["job_accepted", "source_opened", *["window_ready"] * 4, "source_ingested"]
    windows = [event.window_ready for event in told if kind(event) == "window_ready"]
    assert [w.index for w in windows] == list(range(4))
    assert all(a.end == b.start for a, b in pairwise(windows))
    assert "Range" in origin.hits[0][1]
    assert np.array_equal(window_sound(tmp_path / "media", told), media.speech())


async def test_a_repeated_request_has_one_effect(ingest: Ingest, origin: Origin, tmp_path: Path) -> None:
    url = origin.file("/a.wav", media.write(tmp_path / "a.wav", media.speech(3)).read_bytes())
    request_id = str(uuid.uuid4())
    one, other = await asyncio.gather(
        ingest.submit(url=url, request_id=request_id, force=True),
        ingest.submit(url=url, request_id=request_id, force=True),
    )
    assert one == other
    with pytest.raises(Refusal) as caught:
        await ingest.submit(url=url, request_id=request_id)
    assert caught.value.reason == "REQUEST_ID_REUSED"


async def test_two_submissions_of_one_source_at_once_are_one_job(
    ingest: Ingest, origin: Origin, tmp_path: Path
) -> None:
    data = media.write(tmp_path / "a.wav", media.speech(5)).read_bytes()
    url = origin.file("/a.wav", data)
    answers = await asyncio.gather(*(ingest.submit(url=url) for _ in range(8)))
    assert len({answer.job.id for answer in answers}) == 1
    assert sorted(answer.existing for answer in answers) == [False, *[True] * 7]


async def test_jobs_are_listed_page_by_page(ingest: Ingest, origin: Origin) -> None:
    made = [(await ingest.submit(url=origin.url(f"/{n}.mp4"))).job.id for n in range(5)]
    listed: list[str] = []
    token = ""
    while True:
        page = await ingest.call("ListJobs", api.ListJobsRequest(page_size=2, page_token=token))
        listed += [job.id for job in page.jobs]
        token = page.next_page_token
        if not token:
            break
    assert listed == made[::-1]
    for job_id in made:
        await ingest.events(job_id, "job_ended")
    failed = await ingest.call("ListJobs", api.ListJobsRequest(states=[JobState.JOB_STATE_FAILED]))
    assert len(failed.jobs) == 5
    one = await ingest.call("ListJobs", api.ListJobsRequest(video_id=failed.jobs[0].video_id))
    assert [job.id for job in one.jobs] == [failed.jobs[0].id]
    assert not (await ingest.call("ListJobs", api.ListJobsRequest(states=[JobState.JOB_STATE_QUEUED]))).jobs


BAD = [
    ("SubmitVideo", api.SubmitVideoRequest(), "INVALID_FIELD", "source"),
    (
        "SubmitVideo",
        api.SubmitVideoRequest(source=Source(url="ftp://example.com/a")),
        "INVALID_FIELD",
        "source.url",
    ),
    (
        "SubmitVideo",
        api.SubmitVideoRequest(source=Source(url="http://u:p@h/a")),
        "INVALID_FIELD",
        "source.url",
    ),
    ("SubmitVideo", api.SubmitVideoRequest(source=Source(upload_id="no uuid")), "NOT_FOUND", None),
    (
        "SubmitVideo",
        api.SubmitVideoRequest(source=Source(upload_id=str(uuid.UUID(int=7)))),
        "NOT_FOUND",
        None,
    ),
    (
        "SubmitVideo",
        api.SubmitVideoRequest(source=Source(url="http://h/a"), language="deutsch!"),
        "INVALID_FIELD",
        "language",
    ),
    (
        "SubmitVideo",
        api.SubmitVideoRequest(source=Source(url="http://h/a"), title="x" * 501),
        "INVALID_FIELD",
        "title",
    ),
    (
        "SubmitVideo",
        api.SubmitVideoRequest(source=Source(url="http://h/a"), request_id="x"),
        "INVALID_FIELD",
        "request_id",
    ),
    (
        "SubmitVideo",
        api.SubmitVideoRequest(source=Source(url="http://h/a"), captions=CaptionMode.ValueType(99)),
        "INVALID_FIELD",
        "captions",
    ),
    (
        "SubmitVideo",
        api.SubmitVideoRequest(source=Source(url="http://h/a"), priority=Priority.ValueType(99)),
        "INVALID_FIELD",
        "priority",
    ),
    ("CreateUpload", api.CreateUploadRequest(), "INVALID_FIELD", "filename"),
    ("CreateUpload", api.CreateUploadRequest(filename="a", size_bytes=-1), "INVALID_FIELD", "size_bytes"),
    ("CreateUpload", api.CreateUploadRequest(filename="a", size_bytes=1 << 60), "TOO_LARGE", None),
    ("WriteUpload", api.WriteUploadRequest(upload_id="x"), "NOT_FOUND", None),
    ("GetUpload", api.GetUploadRequest(upload_id=str(uuid.UUID(int=7))), "NOT_FOUND", None),
    (
        "CompleteUpload",
        api.CompleteUploadRequest(upload_id=str(uuid.UUID(int=7)), sha256="x"),
        "INVALID_FIELD",
        "sha256",
    ),
    ("CompleteUpload", api.CompleteUploadRequest(upload_id=str(uuid.UUID(int=7))), "NOT_FOUND", None),
    ("GetJob", api.GetJobRequest(job_id=""), "NOT_FOUND", None),
    ("GetJob", api.GetJobRequest(job_id=str(uuid.UUID(int=7))), "NOT_FOUND", None),
    ("ListJobs", api.ListJobsRequest(page_size=-1), "INVALID_FIELD", "page_size"),
    ("ListJobs", api.ListJobsRequest(page_token="x"), "INVALID_PAGE_TOKEN", None),
    ("ListJobs", api.ListJobsRequest(video_id="x"), "NOT_FOUND", None),
    ("ListJobs", api.ListJobsRequest(states=[JobState.ValueType(0)]), "INVALID_FIELD", "states"),
    ("ListJobs", api.ListJobsRequest(states=[JobState.ValueType(99)]), "INVALID_FIELD", "states"),
    ("CancelJob", api.CancelJobRequest(job_id=str(uuid.UUID(int=7))), "NOT_FOUND", None),
    ("RetryJob", api.RetryJobRequest(job_id="x"), "NOT_FOUND", None),
    ("DeleteVideo", api.DeleteVideoRequest(video_id=str(uuid.UUID(int=7))), "NOT_FOUND", None),
]


async def test_bad_requests_have_their_reasons(ingest: Ingest) -> None:
    for method, request, reason, field in BAD:
        with pytest.raises(Refusal) as caught:
            await ingest.call(method, request)
        assert (caught.value.reason, caught.value.metadata.get("field")) == (reason, field), (method, request)
        assert caught.value.metadata["advice"], method
    for stream, asked in (
        (ingest.stub.WatchJob, api.WatchJobRequest(job_id="x")),
        (ingest.stub.WatchJobs, api.WatchJobsRequest(after_sequence=-1)),
        (ingest.stub.SubmitPlaylist, api.SubmitPlaylistRequest(url="x")),
        (ingest.stub.SubmitPlaylist, api.SubmitPlaylistRequest(url="http://h/", limit=-1)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stream(asked, metadata=ingest.metadata(), timeout=10).read()
        assert Refusal(failed.value).reason in {"NOT_FOUND", "INVALID_FIELD"}


async def test_what_is_anothers_is_not_there(ingest: Ingest, tmp_path: Path) -> None:
    job = await a_job(ingest, tmp_path)
    upload = (await ingest.call("CreateUpload", api.CreateUploadRequest(filename="a"))).upload
    for method, request in [
        ("GetJob", api.GetJobRequest(job_id=job.id)),
        ("CancelJob", api.CancelJobRequest(job_id=job.id)),
        ("RetryJob", api.RetryJobRequest(job_id=job.id)),
        ("DeleteVideo", api.DeleteVideoRequest(video_id=job.video_id)),
        ("GetUpload", api.GetUploadRequest(upload_id=upload.id)),
        ("WriteUpload", api.WriteUploadRequest(upload_id=upload.id, data=b"x")),
        ("CompleteUpload", api.CompleteUploadRequest(upload_id=upload.id)),
        ("SubmitVideo", api.SubmitVideoRequest(source=Source(upload_id=upload.id))),
    ]:
        with pytest.raises(Refusal) as caught:
            await ingest.call(method, request, tenant="other")
        assert caught.value.reason == "NOT_FOUND", method
    assert not (await ingest.call("ListJobs", api.ListJobsRequest(), tenant="other")).jobs
    listed = await ingest.call("ListJobs", api.ListJobsRequest(video_id=job.video_id), tenant="other")
    assert not listed.jobs
    watch = ingest.stub.WatchJob(
        api.WatchJobRequest(job_id=job.id), metadata=ingest.metadata("other"), timeout=10
    )
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await watch.read()
    assert Refusal(failed.value).reason == "NOT_FOUND"


async def test_uploads_go_on_at_their_offset(ingest: Ingest) -> None:
    data = bytes(range(256)) * 40
    upload = (
        await ingest.call("CreateUpload", api.CreateUploadRequest(filename="a.wav", size_bytes=len(data)))
    ).upload

    async def write(offset: int, end: int) -> int:
        request = api.WriteUploadRequest(upload_id=upload.id, offset=offset, data=data[offset:end])
        return int((await ingest.call("WriteUpload", request)).upload.offset)

    assert await write(0, 1000) == 1000
    assert await write(0, 1000) == 1000
    assert await write(500, 1500) == 1500
    with pytest.raises(Refusal) as caught:
        await write(2000, 3000)
    assert (caught.value.reason, caught.value.metadata["offset"]) == ("WRONG_OFFSET", "1500")
    ingest.stop(signal.SIGKILL)
    await ingest.start()
    assert (await ingest.call("GetUpload", api.GetUploadRequest(upload_id=upload.id))).upload.offset == 1500
    with pytest.raises(Refusal) as caught:
        await ingest.call("CompleteUpload", api.CompleteUploadRequest(upload_id=upload.id))
    assert caught.value.reason == "UPLOAD_MISMATCH"
    assert await write(1500, len(data)) == len(data)
    with pytest.raises(Refusal) as caught:
        await ingest.call("CompleteUpload", api.CompleteUploadRequest(upload_id=upload.id, sha256="0" * 64))
    assert caught.value.reason == "UPLOAD_MISMATCH"
    done = (await ingest.call("CompleteUpload", api.CompleteUploadRequest(upload_id=upload.id))).upload
    assert (
        done == (await ingest.call("CompleteUpload", api.CompleteUploadRequest(upload_id=upload.id))).upload
    )
    assert await write(0, 100) == len(data)


async def test_more_than_was_announced_ends_an_upload(ingest: Ingest, tmp_path: Path) -> None:
    upload = (
        await ingest.call("CreateUpload", api.CreateUploadRequest(filename="a.wav", size_bytes=10))
    ).upload
    await ingest.call("WriteUpload", api.WriteUploadRequest(upload_id=upload.id, data=b"x" * 10))
    with pytest.raises(Refusal) as caught:
        await ingest.call("WriteUpload", api.WriteUploadRequest(upload_id=upload.id, offset=10, data=b"x"))
    assert caught.value.reason == "UPLOAD_MISMATCH"
    with pytest.raises(Refusal) as caught:
        await ingest.call("GetUpload", api.GetUploadRequest(upload_id=upload.id))
    assert caught.value.reason == "NOT_FOUND"
    assert not list((tmp_path / "data" / "ingest" / "uploads").iterdir())


async def test_an_empty_upload_is_refused(ingest: Ingest) -> None:
    with pytest.raises(Refusal) as caught:
        await ingest.upload(b"")
    assert caught.value.reason == "EMPTY_FILE"


async def test_limits_of_size_and_length_hold(ingest: Ingest, tmp_path: Path) -> None:
    assert ingest.stop() == 0
    await ingest.start(
        VIDMESH_MAX_BYTES="200000", VIDMESH_MAX_DURATION=str(timedelta(seconds=5).total_seconds())
    )
    with pytest.raises(Refusal) as caught:
        await ingest.upload(b"x" * 200_001)
    assert caught.value.reason == "TOO_LARGE"
    data = media.write(tmp_path / "a.wav", media.speech(6)).read_bytes()
    job = (await ingest.submit(upload_id=await ingest.upload(data))).job
    failure = (await ingest.events(job.id, "job_ended"))[-1].job_ended.failure
    assert (failure.reason, failure.retryable) == (ErrorReason.ERROR_REASON_TOO_LONG, False)
