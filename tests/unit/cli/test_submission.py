"""Several videos at once: one that is refused stops none of the others, and each thing is told once."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import grpc
import grpc.aio
import pytest

from vidmesh import AsyncClient
from vidmesh.errors.v1.error_reason_pb2 import ERROR_REASON_NOT_MEDIA
from vidmesh.errors.v1.failure_pb2 import Failure
from vidmesh.events.v1.ingest_events_pb2 import (
    JOB_OUTCOME_FAILED,
    JOB_OUTCOME_SUCCEEDED,
    JobEnded,
)
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.events.v1.stage_pb2 import STAGE_INGEST, STAGE_STATE_FAILED
from vidmesh.events.v1.transcribe_events_pb2 import TranscriptStarted
from vidmesh.ingest.v1.ingest_service_pb2 import (
    CancelJobRequest,
    CancelJobResponse,
    CompleteUploadRequest,
    CompleteUploadResponse,
    CreateUploadRequest,
    CreateUploadResponse,
    GetJobRequest,
    GetJobResponse,
    SubmitVideoRequest,
    SubmitVideoResponse,
    WatchJobRequest,
    WatchJobResponse,
    WriteUploadRequest,
    WriteUploadResponse,
)
from vidmesh.ingest.v1.ingest_service_pb2_grpc import (
    IngestServiceServicer,
    add_IngestServiceServicer_to_server,
)
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_FAILED, JOB_STATE_SUCCEEDED, Job, JobStage
from vidmesh.ingest.v1.upload_pb2 import UPLOAD_STATE_COMPLETE, UPLOAD_STATE_OPEN, Upload
from vidmesh_cli import submission as module
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.output import Output
from vidmesh_cli.submission import Wishes, submit

SITE = "https://example.org"
Context = grpc.aio.ServicerContext[object, object]


class Ingest(IngestServiceServicer):
    """Takes every link on but /refused; the job of /bad fails; /known is done already.

    An upload's job, "file", is watched to its end once all bytes are there, or when they will not come.
    """

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.ready = asyncio.Event()
        self.watched = asyncio.Event()
        self.stuck = False
        self.calls: list[str] = []

    async def CreateUpload(self, request: CreateUploadRequest, context: Context) -> CreateUploadResponse:
        return CreateUploadResponse(upload=Upload(id="file", state=UPLOAD_STATE_OPEN))

    async def WriteUpload(self, request: WriteUploadRequest, context: Context) -> WriteUploadResponse:
        await self.gate.wait()
        self.calls.append("write")
        upload = Upload(id="file", state=UPLOAD_STATE_OPEN, offset=request.offset + len(request.data))
        return WriteUploadResponse(upload=upload)

    async def CompleteUpload(
        self, request: CompleteUploadRequest, context: Context
    ) -> CompleteUploadResponse:
        self.calls.append("complete")
        self.ready.set()
        return CompleteUploadResponse(upload=Upload(id="file", state=UPLOAD_STATE_COMPLETE, offset=1))

    async def CancelJob(self, request: CancelJobRequest, context: Context) -> CancelJobResponse:
        self.calls.append("cancel")
        return CancelJobResponse()

    async def SubmitVideo(self, request: SubmitVideoRequest, context: Context) -> SubmitVideoResponse:
        self.calls.append("submit")
        name = request.source.upload_id or request.source.url.removeprefix(f"{SITE}/")
        if name == "refused":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "The file is empty.")
        return SubmitVideoResponse(job=job(name), existing=name == "known")

    async def GetJob(self, request: GetJobRequest, context: Context) -> GetJobResponse:
        return GetJobResponse(job=job(request.job_id))

    async def WatchJob(self, request: WatchJobRequest, context: Context) -> AsyncIterator[WatchJobResponse]:
        if request.job_id == "file":
            self.watched.set()
            if not self.stuck:
                self.gate.set()
            await self.ready.wait()
        outcome = JOB_OUTCOME_FAILED if request.job_id == "bad" else JOB_OUTCOME_SUCCEEDED
        yield WatchJobResponse(
            event=JobEvent(
                sequence=1, number=1, transcript_started=TranscriptStarted(notice="No better one is at hand.")
            )
        )
        yield WatchJobResponse(
            event=JobEvent(sequence=2, number=2, job_ended=JobEnded(outcome=outcome, run=1))
        )


def job(name: str) -> Job:
    made = Job(id=name, video_id=f"video-{name}", title=f"Talk {name}", run=1, state=JOB_STATE_SUCCEEDED)
    if name == "bad":
        failure = Failure(reason=ERROR_REASON_NOT_MEDIA, message="It is no film.")
        made.state = JOB_STATE_FAILED
        made.stages.append(JobStage(stage=STAGE_INGEST, state=STAGE_STATE_FAILED, failure=failure))
    return made


@pytest.fixture
async def ingest() -> Ingest:
    return Ingest()  # type: ignore[abstract] # no others are called


@pytest.fixture
async def client(ingest: Ingest) -> AsyncIterator[AsyncClient]:
    server = grpc.aio.server()
    add_IngestServiceServicer_to_server(ingest, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with AsyncClient(f"http://127.0.0.1:{port}") as client:
        yield client
    await server.stop(None)


async def hand_over(
    client: AsyncClient, *names: str, json_lines: bool = False, watch: bool = True, **wishes: str
) -> ExitCode:
    return await submit(
        client,
        Output(json_lines=json_lines),
        sources=[f"{SITE}/{name}" for name in names],
        wishes=Wishes(**wishes),  # type: ignore[arg-type] # as the caller says
        playlist=False,
        watch=watch,
    )


async def test_the_others_go_on_and_each_line_says_of_which_it_is(
    client: AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await hand_over(client, "a", "refused", "bad", "b")
    told = capsys.readouterr().err
    assert code is ExitCode.JOB_FAILED
    assert f"error: {SITE}/refused: " in told
    assert "Talk a: Done." in told
    assert "Talk bad: The job failed." in told
    assert "error: Talk bad: ingest: It is no film. (NOT_MEDIA)" in told
    assert "2 done, 2 failed." in told
    assert [told.count(once) for once in ("Next:", "No better one is at hand.")] == [1, 1]


async def test_a_refused_source_alone_is_an_error(
    client: AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await hand_over(client, "a", "refused") is ExitCode.ERROR
    assert "1 done, 1 failed." in capsys.readouterr().err
    assert await hand_over(client, "a", "refused", watch=False) is ExitCode.ERROR
    shown = capsys.readouterr()
    assert shown.out == "a\n"
    assert "1 taken on, 1 failed." in shown.err


async def test_in_json_several_end_with_one_result(
    client: AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await hand_over(client, "a", "refused", json_lines=True) is ExitCode.ERROR
    shown = capsys.readouterr()
    result = json.loads(shown.out.splitlines()[-1])["result"]
    assert [one["id"] for one in result["jobs"]] == ["a"]
    assert result["refused"] == [f"{SITE}/refused"]
    assert json.loads(shown.err)["error"]["source"] == f"{SITE}/refused"


async def test_what_is_known_is_told_with_what_makes_it_anew(
    client: AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    await hand_over(client, "known", watch=False)
    told = capsys.readouterr().err
    assert "its job known has succeeded; --force begins a new one" in told
    assert "--language" not in told
    await hand_over(client, "known", watch=False, language="xx")
    assert "--language, --title and --captions change nothing" in capsys.readouterr().err


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"x")
    return path


async def hand_over_file(client: AsyncClient, *paths: Path, watch: bool) -> ExitCode:
    return await submit(
        client,
        Output(json_lines=False),
        sources=[str(path) for path in paths],
        wishes=Wishes(),
        playlist=False,
        watch=watch,
    )


async def test_a_file_that_takes_long_is_watched_while_it_is_sent(
    ingest: Ingest,
    client: AsyncClient,
    film: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HEAD_START", timedelta(0))
    assert await hand_over_file(client, film, watch=True) is ExitCode.OK
    assert ingest.calls == ["submit", "write", "complete"]
    told = capsys.readouterr().err
    assert "sending film.mp4" in told
    assert "Done." in told


async def test_where_nobody_watches_a_file_is_whole_before_it_is_submitted(
    ingest: Ingest, client: AsyncClient, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEAD_START", timedelta(0))
    ingest.gate.set()
    assert await hand_over_file(client, film, watch=False) is ExitCode.OK
    assert ingest.calls == ["write", "complete", "submit"]


async def test_ctrl_c_while_a_file_is_sent_stops_its_job(
    ingest: Ingest,
    client: AsyncClient,
    film: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HEAD_START", timedelta(0))
    ingest.stuck = True
    task = asyncio.create_task(hand_over_file(client, film, watch=True))
    await ingest.watched.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await client.close()
    assert ingest.calls == ["submit", "cancel"]
    assert "its job is stopped" in capsys.readouterr().err
