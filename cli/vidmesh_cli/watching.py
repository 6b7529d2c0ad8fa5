"""Following a job on a terminal, in a pipe, or as JSON lines."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from vidmesh import AsyncClient, AsyncSubmission, VidmeshError
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.errors.v1.failure_pb2 import Failure
from vidmesh.events.v1.stage_pb2 import STAGE_STATE_FAILED
from vidmesh.ingest.v1.ingest_service_pb2 import WatchJobResponse
from vidmesh.ingest.v1.job_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_PARTIAL,
    JOB_STATE_QUEUED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    Job,
)
from vidmesh_cli.asked import MisuseError
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.ids import job_id, short
from vidmesh_cli.output import Output, animated
from vidmesh_cli.view.job import STAGES, JobView
from vidmesh_cli.view.lines import Lines
from vidmesh_cli.view.news import Notice
from vidmesh_cli.view.screen import Screen

STATES = {
    JOB_STATE_QUEUED: "waits",
    JOB_STATE_RUNNING: "is running",
    JOB_STATE_SUCCEEDED: "has succeeded",
    JOB_STATE_PARTIAL: "has succeeded in part",
    JOB_STATE_FAILED: "has failed",
    JOB_STATE_CANCELLED: "was cancelled",
}
"""What is said of a job in each state."""


async def watch(client: AsyncClient, output: Output, *, job: str, after: int) -> ExitCode:
    """Follow a job to its end, and tell what to do next."""
    ended = await follow(client, output, await job_id(client, job), after=after)
    if output.json_lines:
        output.result(ended)
    else:
        tell_failures(output, ended)
        output.hint(*next_steps([ended]))
    return code_of(ended)


async def follow(
    client: AsyncClient,
    output: Output,
    job: str,
    *,
    after: int = 0,
    label: str = "",
    noticed: set[str] | None = None,
    submission: AsyncSubmission | None = None,
) -> Job:
    """Show a job's events until it has ended, and give the job as it is then.

    `label` leads the line on its end where it is one of several; `noticed` are the notices that need no telling again.
    `submission` is that of a file which may still be on its way. Raises MisuseError where that file cannot be read on.
    """
    view = JobView(job_id=job, sequence=after)
    breaks = Breaks(output)
    try:
        async with aclosing(_messages(client, view, breaks, submission)) as messages:
            if output.json_lines:
                await _relay(output, view, messages)
            else:
                await _show(
                    output, view, messages, label=label, noticed=set() if noticed is None else noticed
                )
    except asyncio.CancelledError:
        if submission is not None and submission.sending:
            output.say("\nThe rest of the file is not sent, so its job is stopped.")
            raise
        output.say("\nThe job goes on.")
        output.hint((f"vidmesh watch {job} --after {view.sequence}", "come back to where you left it"))
        raise
    return await client.job(job)


def code_of(job: Job) -> ExitCode:
    """Give the exit code that a job's end calls for."""
    if job.state == JOB_STATE_SUCCEEDED:
        return ExitCode.OK
    return ExitCode.STOPPED if job.state == JOB_STATE_CANCELLED else ExitCode.JOB_FAILED


def next_steps(jobs: Sequence[Job]) -> list[tuple[str, str]]:
    """Give what can be done now that these jobs have ended: commands and what they are for, each once."""
    readable = [job for job in jobs if job.state in (JOB_STATE_SUCCEEDED, JOB_STATE_PARTIAL)]
    again = [
        job for job in jobs if job.state in (JOB_STATE_PARTIAL, JOB_STATE_CANCELLED) or job.failure.retryable
    ]
    steps: list[tuple[str, str]] = []
    if readable:
        video = short(readable[0].video_id)
        scope = f" --video {video}" if len(readable) == 1 else ""
        steps += [
            (f'vidmesh ask "..."{scope}', "an answer with the moments it rests on"),
            (f"vidmesh transcript {video} --format srt", "the transcript as subtitles"),
            ("vidmesh search WORDS", "find moments in all your videos"),
        ]
    steps += [
        (f"vidmesh retry {short(job.id)}", "do again what failed or was stopped, and nothing else")
        for job in again
    ]
    if any(job.state == JOB_STATE_FAILED and job not in again for job in jobs):
        steps.append(("vidmesh submit SOURCE --watch", "another source, or this one when it is mended"))
    return steps


def outcomes(jobs: Sequence[Job], *, refused: int) -> str:
    """Count how jobs ended, such as "2 done, 1 failed."; `refused` are sources of which none came to be."""
    count = Counter(job.state for job in jobs)
    counts = (
        (count.pop(JOB_STATE_SUCCEEDED, 0), "done"),
        (count.pop(JOB_STATE_PARTIAL, 0), "done in part"),
        (count.pop(JOB_STATE_CANCELLED, 0), "cancelled"),
        (count.total() + refused, "failed"),
    )
    return ", ".join(f"{number} {how}" for number, how in counts if number) + "."


def tell_failures(output: Output, job: Job, *, label: str = "") -> None:
    """Tell of each stage that failed why, and what to do about it; `label` says of which of several jobs."""
    for stage in job.stages:
        if stage.state == STAGE_STATE_FAILED:
            output.say("")
            name = STAGES.get(stage.stage, "a stage")
            _tell_failure(output, f"{label}: {name}" if label else name, stage.failure)


def _tell_failure(output: Output, where: str, failure: Failure) -> None:
    reason = ErrorReason.Name(failure.reason).removeprefix("ERROR_REASON_")
    output.problem(f"{where}: {failure.message}", reason=reason, advice=failure.advice)


async def _relay(output: Output, view: JobView, messages: AsyncIterator[WatchJobResponse]) -> None:
    async for message in messages:
        view.sequence = message.event.sequence or view.sequence
        output.emit(message)


async def _show(
    output: Output,
    view: JobView,
    messages: AsyncIterator[WatchJobResponse],
    *,
    label: str,
    noticed: set[str],
) -> None:
    surface = Screen(output, view, label=label) if animated(sys.stderr) else Lines(output, label=label)
    async with surface:
        async for message in messages:
            for news in view.apply(message):
                if isinstance(news, Notice):
                    if news.text in noticed:
                        continue
                    noticed.add(news.text)
                surface.tell(news)


async def _messages(
    client: AsyncClient, view: JobView, breaks: "Breaks", submission: AsyncSubmission | None
) -> AsyncGenerator[WatchJobResponse, None]:
    """Yield the job's events; through the submission where there is one, which tells what stops the file on its way."""
    if submission is not None:
        watch = submission.watch(after_sequence=view.sequence, on_break=breaks.tell)
    else:
        watch = client.watch(view.job_id, after_sequence=view.sequence, on_break=breaks.tell)
    async with aclosing(watch) as messages:
        try:
            async for message in messages:
                breaks.over()
                yield message
        except OSError as error:
            raise MisuseError(f"the file cannot be read any more: {error.strerror}") from error


class Breaks:
    """Tells of a break once, however often going on fails, and of its end."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._broken = False

    def tell(self, problem: VidmeshError) -> None:
        """The watch broke."""
        if not self._broken:
            self._output.say(f"{problem.message} Going on as soon as it is back ...", style="yellow")
        self._broken = True

    def over(self) -> None:
        """A message came."""
        if self._broken:
            self._output.say("Back again; nothing was missed.", style="yellow")
        self._broken = False
