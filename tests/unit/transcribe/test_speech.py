import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidmesh_transcribe.samples import resampled, samples
from vidmesh_transcribe.speech import utterances


def tone(rate: int, seconds: float) -> bytes:
    time = np.arange(round(rate * seconds)) / rate
    return (12_000 * np.sin(2 * np.pi * 440 * time)).astype("<i2").tobytes()


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
def test_a_tone_is_the_same_tone_at_the_standard_rate(rate: int) -> None:
    moved = samples(resampled(tone(rate, 1.0), rate))
    wanted = samples(tone(16_000, 1.0))
    assert len(moved) == len(wanted)
    assert np.abs(moved[200:-200] - wanted[200:-200]).max() < 0.01


def test_sound_at_the_standard_rate_is_left_alone() -> None:
    assert resampled(b"\1\2\3\4", 16_000) == b"\1\2\3\4"
    assert resampled(b"", 8_000) == b""


@given(st.binary(max_size=200))
def test_any_bytes_are_samples(pcm: bytes) -> None:
    signal = samples(pcm)
    assert signal.shape == (len(pcm) // 2,)
    assert np.all(np.abs(signal) <= 1)


def test_nobody_speaks_in_silence_or_in_nothing() -> None:
    assert utterances(np.zeros(16_000 * 5, np.float32)) == []
    assert utterances(np.zeros(0, np.float32)) == []
