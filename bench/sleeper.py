"""A recogniser that sleeps as long as another would work: `VIDMESH_RECOGNIZER=bench.sleeper:Sleeper`."""

import time
from collections.abc import Iterator

from vidmesh_transcribe.audio import seconds
from vidmesh_transcribe.language import Hearing
from vidmesh_transcribe.recognizer import Engine, Options
from vidmesh_transcribe.transcript import Segment

STEP = 30.0
"""Seconds of sound that a segment comes for."""


class Sleeper:
    """Takes a part of the sound's own time: its model's name is that part, such as "0.3"."""

    def __init__(self, options: Options) -> None:
        self._factor = float(options.model)

    @property
    def engine(self) -> Engine:
        """Who it is."""
        return Engine(name="sleeper", model=str(self._factor), revision="1", languages=("en",))

    def recognize(self, pcm: bytes, language: str) -> tuple[Hearing, Iterator[Segment]]:
        """A segment for every half minute, after the time that it takes."""
        return Hearing(speech=seconds(len(pcm)), language="en", probability=1.0), self._segments(
            seconds(len(pcm))
        )

    def _segments(self, length: float) -> Iterator[Segment]:
        start = 0.0
        while start < length:
            end = min(start + STEP, length)
            time.sleep((end - start) * self._factor)
            yield Segment(start=start, end=end, text="Somebody spoke.", language="en")
            start = end
