from random import Random

from hypothesis import given
from hypothesis import strategies as st

from vidmesh_transcribe.transcript import Segment, Window, Word, fit_all, kept, moved, place

times = st.floats(min_value=-5, max_value=400, allow_nan=False)


@st.composite
def heard(draw: st.DrawFn) -> Segment:
    words = tuple(
        Word(start=draw(times), end=draw(times), text="word") for _ in range(draw(st.integers(0, 4)))
    )
    return Segment(start=draw(times), end=draw(times), text="words", words=words)


@st.composite
def window(draw: st.DrawFn) -> Window:
    start = draw(st.floats(min_value=0, max_value=40_000))
    return Window(
        index=draw(st.integers(0, 1000)), start=start, end=start + draw(st.floats(min_value=0, max_value=300))
    )


def test_a_segment_moves_onto_the_clock_of_the_video() -> None:
    segment = Segment(
        start=1.0,
        end=2.5,
        text="hello there",
        words=(Word(start=1.0, end=1.4, text="hello"), Word(start=1.5, end=2.5, text="there")),
    )
    placed = place(segment, Window(index=3, start=100.0, end=130.0), after=100.0)
    assert (placed.start, placed.end) == (101.0, 102.5)
    assert [(word.start, word.end) for word in placed.words] == [(101.0, 101.4), (101.5, 102.5)]
    assert placed.text == "hello there"


def test_what_lies_past_the_end_of_the_window_is_pulled_into_it() -> None:
    segment = Segment(start=28.0, end=33.0, text="late", words=(Word(start=31.0, end=33.0, text="late"),))
    placed = place(segment, Window(index=0, start=0.0, end=30.0), after=0.0)
    assert (placed.start, placed.end) == (28.0, 30.0)
    assert (placed.words[0].start, placed.words[0].end) == (30.0, 30.0)


def test_a_segment_begins_where_the_one_before_it_ended() -> None:
    window = Window(index=0, start=10.0, end=40.0)
    segments = (Segment(start=0.0, end=5.0, text="a"), Segment(start=4.0, end=8.0, text="b"))
    first, second = fit_all([moved(segment, window.start) for segment in segments], window)
    assert (first.end, second.start, second.end) == (15.0, 15.0, 18.0)


def test_a_part_of_a_segment_has_its_part_of_the_text() -> None:
    words = tuple(
        Word(start=float(at), end=at + 0.5, text=text)
        for at, text in enumerate(["“One,", "two,", "two!”", "three"])
    )
    segment = Segment(start=0.0, end=3.5, text="“One, two, two!” three", words=words)
    assert kept(segment, [True] * 4) is segment
    assert kept(segment, [False] * 4) is None
    part = kept(segment, [False, False, True, True])
    assert part is not None
    assert (part.start, part.end, part.text, part.words) == (2.0, 3.5, "two!” three", words[2:])
    ends = kept(segment, [True, False, False, True])
    assert ends is not None
    assert ends.text == "“One, three"


@given(st.lists(heard(), max_size=6), window())
def test_a_windows_segments_are_inside_it_and_in_order(segments: list[Segment], window: Window) -> None:
    placed = list(fit_all(segments, window))
    assert [segment.text for segment in placed] == [segment.text for segment in segments]
    reached = window.start
    for segment in placed:
        assert reached <= segment.start <= segment.end <= window.end
        reached = segment.end
        inside = segment.start
        for word in segment.words:
            assert inside <= word.start <= word.end <= segment.end
            inside = word.end


@given(
    st.lists(st.tuples(st.floats(min_value=0.1, max_value=60), st.lists(heard(), max_size=3)), max_size=6),
    st.randoms(),
)
def test_windows_done_in_any_order_make_one_transcript_in_order_of_time(
    lengths: list[tuple[float, list[Segment]]],
    random: Random,
) -> None:
    windows: list[tuple[Window, tuple[Segment, ...]]] = []
    start = 0.0
    for index, (length, segments) in enumerate(lengths):
        windows.append((Window(index=index, start=start, end=start + length), tuple(segments)))
        start += length
    random.shuffle(windows)
    done = {window.index: list(fit_all(segments, window)) for window, segments in windows}
    starts = [segment.start for index in sorted(done) for segment in done[index]]
    assert starts == sorted(starts)
