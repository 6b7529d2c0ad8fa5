import uuid

import pytest

from tests.unit.query.farm import farm
from vidmesh_query.vectors import Near, near_enough
from vidmesh_query.wordllama_embedder import WordLlamaEmbedder

FARM = farm()


def found(query: str, embedder: WordLlamaEmbedder) -> list[str]:
    """The passages of the sample talk that are near enough to a query, nearest first."""
    scores = embedder.similarity(query, [passage.text for passage in FARM])
    near = [
        Near(id=passage.id, score=score)
        for score, passage in sorted(zip(scores, FARM, strict=True), key=lambda pair: -pair[0])
    ]
    texts = {passage.id: passage.text for passage in FARM}
    return [texts[one.id] for one in near_enough(near, embedder.floor)]


@pytest.mark.parametrize(
    "query", ["zzzzqq", "asdf qwer", "quantum chromodynamics", "football championship", "the war in vietnam"]
)
def test_nothing_is_near_nonsense_and_foreign_subjects(query: str, embedder: WordLlamaEmbedder) -> None:
    assert found(query, embedder) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("pastry recipe", "hot oven"),
        ("baking", "hot oven"),
        ("generating energy", "strong magnets"),
        ("electricity from moving air", "strong magnets"),
        ("pollination", "smell the flowers"),
        ("melting ice on the mountains", "the snow melts"),
    ],
)
def test_a_paraphrase_finds_its_passage(query: str, said: str, embedder: WordLlamaEmbedder) -> None:
    assert said in found(query, embedder)[0]


def test_what_is_far_behind_the_best_is_left_out() -> None:
    near = [Near(id=uuid.uuid4(), score=score) for score in (0.9, 0.5, 0.4, 0.1)]
    assert near_enough(near, 0.2) == near[:2]
    assert near_enough([], 0.2) == []
