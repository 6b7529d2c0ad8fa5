"""Windows: what is cut is all there, within bounds, and the same however it came."""

import json
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vidmesh_ingest.windows import RATE, CutPlan, Cutter, Samples, Window, levels, quietest

DATA = Path(__file__).parents[2] / "data"
SMALL = CutPlan(lengths=(1.0, 2.0, 3.0), search=0.4, reach=1.0, tail=0.15, context=0.3)
KINDS = ("speech", "babble", "silence", "noise", "music", "clipped")
"""Babble is speech without a pause."""


def sound(kind: str, seed: int, seconds: float) -> Samples:
    """So many seconds of sound of a kind; speech is noise in bursts of 0.2 to 1.2 s with pauses of 0.05 to 0.5 s."""
    dice = np.random.default_rng(seed)
    count = int(seconds * RATE)
    if kind == "silence":
        return np.zeros(count, np.int16)
    if kind == "noise":
        return dice.normal(0, 2000, count).clip(-32768, 32767).astype(np.int16)
    if kind == "music":
        time = np.arange(count) / RATE
        beats = np.repeat(dice.uniform(0.2, 1, int(seconds * 3) + 2), RATE // 3)[:count]
        chord = np.sin(2 * np.pi * np.outer(dice.uniform(80, 2000, 4), time)).sum(axis=0)
        music: Samples = (beats * chord * 3000).astype(np.int16)
        return music
    made = np.empty(0, np.int16)
    while len(made) < count:
        burst = dice.normal(0, 3000, int(dice.uniform(0.2, 1.2) * RATE)).clip(-32768, 32767).astype(np.int16)
        pause = dice.normal(0, 30, int(dice.uniform(0.05, 0.5) * RATE)).astype(np.int16)
        made = np.concatenate((made, burst) if kind == "babble" else (made, burst, pause))
    if kind == "clipped":
        made = (made.astype(np.int32) * 20).clip(-32768, 32767).astype(np.int16)
    return made[:count]


def through(rate: int, channels: int, heard: Samples) -> Samples:
    """The sound as it comes out of a file of another rate and so many channels."""
    there = av.AudioResampler("s16", "mono" if channels == 1 else "stereo", rate)
    back = av.AudioResampler("s16", "mono", RATE)
    frame = av.AudioFrame.from_ndarray(heard[None], format="s16", layout="mono")
    frame.sample_rate = RATE
    blocks = [
        block.to_ndarray()[0]
        for moved in [*there.resample(frame), *there.resample(None)]
        for block in back.resample(moved)
    ]
    return np.concatenate([*blocks, *(block.to_ndarray()[0] for block in back.resample(None))])


def cut(
    heard: Samples, plan: CutPlan, sizes: list[int], *, index: int = 0, start: int = 0, lead: int = 0
) -> list[Window]:
    cutter = Cutter(plan, index=index, start=start, lead=lead)
    windows: list[Window] = []
    at = start - lead
    turn = 0
    while at < len(heard):
        windows += cutter.feed(heard[at : at + sizes[turn % len(sizes)]])
        at += sizes[turn % len(sizes)]
        turn += 1
    return [*windows, *cutter.finish()]


def same(one: list[Window], other: list[Window]) -> bool:
    return [(w.index, w.start, w.end, w.sound.tobytes()) for w in one] == [
        (w.index, w.start, w.end, w.sound.tobytes()) for w in other
    ]


def check(heard: Samples, windows: list[Window], plan: CutPlan) -> None:
    """What holds of all windows: they tile the sound, keep the bounds, and neighbours hold the same around a cut."""
    assert np.array_equal(np.concatenate([w.samples for w in windows] or [heard[:0]]), heard)
    assert [w.index for w in windows] == list(range(len(windows)))
    assert [w.start for w in windows] == [0, *(w.end for w in windows)][: len(windows)]
    for w in windows:
        assert 0 < len(w.samples) <= plan.longest(w.index)
        around = heard[w.start - len(w.lead) : w.end + len(w.trail)]
        assert np.array_equal(w.sound, around)
        assert len(w.lead) <= plan.around
        assert len(w.trail) <= plan.around
    for w in windows[:-1]:
        assert len(w.samples) >= plan.earliest(w.index)
    for one, other in pairwise(windows):
        assert len(one.trail) == len(other.lead)
    if len(windows) > 1:
        assert len(windows[-1].samples) >= plan.shortest
    if windows:
        assert not len(windows[0].lead)
        assert not len(windows[-1].trail)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 10**6),
    length=st.integers(0, 14 * RATE),
    sizes=st.lists(st.integers(1, 40_000), min_size=1, max_size=5),
)
def test_windows_are_the_sound_within_bounds_whatever_the_blocks(
    kind: str, seed: int, length: int, sizes: list[int]
) -> None:
    heard = sound(kind, seed, 14)[:length]
    windows = cut(heard, SMALL, sizes)
    check(heard, windows, SMALL)
    assert same(windows, cut(heard, SMALL, [max(length, 1)]))


@settings(max_examples=16, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 10**6),
    rate=st.sampled_from((8_000, 11_025, 22_050, 44_100, 48_000)),
    channels=st.sampled_from((1, 2)),
)
def test_windows_of_files_of_any_rate_and_number_of_channels(
    kind: str, seed: int, rate: int, channels: int
) -> None:
    heard = through(rate, channels, sound(kind, seed, 8))
    windows = cut(heard, SMALL, [5_000])
    check(heard, windows, SMALL)
    assert same(windows, cut(heard, SMALL, [len(heard)]))


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 10**6),
    at=st.integers(0, 3),
    block=st.integers(100, 30_000),
)
def test_a_run_that_goes_on_after_a_crash_cuts_as_the_first_would_have(
    kind: str, seed: int, at: int, block: int
) -> None:
    heard = sound(kind, seed, 12)
    windows = cut(heard, SMALL, [5_000])
    assert len(windows) > 4
    done = windows[at]
    rest = cut(heard, SMALL, [block], index=done.index + 1, start=done.end, lead=len(done.trail))
    assert same(rest, windows[at + 1 :])


def test_cuts_fall_into_pauses() -> None:
    heard = sound("speech", 7, 14)
    power = levels(heard)
    for window in cut(heard, SMALL, [4_096])[:-1]:
        around = power[window.end // 160 - 3 : window.end // 160 + 3]
        assert around.max() < 40**2


def test_sound_without_a_pause_is_cut_with_context_on_both_sides() -> None:
    windows = cut(sound("babble", 7, 14), SMALL, [4_096])
    assert len(windows) > 3
    assert {len(w.trail) for w in windows[:-1]} == {SMALL.around}


def test_the_last_window_may_be_shorter_than_the_context_asked_for() -> None:
    heard = sound("babble", 7, 1.25)
    first, last = cut(heard, SMALL, [1_000])
    assert len(first.trail) == len(last.lead) == min(SMALL.around, len(last.samples))
    check(heard, [first, last], SMALL)


@pytest.fixture(scope="module")
def grammar() -> tuple[Samples, list[tuple[float, float]]]:
    """A recording of sentences, and when each begins and ends, in seconds."""
    with av.open(str(DATA / "grammar.flac")) as container:
        blocks: list[NDArray[np.int16]] = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    told = json.loads((DATA / "grammar.json").read_text())
    return np.concatenate(blocks), [(sentence["start"], sentence["end"]) for sentence in told]


@settings(max_examples=25, deadline=None)
@given(
    offset=st.integers(0, 20 * RATE),
    gain=st.floats(0.05, 12),
    noise=st.floats(0, 60),
    hum=st.floats(0, 200),
    seed=st.integers(0, 99),
)
def test_no_cut_falls_into_a_sentence_while_a_pause_is_to_be_had(
    grammar: tuple[Samples, list[tuple[float, float]]],
    *,
    offset: int,
    gain: float,
    noise: float,
    hum: float,
    seed: int,
) -> None:
    """Quiet and clipped, with noise and with a mains hum: pauses between sentences are 0.5 to 1.2 s long."""
    recorded, sentences = grammar
    time = np.arange(len(recorded)) / RATE
    disturbed = recorded * gain + np.random.default_rng(seed).normal(0, noise * gain, len(recorded))
    disturbed += hum * gain * np.sin(2 * np.pi * 50 * time)
    heard = disturbed.clip(-32768, 32767).astype(np.int16)[offset:]
    plan = CutPlan(lengths=(12.0, 14.0), search=0.45)
    for window in cut(heard, plan, [RATE])[:-1]:
        at = (offset + window.end) / RATE
        assert not any(start <= at <= end for start, end in sentences), at
        assert not len(window.trail)


def test_a_long_pause_wins_over_a_later_short_one() -> None:
    power = np.full(200, 1e6)
    power[40:90] = 100.0
    power[150:175] = 50.0
    assert quietest(power).frame == 65


def test_the_later_of_two_like_pauses_wins() -> None:
    power = np.full(200, 1e6)
    power[40:65] = power[150:175] = 50.0
    found = quietest(power)
    assert (found.frame, found.in_speech) == (162, False)


def test_without_a_pause_the_quietest_dip_is_taken() -> None:
    power = np.full(200, 1e6)
    power[120:130] = 2e5
    found = quietest(power)
    assert (found.frame, found.in_speech) == (125, True)


def test_sound_with_a_constant_offset_is_silence() -> None:
    assert not levels(np.full(1600, 9000, np.int16)).any()


def test_the_defaults_grow_from_eight_seconds_to_two_minutes() -> None:
    heard = sound("speech", 3, 420)
    lengths = [len(w.samples) / RATE for w in cut(heard, CutPlan(), [RATE])]
    assert 5 <= lengths[0] <= 8
    assert 9 <= lengths[1] <= 15
    assert 104 <= lengths[4] <= 116
    assert all(b > a for a, b in pairwise(lengths[:5]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"lengths": ()},
        {"lengths": (5.0, 4.0)},
        {"search": 0.9},
        {"tail": 3.0},
        {"tail": 0.0},
        {"reach": 1.0},
        {"context": 6.0},
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"window|pause|tail|stretch"):
        CutPlan(**wrong)  # type: ignore[arg-type]  # the wrong ones are the point
