"""The first words of a file are there before its last byte is sent."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests import media
from vidmesh import AsyncClient
from vidmesh.ingest.v1.ingest_service_pb2 import WriteUploadRequest, WriteUploadResponse
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_SUCCEEDED
from vidmesh.upload import CHUNK

Write = Callable[[WriteUploadRequest], Awaitable[WriteUploadResponse]]


def holding(write: Write, last: int, let_go: asyncio.Event) -> Write:
    """A slow line: the chunk at `last` waits until it is let go."""

    async def slow(request: WriteUploadRequest) -> WriteUploadResponse:
        if request.offset == last:
            await let_go.wait()
        return await write(request)

    return slow


async def test_words_come_before_the_last_byte(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speech = media.speech()
    times = 1 + 3 * CHUNK // (2 * speech.size)  # two bytes a sample, three chunks at least
    file = media.write(tmp_path / "long.wav", np.tile(speech, times))
    last = (file.stat().st_size - 1) // CHUNK * CHUNK
    assert last >= 2 * CHUNK
    let_go = asyncio.Event()
    monkeypatch.setattr(client.ingest, "WriteUpload", holding(client.ingest.WriteUpload, last, let_go))
    submission = await client.submit(file, head_start=timedelta(0))
    words = []
    async with aclosing(submission.watch()) as messages:
        async for message in messages:
            if message.event.WhichOneof("event") == "window_transcribed":
                words += [segment.text for segment in message.event.window_transcribed.segments]
                if words and not let_go.is_set():
                    assert submission.sending
                    let_go.set()
    assert words
    assert (await client.job(submission.job.id)).state == JOB_STATE_SUCCEEDED
    await submission.sent()
