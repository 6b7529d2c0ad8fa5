"""Tokens for the mesh on this machine."""

import re
import shlex
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from vidmesh_cli.asked import MisuseError
from vidmesh_cli.commands.mesh import SCOPES, SUBJECT, TENANT, TTL
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.output import Output
from vidmesh_runtime.scope import SCOPES as KNOWN
from vidmesh_stack.folder import Folder
from vidmesh_stack.keys import make_token

DEFAULTS = {"tenant": TENANT, "subject": SUBJECT, "ttl": TTL}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


async def make(
    output: Output, data: Path, *, tenant: str, subject: str, ttl: str, scopes: Sequence[str]
) -> ExitCode:
    """Print a token signed with the mesh's own key."""
    for scope in scopes:
        if scope not in KNOWN:
            raise MisuseError(f"--scope wants one of {', '.join(KNOWN)}, not {scope!r}")
    try:
        made = make_token(Folder(data).keys, tenant=tenant, subject=subject, ttl=read_ttl(ttl), scopes=scopes)
    except FileNotFoundError:
        output.problem(
            f"There are no keys in {data}.",
            advice=f"`{output.typed('vidmesh up')}` makes them; name its folder with --data.",
        )
        return ExitCode.ERROR
    except ValueError as error:
        raise MisuseError(str(error)) from error
    if output.json_lines:
        output.line({"token": made, "tenant": tenant, "subject": subject, "scopes": list(scopes)})
    else:
        output.raw(made + "\n")
        chosen = [] if tuple(scopes) == SCOPES else [word for scope in scopes for word in ("--scope", scope)]
        flags = [*_flags(tenant=tenant, subject=subject, ttl=ttl), *chosen]
        again = shlex.join(["vidmesh", "token", *flags])
        use = f'VIDMESH_TOKEN="$({output.typed(again)})" {output.typed("vidmesh jobs")}'
        output.hint((use, "use it"))
    return ExitCode.OK


def _flags(**given: str) -> list[str]:
    """Give the options that are not at their defaults."""
    return [word for name, value in given.items() if value != DEFAULTS[name] for word in (f"--{name}", value)]


def read_ttl(given: str) -> timedelta:
    """Read "30m", "12h", "7d". Raises MisuseError."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", given)
    if match is None or not int(match[1]):
        raise MisuseError(f"--ttl wants a number and s, m, h or d, such as 12h, not {given!r}")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
