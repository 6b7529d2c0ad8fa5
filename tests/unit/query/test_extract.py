from dataclasses import replace

import pytest

from tests.unit.query.farm import farm
from tests.unit.query.speech import passage
from vidmesh_query.extract import extract, nearest, sentences
from vidmesh_query.wordllama_embedder import WordLlamaEmbedder

LIONS = passage(
    "We begin with a story.", "The lions carried seven red boxes to Paris.", "It rained all day long."
)
CAKE = passage("Take four apples and a pound of flour.", "Bake the cake for fifty minutes.", job="other")


def test_the_sentence_that_answers_is_given_with_its_place(embedder: WordLlamaEmbedder) -> None:
    [found, *_] = extract("What did the lions carry?", [CAKE, LIONS], embedder.similarity)
    assert found.number == 2
    assert found.text == "The lions carried seven red boxes to Paris."
    assert LIONS.text[found.span.begin : found.span.end] == found.text


def test_what_was_not_said_has_no_answer(embedder: WordLlamaEmbedder) -> None:
    assert extract("Who won the football championship in Brazil?", [CAKE, LIONS], embedder.similarity) == []
    assert extract("What did the lions carry?", [], embedder.similarity) == []


def test_speech_without_punctuation_is_taken_by_its_segments() -> None:
    texts = ["so we looked at the numbers " * 4, "and then the lions carried the boxes " * 4]
    one = passage(*(text.strip() for text in texts))
    assert [one.text[span.begin : span.end] for span in sentences(one)] == [text.strip() for text in texts]


def test_meaning_finds_what_words_do_not(embedder: WordLlamaEmbedder) -> None:
    span, _ = nearest("oven time of the pastry", CAKE, embedder.similarity)
    assert CAKE.text[span.begin : span.end] == "Bake the cake for fifty minutes."


def test_one_sentence_over_two_segments_is_one() -> None:
    one = passage("The lions carried", "seven boxes. They left.")
    assert [one.text[span.begin : span.end] for span in sentences(one)] == [
        "The lions carried seven boxes.",
        "They left.",
    ]
    assert sentences(replace(one, segments=one.segments[:1]))[0].end == len("The lions carried")


def test_a_question_repeated_is_no_answer_but_what_follows_it_is(embedder: WordLlamaEmbedder) -> None:
    talk = passage(
        "So what did the lions carry?", "Boxes, and quite a lot of them.", "Then it rained.", "Nobody minded."
    )
    [found, *_] = extract("What did the lions carry?", [talk], embedder.similarity)
    assert found.text == "So what did the lions carry? Boxes, and quite a lot of them. Then it rained."


def test_a_name_that_nobody_says_has_no_answer(embedder: WordLlamaEmbedder) -> None:
    towers = passage("There are very tall cranes and cell towers.", "He was not that tall.")
    assert extract("How tall is the Eiffel Tower in 1889?", [LIONS], embedder.similarity) == []
    assert extract("How tall are the cranes?", [towers], embedder.similarity)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            "Why does bread rise?",
            (
                "to make bread we need only flour water salt and yeast "
                "yeast is alive and it makes small bubbles of gas in the dough "
                "the gas can not escape and so the dough becomes twice as big"
            ),
        ),
        (
            "How do bees find flowers?",
            (
                "in the morning when the sun is warm the bees fly out to look for flowers "
                "they love bright colors and they can smell the flowers from far away"
            ),
        ),
        (
            "What does the windmill make?",
            "now look out of the window at the windmill on the hill it makes all of the power for the whole farm",
        ),
        ("How long does the dough rest?", "we let the dough rest for two hours in a warm place"),
        (
            "What does the farm use when there is no wind?",
            "when there is no wind we use the batteries in the barn",
        ),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_best_passage_answers_alone_and_with_what_is_needed(
    question: str, said: str, turned: bool, embedder: WordLlamaEmbedder
) -> None:
    passages = farm()[::-1] if turned else farm()
    assert [one.text for one in extract(question, passages, embedder.similarity)] == [said]


def test_the_sample_says_nothing_of_a_war(embedder: WordLlamaEmbedder) -> None:
    assert extract("Who won the war?", farm(), embedder.similarity) == []


def test_two_passages_that_answer_as_well_are_both_quoted(embedder: WordLlamaEmbedder) -> None:
    again = passage("The lions carried seven boxes.", "Nobody knows why.", job="again")
    found = extract("What did the lions carry?", [CAKE, LIONS, again], embedder.similarity)
    assert {one.number for one in found} == {2, 3}
