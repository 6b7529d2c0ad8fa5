"""One measurement in a process of its own: `python -m bench.child NAME SIZE FOLDER OUT`.

Lines on standard output are what the measurement says; OUT is the JSON of what it found. All else that is printed goes to
standard error, which the runner keeps in a file.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from bench.finding import write_finding
from bench.listing import choose
from bench.measurement import Bench, Size


async def measure(name: str, size: Size, folder: Path, out: Path) -> None:
    """Take one measurement and leave what it found in a file."""
    this = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: this and this.cancel())
    told = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(text: str) -> None:
        told.write(" ".join(text.split()) + "\n")
        sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {text}\n")

    (listed,) = choose([name])
    write_finding(await listed.load()(Bench(size=size, folder=folder, say=say)), out)


if __name__ == "__main__":
    asyncio.run(measure(sys.argv[1], Size(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])))
