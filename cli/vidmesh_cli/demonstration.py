"""The main job from end to end: a mesh of its own, a video, its text, a question, the answer; then all is stopped."""

import asyncio
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from vidmesh import AsyncClient
from vidmesh.ingest.v1.job_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_PARTIAL,
    JOB_STATE_SUCCEEDED,
    Job,
)
from vidmesh.query.v1.query_service_pb2 import AskRequest
from vidmesh.query.v1.search_pb2 import Answer, Scope
from vidmesh.summarize.v1.summarize_service_pb2 import ListChaptersRequest
from vidmesh_cli.asked import MisuseError
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.finding import answered, show_answer
from vidmesh_cli.output import Output, as_dict
from vidmesh_cli.printable import one_line
from vidmesh_cli.source import read_source
from vidmesh_cli.starting import readable, stack_settings
from vidmesh_cli.submission import Wishes, submit_one
from vidmesh_cli.units import span
from vidmesh_cli.view.parts import PartsView
from vidmesh_cli.watching import code_of, follow, tell_failures
from vidmesh_stack.events import StackError
from vidmesh_stack.folder import Folder
from vidmesh_stack.ports import require_free
from vidmesh_stack.stack import Stack

SAMPLE = Path("samples/talk.mp4")
USUAL_PORT = 8080
ANY_FREE_PORT = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is shown."""

    source: str
    question: str | None
    """None: one is made of what the video turns out to be about."""
    again: bool
    """Whether the work is done anew although it was done before."""


def plan(source: str | None, question: str | None) -> Plan:
    """Choose the sample and its question unless others are given. Raises MisuseError for what is no source."""
    if source is not None:
        read_source(source)
        return Plan(source=source, question=question, again=False)
    checkout = Path(__file__).parents[2]
    sample = next((folder / SAMPLE for folder in (Path.cwd(), checkout) if (folder / SAMPLE).is_file()), None)
    if sample is None:
        raise MisuseError(
            f"{SAMPLE} is not here; run this in a checkout of vidmesh, or name a link or a file"
        )
    return Plan(source=str(sample), question=question or "How do bees find flowers?", again=True)


async def demo(output: Output, *, data: Path, chosen: Plan) -> ExitCode:
    """Show the main job, and end well only if the video's job did."""
    _stop_on_signals()
    began = time.monotonic()
    _heading(output, "Starting NATS, PostgreSQL, Envoy and the four services")
    view = PartsView(output)
    view.begin()
    try:
        async with Stack(stack_settings(data=data, port=_port(), scale={}), view.tell) as stack:
            view.end()
            async with AsyncClient(stack.endpoint, stack.token()) as client:
                job = await _video(client, output, chosen)
                answer = await _answer(client, output, job, chosen.question) if _has_text(job) else Answer()
            _heading(output, "Stopping what was started")
            view.begin()
    finally:
        view.end()
    if output.json_lines:
        output.result({"job": as_dict(job), "answer": as_dict(answer)})
    _tell_where(output, data, job, time.monotonic() - began)
    return code_of(job)


async def _video(client: AsyncClient, output: Output, chosen: Plan) -> Job:
    """Submit the video and show its job; one that did not end well before is run anew."""
    _heading(output, f"Submitting {chosen.source}")
    response = await submit_one(client, output, source=chosen.source, wishes=Wishes(force=chosen.again))
    if response.existing and response.job.state in (JOB_STATE_FAILED, JOB_STATE_CANCELLED, JOB_STATE_PARTIAL):
        response = await submit_one(client, output, source=chosen.source, wishes=Wishes(force=True))
    if response.existing:
        output.say("This source was done before: here is what came of it.", style="dim")
    job = await follow(client, output, response.job.id)
    if not output.json_lines:
        tell_failures(output, job)
    return job


async def _answer(client: AsyncClient, output: Output, job: Job, question: str | None) -> Answer:
    """Ask the question, or one about the video's longest chapter; nothing where nothing is said."""
    question = question or await _own_question(client, job.video_id)
    if question is None:
        output.say("\nNothing is said in the video, so there is nothing to ask.")
        return Answer()
    _heading(output, f"Asking: {question}")
    answer = await answered(
        client, output, AskRequest(question=question, scope=Scope(video_ids=[job.video_id]))
    )
    if not output.json_lines:
        show_answer(output, answer)
    return answer


async def _own_question(client: AsyncClient, video: str) -> str | None:
    chapters = (await client.summarize.ListChapters(ListChaptersRequest(video_id=video))).chapters
    longest = max(chapters, key=lambda chapter: chapter.end.seconds - chapter.start.seconds, default=None)
    return f"What is said about {one_line(longest.title)}?" if longest is not None else None


def _has_text(job: Job) -> bool:
    return job.state in (JOB_STATE_SUCCEEDED, JOB_STATE_PARTIAL)


def _port() -> int:
    """The usual port, or any free one where that is taken."""
    try:
        require_free("127.0.0.1", USUAL_PORT)
    except StackError:
        return ANY_FREE_PORT
    return USUAL_PORT


def _stop_on_signals() -> None:
    """Let SIGTERM and SIGHUP end this as Ctrl-C does, with all that was started stopped."""
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _heading(output: Output, text: str) -> None:
    if not output.json_lines:
        output.say(Text.assemble("\n", ("▸ ", "bold green"), (text, "bold")))


def _tell_where(output: Output, data: Path, job: Job, seconds: float) -> None:
    if output.json_lines:
        return
    folder = readable(Folder(data).root)
    output.say(
        f"\nAll in {span(seconds)}; nothing is left running. Video {job.video_id} and all of it stays in {folder}."
    )
    output.hint(
        ("make up", "a mesh that stays up, on http://127.0.0.1:8080"),
        ('make demo SOURCE=FILE_OR_LINK ASK="..."', "the same with a video of yours"),
        (f"vidmesh up --data {folder}", "this mesh again, with this video in it"),
    )
