"""How much memory the parts of a mesh hold: proportional shares (PSS), so that what processes share counts once."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it publishes no types

from vidmesh_stack.stack import Stack

MEGABYTE = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What was sampled: at which time (`time.monotonic`), how many MB each part held."""

    samples: list[tuple[float, Mapping[str, float]]] = field(default_factory=list)

    @property
    def peak(self) -> float:
        """The most that all held together at one time, in MB."""
        return max(sum(held.values()) for _, held in self.samples)

    def peak_of(self, part: str) -> float:
        """The most that a part held, in MB."""
        return max(held.get(part, 0.0) for _, held in self.samples)

    def at_peak(self) -> Mapping[str, float]:
        """What each part held when all held the most."""
        return max((held for _, held in self.samples), key=lambda held: sum(held.values()))


@asynccontextmanager
async def sampled(stack: Stack, *, every: float) -> AsyncIterator[Memory]:
    """Look at a mesh's memory every so many seconds while this is entered."""
    memory = Memory()

    async def look() -> None:
        while True:
            roots = {part: pid for part in stack.parts if (pid := stack.pid(part)) is not None}
            held = await asyncio.to_thread(_held, roots)
            memory.samples.append((time.monotonic(), held))
            await asyncio.sleep(every)

    looking = asyncio.create_task(look())
    try:
        yield memory
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


def _held(roots: Mapping[str, int]) -> dict[str, float]:
    return {part: sum(map(pss, tree(pid))) / MEGABYTE for part, pid in roots.items()}


def tree(pid: int) -> list[int]:
    """A process and all below it; none where it is gone."""
    try:
        process = psutil.Process(pid)
        return [pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def pss(pid: int) -> int:
    """The proportional share of a process in bytes; 0 where it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    line = next((line for line in text.splitlines() if line.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1]) * 1024
