"""While a job runs: search and answers, summaries and chapters of what was heard by now, and many watchers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from bench.crowd import Watcher, messages, request
from tests import media
from tests.e2e.conftest import Mesh
from vidmesh.client import AsyncClient
from vidmesh.error import VidmeshError
from vidmesh.events.v1.ingest_events_pb2 import StageProgress
from vidmesh.events.v1.stage_pb2 import STAGE_INGEST, STAGE_STATE_RUNNING
from vidmesh.ingest.v1.ingest_service_pb2 import (
    GetJobRequest,
    SubmitVideoRequest,
    WatchJobRequest,
    WatchJobResponse,
)
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_RUNNING, JOB_STATE_SUCCEEDED, Job
from vidmesh.query.v1.query_service_pb2 import AskRequest, SearchRequest
from vidmesh.query.v1.search_pb2 import Scope
from vidmesh.summarize.v1.summarize_service_pb2 import (
    GetSummaryRequest,
    ListChaptersRequest,
    StreamSummaryRequest,
)
from vidmesh_runtime.bus import open_bus
from vidmesh_runtime.outbox import Ticker

AHEAD = 100
"""How many events are published before a watcher has had them."""
WATCH = "/vidmesh.ingest.v1.IngestService/WatchJob"


@asynccontextmanager
async def held(file: Path, first: int) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A web site that sends the first bytes of a file, and the rest when it is let go."""
    content, free = file.read_bytes(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\nconnection: close\r\n"
                b"content-length: %d\r\n\r\n" % len(content)
            )
            writer.write(content[:first])
            await writer.drain()
            await free.wait()
            writer.write(content[first:])
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/{file.name}", free
    finally:
        free.set()
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def short_sections(mesh: Mesh) -> AsyncIterator[None]:
    """Sections of twenty seconds, so that a short video has some before its end."""
    await asyncio.to_thread(mesh.restart, "summarize", VIDMESH_SECTION_LENGTH="20")
    try:
        yield
    finally:
        await asyncio.to_thread(mesh.restart, "summarize")


async def until(condition: Callable[[], Awaitable[object]], *, within: float = 120) -> None:
    async with asyncio.timeout(within):
        while not await condition():
            await asyncio.sleep(0.2)


async def submit(client: AsyncClient, url: str) -> Job:
    wanted = SubmitVideoRequest()
    wanted.source.url = url
    return (await client.ingest.SubmitVideo(wanted)).job


async def test_a_running_job_is_searched_asked_and_summarised_as_far_as_it_has_come(
    mesh: Mesh, client: AsyncClient, tmp_path: Path
) -> None:
    speech = media.speech()
    sound = np.concatenate([speech, speech])
    file = media.write(tmp_path / "long.wav", sound)
    early = media.said()[0].text
    async with (
        short_sections(mesh),
        held(file, len(speech) * 2 + len(speech)) as (url, free),
    ):
        job = await submit(client, url)
        scope = Scope(video_ids=[job.video_id])
        asked = SearchRequest(query=early, scope=scope)

        async def found() -> bool:
            with suppress(VidmeshError):  # the query service has yet to hear of the video
                return bool((await client.query.Search(asked)).hits)
            return False

        async def sectioned() -> bool:
            summary = (await client.summarize.GetSummary(GetSummaryRequest(video_id=job.video_id))).summary
            return bool(summary.sections) and not summary.text

        async def drafted() -> bool:
            chapters = await client.summarize.ListChapters(ListChaptersRequest(video_id=job.video_id))
            return chapters.provisional and bool(chapters.chapters)

        async def reached() -> bool:  # a later window, with the same words, may be heard before the first
            (coverage,) = (await client.query.Search(asked)).coverage
            assert coverage.state == STAGE_STATE_RUNNING
            return bool(coverage.indexed_through.ToMilliseconds())

        await until(found)
        await until(reached)
        (coverage,) = (await client.query.Search(asked)).coverage
        assert (coverage.video_id, coverage.state) == (job.video_id, STAGE_STATE_RUNNING)
        assert 0 < coverage.indexed_through.ToMilliseconds() <= 1000 * len(sound) / media.RATE
        answer = [message async for message in client.query.Ask(AskRequest(question=early, scope=scope))]
        assert [one.video_id for one in answer[0].retrieved.coverage] == [job.video_id]
        assert answer[-1].answer.citations
        await until(sectioned)
        await until(drafted)
        stream = client.summarize.StreamSummary(StreamSummaryRequest(video_id=job.video_id))
        first = await anext(aiter(stream))
        assert first.summary.sections
        stream.cancel()
        assert (await client.ingest.GetJob(GetJobRequest(job_id=job.id))).job.state == JOB_STATE_RUNNING
        free.set()
        async with asyncio.timeout(240), aclosing(client.watch(job.id)) as events:
            async for _ in events:
                pass
    assert (await client.ingest.GetJob(GetJobRequest(job_id=job.id))).job.state == JOB_STATE_SUCCEEDED
    chapters = await client.summarize.ListChapters(ListChaptersRequest(video_id=job.video_id))
    assert chapters.chapters
    assert not chapters.provisional
    assert not (await client.query.Search(asked)).coverage


async def test_one_who_never_reads_and_one_who_comes_and_goes_slow_nobody(
    mesh: Mesh, client: AsyncClient, tenant: str, tmp_path: Path
) -> None:
    count, size = 1500, 4000
    file = media.write(tmp_path / "held.wav", media.silence(30))
    async with held(file, 1000) as (url, _):
        job = await submit(client, url)
        watch = WatchJobRequest(job_id=job.id).SerializeToString()
        place = urlsplit(mesh.endpoint)
        call = request(str(place.hostname), WATCH, mesh.token(tenant), watch)
        address = (str(place.hostname), place.port)

        async def come_and_go() -> None:
            while True:
                _, writer = await asyncio.open_connection(*address)
                writer.write(call)
                await writer.drain()
                await asyncio.sleep(0.05)
                writer.close()

        with socket.socket() as idle:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            idle.connect(address)
            idle.sendall(call)
            going = asyncio.create_task(come_and_go())
            try:
                heard = await flood(mesh, client, tenant, job.id, count=count, size=size)
            finally:
                going.cancel()
                with suppress(asyncio.CancelledError):
                    await going
            assert heard == list(range(count)), "every event, in order"
            last = await asyncio.to_thread(last_heard, idle, count - 1)
        assert last == count - 1, "who reads again is told how things stand"


async def flood(
    mesh: Mesh, client: AsyncClient, tenant: str, job: str, *, count: int, size: int
) -> list[int]:
    """Publish events of a job; which of them a watcher gets."""
    heard: list[int] = []
    begun, more = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        async with aclosing(client.watch(job)) as events:
            async for message in events:
                begun.set()
                progress = message.event.stage_progress
                if progress.unit == "flood":
                    heard.append(int(progress.done))
                    more.set()
                    if len(heard) == count:
                        return

    async with open_bus(mesh.stack.nats_url(), name="flood") as bus:
        reading = asyncio.create_task(read())
        await asyncio.wait_for(begun.wait(), 60)
        ticker = Ticker(bus, source="flood")
        for number in range(count):
            event = StageProgress(stage=STAGE_INGEST, done=number, unit="flood", activity="x" * size)
            await ticker.tick(tenant=tenant, job_id=job, stage="ingest", event=event)
            # The reader keeps up, as one does who is not to be sent back to the stream.
            while number - len(heard) > AHEAD:
                async with asyncio.timeout(60):
                    await more.wait()
                more.clear()
        await asyncio.wait_for(reading, 60)
    return heard


def last_heard(idle: socket.socket, wanted: int) -> int:
    """The number of the last flooded event that comes on a connection which was not read."""
    watcher, last = Watcher(idle), -1
    idle.settimeout(60)
    while last < wanted:
        watcher.read.append((0, idle.recv(65536)))
        for _, message in messages(watcher.read):
            progress = WatchJobResponse.FromString(message).event.stage_progress
            last = max(last, int(progress.done)) if progress.unit == "flood" else last
    return last
