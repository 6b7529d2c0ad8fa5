"""Jobs in a list, and what can be done to them."""

import time
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from vidmesh import AsyncClient
from vidmesh.ingest.v1.ingest_service_pb2 import CancelJobRequest, DeleteVideoRequest, RetryJobRequest
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_SUCCEEDED, Job, JobState
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.ids import job_id, short, shortened, video_id
from vidmesh_cli.output import Output
from vidmesh_cli.printable import one_line
from vidmesh_cli.units import clock, span

_STYLES = {
    "succeeded": "green",
    "running": "cyan",
    "failed": "bold red",
    "partial": "yellow",
    "cancelled": "yellow",
}


async def jobs(client: AsyncClient, output: Output, *, limit: int) -> ExitCode:
    """List the newest jobs."""
    found: list[Job] = []
    async for job in client.jobs():
        if len(found) == limit:
            break
        found.append(job)
        if output.json_lines:
            output.emit(job)
    if output.json_lines:
        return ExitCode.OK
    if not found:
        output.say("There are no jobs yet.")
        output.hint(("vidmesh submit FILE_OR_LINK --watch", "the first one"))
        return ExitCode.OK
    _show(output, found)
    output.hint(*next_steps(found))
    return ExitCode.OK


def next_steps(found: Sequence[Job]) -> list[tuple[str, str]]:
    """Give what fits the jobs: a summary only where one was made."""
    steps = [(f"vidmesh watch {short(found[0].id)}", "follow a job, or see it again")]
    done = next((job for job in found if job.state == JOB_STATE_SUCCEEDED), None)
    if done is not None:
        steps.append((f"vidmesh summary {short(done.video_id)}", "what a video is about"))
    return steps


async def cancel(client: AsyncClient, output: Output, *, job: str) -> ExitCode:
    """Stop a job."""
    whole = await job_id(client, job)
    stopped = (await client.ingest.CancelJob(CancelJobRequest(job_id=whole))).job
    _tell(output, stopped, f"Cancelled: {one_line(stopped.title)}. What it had made stays.")
    output.hint((f"vidmesh retry {short(stopped.id)}", "go on where it stopped"))
    return ExitCode.OK


async def retry(client: AsyncClient, output: Output, *, job: str) -> ExitCode:
    """Run what failed or was cancelled again."""
    whole = await job_id(client, job)
    again = (await client.ingest.RetryJob(RetryJobRequest(job_id=whole))).job
    _tell(output, again, f"Run {again.run} begins: {one_line(again.title)}. What is done is not done again.")
    output.hint((f"vidmesh watch {short(again.id)}", "see it happen"))
    return ExitCode.OK


async def delete(client: AsyncClient, output: Output, *, video: str) -> ExitCode:
    """Delete a video and all that was made of it."""
    whole = await video_id(client, video)
    response = await client.ingest.DeleteVideo(DeleteVideoRequest(video_id=whole))
    if output.json_lines:
        output.emit(response)
    else:
        output.say(f"Video {whole} and all that was made of it is deleted.")
        output.hint(("vidmesh jobs", "what is left"))
    return ExitCode.OK


def _tell(output: Output, job: Job, sentence: str) -> None:
    if output.json_lines:
        output.emit(job)
    else:
        output.say(sentence)


def _show(output: Output, found: list[Job]) -> None:
    """Print a table; on a terminal with ids as short as the commands take them."""
    ids = [job.id for job in found] + [job.video_id for job in found]
    names = shortened(ids) if output.data.is_terminal else {one: one for one in ids}
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("job", "video", "state", "length", "age"):
        table.add_column(column, no_wrap=True)
    table.add_column("title", overflow="ellipsis", no_wrap=True)
    for job in found:
        state = JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
        table.add_row(
            names[job.id],
            names[job.video_id],
            Text(state, _STYLES.get(state, "")),
            clock(job.duration.seconds) if job.HasField("duration") else "",
            span(max(0.0, time.time() - job.created_at.seconds)),
            Text(one_line(job.title)),
        )
    output.data.print(table)
