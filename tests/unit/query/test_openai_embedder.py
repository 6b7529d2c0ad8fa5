"""Embeddings by a server that speaks OpenAI's API, over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import openai
import pytest

from vidmesh_query.embedding import EmbeddingUnavailableError
from vidmesh_query.openai_embedder import OpenAiEmbedder

Answer = Callable[[list[str]], tuple[int, Any]]


def lengths(texts: list[str]) -> tuple[int, Any]:
    """Vectors by the texts' lengths, given in reverse order as the API allows."""
    data = [
        {"object": "embedding", "index": place, "embedding": [len(text), 1, 0]}
        for place, text in enumerate(texts)
    ]
    return 200, {
        "object": "list",
        "model": "m",
        "data": data[::-1],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[tuple[openai.AsyncOpenAI, list[list[str]]]]:
    """A client of a server that answers so, and the batches that it was asked for."""
    asked: list[list[str]] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            length = 0
            while line := (await reader.readline()).strip().lower():
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            texts = json.loads(await reader.readexactly(length))["input"]
            asked.append(texts)
            status, body = answer(texts)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            head = f"HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
            writer.write(head.encode() + data)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with openai.AsyncOpenAI(
        base_url=f"http://127.0.0.1:{port}/v1", api_key="key", max_retries=0
    ) as client:
        yield client, asked
    listening.close()
    await listening.wait_closed()


async def test_vectors_are_units_in_the_order_of_the_texts() -> None:
    async with server(lengths) as (client, _):
        embedder = await OpenAiEmbedder.connect(client, "m")
        assert (embedder.name, embedder.dimensions) == ("m-3", 3)
        vectors = await embedder.embed(["a", "abc"])
    assert vectors[0] == pytest.approx([2**-0.5, 2**-0.5, 0])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1])


async def test_many_texts_go_in_batches() -> None:
    async with server(lengths) as (client, asked):
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

    async with server(next_answer) as (client, _):
        embedder = await OpenAiEmbedder.connect(client, "m")
        answers.append(answer)
        with pytest.raises(EmbeddingUnavailableError):
            await embedder.embed(["a", "b"])


async def test_a_server_that_is_away_is_unavailable(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key="key", max_retries=0) as client:
        with pytest.raises(EmbeddingUnavailableError):
            await OpenAiEmbedder.connect(client, "m")
