"""keys create, list, revoke."""

from typing import Annotated

import typer

from vidmesh_cli.asked import Asked, with_mesh
from vidmesh_cli.usage import Command

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="API keys, which programs call with in place of a token. They need a token with the scope admin.",
)


@app.command(cls=Command)
@with_mesh
def create(
    asked: Asked,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE",
            help="What it allows: read, write, admin. May be given again. Default: read and write.",
            show_default=False,
        ),
    ] = None,
    ttl: Annotated[
        str,
        typer.Option(metavar="TIME", help="How long it is valid: 12h, 90d. Default: until it is revoked."),
    ] = "",
) -> None:
    """Make an API key and print it, this once."""
    from vidmesh_cli.keys import create as make
    from vidmesh_cli.session import run

    run(asked, lambda client, output: make(client, output, name=name, scopes=scope or (), ttl=ttl))


@app.command("list", cls=Command)
@with_mesh
def listed(asked: Asked) -> None:
    """List API keys, newest first."""
    from vidmesh_cli.keys import show_all
    from vidmesh_cli.session import run

    run(asked, show_all)


@app.command(cls=Command)
@with_mesh
def revoke(
    asked: Asked,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key's id, or its unique beginning.")],
) -> None:
    """End an API key: the next call with it is refused."""
    from vidmesh_cli.keys import revoke as end
    from vidmesh_cli.session import run

    run(asked, lambda client, output: end(client, output, key=key))
