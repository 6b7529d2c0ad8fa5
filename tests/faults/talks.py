"""Handing talks to a mesh that may not be well, and watching what becomes of them."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

from tests import media
from tests.faults import counted
from tests.faults.reckoning import Accepted, kind
from vidmesh.client import AsyncClient
from vidmesh.error import VidmeshError
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.ingest.v1.ingest_service_pb2 import SubmitVideoRequest
from vidmesh.ingest.v1.video_pb2 import Source

T = TypeVar("T")


class Speaker:
    """Submits talks of which no two say the same number."""

    def __init__(self, client: AsyncClient, folder: Path, *, first: int = 0) -> None:
        self.client = client
        self._folder = folder
        self._next = itertools.count(first, 1000)

    async def speak(self, length: int = 20, *, watched: bool = True) -> Accepted:
        """Upload and submit a talk of so many seconds, as often as it takes; it is one submission by its request_id."""
        first = next(self._next)
        return await self.say(range(first, first + length), watched=watched)

    async def say(self, numbers: Sequence[int], *, watched: bool = True) -> Accepted:
        """The same with numbers of one's choice."""
        first, length = numbers[0], len(numbers)
        path = self._folder / f"{first}.flac"
        await asyncio.to_thread(media.write, path, counted.say(numbers))
        upload = await patiently(lambda: self.client.upload(path))
        request = SubmitVideoRequest(source=Source(upload_id=upload.id), request_id=str(uuid.uuid4()))
        answer = await patiently(lambda: self.client.ingest.SubmitVideo(request))
        path.unlink()
        one = Accepted(job=answer.job, first=first, length=length)
        if watched:
            one.watching = asyncio.create_task(self._watch(one))
        return one

    @asynccontextmanager
    async def held(self, length: int, *, share: float) -> AsyncIterator[tuple[Accepted, Callable[[], None]]]:
        """Submit a link to a talk of which a site sends the first `share`, and the rest when it is let go."""
        first = next(self._next)
        file = self._folder / f"{first}.wav"
        content = (await asyncio.to_thread(counted.write, file, first, length)).read_bytes()
        free = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\nconnection: close\r\n")
                writer.write(b"content-length: %d\r\n\r\n" % len(content))
                writer.write(content[: int(len(content) * share)])
                await writer.drain()
                await free.wait()
                writer.write(content[int(len(content) * share) :])
                await writer.drain()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as site:
            port = site.sockets[0].getsockname()[1]
            request = SubmitVideoRequest(
                source=Source(url=f"http://127.0.0.1:{port}/{file.name}"), request_id=str(uuid.uuid4())
            )
            answered = await patiently(lambda: self.client.ingest.SubmitVideo(request))
            one = Accepted(job=answered.job, first=first, length=length)
            one.watching = asyncio.create_task(self._watch(one))
            try:
                yield one, free.set
            finally:
                free.set()

    async def _watch(self, one: Accepted) -> None:
        async for message in self.client.watch(one.job.id):
            if message.WhichOneof("message") == "event":
                one.watched.append(message.event)
            else:
                one.skipped = True


async def patiently(call: Callable[[], Awaitable[T]], *, within: float = 60) -> T:
    """What a call gives in the end, made again while its error says that this may help."""
    async with asyncio.timeout(within):
        while True:
            try:
                return await call()
            except VidmeshError as error:
                if not error.retryable:
                    raise
                await asyncio.sleep(0.2)


async def until_told(one: Accepted, wanted: str, count: int = 1, *, within: float = 120) -> list[JobEvent]:
    """Wait until a job's watcher was told events of a kind so often."""
    async with asyncio.timeout(within):
        while True:
            told = [event for event in one.watched if kind(event) == wanted]
            if len(told) >= count:
                return told
            await asyncio.sleep(0.02)
