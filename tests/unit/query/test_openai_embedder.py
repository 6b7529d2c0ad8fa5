"""Embeddings by a server that speaks OpenAI's API, over real HTTP."""

from typing import Any

import numpy as np
import openai
import pytest

from tests.unit.query.embedding_server import Answer, embedding_server, lengths
from vidmesh_query.embedding import EmbeddingUnavailableError
from vidmesh_query.openai_embedder import OpenAiEmbedder


async def test_vectors_are_units_in_the_order_of_the_texts() -> None:
    async with embedding_server(lengths) as (client, _):
        embedder = await OpenAiEmbedder.connect(client, "m")
        assert (embedder.name, embedder.dimensions) == ("m-3", 3)
        vectors = await embedder.embed(["a", "abc"])
    assert vectors[0] == pytest.approx([2**-0.5, 2**-0.5, 0])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1])


async def test_many_texts_go_in_batches() -> None:
    async with embedding_server(lengths) as (client, asked):
        embedder = await OpenAiEmbedder.connect(client, "m")
        vectors = await embedder.embed(["x" * number for number in range(1, 201)])
        assert (await embedder.embed([])).shape == (0, 3)
    assert vectors.shape == (200, 3)
    assert [len(batch) for batch in asked] == [1, 96, 96, 8]


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: (500, {"error": {"message": "no"}}),
        lambda _: (401, {"error": {"message": "no"}}),
        lambda _: (200, b"<html>no</html>"),
        lambda _: (200, {"data": "no"}),
        lambda texts: lengths(texts[:-1]),
        lambda texts: (200, {"data": [{"index": place, "embedding": [1, 2]} for place in range(len(texts))]}),
    ],
)
async def test_anything_else_than_vectors_is_unavailable(answer: Answer) -> None:
    answers: list[Answer] = [lengths]

    def next_answer(texts: list[str]) -> tuple[int, Any]:
        return answers.pop()(texts)

    async with embedding_server(next_answer) as (client, _):
        embedder = await OpenAiEmbedder.connect(client, "m")
        answers.append(answer)
        with pytest.raises(EmbeddingUnavailableError):
            await embedder.embed(["a", "b"])


async def test_a_server_that_is_away_is_unavailable(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key="key", max_retries=0) as client:
        with pytest.raises(EmbeddingUnavailableError):
            await OpenAiEmbedder.connect(client, "m")
