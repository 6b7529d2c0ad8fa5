from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from faster_whisper import decode_audio
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vidmesh_transcribe.live import LONGEST, PauseCutter, Stretch

GRAMMAR = Path(__file__).parents[2] / "data" / "grammar.flac"


@pytest.fixture(scope="module")
def speech() -> NDArray[np.int16]:
    """Sentences with pauses between."""
    sound: NDArray[np.float32] = decode_audio(str(GRAMMAR), sampling_rate=16_000)
    return (np.clip(sound[: 30 * 16_000], -1, 1) * 32767).astype("<i2")


def cut(pcm: bytes, sizes: list[int], rate: int = 16_000) -> list[Stretch]:
    cutter = PauseCutter(rate)
    stretches: list[Stretch] = []
    position, turn = 0, 0
    while position < len(pcm):
        size = sizes[turn % len(sizes)]
        stretches += cutter.feed(pcm[position : position + size])
        position, turn = position + size, turn + 1
    stretches += cutter.finish()
    assert cutter.received == len(pcm) / 2 / rate
    return stretches


def test_speech_is_cut_at_its_pauses(speech: NDArray[np.int16]) -> None:
    stretches = cut(speech.tobytes(), [32_000])
    assert len(stretches) >= 3
    reached = 0.0
    for stretch in stretches:
        assert stretch.start >= reached
        reached = stretch.start + len(stretch.pcm) / 32_000
        assert reached - stretch.start <= LONGEST + 0.1
    assert reached <= 30.0 + 0.1


def test_a_stretch_holds_the_samples_of_its_place(speech: NDArray[np.int16]) -> None:
    sound = speech.tobytes()
    for stretch in cut(sound, [10_000]):
        begin = round(stretch.start * 16_000) * 2
        assert sound[begin : begin + len(stretch.pcm)] == stretch.pcm


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 70_000), min_size=1, max_size=4))
def test_how_the_sound_is_parcelled_does_not_matter(sizes: list[int]) -> None:
    rng = np.random.default_rng(3)
    loud = np.repeat(rng.integers(0, 2, 60), 4_000) * rng.normal(0, 6_000, 240_000)
    sound = np.clip(loud, -32768, 32767).astype("<i2").tobytes()
    assert cut(sound, [max(size, 500) for size in sizes]) == cut(sound, [len(sound)])


def test_speech_without_a_pause_is_cut_anyway_and_loses_nothing() -> None:
    rng = np.random.default_rng(5)
    sound = rng.normal(0, 8_000, 40 * 16_000).clip(-32768, 32767).astype("<i2").tobytes()
    stretches = cut(sound, [8_000])
    assert len(stretches) >= 2
    for one, other in pairwise(stretches):
        assert other.start == pytest.approx(one.start + len(one.pcm) / 32_000, abs=1e-6)


def test_silence_gives_nothing() -> None:
    assert cut(bytes(16_000 * 2 * 20), [3_333]) == []


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_every_rate_is_heard(rate: int, speech: NDArray[np.int16]) -> None:
    moved = np.interp(np.arange(0, len(speech), 16_000 / rate), np.arange(len(speech)), speech).astype("<i2")
    own = cut(speech.tobytes(), [32_000])
    stretches = cut(moved.tobytes(), [32_000], rate)
    assert stretches[0].start == pytest.approx(own[0].start, abs=0.5)


@pytest.mark.parametrize("rate", [0, 7_999, 48_001])
def test_other_rates_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="sample rate"):
        PauseCutter(rate)
