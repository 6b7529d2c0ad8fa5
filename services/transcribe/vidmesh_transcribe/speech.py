"""Where in a stretch of sound somebody speaks, by the Silero VAD that faster-whisper carries."""

from dataclasses import dataclass

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps
from numpy.typing import NDArray

from vidmesh_transcribe.audio import SAMPLE_RATE

SHORTEST_SPEECH_MS = 200
"""Less than this is a click or a hum, not a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Some speech, as positions in samples: `start` is the first, `end` one past the last."""

    start: int
    end: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return (self.end - self.start) / SAMPLE_RATE


def samples(pcm: bytes) -> NDArray[np.float32]:
    """Shape (n,), from -1 to 1, of sound as in `audio`. A last odd byte is no sample and is left out."""
    whole = np.frombuffer(pcm, dtype="<i2", count=len(pcm) // 2)
    return whole.astype(np.float32) / 32768.0


def resampled(pcm: bytes, rate: int) -> bytes:
    """Sound of `rate` samples a second at `SAMPLE_RATE` of them, by way of its spectrum; for some seconds at a time."""
    signal = samples(pcm)
    if rate == SAMPLE_RATE or not len(signal):
        return pcm
    count = round(len(signal) * SAMPLE_RATE / rate)
    moved = np.fft.irfft(np.fft.rfft(signal), n=count) * (count / len(signal))
    return np.clip(np.round(moved * 32768.0), -32768, 32767).astype("<i2").tobytes()


def utterances(signal: NDArray[np.float32], *, pause: float = 0.4, longest: float = 20.0) -> list[Span]:
    """Cut a signal of shape (n,) where the speaker pauses for `pause` seconds, and at the latest after `longest`."""
    if not len(signal):
        return []
    options = VadOptions(
        min_speech_duration_ms=SHORTEST_SPEECH_MS,
        min_silence_duration_ms=round(pause * 1000),
        max_speech_duration_s=longest,
        speech_pad_ms=200,
    )
    return [Span(start=span["start"], end=span["end"]) for span in get_speech_timestamps(signal, options)]
