"""Seeded crashes: a process that is told so by `VIDMESH_CRASH_AT` dies at a named point, as by kill -9."""

import os
import signal

_AT = frozenset(os.environ.get("VIDMESH_CRASH_AT", "").split(",")) - {""}


def crash_point(name: str) -> None:
    """Die here if told to. A point that was marked in `VIDMESH_CRASH_ONCE` (a folder) is passed the second time."""
    if name not in _AT:
        return
    folder = os.environ.get("VIDMESH_CRASH_ONCE")
    if folder:
        try:
            os.close(os.open(os.path.join(folder, f"crashed-{name}"), os.O_CREAT | os.O_EXCL))  # noqa: PTH118 - no imports on the hot path
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
