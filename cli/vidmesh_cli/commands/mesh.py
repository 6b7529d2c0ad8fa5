"""up, down, token, doctor."""

from typing import Annotated

import typer

from vidmesh_cli.asked import Asked, with_mesh

TENANT, SUBJECT, TTL = "dev", "developer", "30d"


@with_mesh
def up(
    asked: Asked,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Leave it running in the background.")
    ] = False,
    port: Annotated[
        int, typer.Option(metavar="PORT", help="The port; 0 takes one that is free.", min=0, max=65535)
    ] = 8080,
    scale: Annotated[
        list[str] | None,
        typer.Option(help="Processes of a service, such as transcribe=2.", metavar="SERVICE=COUNT"),
    ] = None,
) -> None:
    """Run the mesh on this machine."""
    from vidmesh_cli.background import up_detached
    from vidmesh_cli.session import run_here
    from vidmesh_cli.starting import read_scale, stack_settings
    from vidmesh_cli.starting import up as up_here

    start = up_detached if detach else up_here
    run_here(
        asked,
        lambda output: start(
            output, stack_settings(data=asked.data, port=port, scale=read_scale(scale or []))
        ),
    )


@with_mesh
def down(asked: Asked) -> None:
    """Stop the mesh that runs on this machine."""
    from vidmesh_cli.session import run_here
    from vidmesh_cli.starting import down as stop

    run_here(asked, lambda output: stop(output, asked.data))


@with_mesh
def token(
    asked: Asked,
    tenant: Annotated[str, typer.Option(metavar="TENANT", help="Whose data the token opens.")] = TENANT,
    subject: Annotated[str, typer.Option(metavar="SUBJECT", help="Who uses it.")] = SUBJECT,
    ttl: Annotated[str, typer.Option(metavar="TIME", help="How long it is valid: 30m, 12h, 7d.")] = TTL,
) -> None:
    """Print a token for the mesh on this machine."""
    from vidmesh_cli.session import run_here
    from vidmesh_cli.tokens import make

    run_here(asked, lambda output: make(output, asked.data, tenant=tenant, subject=subject, ttl=ttl))


@with_mesh
def doctor(asked: Asked) -> None:
    """Look for what does not work.

    Looks at what is installed, what would be used, and how the running mesh feels.
    """
    from vidmesh_cli.checkup import doctor as look
    from vidmesh_cli.session import run_here

    run_here(asked, lambda output: look(output, asked))
