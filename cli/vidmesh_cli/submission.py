"""Handing videos to the mesh."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from vidmesh import AsyncClient
from vidmesh.events.v1.ingest_events_pb2 import CaptionMode
from vidmesh.ingest.v1.ingest_service_pb2 import (
    SubmitPlaylistRequest,
    SubmitVideoRequest,
    SubmitVideoResponse,
)
from vidmesh.ingest.v1.job_pb2 import Job, JobState
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh_cli.asked import MisuseError
from vidmesh_cli.entry import plain
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.ids import short
from vidmesh_cli.output import Output, animated, as_dict
from vidmesh_cli.printable import one_line
from vidmesh_cli.source import read_source
from vidmesh_cli.units import size
from vidmesh_cli.watching import code_of, follow, tell_end


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a video is to be taken on."""

    force: bool = False
    captions: CaptionMode.ValueType = CaptionMode.CAPTION_MODE_UNSPECIFIED
    language: str = ""
    title: str = ""


async def submit(
    client: AsyncClient,
    output: Output,
    *,
    sources: Sequence[str],
    wishes: Wishes,
    playlist: bool,
    watch: bool,
) -> ExitCode:
    """Hand over all sources, then follow their jobs one after the other if asked to."""
    jobs: list[Job] = []
    async for job in _jobs(client, output, sources, wishes, playlist=playlist):
        jobs.append(job)
        if not watch and not output.json_lines:
            output.show(plain(job.id))
    if not watch:
        if jobs:
            output.hint(
                (f"vidmesh watch {short(jobs[0].id)}", "see it happen"),
                ("vidmesh jobs", "how all jobs stand"),
            )
        return ExitCode.OK
    ended = [await follow(client, output, job.id) for job in jobs]
    if output.json_lines and len(ended) == 1:
        output.result(ended[0])
    elif output.json_lines:
        output.result({"jobs": [as_dict(job) for job in ended]})
    else:
        for job in ended:
            tell_end(output, job)
    return max((code_of(job) for job in ended), default=ExitCode.OK)


async def submit_one(
    client: AsyncClient, output: Output, *, source: str, wishes: Wishes
) -> SubmitVideoResponse:
    """Hand over a link, or a file whose bytes are sent first. Raises MisuseError for what is neither or cannot be read."""
    read = read_source(source)
    if isinstance(read, Path):
        try:
            with _upload_progress(output, read.name) as progress:
                upload = await client.upload(read, progress=progress)
        except OSError as error:
            raise MisuseError(f"{source} cannot be read: {error.strerror}") from error
        to_submit = Source(upload_id=upload.id)
    else:
        to_submit = Source(url=read)
    request = SubmitVideoRequest(
        source=to_submit,
        force=wishes.force,
        captions=wishes.captions,
        language=wishes.language,
        title=wishes.title,
    )
    return await client.ingest.SubmitVideo(request)


async def _jobs(
    client: AsyncClient, output: Output, sources: Sequence[str], wishes: Wishes, *, playlist: bool
) -> AsyncIterator[Job]:
    for source in sources:
        # Refuse all before any is sent.
        if isinstance(read_source(source), Path) and playlist:
            raise MisuseError(f"--playlist wants a link, and {source} is a file")
    for source in sources:
        if playlist:
            async for job in _playlist(client, output, source, wishes):
                yield job
            continue
        response = await submit_one(client, output, source=source, wishes=wishes)
        if output.json_lines:
            output.emit(response)
        else:
            _tell_taken_on(output, response.job, existing=response.existing)
        yield response.job


async def _playlist(client: AsyncClient, output: Output, url: str, wishes: Wishes) -> AsyncIterator[Job]:
    request = SubmitPlaylistRequest(
        url=url, force=wishes.force, captions=wishes.captions, language=wishes.language
    )
    async for entry in client.ingest.SubmitPlaylist(request):
        if output.json_lines:
            output.emit(entry)
        else:
            _tell_taken_on(output, entry.job, title=entry.title, existing=entry.existing)
        yield entry.job


def _tell_taken_on(output: Output, job: Job, *, title: str = "", existing: bool) -> None:
    title = one_line(title or job.title or job.source)
    if existing:
        state = JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
        output.say(f"{title}: known already, its job {job.id} is {state}; --force begins a new one.")
    else:
        output.say(f"{title}: taken on as job {job.id} of video {job.video_id}.")


@contextmanager
def _upload_progress(output: Output, name: str) -> Iterator[Callable[[int, int], None]]:
    """Show how much of a file is sent: a bar on a terminal, a line at the end elsewhere, nothing in JSON."""
    if output.json_lines:
        yield lambda sent, total: None
    elif animated(sys.stderr):
        columns = (
            TextColumn("uploading {task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
        )
        with Progress(*columns, console=output.messages, transient=True) as bar:
            task = bar.add_task(one_line(name), total=None)
            yield lambda sent, total: bar.update(task, completed=sent, total=total)
    else:
        sizes = [0]
        yield lambda sent, total: sizes.append(total)
        output.say(f"uploaded {one_line(name)} ({size(sizes[-1])})")
