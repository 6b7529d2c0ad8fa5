"""Where a cut fell in speech, each word is told once: by one of the two windows that heard it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from vidmesh_transcribe.seams import settle
from vidmesh_transcribe.transcript import Segment, Window, Word

CUT, AROUND = 60.0, 3.0
ONE = Window(index=0, start=0.0, end=CUT, trail=AROUND)
OTHER = Window(index=1, start=CUT, end=120.0, lead=AROUND)
NAMES = ("a", "the", "of", "two", "two", "boxes", "and", "and", "lions")


def words(segments: list[Segment]) -> list[Word]:
    return [word for segment in segments for word in segment.words]


def spoken(lengths: list[float], names: list[str]) -> list[Word]:
    """Words without a pause between them, around the cut."""
    at, made = CUT - sum(lengths) / 2, []
    for length, name in zip(lengths, names, strict=False):
        made.append(Word(start=at, end=at + length, text=name))
        at += length
    return made


def hearing(said: list[Word], window: Window, shifts: list[float], size: int) -> list[Segment]:
    """What a recogniser makes of the words in a window's sound, each time a little off, some to a segment."""
    heard = [
        Word(start=word.start + shift, end=word.end + shift, text=word.text)
        for word, shift in zip(said, shifts, strict=False)
        if window.start - window.lead <= word.start and word.end <= window.end + window.trail
    ]
    parts = [heard[at : at + size] for at in range(0, len(heard), size)]
    return [
        Segment(start=part[0].start, end=part[-1].end, text=" ".join(w.text for w in part), words=tuple(part))
        for part in parts
    ]


shifts = st.lists(st.floats(-0.08, 0.08), min_size=40, max_size=40)


@settings(max_examples=150, deadline=None)
@given(
    lengths=st.lists(st.floats(0.2, 0.7), min_size=20, max_size=40),
    names=st.lists(st.sampled_from(NAMES), min_size=40, max_size=40),
    first=shifts,
    second=shifts,
    sizes=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    other_first=st.booleans(),
)
def test_no_word_is_lost_or_doubled_in_whatever_order_the_windows_are_written(
    *,
    lengths: list[float],
    names: list[str],
    first: list[float],
    second: list[float],
    sizes: tuple[int, int],
    other_first: bool,
) -> None:
    said = spoken(lengths, names)
    one, other = hearing(said, ONE, first, sizes[0]), hearing(said, OTHER, second, sizes[1])
    if other_first:
        right = settle(other, OTHER, before=None, after=None)
        left = settle(one, ONE, before=None, after=words(right))
    else:
        left = settle(one, ONE, before=None, after=None)
        right = settle(other, OTHER, before=words(left), after=None)
    assert [word.text for word in words(left) + words(right)] == [word.text for word in said]
    for segment in left + right:
        assert segment.text == " ".join(word.text for word in segment.words)


def test_a_word_that_both_heard_otherwise_is_told_once() -> None:
    mine = Segment(
        start=59.4,
        end=60.6,
        text="in paris today",
        words=(
            Word(start=59.4, end=59.7, text="in"),
            Word(start=59.7, end=60.2, text="paris"),
            Word(start=60.2, end=60.6, text="today"),
        ),
    )
    theirs = [Word(start=59.82, end=60.3, text="pairs"), Word(start=60.3, end=60.6, text="Today.")]
    (left,) = settle([mine], ONE, before=None, after=theirs)
    assert left.text == "in"


def test_a_window_between_pauses_keeps_all_that_it_heard() -> None:
    window = Window(index=3, start=100.0, end=130.0)
    heard = [Segment(start=99.0, end=131.0, text="late", words=(Word(start=130.5, end=131.0, text="late"),))]
    assert settle(heard, window, before=[], after=[]) == heard


def test_segments_without_words_go_where_their_middle_lies() -> None:
    inside, outside = Segment(start=59.0, end=60.5, text="in"), Segment(start=59.9, end=61.0, text="out")
    assert settle([inside, outside], ONE, before=None, after=None) == [inside]
    assert settle([inside, outside], OTHER, before=[], after=None) == [outside]
