"""How far and how fast a source is read, told a few times a second."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from vidmesh.events.v1.ingest_events_pb2 import StageProgress
from vidmesh.events.v1.stage_pb2 import STAGE_INGEST
from vidmesh_ingest.growing import GrowingFile
from vidmesh_ingest.wire import to_duration

EVERY = 0.2
"""Seconds between two messages."""

_SPAN = 25


class Rate:
    """How fast something grows, over the last five seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=_SPAN)

    def now(self, time: float, done: float) -> float:
        """Takes how far it is at a time in seconds and gives units a second; 0 where that cannot be told yet."""
        self._seen.append((time, done))
        then, before = self._seen[0]
        return (done - before) / (time - then) if time > then else 0.0


class Progress:
    """What a job has read. The reading sets `seconds`; the file knows its bytes."""

    def __init__(self, file: GrowingFile, duration: float | None) -> None:
        self._file = file
        self._bytes = Rate()
        self._sound = Rate()
        self.duration = duration
        """How long the video is; None where that is not known."""
        self.seconds = 0.0
        """How much of its sound was read."""

    def message(self, time: float) -> StageProgress:
        """How far it is at a time in seconds: in bytes until there is sound, then in seconds of it."""
        if self.seconds:
            done, total, rate = self.seconds, self.duration or 0.0, self._sound.now(time, self.seconds)
        else:
            done, total = float(self._file.size), float(self._file.total or 0)
            rate = self._bytes.now(time, done)
        told = StageProgress(
            stage=STAGE_INGEST,
            done=min(done, total) if total else done,
            total=total,
            unit="seconds" if self.seconds else "bytes",
            rate=rate,
            activity="decoding" if self._file.finished else "downloading",
        )
        if total and rate > 0:
            told.remaining.CopyFrom(to_duration(max(total - done, 0.0) / rate))
        return told

    async def run(self, tell: Callable[[StageProgress], Awaitable[None]]) -> None:
        """Tells how far it is until cancelled, whenever that has changed."""
        told = (0, 0.0)
        while True:
            await asyncio.sleep(EVERY)
            if (self._file.size, self.seconds) != told:
                told = (self._file.size, self.seconds)
                await tell(self.message(asyncio.get_running_loop().time()))
