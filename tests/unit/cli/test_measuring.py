"""`vidmesh bench`: the measurements are the checkout's own."""

import io
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.measuring import measure
from vidmesh_cli.output import Output


async def test_without_a_checkout_it_says_what_is_needed(tmp_path: Path) -> None:
    output = Output(json_lines=False)
    said = io.StringIO()
    output.messages = Console(file=said, width=200)
    ended = await measure(output, names=(), size="smoke", write=False, checkout=tmp_path)
    assert ended is ExitCode.ERROR
    assert "they need its checkout" in said.getvalue()
    assert "make bench" in said.getvalue()


def test_from_anywhere_the_measurements_of_the_checkout_are_found(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "vidmesh_cli", "bench", "nonsense"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == ExitCode.USAGE
    assert "there is no measurement 'nonsense'" in ended.stderr
