"""Runs the mesh until it is told to stop: `python -m vidmesh_stack [--data DIR] [--port N] [--scale transcribe=2]`."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from vidmesh_stack.events import StackError, StackEvent
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack


def settings() -> StackSettings:
    """The settings that the command line gives."""
    default = StackSettings()
    parser = argparse.ArgumentParser(prog="python -m vidmesh_stack", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=default.data, help="the folder that everything is kept in"
    )
    parser.add_argument("--host", default=default.host, help="the address that the gateway listens on")
    parser.add_argument(
        "--port", type=int, default=default.port, help="the gateway's port; 0 takes a free one"
    )
    parser.add_argument(
        "--scale", action="append", default=[], metavar="SERVICE=N", help="processes of a service"
    )
    parser.add_argument("--origin", action="append", default=[], help="a web origin that may call")
    parser.add_argument(
        "--rate", type=int, default=default.rate, help="calls a second that each tenant may make"
    )
    asked = parser.parse_args()
    try:
        scale = {name: int(count) for name, count in (one.split("=", 1) for one in asked.scale)}
        return StackSettings(
            data=asked.data,
            host=asked.host,
            port=asked.port,
            scale=scale,
            origins=tuple(asked.origin),
            rate=asked.rate,
        )
    except ValueError as error:
        parser.error(str(error))


async def run(chosen: StackSettings) -> None:
    """Run until SIGINT, SIGTERM, SIGHUP, or until a part is given up."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    stop = asyncio.create_task(told.wait())
    up = asyncio.create_task(_up(chosen))
    await asyncio.wait({stop, up}, return_when=asyncio.FIRST_COMPLETED)
    if not up.done():
        up.cancel()
    try:
        await up
    except asyncio.CancelledError:
        pass
    finally:
        stop.cancel()


async def _up(chosen: StackSettings) -> None:
    async with Stack(chosen, on_event=_print) as stack:
        print(f"vidmesh answers on {stack.endpoint}", file=sys.stderr)
        await stack.wait()


def _print(event: StackEvent) -> None:
    took = f" ({event.seconds:.1f} s)" if event.seconds else ""
    print(f"{event.part}: {event.state}{took} {event.detail}".rstrip(), file=sys.stderr)


if __name__ == "__main__":
    try:
        asyncio.run(run(settings()))
    except StackError as error:
        sys.exit(f"vidmesh: {error}")
