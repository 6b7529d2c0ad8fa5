"""Half a minute of speech becomes sentences."""

from vidmesh_transcribe.sentences import sentences
from vidmesh_transcribe.transcript import Segment, Word


def said(*words: tuple[float, str]) -> Segment:
    spoken = tuple(Word(start=at, end=at + 0.3, text=text) for at, text in words)
    text = " ".join(word.text for word in spoken)
    return Segment(start=0.0, end=30.0, text=text, words=spoken, language="en", confidence=0.5)


def test_it_is_cut_after_sentences_and_at_long_pauses() -> None:
    segment = said((0.0, "Good"), (0.4, "day."), (0.8, "How"), (1.2, "are"), (4.0, "you?"))
    parts = list(sentences(segment))
    assert [part.text for part in parts] == ["Good day.", "How are", "you?"]
    assert [(part.start, part.end) for part in parts] == [(0.0, 0.7), (0.8, 1.5), (4.0, 4.3)]
    assert [word for part in parts for word in part.words] == list(segment.words)
    assert {(part.language, part.confidence) for part in parts} == {("en", 0.5)}


def test_one_sentence_stays_as_it_is() -> None:
    segment = said((0.0, "Good"), (0.4, "day."))
    assert list(sentences(segment)) == [segment]
    bare = Segment(start=0.0, end=30.0, text="No. Words. Known.")
    assert list(sentences(bare)) == [bare]
