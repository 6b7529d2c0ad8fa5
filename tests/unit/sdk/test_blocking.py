"""The blocking client does what the asynchronous one does, without an event loop of the caller's."""

import asyncio
import importlib.util
import inspect
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Backstage
from tests.unit.sdk.conftest import Mesh, Receiver
from vidmesh import AsyncClient, AsyncSubmission, Client, Submission, UploadProgress, VidmeshError
from vidmesh.events.v1.ingest_events_pb2 import JobEnded, StageProgress
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.ingest.v1.ingest_service_pb2 import (
    GetJobRequest,
    GetJobResponse,
    ListJobsRequest,
    ListJobsResponse,
    SubmitVideoRequest,
    SubmitVideoResponse,
    UploadVideoRequest,
    UploadVideoResponse,
    WatchJobRequest,
    WatchJobResponse,
)
from vidmesh.ingest.v1.job_pb2 import Job
from vidmesh.ingest.v1.upload_pb2 import Upload

Context = Any
SDK = Path(__file__).parents[3] / "sdk" / "python"


@pytest.fixture
def served(backstage: Backstage) -> Iterator[Mesh]:
    """A server in another thread: these tests have no event loop."""
    server = Mesh()
    backstage.run(server.start())
    yield server
    backstage.run(server.stop())


@pytest.fixture
def blocking(served: Mesh) -> Iterator[Client]:
    with Client(served.endpoint, lambda: "secret") as client:
        yield client


def test_it_is_what_the_asynchronous_client_makes_it() -> None:
    spec = importlib.util.spec_from_file_location("generate", SDK / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.blocking() == (SDK / "vidmesh" / "blocking.py").read_text(), "run make generate"


@pytest.mark.parametrize(("ours", "theirs"), [(Client, AsyncClient), (Submission, AsyncSubmission)])
def test_it_leaves_nothing_out(ours: type, theirs: type) -> None:
    def public(owner: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(owner, inspect.isroutine)
        return {
            name: list(inspect.signature(one).parameters) for name, one in methods if not name.startswith("_")
        }

    assert public(ours) == public(theirs)


def test_calls_lists_and_streams_block(served: Mesh, blocking: Client) -> None:
    async def get_job(request: GetJobRequest, context: Context) -> GetJobResponse:
        token = dict(context.invocation_metadata())["authorization"]
        return GetJobResponse(job=Job(id=request.job_id, title=token))

    async def list_jobs(request: ListJobsRequest, context: Context) -> ListJobsResponse:
        last = bool(request.page_token)
        return ListJobsResponse(jobs=[Job(id="b" if last else "a")], next_page_token="" if last else "p")

    async def watch_job(request: WatchJobRequest, context: Context) -> AsyncIterator[WatchJobResponse]:
        yield WatchJobResponse(event=JobEvent(sequence=1, stage_progress=StageProgress()))
        yield WatchJobResponse(event=JobEvent(sequence=2, job_ended=JobEnded()))

    served.methods |= {"GetJob": get_job, "ListJobs": list_jobs, "WatchJob": watch_job}

    assert blocking.job("j") == Job(id="j", title="Bearer secret")
    assert blocking.ingest.GetJob(GetJobRequest(job_id="k"), timeout=5).job.id == "k"
    assert [job.id for job in blocking.jobs()] == ["a", "b"]
    assert [message.event.sequence for message in blocking.watch("j")] == [1, 2]
    stub = blocking.ingest.WatchJob(WatchJobRequest(job_id="j"))
    assert [message.event.sequence for message in stub] == [1, 2]


def test_a_stream_is_sent_from_an_iterator(served: Mesh, blocking: Client) -> None:
    async def upload_video(
        requests: AsyncIterator[UploadVideoRequest], context: Context
    ) -> UploadVideoResponse:
        return UploadVideoResponse(upload=Upload(offset=sum([len(one.chunk) async for one in requests])))

    served.methods["UploadVideo"] = upload_video
    chunks = (UploadVideoRequest(chunk=b"x" * 10) for _ in range(3))
    assert blocking.ingest.UploadVideo(chunks).upload.offset == 30


def test_a_file_is_sent_while_its_job_is_watched(served: Mesh, blocking: Client, tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.serve(served)
    path = tmp_path / "talk.mp4"
    path.write_bytes(bytes(3 << 20))

    async def submit(request: SubmitVideoRequest, context: Context) -> SubmitVideoResponse:
        return SubmitVideoResponse(job=Job(id=request.source.upload_id))

    async def watch_job(request: WatchJobRequest, context: Context) -> AsyncIterator[WatchJobResponse]:
        while not receiver.complete:
            await asyncio.sleep(0.01)
        yield WatchJobResponse(event=JobEvent(sequence=2, job_ended=JobEnded()))

    served.methods |= {"SubmitVideo": submit, "WatchJob": watch_job}
    told: list[UploadProgress] = []
    submission = blocking.submit(path, progress=told.append)

    assert submission.job.id == "u1"
    assert [message.event.sequence for message in submission.watch()] == [2]
    submission.sent()
    assert told[-1].sent == 3 << 20


def test_errors_are_raised_where_the_call_is(served: Mesh, blocking: Client, tmp_path: Path) -> None:
    with pytest.raises(VidmeshError) as caught:
        blocking.job("j")
    assert caught.value.reason == "UNIMPLEMENTED"
    with pytest.raises(FileNotFoundError):
        blocking.upload(tmp_path / "nothing.mp4")
    with pytest.raises(ValueError, match="is no endpoint"):
        Client("nonsense")


def test_whoever_reads_no_further_ends_the_call(served: Mesh, blocking: Client) -> None:
    left = threading.Event()

    async def watch_job(request: WatchJobRequest, context: Context) -> AsyncIterator[WatchJobResponse]:
        yield WatchJobResponse(event=JobEvent(sequence=1, stage_progress=StageProgress()))
        try:
            await asyncio.sleep(60)
        finally:
            left.set()

    served.methods["WatchJob"] = watch_job
    for _ in blocking.watch("j"):
        break
    assert left.wait(10)


def test_ctrl_c_cancels_what_is_waited_for(served: Mesh, blocking: Client) -> None:
    import signal

    begun, cancelled = threading.Event(), threading.Event()

    async def get_job(request: GetJobRequest, context: Context) -> GetJobResponse:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        return GetJobResponse()

    served.methods["GetJob"] = get_job
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        begun.wait()
        time.sleep(0.05)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        blocking.job("j")
    assert cancelled.wait(10)


def test_a_callback_that_waits_for_its_own_thread_is_told(
    served: Mesh, blocking: Client, tmp_path: Path
) -> None:
    Receiver().serve(served)
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"x")
    ask: Callable[[UploadProgress], object] = lambda progress: blocking.job("j")  # noqa: E731 - a callback
    with pytest.raises(RuntimeError, match="own thread"):
        blocking.upload(path, progress=ask)  # type: ignore[arg-type] # gives what nobody asks for


def test_a_closed_client_says_so(served: Mesh) -> None:
    client = Client(served.endpoint)
    messages = client.watch("j")
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.job("j")
    messages.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "vidmesh"]
