"""Rebuilding the search index, and telling how far that is."""

from vidmesh import AsyncClient
from vidmesh.query.v1.query_service_pb2 import ReindexRequest, ReindexResponse
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.output import Output, animated
from vidmesh_cli.units import counted


async def reindex(client: AsyncClient, output: Output) -> ExitCode:
    """Have the index rebuilt and follow that to its end."""
    shown = animated(output.messages.file)
    told = ReindexResponse()
    async for told in client.query.Reindex(ReindexRequest()):
        if output.json_lines and not told.completed:
            output.emit(told)
        elif shown:
            output.messages.print(f"\r{told.embedded}/{told.passages} passages ", end="")
    if output.json_lines:
        output.result(told)
        return ExitCode.OK
    if shown:
        output.messages.print("\r", end="")
    strays = f", {counted(told.removed, 'vectors')} of nothing removed" if told.removed else ""
    output.say(f"{counted(told.passages, 'passages')} indexed anew{strays}.")
    return ExitCode.OK
