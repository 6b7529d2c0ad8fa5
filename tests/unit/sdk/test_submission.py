"""A link and a file become a job; a file that takes long has its job, and its first words, before its last byte."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from tests.unit.sdk.conftest import Receiver
from vidmesh import AsyncClient, VidmeshError
from vidmesh.events.v1.ingest_events_pb2 import JobEnded, StageProgress
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.ingest.v1.ingest_service_pb2 import (
    CancelJobRequest,
    CancelJobResponse,
    GetJobResponse,
    SubmitVideoRequest,
    SubmitVideoResponse,
    WatchJobRequest,
    WatchJobResponse,
)
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_SUCCEEDED, Job
from vidmesh.ingest.v1.upload_pb2 import Upload

MEBIBYTE = 1 << 20
AT_ONCE = timedelta(0)
Context = Any


class Jobs:
    """Takes everything on as job "j", whose watch tells one event, waits for `finish`, and tells its end."""

    def __init__(self, mesh: Any) -> None:
        self.submitted: list[SubmitVideoRequest] = []
        self.cancelled: list[str] = []
        self.finish = asyncio.Event()
        mesh.methods |= {
            "SubmitVideo": self.submit,
            "WatchJob": self.watch,
            "CancelJob": self.cancel,
            "GetJob": self.get,
        }

    async def submit(self, request: SubmitVideoRequest, context: Context) -> SubmitVideoResponse:
        self.submitted.append(request)
        return SubmitVideoResponse(job=Job(id="j"))

    async def watch(self, request: WatchJobRequest, context: Context) -> AsyncIterator[WatchJobResponse]:
        yield WatchJobResponse(event=JobEvent(sequence=1, stage_progress=StageProgress()))
        await self.finish.wait()
        yield WatchJobResponse(event=JobEvent(sequence=2, job_ended=JobEnded()))

    async def cancel(self, request: CancelJobRequest, context: Context) -> CancelJobResponse:
        self.cancelled.append(request.job_id)
        return CancelJobResponse()

    async def get(self, request: object, context: Context) -> GetJobResponse:
        return GetJobResponse(job=Job(id="j", state=JOB_STATE_SUCCEEDED))


@pytest.fixture
async def jobs(mesh: Any) -> Jobs:
    return Jobs(mesh)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp4"
    path.write_bytes(bytes(2 * MEBIBYTE))
    return path


async def test_a_link_is_submitted_and_watched_in_one_breath(jobs: Jobs, client: AsyncClient) -> None:
    jobs.finish.set()
    submitting = client.submit("https://example.org/talk", title="A talk", force=True)

    assert [message.event.sequence async for message in submitting.watch()] == [1, 2]
    [request] = jobs.submitted
    assert request.source.url == "https://example.org/talk"
    assert (request.title, request.force) == ("A talk", True)
    assert request.request_id


async def test_an_upload_is_submitted_by_its_id(jobs: Jobs, client: AsyncClient) -> None:
    jobs.finish.set()
    submission = await client.submit(Upload(id="u9"))

    assert jobs.submitted[0].source.upload_id == "u9"
    assert submission.job.id == "j"
    assert not submission.existing
    assert (await submission.wait()).state == JOB_STATE_SUCCEEDED
    await submission.sent()


async def test_a_file_that_is_sent_in_time_is_submitted_whole(
    jobs: Jobs, receiver: Receiver, client: AsyncClient, file: Path
) -> None:
    await client.submit(file, head_start=timedelta(minutes=1))

    assert receiver.complete
    assert jobs.submitted[0].source.upload_id == "u1"


async def test_a_slow_file_has_its_job_before_its_last_byte(
    jobs: Jobs, receiver: Receiver, client: AsyncClient, file: Path
) -> None:
    receiver.gate.clear()
    seen = []
    async for message in client.submit(file, head_start=AT_ONCE).watch():
        seen.append(message.event.sequence)
        assert receiver.complete == (len(seen) > 1)
        receiver.gate.set()
        if len(seen) == 1:
            await receiver.completed.wait()
            jobs.finish.set()
    assert seen == [1, 2]
    assert jobs.cancelled == []


async def test_leaving_the_client_waits_for_the_rest_of_a_file(
    mesh: Any, jobs: Jobs, receiver: Receiver, file: Path
) -> None:
    receiver.gate.clear()
    async with AsyncClient(mesh.endpoint) as client:
        submission = await client.submit(file, head_start=AT_ONCE)
        asyncio.get_running_loop().call_later(0.05, receiver.gate.set)
    assert receiver.complete
    await submission.sent()


async def test_leaving_the_client_by_an_error_stops_the_job(
    mesh: Any, jobs: Jobs, receiver: Receiver, file: Path
) -> None:
    receiver.gate.clear()

    async def leave() -> None:
        async with AsyncClient(mesh.endpoint) as client:
            await client.submit(file, head_start=AT_ONCE)
            raise LookupError

    with pytest.raises(LookupError):
        await leave()
    assert jobs.cancelled == ["j"]
    assert not receiver.complete


async def test_what_stops_the_sending_ends_the_watch_and_the_job(
    mesh: Any, jobs: Jobs, receiver: Receiver, client: AsyncClient, file: Path
) -> None:
    submitted = asyncio.Event()

    async def refuse(request: object, context: Context) -> None:
        await submitted.wait()
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "the disk is full")

    mesh.methods["WriteUpload"] = refuse

    async def watch() -> None:
        async for _ in client.submit(file, head_start=AT_ONCE).watch():
            submitted.set()

    with pytest.raises(VidmeshError, match="the disk is full"):
        await watch()
    assert jobs.cancelled == ["j"]


async def test_a_job_that_ends_early_wants_no_more_bytes(
    jobs: Jobs, receiver: Receiver, client: AsyncClient, file: Path
) -> None:
    receiver.gate.clear()
    jobs.finish.set()
    submission = await client.submit(file, head_start=AT_ONCE)

    assert (await submission.wait()).id == "j"
    await submission.sent()
    assert not receiver.complete
