"""Processes that this one has started, by whatever way, and an end to all of them."""

import ctypes
import os
import time

import psutil  # type: ignore[import-untyped]  # it publishes no types

_SET_CHILD_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2): orphans of descendants become children of this process instead of init's."""


def adopt_orphans() -> None:
    """From now on, whatever is started below this process can be found below it."""
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def end_all(*, patience: float = 5.0) -> int:
    """End every process below this one: told first, killed after `patience` seconds. Gives how many there were."""
    found = psutil.Process().children(recursive=True)
    for process in found:
        _tell(process, kill=False)
    _, left = psutil.wait_procs(found, timeout=patience)
    deadline = time.monotonic() + patience
    while left and time.monotonic() < deadline:
        for process in left:
            _tell(process, kill=True)
        psutil.wait_procs(left, timeout=0.5)
        left = [process for process in psutil.Process().children(recursive=True) if not _is_dead(process)]
    _reap()
    return len(found)


def _tell(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return


def _is_dead(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _reap() -> None:
    """Let go of orphans that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
