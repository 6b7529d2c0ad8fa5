"""Live sound, cut at pauses into stretches that a recogniser can take. Nothing but the open stretch is held."""

from collections.abc import Iterator
from dataclasses import dataclass

from pocketsphinx import Endpointer

PAUSE = 0.5
"""Seconds of silence that end a stretch."""
LONGEST = 15.0
"""Seconds after which a stretch ends in the middle of speech."""
LOWEST_RATE, HIGHEST_RATE = 8_000, 48_000
"""Samples a second that can be listened to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some speech, with a bit of silence around it."""

    start: float
    """Seconds from the beginning of the stream."""
    pcm: bytes
    """Samples as they came: signed 16 bit little endian, mono, at the stream's own rate."""


class PauseCutter:
    """Cuts one stream of sound by WebRTC's detector of voice, which needs no model."""

    def __init__(self, sample_rate: int) -> None:
        """Listen to `sample_rate` samples a second. Raises ValueError where it lies outside what is listened to."""
        if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
            raise ValueError(
                f"The sample rate must be from {LOWEST_RATE} to {HIGHEST_RATE}, not {sample_rate}."
            )
        self._rate = sample_rate
        self._ears = Endpointer(window=PAUSE, sample_rate=sample_rate)
        self._waiting = bytearray()
        self._open = bytearray()
        self._given = 0
        self._received = 0

    @property
    def received(self) -> float:
        """Seconds of sound that came so far."""
        return self._received / (2 * self._rate)

    def feed(self, pcm: bytes) -> Iterator[Stretch]:
        """Take the next samples and give the stretches that they close. A sample may be split between two calls."""
        self._received += len(pcm)
        self._waiting += pcm
        size: int = self._ears.frame_bytes
        whole = len(self._waiting) // size * size
        frames, self._waiting = bytes(self._waiting[:whole]), self._waiting[whole:]
        for position in range(0, whole, size):
            yield from self._hear(self._ears.process(frames[position : position + size]))

    def finish(self) -> Iterator[Stretch]:
        """Give what is still open when the stream ends."""
        if self._ears.in_speech:
            rest = bytes(self._waiting[: len(self._waiting) // 2 * 2])
            # The detector refuses an empty end: one silent sample stands for it, and is taken off again.
            speech = self._ears.end_stream(rest or b"\0\0") or b""
            yield from self._hear(speech if rest else speech[:-2])

    def _hear(self, speech: bytes | None) -> Iterator[Stretch]:
        if speech is None:
            return
        self._open += speech
        ended = not self._ears.in_speech
        if ended or len(self._open) >= LONGEST * 2 * self._rate:
            # The detector tells where the whole speech began, of which earlier stretches may have been given.
            yield Stretch(
                start=self._ears.speech_start + self._given / (2 * self._rate), pcm=bytes(self._open)
            )
            self._given = 0 if ended else self._given + len(self._open)
            self._open.clear()
