import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.summarize.talks import repeated, spoken
from vidmesh_summarize.sections import next_section
from vidmesh_summarize.transcript import Segment


def cut_all(segments: list[Segment], target: float) -> list[list[Segment]]:
    sections = []
    while (count := next_section(segments, "en", target=target, complete=True)) is not None:
        sections.append(segments[:count])
        segments = segments[count:]
    return sections


def cut_as_it_comes(segments: list[Segment], target: float, seed: int) -> list[list[Segment]]:
    """The same, the transcript arriving in pieces of random length."""
    chance = random.Random(seed)
    sections: list[list[Segment]] = []
    held: list[Segment] = []
    rest = list(segments)
    while rest or held:
        count = chance.randint(1, 12)
        held += rest[:count]
        rest = rest[count:]
        while (number := next_section(held, "en", target=target, complete=not rest)) is not None:
            sections.append(held[:number])
            held = held[number:]
    return sections


def test_sections_are_about_as_long_as_wanted() -> None:
    segments = repeated(spoken(), 3)
    sections = cut_all(segments, 120)
    assert [one for section in sections for one in section] == segments
    lengths = [following[0].start - section[0].start for section, following in pairwise(sections)]
    assert all(60 <= length <= 180 for length in lengths)
    assert 90 <= sum(lengths) / len(lengths) <= 150


def test_sections_end_where_the_topic_turns() -> None:
    starts = {section[0].text[:16] for section in cut_all(spoken(), 75)}
    assert starts & {"So what do you n", "Now we come to t", "The last part is"}


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_sections_are_the_same_however_the_transcript_arrives(seed: int) -> None:
    segments = spoken()
    assert cut_as_it_comes(segments, 60, seed) == cut_all(segments, 60)


def test_nothing_is_cut_before_it_is_certain() -> None:
    segments = spoken()
    assert next_section(segments[:5], "en", target=120, complete=False) is None
    assert next_section(segments[:5], "en", target=120, complete=True) == 5
    assert next_section([], "en", target=120, complete=True) is None


def test_one_segment_longer_than_a_section_is_a_section() -> None:
    long = [Segment(start=0, end=500, text="a"), Segment(start=500, end=510, text="b")]
    assert [len(one) for one in cut_all(long, 60)] == [1, 1]


def test_hours_of_silence_between_words_are_no_trouble() -> None:
    sparse = [Segment(start=at * 3600.0, end=at * 3600.0 + 1, text="hello there") for at in range(5)]
    assert [len(one) for one in cut_all(sparse, 60)] == [1] * 5
