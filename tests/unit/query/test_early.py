"""Early passages: what is cut of windows that are not done."""

from hypothesis import given
from hypothesis import strategies as st

from vidmesh_query.early import early, reach
from vidmesh_query.passage import MOST_WORDS
from vidmesh_query.transcript import Segment, Window


def window(index: int, *texts: str) -> Window:
    start = index * 30_000
    segments = tuple(
        Segment(
            window=index,
            index=place,
            start=start + place * 3_000,
            end=start + place * 3_000 + 2_500,
            text=text,
            language="en",
        )
        for place, text in enumerate(texts)
    )
    return Window(index=index, end=start + 30_000, segments=segments)


@given(st.sets(st.integers(0, 9), min_size=1), st.randoms(use_true_random=False))
def test_all_that_was_heard_is_in_one_passage_whatever_is_missing(heard: set[int], random: object) -> None:
    windows = [window(index, *(f"word{index} number {place}" for place in range(8))) for index in heard]
    random.shuffle(windows)  # type: ignore[attr-defined] # hypothesis types it so
    passages = list(early("job", windows, begin=(0, 0, 0)))
    said = [segment.key for passage in passages for segment in passage.segments]
    assert sorted(said) == [(index, place, 0) for index in sorted(heard) for place in range(8)]
    assert len(said) == len(set(said))
    for passage in passages:
        places = sorted({segment.window for segment in passage.segments})
        assert places == list(range(places[0], places[-1] + 1)), "it crosses no window that is missing"
        assert len(passage.text.split()) <= MOST_WORDS


def test_what_is_there_reaches_to_the_first_gap() -> None:
    assert reach([window(3, "c"), window(1, "a"), window(0, "b", "d")], 0) == 32_500
    assert reach([window(3, "c")], 0) == 0
    assert reach([window(3, "c")], 3) == 92_500
    assert reach([window(0), window(1, "a")], 0) == 32_500


def test_what_is_in_a_passage_already_is_left_out() -> None:
    windows = [window(0, "one", "two", "three"), window(1, "four")]
    assert [passage.text for passage in early("job", windows, begin=(0, 2, 0))] == ["three", "four"]
