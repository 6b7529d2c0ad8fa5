"""Programs: their logs and how they ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vidmesh_stack.program import LOG_BYTES, Program, ending, last_lines


async def answers() -> bool:
    return True


def test_endings_are_told_in_words() -> None:
    assert ending(3) == "ended with exit code 3"
    assert ending(-9) == "was killed by SIGKILL"


def test_last_lines_are_those_of_this_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\nfirst\nsecond\nthird\n")
    assert last_lines(log, since=len("before\n"), count=2) == "second\nthird"
    assert last_lines(log, since=len("before\n")) == "first\nsecond\nthird"


@pytest.mark.parametrize(("size", "aside"), [(LOG_BYTES, False), (LOG_BYTES + 1, True)])
def test_a_large_log_is_set_aside(tmp_path: Path, size: int, aside: bool) -> None:
    log = tmp_path / "part.log"
    log.touch()
    os.truncate(log, size)
    Program(name="part", argv=("/bin/true",), answers=answers, log=log).set_log_aside()
    assert log.exists() is not aside
    assert (tmp_path / "part.log.1").exists() is aside


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    """A parent that starts a sleeper through the launcher, tells its pid, and is killed."""
    parent = (
        "import subprocess, sys, time\n"
        "from pathlib import Path\n"
        "from vidmesh_stack.program import Program\n"
        "async def answers(): return True\n"
        "program = Program(name='s', argv=('/bin/sleep', '600'), answers=answers, log=Path('x'))\n"
        "child = subprocess.Popen(program.command())\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        while Path(f"/proc/{child}/comm").read_text() != "sleep\n":
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    pidfd = None
    try:
        pidfd = os.pidfd_open(child)
    except ProcessLookupError:
        return
    import select

    assert select.select([pidfd], [], [], 10)[0]
    os.close(pidfd)
