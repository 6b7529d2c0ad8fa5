"""Running the mesh in the foreground, and stopping one that runs in the background."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from vidmesh_cli.asked import MisuseError
from vidmesh_cli.commands.mesh import RATE
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.output import Output
from vidmesh_cli.port import require_port
from vidmesh_cli.view.parts import Doors, PartsView
from vidmesh_stack import web
from vidmesh_stack.certificate import Certificate
from vidmesh_stack.folder import Folder
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack

STOP_WITHIN = 60.0
"""Seconds that a mesh has to end after it was told to."""


def read_scale(given: Sequence[str]) -> dict[str, int]:
    """Read ["transcribe=2"]. Raises MisuseError."""
    scale: dict[str, int] = {}
    for one in given:
        name, _, count = one.partition("=")
        if not count.isdigit():
            raise MisuseError(f"--scale wants SERVICE=COUNT, such as transcribe=2, not {one!r}")
        scale[name] = int(count)
    return scale


def stack_settings(
    *,
    data: Path,
    port: int,
    scale: Mapping[str, int],
    rate: int = RATE,
    metrics: bool = False,
    tls: bool = False,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    mutual_tls: bool = False,
) -> StackSettings:
    """Give the stack's settings. Raises MisuseError where they cannot be run."""
    if (tls_cert is None) != (tls_key is None):
        raise MisuseError("--tls-cert and --tls-key belong together")
    own = Certificate(chain=tls_cert.absolute(), key=tls_key.absolute()) if tls_cert and tls_key else None
    try:
        return StackSettings(
            data=data,
            port=port,
            scale=scale,
            rate=rate,
            metrics=metrics,
            tls=tls,
            certificate=own,
            mutual_tls=mutual_tls,
        )
    except ValueError as error:
        raise MisuseError(str(error)) from error


async def up(output: Output, chosen: StackSettings) -> ExitCode:
    """Run the mesh until SIGINT, SIGTERM or SIGHUP, or until a part is given up (StackError)."""
    require_port(output, chosen)
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    stop, run = asyncio.create_task(told.wait()), asyncio.create_task(_run(output, chosen))
    await asyncio.wait({stop, run}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    run.cancel()
    with suppress(asyncio.CancelledError):
        await run
    output.say(f"Stopped. What it holds stays in {chosen.data}.")
    return ExitCode.OK


async def down(output: Output, data: Path) -> ExitCode:
    """Stop the mesh that runs in a data folder and wait for its end."""
    folder = Folder(data)
    running = folder.running()
    if running is None:
        output.say(f"No mesh runs in {data}.")
        if output.json_lines:
            output.result({"stopped": False, "data": readable(folder.root)})
        return ExitCode.OK
    began = time.monotonic()
    os.kill(running.pid, signal.SIGTERM)
    while folder.running() is not None or _lives(running.pid):
        if time.monotonic() - began > STOP_WITHIN:
            output.problem(
                f"The mesh (process {running.pid}) did not end within {STOP_WITHIN:.0f} seconds.",
                advice=f"Look into {folder.logs}; `kill -9 {running.pid}` ends it and all its parts.",
            )
            return ExitCode.STOPPED
        await asyncio.sleep(0.05)
    took = time.monotonic() - began
    if output.json_lines:
        output.result({"stopped": True, "data": readable(folder.root), "seconds": round(took, 3)})
    output.say(f"Stopped in {took:.1f} s. What it holds stays in {data}.")
    output.hint(("vidmesh up --detach", "start it again"))
    return ExitCode.OK


async def _run(output: Output, chosen: StackSettings) -> None:
    began = time.monotonic()
    view = PartsView(output)
    view.begin()
    try:
        async with Stack(chosen, view.tell) as stack:
            view.end()
            doors = doors_of(Folder(chosen.data), stack.endpoint)
            doors.show(
                output,
                took=time.monotonic() - began,
                stop_with=f"Ctrl-C, or {output.typed('vidmesh down')}",
            )
            if output.json_lines:
                output.result(doors.result())
            try:
                await stack.wait()
            finally:
                view.begin()
    finally:
        view.end()


def doors_of(folder: Folder, endpoint: str) -> Doors:
    """Give the doors of the mesh that holds a folder."""
    return Doors(
        endpoint=endpoint,
        token_file=readable(folder.token),
        logs=readable(folder.logs),
        data=readable(folder.root),
        web=web.built() is not None,
    )


def readable(path: Path) -> str:
    """Give a path as short as it can be typed here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
