"""demo."""

from typing import Annotated

import typer

from vidmesh_cli.asked import Asked, with_mesh


@with_mesh
def demo(
    asked: Asked,
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="A file or a link. Default: the sample in the checkout."),
    ] = None,
    ask: Annotated[str | None, typer.Option(help="What to ask of it.", metavar="QUESTION")] = None,
) -> None:
    """Show the whole of it in a minute.

    Starts a mesh of its own, takes a video on, shows its text, summary and chapters as they come, answers a question,
    and stops everything that it started.
    """
    from vidmesh_cli.demonstration import demo as show
    from vidmesh_cli.demonstration import plan
    from vidmesh_cli.session import run_here

    run_here(asked, lambda output: show(output, data=asked.data / "demo", chosen=plan(source, ask)))
