"""How tests start a service as a process of its own that cannot outlive them."""

import os
import signal
import sys

from vidmesh_stack.program import LAUNCHER


def command(name: str) -> list[str]:
    """The command of the service `name`, such as "ingest": it ends with this process, however that ends."""
    launched = (sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(signal.SIGKILL)), "-")
    return [*launched, sys.executable, "-m", f"vidmesh_{name}"]
