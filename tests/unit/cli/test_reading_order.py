"""Segments come from several windows at once and are read in the order of the video."""

from hypothesis import given
from hypothesis import strategies as st

from vidmesh.events.v1.text_pb2 import Segment
from vidmesh_cli.view.reading_order import ReadingOrder


def segment(index: int, text: str = "") -> Segment:
    return Segment(index=index, text=text or str(index))


def texts(segments: object) -> list[str]:
    return [one.text for one in segments]  # type: ignore[attr-defined] # an iterator of segments


def test_a_segment_is_read_as_soon_as_it_is_heard() -> None:
    order = ReadingOrder()
    order.ready(0)
    assert texts(order.heard(0, segment(0))) == ["0"]
    assert texts(order.heard(0, segment(1))) == ["1"]
    assert texts(order.done(0, [segment(0), segment(1), segment(2)])) == ["2"]


def test_a_later_window_waits_for_an_earlier_one() -> None:
    order = ReadingOrder()
    for window in (0, 1):
        order.ready(window)
    assert texts(order.heard(1, segment(10))) == []
    assert texts(order.heard(0, segment(0))) == ["0"]
    assert texts(order.done(1, [segment(10), segment(11)])) == []
    assert texts(order.done(0, [segment(0)])) == ["10", "11"]


def test_a_window_that_was_never_announced_waits_for_nothing() -> None:
    order = ReadingOrder()
    assert texts(order.done(7, [segment(70)])) == ["70"]


def test_what_is_held_back_is_read_when_no_more_will_come() -> None:
    order = ReadingOrder()
    for window in (0, 1):
        order.ready(window)
    assert texts(order.done(1, [segment(10)])) == []
    assert texts(order.rest()) == ["10"]


def test_after_that_the_order_holds_again() -> None:
    order = ReadingOrder()
    for window in (0, 1, 2):
        order.ready(window)
    assert texts(order.rest()) == []
    assert texts(order.done(2, [segment(20)])) == []
    assert texts(order.done(0, [segment(0)])) == ["0"]
    assert texts(order.done(1, [segment(10)])) == ["10", "20"]


@given(st.lists(st.integers(0, 4), max_size=12), st.permutations(range(5)))
def test_whatever_comes_first_each_segment_is_read_once_and_in_order(
    heard: list[int], finished: list[int]
) -> None:
    order = ReadingOrder()
    read: list[str] = []
    for window in range(5):
        order.ready(window)
    for window in heard:
        read += texts(order.heard(window, segment(window * 10)))
    for window in finished:
        whole = [segment(window * 10 + place) for place in range(2)]
        read += texts(order.done(window, whole))
        read += texts(order.done(window, whole))
        read += texts(order.heard(window, whole[0]))
    assert read == [str(window * 10 + place) for window in range(5) for place in range(2)]
