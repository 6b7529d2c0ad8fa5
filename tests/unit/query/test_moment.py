from tests.unit.query.speech import passage
from vidmesh_query.moment import Moment, Span, densest, moment_of, segment_spans


def found(text: str, words: str) -> Span:
    return Span(begin=text.index(words), end=text.index(words) + len(words))


def test_a_span_is_said_when_its_words_are() -> None:
    one = passage("The lions carried seven red boxes.", "They went to Paris by train.")
    assert moment_of(one, found(one.text, "seven red")) == Moment(start=1_200, end=1_950)
    assert moment_of(one, found(one.text, "Paris")) == Moment(start=2_600 + 1_200, end=2_600 + 1_550)


def test_a_span_over_two_segments_starts_in_the_first() -> None:
    one = passage("The lions carried seven red boxes.", "They went to Paris.")
    assert moment_of(one, found(one.text, "boxes. They")) == Moment(start=2_000, end=2_950)


def test_part_of_a_word_is_that_word() -> None:
    one = passage("The lions carried boxes.")
    assert moment_of(one, found(one.text, "arr")).start == 800


def test_segments_stand_where_they_are_in_the_text() -> None:
    one = passage("Alpha beta.", "Gamma.", "Delta epsilon.")
    assert [one.text[span.begin : span.end] for span, _ in segment_spans(one)] == [
        "Alpha beta.",
        "Gamma.",
        "Delta epsilon.",
    ]


def test_the_densest_stretch_holds_most_matches() -> None:
    spans = [Span(begin=at, end=at + 4) for at in (0, 100, 110, 120, 300)]
    assert densest(spans, 60) == Span(begin=100, end=124)
    assert densest(spans[:1], 60) == Span(begin=0, end=4)
    assert densest([], 60) is None
