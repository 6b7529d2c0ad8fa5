"""Running the mesh in the background: a process of its own that outlives this command."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping

from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.output import Output
from vidmesh_cli.port import require_port
from vidmesh_cli.starting import doors_of, readable
from vidmesh_cli.view.parts import PartsView, read_part
from vidmesh_stack.folder import Folder
from vidmesh_stack.settings import StackSettings


async def up_detached(output: Output, chosen: StackSettings) -> ExitCode:
    """Start `vidmesh up` in a session of its own and return when it is ready.

    It tells its progress as JSON on a pipe that is read until it is ready, and what happens later in its log.
    """
    require_port(output, chosen)
    folder = Folder(chosen.data)
    folder.make()
    began = time.monotonic()
    log = folder.log("up")
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *_command(chosen), stdin=DEVNULL, stdout=PIPE, stderr=errors, start_new_session=True
        )
    view = PartsView(output)
    view.begin()
    try:
        endpoint = await _endpoint(process, view)
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    finally:
        view.end()
    if endpoint is None:
        await process.wait()
        output.say(log.read_text(errors="replace").strip() or f"The mesh did not start; see {readable(log)}.")
        return ExitCode.ERROR
    doors = doors_of(folder, endpoint)
    doors.show(output, took=time.monotonic() - began, stop_with=output.typed("vidmesh down"))
    if output.json_lines:
        output.result(doors.result())
    return ExitCode.OK


async def _endpoint(process: asyncio.subprocess.Process, view: PartsView) -> str | None:
    """Show what the mesh tells until it is up; give its endpoint, or None where it ended before."""
    if process.stdout is None:
        return None
    async for line in process.stdout:
        told: Mapping[str, Mapping[str, object]] = json.loads(line)
        if "result" in told:
            return str(told["result"]["endpoint"])
        view.tell(read_part(told["part"]))
    return None


def _command(chosen: StackSettings) -> list[str]:
    scale = [word for name, count in chosen.scale.items() for word in ("--scale", f"{name}={count}")]
    where = [
        "--data",
        str(chosen.data),
        "--port",
        str(chosen.port),
        "--rate",
        str(chosen.rate),
        *["--metrics"] * chosen.metrics,
    ]
    own = chosen.certificate
    tls = ["--tls-cert", str(own.chain), "--tls-key", str(own.key)] if own else ["--tls"] * chosen.tls
    inside = ["--mutual-tls"] * chosen.mutual_tls
    return [sys.executable, "-P", "-m", "vidmesh_cli", "up", "--json", *where, *scale, *tls, *inside]
