"""Recognising live sound: cut at pauses, recognised stretch by stretch."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vidmesh_transcribe.child import RecognizerChild
from vidmesh_transcribe.live import PauseCutter, Stretch
from vidmesh_transcribe.transcript import Segment, Window, place


class TooManyListenersError(Exception):
    """As many streams as are allowed are being listened to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A segment of live sound, timed from the beginning of the stream; or, at its end, none."""

    segment: Segment | None
    received: float
    """Seconds of sound that came so far."""


class Ears:
    """Listens to some streams at once, whose stretches take turns at one recogniser."""

    def __init__(self, recognizer: RecognizerChild, *, streams: int) -> None:
        self._recognizer = recognizer
        self._free = streams

    @contextmanager
    def attend(self) -> Iterator[None]:
        """Take one of the places. Raises `TooManyListenersError`."""
        if self._free <= 0:
            raise TooManyListenersError
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def listen(
        self, chunks: AsyncIterator[bytes], *, sample_rate: int, language: str
    ) -> AsyncIterator[Heard]:
        """What is said in a stream of samples, as it is said; the next chunk is asked for when this one is heard.

        The language of the first stretch that decides it is kept. Raises ValueError for a rate that is not listened to,
        and `RecognizerError`.
        """
        cutter = PauseCutter(sample_rate)
        index = 0
        async for stretch in _stretches(cutter, chunks):
            length = len(stretch.pcm) / (2 * sample_rate)
            window = Window(index=index, start=stretch.start, end=stretch.start + length)
            index += 1
            said: list[Segment] = []

            async def hear(segment: Segment, window: Window = window, said: list[Segment] = said) -> None:
                said.append(place(segment, window, after=said[-1].end if said else window.start))

            hearing = await self._recognizer.recognize(
                stretch.pcm, language=language, heard=hear, rate=sample_rate
            )
            if hearing.decides and not language:
                language = hearing.language
            for segment in said:
                yield Heard(segment=segment, received=cutter.received)
        yield Heard(segment=None, received=cutter.received)


async def _stretches(cutter: PauseCutter, chunks: AsyncIterator[bytes]) -> AsyncIterator[Stretch]:
    async for chunk in chunks:
        for stretch in cutter.feed(chunk):
            yield stretch
    for stretch in cutter.finish():
        yield stretch
