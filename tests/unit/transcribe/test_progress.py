import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidmesh_transcribe.progress import Meter, Pace, Reading, Together
from vidmesh_transcribe.transcript import Window

WINDOW = Window(index=2, start=60.0, end=90.0)


def test_a_window_is_read_on_top_of_what_was_done_before() -> None:
    meter = Meter(WINDOW, Pace(), Together(before=60.0), total=120.0, now=1000.0)
    begun = meter.read(60.0, 1000.0)
    assert (begun.done, begun.total, begun.rate, begun.remaining) == (60.0, 120.0, 0.0, None)
    half = meter.read(75.0, 1005.0)
    assert (half.done, half.rate, half.remaining) == (75.0, 3.0, 15.0)
    done = meter.finish(1010.0)
    assert (done.done, done.rate, done.remaining) == (90.0, 3.0, 10.0)


def test_the_pace_is_remembered_by_the_next_window() -> None:
    pace = Pace()
    Meter(WINDOW, pace, Together(before=0.0), total=0.0, now=0.0).finish(10.0)
    assert pace.rate == pytest.approx(3.0)
    Meter(WINDOW, pace, Together(before=0.0), total=0.0, now=0.0).finish(30.0)
    assert pace.rate == pytest.approx(0.7 * 3.0 + 0.3 * 1.0)
    assert Meter(WINDOW, pace, Together(before=0.0), total=60.0, now=0.0).read(60.0, 0.0).rate == pace.rate


def test_a_total_that_nobody_knows_stays_unknown_and_one_that_was_too_small_grows() -> None:
    assert Meter(WINDOW, Pace(), Together(before=0.0), total=0.0, now=0.0).read(90.0, 10.0).total == 0.0
    reading = Meter(WINDOW, Pace(), Together(before=60.0), total=80.0, now=0.0).read(90.0, 10.0)
    assert (reading.done, reading.total, reading.remaining) == (90.0, 90.0, 0.0)


def test_windows_that_are_heard_at_once_are_told_together() -> None:
    pace, together = Pace(), Together(before=60.0)
    first = Meter(WINDOW, pace, together, total=240.0, now=0.0)
    second = Meter(Window(index=3, start=90.0, end=120.0), pace, together, total=240.0, now=0.0)
    first.read(75.0, 5.0)
    reading = second.read(96.0, 5.0)
    assert (reading.done, reading.rate) == (81.0, 2 * 6.0 / 5.0)
    first.finish(10.0)
    reading = second.read(105.0, 10.0)
    assert (reading.done, reading.rate) == (105.0, 3.0)
    second.close()
    assert not together.heard


def test_it_is_told_at_most_five_times_a_second() -> None:
    meter = Meter(WINDOW, Pace(), Together(before=0.0), total=0.0, now=0.0)
    assert [meter.is_due(now) for now in (0.0, 0.1, 0.19, 0.2, 0.39, 0.41)] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]


def test_what_took_no_time_teaches_nothing() -> None:
    pace = Pace()
    pace.learn(sound=0.0, elapsed=5.0)
    pace.learn(sound=5.0, elapsed=0.0)
    assert pace.rate == 0.0


@given(
    st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e4)), max_size=20),
    st.floats(0, 1e5),
    st.floats(0, 1e5),
)
def test_a_reading_is_never_past_its_total_nor_before_its_base(
    reached: list[tuple[float, float]], before: float, total: float
) -> None:
    meter = Meter(WINDOW, Pace(), Together(before=before), total=total, now=0.0)
    for position, now in reached:
        reading = meter.read(position, now)
        assert before <= reading.done <= before + WINDOW.length + 1e-6
        assert reading.total == 0 or reading.done <= reading.total
        assert reading.remaining is None or reading.remaining >= 0
    assert isinstance(meter.finish(1.0), Reading)
