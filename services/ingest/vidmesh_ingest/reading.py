"""Reading a media file while it comes, its windows handed over as they are cut."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from vidmesh_ingest.captions import Track
from vidmesh_ingest.decoder import Decoder, Opening
from vidmesh_ingest.growing import GrowingFile
from vidmesh_ingest.media import MediaLimits
from vidmesh_ingest.windows import RATE, CutPlan, Cutter, Window

_ENOUGH = 1 << 20
_AHEAD = 2
"""How many windows may wait to be stored before the reading waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What reading a file to its end has shown."""

    seconds: float
    """How long it really is."""
    warning: str
    """What could not be read, in a sentence; empty where all could."""
    captions: tuple[Track, ...]
    """Its text subtitles."""
    held_back: bool
    """Whether it was read without cutting windows."""


class MediaReader:
    """One reading of a file. Use it once: `opening`, `windows` to their end, `result`."""

    def __init__(self, file: GrowingFile, limits: MediaLimits, on_sound: Callable[[float], None]) -> None:
        """`on_sound` is told, in the reading's thread, how many seconds were read."""
        self._file = file
        self._decoder = Decoder(file, limits)
        self._on_sound = on_sound
        self._loop = asyncio.get_running_loop()
        self._opening: asyncio.Future[Opening] = self._loop.create_future()
        self._made: asyncio.Queue[Window | None] = asyncio.Queue()
        self._slots = threading.Semaphore(_AHEAD)
        self._asked: threading.Event = threading.Event()
        self._cutter: Cutter | None = None
        self._skip = 0
        self._result: Reading | None = None
        self._thread: asyncio.Task[None] | None = None

    async def opening(self) -> Opening:
        """Opens the file, waiting for as much of it as that needs. Raises SourceError."""
        self._thread = asyncio.create_task(asyncio.to_thread(self._run))
        waited: list[asyncio.Future[Any]] = [self._thread, self._opening]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not self._opening.done():
            await self._thread
        return await self._opening

    async def windows(
        self, plan: CutPlan | None, *, index: int = 0, start: int = 0, lead: int = 0
    ) -> AsyncIterator[Window]:
        """Reads the sound and gives its windows, from one with this place and first sample on; none without a plan.

        `lead` is how many samples that one holds from before it.
        """
        self._cutter = Cutter(plan, index=index, start=start, lead=lead) if plan is not None else None
        self._skip = start - lead
        self._asked.set()
        while (window := await self._made.get()) is not None:
            yield window
            self._slots.release()
        if self._thread is not None:
            await self._thread

    @property
    def result(self) -> Reading:
        """What the reading has shown, after `windows`."""
        if self._result is None:
            raise AssertionError("the file was not read to its end")
        return self._result

    async def close(self) -> None:
        """Ends the reading wherever it is. A file that was not read to its end cannot be read again."""
        if self._thread is None or self._thread.done():
            return
        self._file.stop()
        self._decoder.stop()
        self._asked.set()
        self._slots.release(_ENOUGH)
        await asyncio.gather(self._thread, return_exceptions=True)

    def _run(self) -> None:
        try:
            with self._decoder as decoder:
                opening = decoder.open()
                self._loop.call_soon_threadsafe(self._opening.set_result, opening)
                self._asked.wait()
                self._read(decoder)
        finally:
            self._loop.call_soon_threadsafe(self._made.put_nowait, None)

    def _read(self, decoder: Decoder) -> None:
        seen = 0
        for block in decoder.sound():
            seen += len(block)
            self._on_sound(seen / RATE)
            if self._cutter is not None and seen > self._skip:
                self._hand_over(self._cutter.feed(block[max(len(block) - (seen - self._skip), 0) :]))
        if self._cutter is not None:
            self._hand_over(self._cutter.finish())
        self._result = Reading(
            seconds=seen / RATE,
            warning=decoder.warning,
            captions=decoder.captions,
            held_back=self._cutter is None,
        )

    def _hand_over(self, windows: Iterator[Window]) -> None:
        for window in windows:
            self._slots.acquire()
            self._loop.call_soon_threadsafe(self._made.put_nowait, window)
