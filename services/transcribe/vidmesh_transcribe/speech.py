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


def utterances(signal: NDArray[np.float32], *, pause: float = 0.4, longest: float = 20.0) -> list[Span]:
    """Cut a signal of shape (n,) where the speaker pauses for `pause` seconds, and at the latest after `longest`."""
    return _spans(
        signal,
        VadOptions(
            min_speech_duration_ms=SHORTEST_SPEECH_MS,
            min_silence_duration_ms=round(pause * 1000),
            max_speech_duration_s=longest,
            speech_pad_ms=200,
        ),
    )


def speech(signal: NDArray[np.float32]) -> list[Span]:
    """The speech in a signal of shape (n,), as faster-whisper's own `vad_filter` finds it: silence of two seconds parts it."""
    return _spans(signal, VadOptions(min_speech_duration_ms=SHORTEST_SPEECH_MS))


def _spans(signal: NDArray[np.float32], options: VadOptions) -> list[Span]:
    if not len(signal):
        return []
    return [Span(start=span["start"], end=span["end"]) for span in get_speech_timestamps(signal, options)]
