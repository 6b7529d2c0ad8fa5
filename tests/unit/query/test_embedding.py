import numpy as np
import pytest

from vidmesh_query.embedding import unit
from vidmesh_query.wordllama_embedder import WordLlamaEmbedder


async def test_vectors_are_units_and_near_in_meaning(embedder: WordLlamaEmbedder) -> None:
    vectors = await embedder.embed(
        ["The doctors removed the tumor from his spine.", "surgery against cancer", "a recipe for apple cake"]
    )
    assert vectors.shape == (3, embedder.dimensions)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1


async def test_a_batch_is_each_text_alone(embedder: WordLlamaEmbedder) -> None:
    texts = ["one", "a longer text about lions", "三つの箱"]
    together = await embedder.embed(texts)
    alone = np.concatenate([await embedder.embed([text]) for text in texts])
    assert together == pytest.approx(alone, abs=1e-6)


async def test_a_text_without_words_is_zeros(embedder: WordLlamaEmbedder) -> None:
    assert not (await embedder.embed([""])).any()
    assert (await embedder.embed([])).shape == (0, embedder.dimensions)
    assert embedder.similarity("lions", ["", "lions"]) == pytest.approx([0.0, 1.0], abs=1e-5)


def test_the_name_tells_model_and_dimensions(embedder: WordLlamaEmbedder) -> None:
    assert embedder.name == "wordllama-l2-supercat-256"


def test_rows_that_are_no_vectors_become_zeros() -> None:
    rows = np.array([[3, 4], [0, 0], [np.nan, 1], [np.inf, 0]], dtype=np.float32)
    assert unit(rows).tolist() == [pytest.approx([0.6, 0.8]), [0, 0], [0, 1], [0, 0]]
