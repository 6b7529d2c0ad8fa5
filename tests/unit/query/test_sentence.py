import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidmesh_query.sentence import SentenceStream, split


def streamed(text: str, size: int) -> list[str]:
    stream = SentenceStream()
    parts = [part for at in range(0, len(text), size) for part in stream.feed(text[at : at + size])]
    return parts + stream.rest()


ANSWER = "Dr. Smith has seven lions [1]. They live in Paris. [2] [3] \n- They cost $3.5 each [1, 2].\nIs that all? Yes."


def test_a_citation_belongs_to_the_sentence_before_it() -> None:
    assert [part.strip() for part in split(ANSWER)] == [
        "Dr. Smith has seven lions [1].",
        "They live in Paris. [2] [3]",
        "- They cost $3.5 each [1, 2].",
        "Is that all?",
        "Yes.",
    ]


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_text_in_pieces_gives_the_sentences_of_the_whole(size: int) -> None:
    assert streamed(ANSWER, size) == split(ANSWER)


def test_a_sentence_comes_as_soon_as_the_next_begins() -> None:
    stream = SentenceStream()
    assert stream.feed("The lions left. ") == []
    assert stream.feed("[1] ") == []
    assert stream.feed("They") == ["The lions left. [1] "]
    assert stream.rest() == ["They"]


@given(st.text(alphabet="ab .!?[]1\n", max_size=80), st.integers(1, 9))
def test_no_character_is_lost(text: str, size: int) -> None:
    assert "".join(streamed(text, size)) == text
    assert "".join(split(text)) == text
