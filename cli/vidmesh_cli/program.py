"""The command's own name, as it can be typed here."""

import os
import shutil
import sys
from pathlib import Path

NAME = "vidmesh"


def program() -> str:
    """Give what starts this command: its bare name where the shell finds it by that, else the path it was started by."""
    started = Path(sys.argv[0])
    if started.name != NAME:
        return NAME
    found = shutil.which(NAME)
    if found is not None and Path(found).resolve() == started.resolve():
        return NAME
    return os.path.relpath(started) if started.absolute().is_relative_to(Path.cwd()) else str(started)
