"""reindex, backup, restore."""

from pathlib import Path
from typing import Annotated

import typer

from vidmesh_cli.asked import Asked, with_mesh


@with_mesh
def reindex(asked: Asked) -> None:
    """Rebuild the search index from the database.

    Vectors are made anew for all that you have, and those that belong to nothing go. Searches are answered meanwhile.
    """
    from vidmesh_cli.reindexing import reindex as rebuild
    from vidmesh_cli.session import run

    run(asked, rebuild)


@with_mesh
def backup(
    asked: Asked,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Where to write it. Default: vidmesh-DATE-TIME.tar, here."),
    ] = None,
) -> None:
    """Copy all that the mesh on this machine holds into one file.

    Jobs go on meanwhile. The file holds the keys that tokens are signed with: keep it as safe as the mesh itself.
    """
    from vidmesh_cli.copying import backup as copy
    from vidmesh_cli.session import run_here

    run_here(asked, lambda output: copy(output, asked.data, file))


@with_mesh
def restore(
    asked: Asked, file: Annotated[Path, typer.Argument(metavar="FILE", help="What `vidmesh backup` wrote.")]
) -> None:
    """Fill an empty data folder from a backup.

    `vidmesh up` goes on with what was under way in it.
    """
    from vidmesh_cli.copying import restore as bring_back
    from vidmesh_cli.session import run_here

    run_here(asked, lambda output: bring_back(output, asked.data, file))
