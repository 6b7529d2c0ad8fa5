import itertools
import uuid
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.query.speech import sentence_of, spoken
from vidmesh_query.passage import MOST_TIME, MOST_WORDS, Passage, cut, pieces
from vidmesh_query.transcript import Segment, count_words


def passages_of(segments: list[Segment], *, final: bool = True) -> list[Passage]:
    return cut("job", list(pieces(segments)), final=final)


def words_in(passages: list[Passage]) -> list[str]:
    return [word for passage in passages for word in passage.text.split()]


def test_segments_gather_to_passages_of_some_forty_to_ninety_words() -> None:
    segments = spoken(*(sentence_of(12, f"s{number}") for number in range(30)))
    passages = passages_of(segments)
    assert words_in(passages) == [word for segment in segments for word in segment.text.split()]
    assert all(40 <= count_words(passage.text) <= 90 for passage in passages[:-1])
    assert all(passage.end - passage.start <= MOST_TIME for passage in passages)


def test_a_passage_ends_at_the_longest_pause_near_its_size() -> None:
    before = spoken(*(sentence_of(12, f"a{number}") for number in range(5)))
    after = spoken(
        *(sentence_of(12, f"b{number}") for number in range(5)), start=before[-1].end + 1_000, window=1
    )
    passages = passages_of([*before, *after])
    assert passages[0].segments[-1].window == 0
    assert passages[1].segments[0].key == (1, 0, 0)


def test_no_passage_crosses_a_long_pause() -> None:
    before = spoken(sentence_of(20, "a"))
    after = spoken(sentence_of(20, "b"), start=before[-1].end + 5_000, window=1)
    assert [count_words(passage.text) for passage in passages_of([*before, *after])] == [20, 20]


def test_a_few_words_cross_a_pause_but_not_a_break() -> None:
    before = spoken("Right then.")
    near = spoken(sentence_of(20, "b"), start=before[-1].end + 5_000, window=1)
    far = spoken(sentence_of(20, "b"), start=before[-1].end + 20_000, window=1)
    assert len(passages_of([*before, *near])) == 1
    assert len(passages_of([*before, *far])) == 2


def test_a_passage_has_one_language() -> None:
    english = spoken("The lions carried seven red boxes.")
    german = spoken("Die Löwen trugen sieben rote Kisten.", start=english[-1].end, window=1, language="de")
    assert [passage.language for passage in passages_of([*english, *german])] == ["en", "de"]


def test_what_may_still_grow_is_held_back() -> None:
    segments = spoken(*(sentence_of(12, f"s{number}") for number in range(10)))
    held = passages_of(segments, final=False)
    whole = passages_of(segments)
    assert held == whole[:-1]
    assert passages_of(segments[:2], final=False) == []


def test_the_same_segments_give_the_same_ids_and_another_job_gives_others() -> None:
    segments = spoken(*(sentence_of(12, f"s{number}") for number in range(20)))
    first = [passage.id for passage in passages_of(segments)]
    assert first == [passage.id for passage in passages_of(segments)]
    assert len(set(first)) == len(first)
    others = [passage.id for passage in cut("other", list(pieces(segments)), final=True)]
    assert not set(first) & set(others)
    assert all(isinstance(one, uuid.UUID) and one.version == 5 for one in first)


def test_a_long_segment_is_cut_between_its_words() -> None:
    text = " ".join(sentence_of(25, f"s{number}") for number in range(10))
    [segment] = spoken(text)
    cut_up = list(pieces([segment]))
    assert len(cut_up) > 2
    assert " ".join(piece.text for piece in cut_up) == text
    assert [piece.piece for piece in cut_up] == list(range(len(cut_up)))
    assert all(count_words(piece.text) <= MOST_WORDS for piece in cut_up)
    assert all(piece.text.endswith("end.") for piece in cut_up)
    for piece in cut_up:
        assert piece.words[0].text == piece.text.split()[0]
        assert piece.start == piece.words[0].start


def test_a_long_segment_without_word_times_shares_out_its_time() -> None:
    text = " ".join(sentence_of(25, f"s{number}") for number in range(8))
    segment = replace(spoken(text)[0], words=(), start=10_000, end=90_000)
    cut_up = list(pieces([segment]))
    assert " ".join(piece.text for piece in cut_up) == text
    assert cut_up[0].start == 10_000
    assert cut_up[-1].end == 90_000
    assert all(one.end <= two.start + 1 for one, two in itertools.pairwise(cut_up))


def test_chinese_without_blanks_or_word_times_is_cut_at_its_sentences() -> None:
    text = "我们今天谈谈搜索引擎。" * 30
    segment = Segment(window=0, index=0, start=0, end=120_000, text=text, language="zh")
    cut_up = list(pieces([segment]))
    assert len(cut_up) >= 3
    assert "".join(piece.text for piece in cut_up) == text
    assert all(piece.text.endswith("。") for piece in cut_up)


def test_empty_and_dirty_text_is_cleaned() -> None:
    segments = spoken("one\x00 two\u0007", "   ", "three")
    assert [piece.text for piece in pieces(segments)] == ["one two", "three"]


@st.composite
def transcripts(draw: st.DrawFn) -> list[Segment]:
    segments: list[Segment] = []
    at = 0
    for number in range(draw(st.integers(0, 25))):
        at += draw(st.sampled_from([0, 100, 600, 1_600, 4_500, 16_000]))
        length = draw(st.integers(1, 30))
        text = sentence_of(length, f"n{number}") if draw(st.booleans()) else "word " * length
        [one] = spoken(text, start=at, language=draw(st.sampled_from(["en", "en", "en", "de"])))
        segments.append(replace(one, window=number // 5, index=number % 5))
        at = one.end
    return segments


@settings(max_examples=60, deadline=None)
@given(transcripts(), st.data())
def test_cutting_as_it_grows_is_cutting_the_whole(segments: list[Segment], data: st.DataObject) -> None:
    whole = passages_of(segments)
    grown: list[Passage] = []
    rest: list[Segment] = []
    at = 0
    while at < len(segments):
        upto = data.draw(st.integers(at + 1, len(segments)))
        rest.extend(pieces(segments[at:upto]))
        at = upto
        done = cut("job", rest, final=False)
        rest = rest[sum(len(passage.segments) for passage in done) :]
        grown.extend(done)
    grown.extend(cut("job", rest, final=True))
    assert grown == whole
    assert [one.key for passage in whole for one in passage.segments] == [one.key for one in pieces(segments)]
