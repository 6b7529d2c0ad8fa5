"""Running the measurements of the checkout that the command runs from."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.output import Output

CHECKOUT = Path(__file__).parents[2]
"""Where the measurements are, if this is a checkout."""


async def measure(
    output: Output, *, names: Sequence[str], size: str, write: bool, checkout: Path = CHECKOUT
) -> ExitCode:
    """Run `python -m bench` there, which tells of itself; its exit code is ours."""
    if not (checkout / "bench" / "__main__.py").is_file():
        output.problem(
            "The measurements are not installed with vidmesh: they need its checkout.",
            advice="Run `make bench` in a checkout of vidmesh, or its .venv/bin/vidmesh.",
        )
        return ExitCode.ERROR
    words = [
        *names,
        "--size",
        size,
        *(["--write"] if write else []),
        *(["--json"] if output.json_lines else []),
    ]
    task = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, lambda: task and task.cancel())
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench", *words, cwd=checkout)
    try:
        status = await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()
        raise
    return ExitCode(status) if status in set(ExitCode) else ExitCode.ERROR
