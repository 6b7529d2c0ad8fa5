"""API keys in a list, made and revoked."""

import time
from collections.abc import AsyncIterator, Sequence

from rich.table import Table

from vidmesh import AsyncClient
from vidmesh.ingest.v1.api_key_pb2 import ApiKey
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.ids import only
from vidmesh_cli.output import Output
from vidmesh_cli.printable import one_line
from vidmesh_cli.tokens import read_ttl
from vidmesh_cli.units import span


async def create(
    client: AsyncClient, output: Output, *, name: str, scopes: Sequence[str], ttl: str
) -> ExitCode:
    """Make a key. What opens the door goes to the standard output alone, so that it can be kept by a pipe."""
    made = await client.create_api_key(name, scopes=scopes, ttl=read_ttl(ttl) if ttl else None)
    if output.json_lines:
        output.emit(made)
        return ExitCode.OK
    output.raw(f"{made.secret}\n")
    output.say("Keep it now: it is not told again.")
    output.hint((f"vidmesh keys revoke {made.key.id}", "end it"))
    return ExitCode.OK


async def show_all(client: AsyncClient, output: Output) -> ExitCode:
    """List the keys."""
    found = await client.api_keys()
    if output.json_lines:
        for key in found:
            output.emit(key)
        return ExitCode.OK
    if not found:
        output.say("There are no API keys.")
        output.hint(('vidmesh keys create "what it is for"', "make one"))
        return ExitCode.OK
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("key", "for", "allows", "age", "used", "state"):
        table.add_column(column, no_wrap=True)
    for key in found:
        table.add_row(
            key.id,
            one_line(key.name),
            " ".join(key.scopes),
            _ago(key.created_at.seconds),
            _ago(key.used_at.seconds) if key.HasField("used_at") else "never",
            _state(key),
        )
    output.data.print(table)
    return ExitCode.OK


async def revoke(client: AsyncClient, output: Output, *, key: str) -> ExitCode:
    """End a key."""
    ended = await client.revoke_api_key(await only(key, "API key", _ids(client)))
    if output.json_lines:
        output.emit(ended)
    else:
        output.say(f"{one_line(ended.name)} opens nothing any more.")
    return ExitCode.OK


async def _ids(client: AsyncClient) -> AsyncIterator[str]:
    for key in await client.api_keys():
        yield key.id


def _ago(seconds: int) -> str:
    return span(max(0.0, time.time() - seconds))


def _state(key: ApiKey) -> str:
    if key.HasField("revoked_at"):
        return "revoked"
    if not key.HasField("expires_at"):
        return "valid"
    if key.expires_at.seconds <= time.time():
        return "expired"
    return f"until {key.expires_at.ToDatetime():%Y-%m-%d %H:%M} UTC"
