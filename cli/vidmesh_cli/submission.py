"""Handing videos to the mesh."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from vidmesh import AsyncClient, AsyncSubmission, UploadProgress, VidmeshError
from vidmesh.events.v1.ingest_events_pb2 import CaptionMode
from vidmesh.ingest.v1.ingest_service_pb2 import SubmitVideoResponse
from vidmesh.ingest.v1.job_pb2 import Job
from vidmesh_cli.asked import MisuseError
from vidmesh_cli.entry import plain
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.ids import short
from vidmesh_cli.output import Output, animated, as_dict
from vidmesh_cli.printable import one_line
from vidmesh_cli.session import code_of as code_of_error
from vidmesh_cli.source import read_source
from vidmesh_cli.units import size
from vidmesh_cli.watching import STATES, code_of, follow, next_steps, outcomes, tell_failures

HEAD_START = timedelta(seconds=3)
"""How long a file is sent before its job begins without the rest: what is here by then is known again by its contents."""

WHOLE = timedelta.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a video is to be taken on."""

    force: bool = False
    captions: CaptionMode.ValueType = CaptionMode.CAPTION_MODE_UNSPECIFIED
    language: str = ""
    title: str = ""

    def say_how(self) -> bool:
        """Whether they say anything of how the video is worked on, which a job that there is already does not follow."""
        unchanged = (CaptionMode.CAPTION_MODE_UNSPECIFIED, CaptionMode.CAPTION_MODE_NEVER)
        return bool(self.language or self.title) or self.captions not in unchanged


async def submit(
    client: AsyncClient,
    output: Output,
    *,
    sources: Sequence[str],
    wishes: Wishes,
    playlist: bool,
    watch: bool,
) -> ExitCode:
    """Hand over all sources, then follow their jobs one after the other if asked to.

    A source that is not taken on is told of and does not stop the others, unless the caller is not let in at all.
    """
    for source in sources:
        # Refuse all before any is sent.
        if isinstance(read_source(source), Path) and playlist:
            raise MisuseError(f"--playlist wants a link, and {source} is a file")
    head_start = HEAD_START if watch and len(sources) == 1 else WHOLE
    taken: dict[str, AsyncSubmission | None] = {}
    jobs: dict[str, Job] = {}
    refused: dict[str, ExitCode] = {}
    for source in sources:
        try:
            async for job, submission in _jobs(
                client, output, source, wishes, playlist=playlist, head_start=head_start
            ):
                jobs[job.id], taken[job.id] = job, submission
                if not watch and not output.json_lines:
                    output.show(plain(job.id))
        except (VidmeshError, MisuseError) as error:
            refused[source] = _tell_refused(output, source, error, only=len(sources) == 1)
    if watch:
        ended = await _watch(client, output, list(jobs.values()), list(refused), taken)
    else:
        ended = ExitCode.OK
        _tell_sent(output, list(jobs.values()), list(refused))
    return max(ended, *refused.values()) if refused else ended


def _tell_refused(output: Output, source: str, error: VidmeshError | MisuseError, *, only: bool) -> ExitCode:
    """Tell why a source was not taken on and give the code for it; raise what concerns the whole command."""
    if isinstance(error, MisuseError):
        if only:
            raise error
        output.problem(str(error))
        return ExitCode.ERROR
    code = code_of_error(error)
    if code is ExitCode.AUTH:
        raise error
    output.failure(error, about=source)
    return code


async def _watch(
    client: AsyncClient,
    output: Output,
    jobs: Sequence[Job],
    refused: Sequence[str],
    taken: Mapping[str, AsyncSubmission | None],
) -> ExitCode:
    """Follow the jobs, each under its title where there are several, and tell how all of it ended."""
    several = len(jobs) + len(refused) > 1
    titles = {job.id: _title(job) if several else "" for job in jobs}
    ended: list[Job] = []
    noticed: set[str] = set()
    for job in jobs:
        if several and not output.json_lines:
            output.say(f"\n▸ {titles[job.id]}", style="bold")
        ended.append(
            await follow(
                client, output, job.id, label=titles[job.id], noticed=noticed, submission=taken[job.id]
            )
        )
    if output.json_lines:
        if several:
            output.result({"jobs": [as_dict(job) for job in ended], "refused": list(refused)})
        elif ended:
            output.result(ended[0])
    else:
        for job in ended:
            tell_failures(output, job, label=titles[job.id])
        if several:
            output.say(f"\n{outcomes(ended, refused=len(refused))}", style="bold")
        if ended:
            output.hint(*next_steps(ended))
    return max((code_of(job) for job in ended), default=ExitCode.OK)


def _tell_sent(output: Output, jobs: Sequence[Job], refused: Sequence[str]) -> None:
    if len(jobs) + len(refused) > 1 and refused:
        output.say(f"\n{len(jobs)} taken on, {len(refused)} failed.", style="bold")
    if jobs:
        output.hint(
            (f"vidmesh watch {short(jobs[0].id)}", "see it happen"),
            ("vidmesh jobs", "how all jobs stand"),
        )


async def submit_one(
    client: AsyncClient, output: Output, *, source: str, wishes: Wishes, head_start: timedelta = WHOLE
) -> AsyncSubmission:
    """Hand over a link, or a file that is sent for `head_start` before its job begins without the rest.

    Raises MisuseError for what is neither or cannot be read.
    """
    read = read_source(source)
    if not isinstance(read, Path):
        return await _handed_over(client, read, wishes, head_start, None)
    try:
        with _upload_progress(output, read.name) as progress:
            return await _handed_over(client, read, wishes, head_start, progress)
    except OSError as error:
        raise MisuseError(f"{source} cannot be read: {error.strerror}") from error


async def _handed_over(
    client: AsyncClient,
    source: str | Path,
    wishes: Wishes,
    head_start: timedelta,
    progress: Callable[[UploadProgress], None] | None,
) -> AsyncSubmission:
    return await client.submit(
        source,
        force=wishes.force,
        captions=wishes.captions,
        language=wishes.language,
        title=wishes.title,
        head_start=head_start,
        progress=progress,
    )


async def _jobs(
    client: AsyncClient,
    output: Output,
    source: str,
    wishes: Wishes,
    *,
    playlist: bool,
    head_start: timedelta,
) -> AsyncIterator[tuple[Job, AsyncSubmission | None]]:
    if playlist:
        async for job in _playlist(client, output, source, wishes):
            yield job, None
        return
    submission = await submit_one(client, output, source=source, wishes=wishes, head_start=head_start)
    if output.json_lines:
        output.emit(SubmitVideoResponse(job=submission.job, existing=submission.existing))
    else:
        _tell_taken_on(output, submission.job, wishes, existing=submission.existing)
    yield submission.job, submission


async def _playlist(client: AsyncClient, output: Output, url: str, wishes: Wishes) -> AsyncIterator[Job]:
    entries = client.submit_playlist(
        url, force=wishes.force, captions=wishes.captions, language=wishes.language
    )
    async for entry in entries:
        if output.json_lines:
            output.emit(entry)
        else:
            _tell_taken_on(output, entry.job, wishes, title=entry.title, existing=entry.existing)
        yield entry.job


def _tell_taken_on(output: Output, job: Job, wishes: Wishes, *, title: str = "", existing: bool) -> None:
    title = one_line(title) or _title(job)
    if existing:
        state = STATES.get(job.state, "is known")
        output.say(f"{title}: known already, its job {job.id} {state}; --force begins a new one.")
        if wishes.say_how():
            output.say(
                "--language, --title and --captions change nothing of what is known; with --force they count.",
                style="yellow",
            )
    else:
        output.say(f"{title}: taken on as job {job.id} of video {job.video_id}.")


def _title(job: Job) -> str:
    return one_line(job.title or job.source) or job.id


@contextmanager
def _upload_progress(output: Output, name: str) -> Iterator[Callable[[UploadProgress], None]]:
    """Show how much of a file is sent: a bar on a terminal, a line at the end elsewhere, nothing in JSON."""
    if output.json_lines:
        yield lambda told: None
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
            yield lambda told: bar.update(task, completed=told.sent, total=told.size)
    else:
        told: list[UploadProgress] = []
        yield told.append
        verb = "uploaded" if told[-1].sent == told[-1].size else "sending"
        output.say(f"{verb} {one_line(name)} ({size(told[-1].size)})")
