"""submit, watch, jobs, cancel, retry, delete."""

from enum import StrEnum
from typing import Annotated

import typer

from vidmesh_cli.asked import Asked, with_mesh

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The job's id, or its unique beginning.")]
VideoArgument = Annotated[
    str, typer.Argument(metavar="VIDEO", help="The video's id, or its unique beginning.")
]


class Captions(StrEnum):
    """What to do with captions that people made."""

    PREFER = "prefer"
    ONLY = "only"
    NEVER = "never"


@with_mesh
def submit(
    asked: Asked,
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE", help="Files on this machine, or http(s) links.")
    ],
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow the jobs to their end.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Begin a new job although the source is known.")
    ] = False,
    captions: Annotated[
        Captions,
        typer.Option(help="Take captions that people made where there are any, only them, or never."),
    ] = Captions.NEVER,
    language: Annotated[
        str, typer.Option(metavar="LANGUAGE", help="The language spoken, such as en. Default: detected.")
    ] = "",
    title: Annotated[str, typer.Option(metavar="TITLE", help="A title. Default: the source's own.")] = "",
    playlist: Annotated[
        bool, typer.Option("--playlist", help="Take on every entry of a playlist or channel.")
    ] = False,
) -> None:
    """Hand over videos, as files or links.

    Files are sent, links are fetched by the mesh. Prints the id of each job.
    """
    from vidmesh.events.v1.ingest_events_pb2 import CaptionMode
    from vidmesh_cli.session import run
    from vidmesh_cli.submission import Wishes
    from vidmesh_cli.submission import submit as hand_over

    if title and (playlist or len(sources) > 1):
        raise typer.BadParameter("--title is for one source")
    wishes = Wishes(
        force=force,
        captions=CaptionMode.Value(f"CAPTION_MODE_{captions.name}"),
        language=language,
        title=title,
    )
    run(
        asked,
        lambda client, output: hand_over(
            client, output, sources=sources, wishes=wishes, playlist=playlist, watch=watch
        ),
    )


@with_mesh
def watch(
    asked: Asked,
    job: JobArgument,
    after: Annotated[
        int, typer.Option(metavar="SEQUENCE", help="Begin after the event with this sequence.", min=0)
    ] = 0,
) -> None:
    """Follow a job to its end.

    First what was, then what comes. Ctrl-C leaves the job running; --after goes on where a watch was left.
    """
    from vidmesh_cli.session import run
    from vidmesh_cli.watching import watch as follow

    run(asked, lambda client, output: follow(client, output, job=job, after=after))


@with_mesh
def jobs(
    asked: Asked, limit: Annotated[int, typer.Option(metavar="COUNT", help="How many at most.", min=1)] = 20
) -> None:
    """List your jobs, newest first."""
    from vidmesh_cli.library import jobs as show
    from vidmesh_cli.session import run

    run(asked, lambda client, output: show(client, output, limit=limit))


@with_mesh
def cancel(asked: Asked, job: JobArgument) -> None:
    """Stop a job. What it has made stays."""
    from vidmesh_cli.library import cancel as stop
    from vidmesh_cli.session import run

    run(asked, lambda client, output: stop(client, output, job=job))


@with_mesh
def retry(asked: Asked, job: JobArgument) -> None:
    """Run what failed in a job again.

    What was cancelled too; what is done is not done again.
    """
    from vidmesh_cli.library import retry as again
    from vidmesh_cli.session import run

    run(asked, lambda client, output: again(client, output, job=job))


@with_mesh
def delete(
    asked: Asked,
    video: VideoArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Delete a video and all made of it."""
    import sys

    from vidmesh_cli.library import delete as remove
    from vidmesh_cli.session import run

    if not yes:
        if asked.json or not sys.stdin.isatty():
            raise typer.BadParameter("nobody can be asked here whether it is meant: give --yes")
        typer.confirm(f"Delete video {video} and all that was made of it?", abort=True, err=True)
    run(asked, lambda client, output: remove(client, output, video=video))
