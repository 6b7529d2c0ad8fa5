"""The recognisers of a worker: each hears a window of its own, all at once.

Two recognisers with half of the cores each do more than one with all of them: much of the decoder's work is too small to
be shared between threads, and while one has its text written and its next window fetched, the other goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from vidmesh_transcribe.child import RecognizerChild

MOST_THREADS = 4
"""Beyond that Whisper gains little by another."""
GPU = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
"""There where a GPU of NVIDIA's is, the second under Windows' Linux. What may use it, the recogniser's process finds out."""


class Lanes:
    """Lends recognisers, the ones that are loaded already before the others."""

    def __init__(self, recognizers: Sequence[RecognizerChild]) -> None:
        self._idle = list(recognizers)
        self._places = asyncio.Semaphore(len(recognizers))

    @asynccontextmanager
    async def free(self) -> AsyncIterator[RecognizerChild]:
        """One that nobody else has, as soon as there is one."""
        async with self._places:
            recognizer = min(self._idle, key=lambda one: one.pid is None)
            self._idle.remove(recognizer)
            try:
                yield recognizer
            finally:
                self._idle.append(recognizer)


def lane_count(asked: int, *, device: str, cores: int) -> int:
    """How many recognisers a worker has: as many as are asked for; for 0, two on a CPU with two cores, else one."""
    if asked:
        return asked
    on_gpu = device == "cuda" or (device == "auto" and any(file.exists() for file in GPU))
    return 1 if on_gpu or cores < 2 else 2


def threads_each(asked: int, *, lanes: int, cores: int) -> int:
    """How many threads each of them has: as many as are asked for; for 0, its part of the cores."""
    return asked or max(1, min(MOST_THREADS, cores // lanes))
