"""Sound as numbers."""

import numpy as np
from numpy.typing import NDArray

from vidmesh_transcribe.audio import SAMPLE_RATE


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
