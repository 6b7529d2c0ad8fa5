"""Several videos at once: one that is refused stops none of the others, and each thing is told once."""

import json
from collections.abc import AsyncIterator

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
    GetJobRequest,
    GetJobResponse,
    SubmitVideoRequest,
    SubmitVideoResponse,
    WatchJobRequest,
    WatchJobResponse,
)
from vidmesh.ingest.v1.ingest_service_pb2_grpc import (
    IngestServiceServicer,
    add_IngestServiceServicer_to_server,
)
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_FAILED, JOB_STATE_SUCCEEDED, Job, JobStage
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.output import Output
from vidmesh_cli.submission import Wishes, submit

SITE = "https://example.org"
Context = grpc.aio.ServicerContext[object, object]


class Ingest(IngestServiceServicer):
    """Takes every link on but /refused; the job of /bad fails; /known is done already."""

    async def SubmitVideo(self, request: SubmitVideoRequest, context: Context) -> SubmitVideoResponse:
        name = request.source.url.removeprefix(f"{SITE}/")
        if name == "refused":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "The file is empty.")
        return SubmitVideoResponse(job=job(name), existing=name == "known")

    async def GetJob(self, request: GetJobRequest, context: Context) -> GetJobResponse:
        return GetJobResponse(job=job(request.job_id))

    async def WatchJob(self, request: WatchJobRequest, context: Context) -> AsyncIterator[WatchJobResponse]:
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
async def client() -> AsyncIterator[AsyncClient]:
    server = grpc.aio.server()
    add_IngestServiceServicer_to_server(Ingest(), server)  # type: ignore[abstract] # no others are called
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
