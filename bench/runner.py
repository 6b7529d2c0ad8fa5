"""Running measurements one after the other, each in a process of its own with a time limit, and none of them left behind."""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from bench import tree
from bench.finding import read_finding
from bench.listing import Listed
from bench.measurement import Finding, Size
from bench.outcome import Outcome

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "bench"
"""Where logs and results go."""

Say = Callable[[str], None]


class FailedError(Exception):
    """A measurement came to no finding; the message says why."""


async def run(listed: Listed, size: Size, say: Say, *, build: Path = BUILD) -> Outcome:
    """Take one measurement. What it prints goes to a file named after it; nothing that it started outlives this."""
    began = time.monotonic()
    finding, error = None, ""
    try:
        finding = await _finding(listed, size, say, build)
    except FailedError as failed:
        error = str(failed)
    return Outcome(
        name=listed.name,
        number=listed.number,
        size=size,
        day=datetime.now(UTC).date().isoformat(),
        seconds=round(time.monotonic() - began, 1),
        finding=finding,
        error=error,
    )


async def _finding(listed: Listed, size: Size, say: Say, build: Path) -> Finding:
    out, log = build / f"{listed.name}.json", build / f"{listed.name}.log"
    others = tree.below()
    with _workplace(out, log) as (folder, output):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.child", listed.name, size.value, str(folder), str(out)),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(listed.seconds(size)):
                await _listen(process, say)
                status = await process.wait()
        except TimeoutError:
            raise FailedError(f"it took longer than {listed.seconds(size):.0f} s; see {log.name}") from None
        finally:
            await _end(process, others)
            _keep_logs(folder, out.with_suffix(".logs"))
    if status or not out.exists():
        raise FailedError(_last_words(log) or f"it ended with status {status}")
    finding = read_finding(out)
    out.unlink()
    return finding


@contextmanager
def _workplace(out: Path, log: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """An empty folder and a file for what is printed. What an earlier run has found is gone."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.unlink(missing_ok=True)
    # A short name: the path of a Unix socket in it has at most 107 characters.
    with TemporaryDirectory(prefix="vmb-", ignore_cleanup_errors=True) as folder, log.open("wb") as output:
        Path(folder).chmod(0o755)  # PostgreSQL, which never runs as root, must get through
        yield Path(folder), output


async def _listen(process: asyncio.subprocess.Process, say: Say) -> None:
    if process.stdout is not None:
        async for line in process.stdout:
            say(line.decode("utf-8", "replace").rstrip())


def _keep_logs(folder: Path, kept: Path) -> None:
    """Keep what the parts of its meshes have logged: the folder will be gone."""
    shutil.rmtree(kept, ignore_errors=True)
    for path in folder.glob("**/logs/*.log"):
        place = kept / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


async def _end(process: asyncio.subprocess.Process, others: Collection[int]) -> None:
    if process.returncode is None:
        # It is asked first, so that it ends in order what it has started.
        process.terminate()
        try:
            async with asyncio.timeout(15):
                await process.wait()
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    await asyncio.to_thread(tree.end_all, but=others)


def _last_words(log: Path) -> str:
    """The last line that was printed: of a traceback, what was raised."""
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
