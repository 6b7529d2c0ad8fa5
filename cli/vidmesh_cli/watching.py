"""Following a job on a terminal, in a pipe, or as JSON lines."""

import asyncio
import sys
from contextlib import aclosing

from vidmesh import AsyncClient, VidmeshError
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.errors.v1.failure_pb2 import Failure
from vidmesh.events.v1.stage_pb2 import STAGE_STATE_FAILED
from vidmesh.ingest.v1.ingest_service_pb2 import GetJobRequest
from vidmesh.ingest.v1.job_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_PARTIAL,
    JOB_STATE_SUCCEEDED,
    Job,
)
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.ids import job_id, short
from vidmesh_cli.output import Output, animated
from vidmesh_cli.view.job import STAGES, JobView
from vidmesh_cli.view.lines import Lines
from vidmesh_cli.view.screen import Screen


async def watch(client: AsyncClient, output: Output, *, job: str, after: int) -> ExitCode:
    """Follow a job to its end, and tell what to do next."""
    ended = await follow(client, output, await job_id(client, job), after=after)
    if output.json_lines:
        output.result(ended)
    else:
        tell_end(output, ended)
    return code_of(ended)


async def follow(client: AsyncClient, output: Output, job: str, *, after: int = 0) -> Job:
    """Show a job's events until it has ended, and give the job as it is then."""
    view = JobView(job_id=job, sequence=after)
    try:
        if output.json_lines:
            await _relay(client, output, view)
        else:
            await _show(client, output, view)
    except asyncio.CancelledError:
        output.say("\nThe job goes on.")
        output.hint((f"vidmesh watch {job} --after {view.sequence}", "come back to where you left it"))
        raise
    return (await client.ingest.GetJob(GetJobRequest(job_id=job))).job


def code_of(job: Job) -> ExitCode:
    """Give the exit code that a job's end calls for."""
    if job.state == JOB_STATE_SUCCEEDED:
        return ExitCode.OK
    return ExitCode.STOPPED if job.state == JOB_STATE_CANCELLED else ExitCode.JOB_FAILED


def tell_end(output: Output, job: Job) -> None:
    """Tell why a job failed, if it did, and what can be done now."""
    tell_failures(output, job)
    video, hints = short(job.video_id), []
    if job.state in (JOB_STATE_SUCCEEDED, JOB_STATE_PARTIAL):
        hints += [
            (f'vidmesh ask "..." --video {video}', "an answer with the moments it rests on"),
            (f"vidmesh transcript {video} --format srt", "the transcript as subtitles"),
            ("vidmesh search WORDS", "find moments in all your videos"),
        ]
    if job.state in (JOB_STATE_PARTIAL, JOB_STATE_CANCELLED) or job.failure.retryable:
        hints.append(
            (f"vidmesh retry {short(job.id)}", "do again what failed or was stopped, and nothing else")
        )
    elif job.state == JOB_STATE_FAILED:
        hints.append(("vidmesh submit SOURCE --watch", "another source, or this one when it is mended"))
    output.hint(*hints)


def tell_failures(output: Output, job: Job) -> None:
    """Tell of each stage that failed why, and what to do about it."""
    for stage in job.stages:
        if stage.state == STAGE_STATE_FAILED:
            output.say("")
            _tell_failure(output, STAGES.get(stage.stage, "a stage"), stage.failure)


def _tell_failure(output: Output, stage: str, failure: Failure) -> None:
    reason = ErrorReason.Name(failure.reason).removeprefix("ERROR_REASON_")
    output.problem(f"{stage}: {failure.message}", reason=reason, advice=failure.advice)


async def _relay(client: AsyncClient, output: Output, view: JobView) -> None:
    breaks = Breaks(output)
    watch = client.watch(view.job_id, after_sequence=view.sequence, on_break=breaks.tell)
    async with aclosing(watch) as messages:
        async for message in messages:
            breaks.over()
            view.sequence = message.event.sequence or view.sequence
            output.emit(message)


async def _show(client: AsyncClient, output: Output, view: JobView) -> None:
    surface = Screen(output, view) if animated(sys.stderr) else Lines(output)
    breaks = Breaks(output)
    watch = client.watch(view.job_id, after_sequence=view.sequence, on_break=breaks.tell)
    async with surface, aclosing(watch) as messages:
        async for message in messages:
            breaks.over()
            for news in view.apply(message):
                surface.tell(news)


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
