"""transcript, summary, chapters, search, ask."""

from enum import StrEnum
from typing import Annotated

import typer

from vidmesh_cli.asked import Asked, with_mesh
from vidmesh_cli.commands.jobs import VideoArgument

VideoOption = Annotated[
    list[str] | None,
    typer.Option(metavar="VIDEO", help="Only in this video; may be given more than once. Default: in all."),
]


class Format(StrEnum):
    """A file format for transcripts."""

    SRT = "srt"
    VTT = "vtt"
    TXT = "txt"
    JSON = "json"


@with_mesh
def transcript(
    asked: Asked,
    video: VideoArgument,
    form: Annotated[
        Format | None, typer.Option("--format", help="Print it as a file of this format.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it is whole.")] = False,
) -> None:
    """Print what is said in a video."""
    from vidmesh.transcribe.v1.transcript_pb2 import ExportFormat
    from vidmesh_cli import reading
    from vidmesh_cli.session import run

    if form and follow:
        raise typer.BadParameter("--follow prints lines as they come; --format prints a whole file")
    if form:
        value = ExportFormat.Value(f"EXPORT_FORMAT_{form.name}")
        run(asked, lambda client, output: reading.export(client, output, video=video, form=value))
    show = reading.stream if follow else reading.transcript
    run(asked, lambda client, output: show(client, output, video=video))


@with_mesh
def summary(asked: Asked, video: VideoArgument) -> None:
    """Print what a video is about."""
    from vidmesh_cli import reading
    from vidmesh_cli.session import run

    run(asked, lambda client, output: reading.summary(client, output, video=video))


@with_mesh
def chapters(asked: Asked, video: VideoArgument) -> None:
    """Print the chapters of a video."""
    from vidmesh_cli import reading
    from vidmesh_cli.session import run

    run(asked, lambda client, output: reading.chapters(client, output, video=video))


@with_mesh
def search(
    asked: Asked,
    query: Annotated[str, typer.Argument(metavar="QUERY", help='Words, "a phrase", -without.')],
    video: VideoOption = None,
    limit: Annotated[int, typer.Option(metavar="COUNT", help="How many moments at most.", min=1)] = 10,
) -> None:
    """Find moments, by words and by meaning."""
    from vidmesh_cli import finding
    from vidmesh_cli.session import run

    run(
        asked,
        lambda client, output: finding.search(client, output, query=query, videos=video or [], limit=limit),
    )


@with_mesh
def ask(
    asked: Asked,
    question: Annotated[str, typer.Argument(metavar="QUESTION")],
    video: VideoOption = None,
) -> None:
    """Answer a question and name the moments."""
    from vidmesh_cli import finding
    from vidmesh_cli.session import run

    run(asked, lambda client, output: finding.ask(client, output, question=question, videos=video or []))
