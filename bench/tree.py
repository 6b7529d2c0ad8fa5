"""Processes that this one has started, by whatever way, and an end to all of them."""

import ctypes
import time
from collections.abc import Collection

import psutil  # type: ignore[import-untyped]  # it publishes no types

_SET_CHILD_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2): orphans of descendants become children of this process instead of init's."""


def adopt_orphans() -> None:
    """From now on, whatever is started below this process can be found below it."""
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def below() -> set[int]:
    """The ids of the processes below this one."""
    return {process.pid for process in psutil.Process().children(recursive=True)}


def end_all(*, but: Collection[int] = (), patience: float = 5.0) -> None:
    """End every process below this one, `but` for some: told first, killed after `patience` seconds."""
    found = _alive(but)
    for process in found:
        _tell(process, kill=False)
    _, left = psutil.wait_procs(found, timeout=patience)
    deadline = time.monotonic() + patience
    while left and time.monotonic() < deadline:
        for process in left:
            _tell(process, kill=True)
        psutil.wait_procs(left, timeout=0.5)
        left = _alive(but)


def _alive(but: Collection[int]) -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if process.pid not in but and not _is_dead(process)
    ]


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
