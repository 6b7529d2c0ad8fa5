"""letters list, show, retry, drop."""

from typing import Annotated

import typer

from vidmesh_cli.asked import Asked, with_mesh
from vidmesh_cli.usage import Command

LetterArgument = Annotated[
    str, typer.Argument(metavar="LETTER", help="The letter's id, or its unique beginning.")
]
LettersArgument = Annotated[
    list[str] | None, typer.Argument(metavar="LETTER...", help="Letters' ids, or their unique beginnings.")
]
All = Annotated[bool, typer.Option("--all", help="All letters that there are.")]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Work that was given up, and messages that could not be read.",
)


@app.command("list", cls=Command)
@with_mesh
def listed(
    asked: Asked,
    job: Annotated[str, typer.Option(metavar="JOB", help="Only those of a job.")] = "",
) -> None:
    """List dead letters, newest first."""
    from vidmesh_cli.letters import show_all
    from vidmesh_cli.session import run

    run(asked, lambda client, output: show_all(client, output, job=job))


@app.command(cls=Command)
@with_mesh
def show(asked: Asked, letter: LetterArgument) -> None:
    """Read a dead letter: what was given up, why, and what it says."""
    from vidmesh_cli.letters import show_one
    from vidmesh_cli.session import run

    run(asked, lambda client, output: show_one(client, output, letter=letter))


@app.command(cls=Command)
@with_mesh
def retry(asked: Asked, letters: LettersArgument = None, *, every: All = False) -> None:
    """Have what was given up done after all.

    A job that has ended begins another run, with all that was given up of it.
    """
    from vidmesh_cli.letters import retry as again
    from vidmesh_cli.session import run

    chosen = _chosen(letters, every=every)
    run(asked, lambda client, output: again(client, output, letters=chosen))


@app.command(cls=Command)
@with_mesh
def drop(asked: Asked, letters: LettersArgument = None, *, every: All = False) -> None:
    """Drop dead letters that need nothing more. Their jobs stay as they are."""
    from vidmesh_cli.letters import drop as put_away
    from vidmesh_cli.session import run

    chosen = _chosen(letters, every=every)
    run(asked, lambda client, output: put_away(client, output, letters=chosen))


def _chosen(letters: list[str] | None, *, every: bool) -> list[str] | None:
    """The letters that were named; None for all."""
    if every == bool(letters):
        raise typer.BadParameter("name letters, or give --all")
    return letters or None
