from dataclasses import replace

from tests.unit.query.speech import passage, sentence_of, spoken
from vidmesh_query.correction import correct
from vidmesh_query.passage import cut, pieces
from vidmesh_query.transcript import Segment, Word


def corrected(segment: Segment, heard: str, said: str) -> Segment:
    """The segment with one word for another."""
    words = tuple(replace(word, text=said) if word.text == heard else word for word in segment.words)
    return replace(segment, text=" ".join(word.text for word in words), words=words)


def test_a_passage_without_the_segment_is_itself() -> None:
    one = passage("the lions eat", "the bees dance")
    other = spoken("the lions eat", window=1)[0]
    assert correct(one, {}) is one
    assert correct(one, {(1, 0): other}) is one


def test_the_corrected_segment_takes_the_place_of_the_one_heard() -> None:
    one = passage("the lions eat", "the beets dance")
    now = corrected(one.segments[1], "beets", "bees")
    fixed = correct(one, {(0, 1): now})
    assert fixed.text == "the lions eat the bees dance"
    assert fixed.segments[1].words[1] == Word(text="bees", start=1800, end=2150)
    assert (fixed.id, fixed.start, fixed.end) == (one.id, one.start, one.end)


def test_captions_are_corrected_by_their_text_alone() -> None:
    one = passage("the lions eat")
    bare = replace(one.segments[0], words=())
    captions = replace(one, segments=(bare,))
    assert correct(captions, {(0, 0): replace(bare, text="the lions sleep")}).text == "the lions sleep"


def test_each_piece_of_a_segment_that_was_cut_has_its_words() -> None:
    [long] = spoken(sentence_of(200))
    passages = cut("job", list(pieces([long])), final=True)
    assert len(passages) > 1
    now = corrected(corrected(long, "w3", "three"), "w150", "hundred")
    fixed = [correct(one, {(0, 0): now}) for one in passages]
    assert " ".join(one.text for one in fixed) == now.text
    assert [len(one.segments) for one in fixed] == [len(one.segments) for one in passages]
    assert "three" in fixed[0].text
    assert "hundred" in fixed[1].text
