import pytest

from vidmesh_transcribe.correction import SURE, corrected
from vidmesh_transcribe.transcript import Segment, Word

HEARD = Segment(
    start=1.0,
    end=3.0,
    text="to the one male today",
    language="en",
    words=tuple(
        Word(start=start, end=end, text=text, probability=0.5)
        for start, end, text in (
            (1.0, 1.2, "to"),
            (1.2, 1.4, "the"),
            (1.4, 1.8, "one"),
            (1.8, 2.2, "male"),
            (2.5, 3.0, "today"),
        )
    ),
)


def times(segment: Segment) -> list[tuple[str, float, float]]:
    return [(word.text, word.start, word.end) for word in segment.words]


def test_a_word_for_a_word_takes_its_time() -> None:
    now = corrected(HEARD, "to the one mill today")
    assert times(now)[3] == ("mill", 1.8, 2.2)
    assert [word.probability for word in now.words] == [0.5, 0.5, 0.5, SURE, 0.5]
    assert (now.text, now.start, now.end, now.language) == ("to the one mill today", 1.0, 3.0, "en")


def test_capitals_and_punctuation_are_no_other_words() -> None:
    now = corrected(HEARD, "To the one male, today!")
    assert times(now) == [
        (text, word.start, word.end) for text, word in zip(now.text.split(), HEARD.words, strict=True)
    ]
    assert {word.probability for word in now.words} == {0.5}


def test_fewer_and_more_words_share_the_time_of_those_they_replace() -> None:
    assert times(corrected(HEARD, "to the windmill today"))[2] == ("windmill", 1.4, 2.2)
    now = times(corrected(HEARD, "to the old wind mill today"))
    assert now[2:5] == [("old", 1.4, 1.618), ("wind", 1.618, 1.909), ("mill", 1.909, 2.2)]


def test_added_words_share_the_pause_that_they_are_put_into() -> None:
    assert times(corrected(HEARD, "to the one male by now today"))[4:6] == [
        ("by", 2.2, pytest.approx(2.32)),
        ("now", pytest.approx(2.32), 2.5),
    ]
    assert times(corrected(HEARD, "and to the one male today"))[0] == ("and", 1.0, 1.0)
    assert times(corrected(HEARD, "to the one male today again"))[-1] == ("again", 3.0, 3.0)


def test_words_that_were_not_said_are_gone() -> None:
    assert [word.text for word in corrected(HEARD, "to the today").words] == ["to", "the", "today"]


def test_signs_alone_are_words_as_they_are_written() -> None:
    now = corrected(HEARD, "to the — male today")
    assert times(now)[2] == ("—", 1.4, 1.8)


def test_captions_have_no_words_afterwards_either() -> None:
    captions = Segment(start=0.0, end=2.0, text="what was red")
    assert corrected(captions, "what was read") == Segment(start=0.0, end=2.0, text="what was read")
