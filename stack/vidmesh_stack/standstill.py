"""Holding processes still for a moment, so that what they write can be copied as it is."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psutil  # type: ignore[import-untyped] # it publishes no types

from vidmesh_stack.events import StackError

PATIENCE = 5.0
"""Seconds that a process may take to stand still: one that waits for a disk does so later."""
STILL = (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)

# It waits for the end of its input, which comes when whoever holds the processes still has let go of them, or has died.
_RELEASE = """
import os, signal, sys
sys.stdin.read()
for pid in map(int, sys.argv[1:]):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass
"""


@contextmanager
def held_still(pids: Iterable[int]) -> Iterator[None]:
    """Stop processes and their children (SIGSTOP); they go on when this is left, also where this process dies in between."""
    family = [one for pid in pids for one in _family(pid)]
    numbers = [str(process.pid) for process in family]
    releaser = subprocess.Popen(  # noqa: S603 - Python itself, with numbers
        [sys.executable, "-I", "-S", "-c", _RELEASE, *numbers], stdin=subprocess.PIPE
    )
    try:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
        for process in family:
            _wait_until_still(process)
        yield
    finally:
        releaser.communicate()


def _wait_until_still(process: psutil.Process) -> None:
    until = time.monotonic() + PATIENCE
    with suppress(psutil.NoSuchProcess):
        while process.status() not in STILL:
            if time.monotonic() > until:
                raise StackError(f"Process {process.pid} cannot be held still.")
            time.sleep(0.001)


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []
