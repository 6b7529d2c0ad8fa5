import time

from tests.unit.summarize.talks import repeated, spoken
from vidmesh_summarize.engine import Length
from vidmesh_summarize.extractive import sentence_count
from vidmesh_summarize.highlights import highlights
from vidmesh_summarize.transcript import Sentence, sentences


def test_highlights_are_the_speakers_own_sentences_in_order() -> None:
    said = sentences(spoken(), "en")
    chosen = highlights(said, "en", 8)
    assert len(chosen) == 8
    assert all(one.sentence in said for one in chosen)
    starts = [one.sentence.start for one in chosen]
    assert starts == sorted(starts)


def test_highlights_cover_every_topic() -> None:
    for bare in (False, True):
        text = " ".join(
            one.sentence.text for one in highlights(sentences(spoken(bare=bare), "en"), "en", 8)
        ).lower()
        assert all(word in text for word in ("colony", "hive", "honey", "mites"))


def test_pleasantries_are_left_out() -> None:
    text = " ".join(one.sentence.text for one in highlights(sentences(spoken(), "en"), "en", 8))
    assert "Good evening" not in text
    assert "Thank you" not in text


def test_what_is_said_again_and_again_is_told_once() -> None:
    said = sentences(repeated(spoken(), 3), "en")
    texts = [one.sentence.text for one in highlights(said, "en", 8)]
    assert len(set(texts)) == len(texts)


def test_nothing_to_choose_from() -> None:
    assert highlights([], "en", 5) == []
    assert highlights([Sentence(start=0, end=1, text="Oh.")], "en", 5) == []
    one = Sentence(start=0, end=4, text="The river carries cold water from the mountain to the sea.")
    assert [chosen.sentence for chosen in highlights([one], "en", 5)] == [one]


def test_ten_hours_take_seconds() -> None:
    said = sentences(repeated(spoken(), 100), "en")
    begun = time.process_time()
    assert len(highlights(said, "en", 20)) == 20
    assert time.process_time() - begun < 10


def test_summaries_grow_slowly_with_their_videos() -> None:
    counts = [[sentence_count(minutes * 60, length) for minutes in (3, 60, 600)] for length in Length]
    assert counts == [[3, 3, 3], [6, 12, 16], [12, 24, 40]]
