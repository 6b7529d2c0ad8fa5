"""Windows: what is cut is all there, within bounds, and the same however it came."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidmesh_ingest.windows import RATE, CutPlan, Cutter, Samples, Window, levels, quietest

SMALL = CutPlan(lengths=(1.0, 2.0, 3.0), search=0.4, tail=0.15)


def speech(seed: int, seconds: float, *, pauses: bool = True) -> Samples:
    """Noise in bursts of 0.2 to 1.2 s with pauses of 0.05 to 0.5 s between them."""
    dice = np.random.default_rng(seed)
    sound = np.empty(0, np.int16)
    while len(sound) < seconds * RATE:
        burst = dice.normal(0, 3000, int(dice.uniform(0.2, 1.2) * RATE)).clip(-32768, 32767).astype(np.int16)
        pause = dice.normal(0, 30, int(dice.uniform(0.05, 0.5) * RATE)).astype(np.int16)
        sound = np.concatenate((sound, burst, pause) if pauses else (sound, burst))
    return sound[: int(seconds * RATE)]


def cut(sound: Samples, plan: CutPlan, sizes: list[int], *, index: int = 0, start: int = 0) -> list[Window]:
    cutter = Cutter(plan, index=index, start=start)
    windows: list[Window] = []
    at = start
    turn = 0
    while at < len(sound):
        windows += cutter.feed(sound[at : at + sizes[turn % len(sizes)]])
        at += sizes[turn % len(sizes)]
        turn += 1
    return [*windows, *cutter.finish()]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    length=st.integers(0, 14 * RATE),
    pauses=st.booleans(),
    sizes=st.lists(st.integers(1, 40_000), min_size=1, max_size=5),
)
def test_windows_are_the_sound_within_bounds_whatever_the_blocks(
    seed: int, length: int, pauses: bool, sizes: list[int]
) -> None:
    sound = speech(seed, 14, pauses=pauses)[:length]
    windows = cut(sound, SMALL, sizes)

    assert np.array_equal(np.concatenate([w.samples for w in windows] or [sound[:0]]), sound)
    assert [w.index for w in windows] == list(range(len(windows)))
    assert [w.start for w in windows] == [0, *(w.end for w in windows)][: len(windows)]
    for w in windows:
        assert 0 < len(w.samples) <= SMALL.longest(w.index)
    for w in windows[:-1]:
        assert len(w.samples) >= 0.6 * SMALL.longest(w.index) - 160
    if len(windows) > 1:
        assert len(windows[-1].samples) >= SMALL.shortest
    whole = cut(sound, SMALL, [max(length, 1)])
    assert [(w.start, w.end) for w in whole] == [(w.start, w.end) for w in windows]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), at=st.integers(0, 3), block=st.integers(100, 30_000))
def test_a_run_that_goes_on_after_a_crash_cuts_as_the_first_would_have(
    seed: int, at: int, block: int
) -> None:
    sound = speech(seed, 12)
    windows = cut(sound, SMALL, [5_000])
    assert len(windows) > 4
    rest = cut(sound, SMALL, [block], index=windows[at].index, start=windows[at].start)
    assert [(w.index, w.start, w.end) for w in rest] == [(w.index, w.start, w.end) for w in windows[at:]]


def test_cuts_fall_into_pauses() -> None:
    sound = speech(7, 14)
    power = levels(sound)
    for window in cut(sound, SMALL, [4_096])[:-1]:
        around = power[window.end // 160 - 3 : window.end // 160 + 3]
        assert around.max() < 40**2


def test_a_long_pause_wins_over_a_later_short_one() -> None:
    power = np.full(200, 1e6)
    power[40:90] = 100.0
    power[150:175] = 50.0
    assert quietest(power) == 65


def test_the_later_of_two_like_pauses_wins() -> None:
    power = np.full(200, 1e6)
    power[40:65] = power[150:175] = 50.0
    assert quietest(power) == 162


def test_without_a_pause_the_quietest_dip_is_taken() -> None:
    power = np.full(200, 1e6)
    power[120:130] = 2e5
    assert quietest(power) == 125


def test_sound_with_a_constant_offset_is_silence() -> None:
    assert not levels(np.full(1600, 9000, np.int16)).any()


def test_the_defaults_grow_from_eight_seconds_to_two_minutes() -> None:
    sound = speech(3, 420)
    lengths = [len(w.samples) / RATE for w in cut(sound, CutPlan(), [RATE])]
    assert 5 <= lengths[0] <= 8
    assert 9 <= lengths[1] <= 15
    assert 78 <= lengths[4] <= 120
    assert all(b > a for a, b in pairwise(lengths[:5]))


@pytest.mark.parametrize(
    "wrong", [{"lengths": ()}, {"lengths": (5.0, 4.0)}, {"search": 0.9}, {"tail": 3.0}, {"tail": 0.0}]
)
def test_a_plan_that_cannot_be_kept_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"window|pause|tail"):
        CutPlan(**wrong)  # type: ignore[arg-type]  # the wrong ones are the point
