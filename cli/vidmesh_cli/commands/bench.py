"""bench."""

from enum import StrEnum
from typing import Annotated

import typer

from vidmesh_cli.asked import Asked, with_mesh


class Size(StrEnum):
    """How much to measure."""

    SMOKE = "smoke"
    FULL = "full"


@with_mesh
def bench(
    asked: Asked,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Measurements, or their numbers. Default: all."),
    ] = None,
    size: Annotated[
        Size, typer.Option(help="smoke: seconds, to see that it works; full: what the docs tell.")
    ] = Size.FULL,
    write: Annotated[
        bool, typer.Option("--write", help="Write docs/benchmarks.md and its pictures anew.")
    ] = False,
) -> None:
    """Measure speed and size against raw libraries and peers.

    Starts meshes of its own and stops them. Needs a checkout, for the measurements are no part of what is installed.
    """
    from vidmesh_cli.measuring import measure
    from vidmesh_cli.session import run_here

    run_here(
        asked,
        lambda output: measure(output, names=tuple(names or ()), size=size.value, write=write),
    )
