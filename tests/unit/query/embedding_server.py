"""A server that speaks OpenAI's embeddings over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import openai

Answer = Callable[[list[str]], tuple[int, Any]]


def lengths(texts: list[str]) -> tuple[int, Any]:
    """Vectors by the texts' lengths, given in reverse order as the API allows."""
    data = [
        {"object": "embedding", "index": place, "embedding": [len(text), 1, 0]}
        for place, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return 200, {"object": "list", "model": "m", "data": data[::-1], "usage": usage}


@asynccontextmanager
async def embedding_server(
    answer: Answer = lengths,
) -> AsyncIterator[tuple[openai.AsyncOpenAI, list[list[str]]]]:
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
    url = f"http://127.0.0.1:{port}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key="key", max_retries=0) as client:
        yield client, asked
    listening.close()
    await listening.wait_closed()
