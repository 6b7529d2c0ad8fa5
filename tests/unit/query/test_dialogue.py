import pytest

from vidmesh_query.dialogue import leans, rewritten, standalone
from vidmesh_query.prompt import Turn

BEFORE = [Turn(question="What is the AlphaGolang project?", answer="A set of scripts [1].")]


@pytest.mark.parametrize(
    "question", ["Who wrote it?", "And why?", "Tell me more", "What did he say about costs?"]
)
def test_a_question_that_leans_takes_along_what_was_asked_before(question: str) -> None:
    assert leans(question)
    assert "alphagolang" in standalone(question, BEFORE)
    assert standalone(question, BEFORE).startswith(question)


@pytest.mark.parametrize(
    "question", ["Why does Retool compare itself to AWS?", "Which library did Netflix open source?"]
)
def test_a_question_that_stands_is_left_alone(question: str) -> None:
    assert standalone(question, BEFORE) == question


def test_a_first_question_is_left_alone() -> None:
    assert standalone("Who wrote it?", []) == "Who wrote it?"


@pytest.mark.parametrize(
    ("reply", "taken"),
    [
        ('"Who wrote AlphaGolang?"', "Who wrote AlphaGolang?"),
        ("Q: Who wrote AlphaGolang?\nA: Juan.", "Who wrote AlphaGolang?"),
        ("", "Who wrote it?"),
        ("x" * 401, "Who wrote it?"),
    ],
)
def test_a_models_rewriting_is_taken_where_it_is_one(reply: str, taken: str) -> None:
    assert rewritten(reply, "Who wrote it?") == taken
