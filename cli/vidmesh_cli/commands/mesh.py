"""up, down, token, doctor."""

from pathlib import Path
from typing import Annotated

import typer

from vidmesh_cli.asked import Asked, with_mesh

TENANT, SUBJECT, TTL = "dev", "developer", "30d"
SCOPES = ("read", "write")
RATE = 500


@with_mesh
def up(
    asked: Asked,
    *,
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
    rate: Annotated[
        int, typer.Option(metavar="CALLS", help="Calls a second that each tenant may make.", min=1)
    ] = RATE,
    metrics: Annotated[
        bool,
        typer.Option("--metrics", help="Tell Prometheus what goes on: run/metrics.json says where."),
    ] = False,
    tls: Annotated[
        bool, typer.Option("--tls", help="Speak TLS, with a certificate that is made for this machine.")
    ] = False,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Speak TLS with this certificate, in PEM.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="The certificate's key.")] = None,
    mutual_tls: Annotated[
        bool,
        typer.Option("--mutual-tls", help="Let the parts know each other by certificates made for them."),
    ] = False,
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
            output,
            stack_settings(
                data=asked.data,
                port=port,
                scale=read_scale(scale or []),
                rate=rate,
                metrics=metrics,
                tls=tls,
                tls_cert=tls_cert,
                tls_key=tls_key,
                mutual_tls=mutual_tls,
            ),
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
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE",
            help="What it allows: read, write, admin. May be given again. Default: read and write.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print a token for the mesh on this machine."""
    from vidmesh_cli.session import run_here
    from vidmesh_cli.tokens import make

    scopes = tuple(scope or SCOPES)
    run_here(
        asked, lambda output: make(output, asked.data, tenant=tenant, subject=subject, ttl=ttl, scopes=scopes)
    )


@with_mesh
def doctor(asked: Asked) -> None:
    """Look for what does not work.

    Looks at what is installed, what would be used, and how the running mesh feels.
    """
    from vidmesh_cli.checkup import doctor as look
    from vidmesh_cli.session import run_here

    run_here(asked, lambda output: look(output, asked))
