"""The work survives: processes are killed in the middle, and the set of what was promised is checked after."""

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import numpy as np
import pytest

from tests import media
from tests.conftest import Backstage
from tests.e2e.conftest import Mesh, run_mesh
from vidmesh.client import AsyncClient
from vidmesh.error import VidmeshError
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.ingest.v1.ingest_service_pb2 import GetJobRequest, SubmitVideoRequest, WatchJobRequest
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_SUCCEEDED, Job
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh.query.v1.query_service_pb2 import GetVideoRequest

TIMES = 8


@pytest.fixture(scope="module")
def mesh(backstage: Backstage) -> Iterator[Mesh]:
    """A mesh of this module's own, for what is done to it."""
    yield from run_mesh(backstage)


@pytest.fixture
async def client(mesh: Mesh, tenant: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(mesh.endpoint, mesh.token(tenant)) as opened:
        yield opened


@pytest.fixture
def tenant(request: pytest.FixtureRequest) -> str:
    return f"t{abs(hash(request.node.nodeid)):x}"


@pytest.fixture
async def job(client: AsyncClient, tmp_path: Path) -> Job:
    """Some minutes of speech, submitted."""
    upload = await client.upload(media.write(tmp_path / "talk.flac", np.tile(media.speech(), TIMES)))
    return (await client.ingest.SubmitVideo(SubmitVideoRequest(source=Source(upload_id=upload.id)))).job


async def events_of(client: AsyncClient, job: Job) -> list[JobEvent]:
    return [
        message.event async for message in client.watch(job.id) if message.WhichOneof("message") == "event"
    ]


def facts(events: list[JobEvent]) -> list[tuple[int, int]]:
    return [(event.stage, event.number) for event in events if event.number]


def check_facts(events: list[JobEvent]) -> None:
    """Every fact once and in order."""
    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))
    for stage in {event.stage for event in events}:
        numbers = [event.number for event in events if event.stage == stage and event.number]
        assert numbers == list(range(1, len(numbers) + 1)), (stage, numbers)


async def check_outcome(client: AsyncClient, mesh: Mesh, job: Job) -> None:
    """One whole transcript, no window done twice, no passage twice, nothing left in work."""
    ended = (await client.ingest.GetJob(GetJobRequest(job_id=job.id))).job
    assert ended.state == JOB_STATE_SUCCEEDED, ended
    events = await events_of(client, job)
    check_facts(events)
    windows = [
        e.window_transcribed.window_index for e in events if e.WhichOneof("event") == "window_transcribed"
    ]
    announced = [e.source_ingested.window_count for e in events if e.WhichOneof("event") == "source_ingested"]
    assert sorted(windows) == list(range(announced[0]))
    assert len(announced) == 1
    assert sum(e.WhichOneof("event") == "transcript_completed" for e in events) == 1
    segments = [segment async for segment in client.segments(job.video_id)]
    starts = [segment.start.ToTimedelta() for segment in segments]
    assert starts == sorted(starts)
    video = (await client.query.GetVideo(GetVideoRequest(video_id=job.video_id))).video
    assert video.searchable
    passages = await rows(
        mesh, "query", "select job_id, start_ms, count(*) from passage group by 1, 2 having count(*) > 1"
    )
    assert passages == []
    # Work that came too late finds nothing to do, but it has to be picked up for that.
    async with asyncio.timeout(60):
        for service in ("ingest", "transcribe", "summarize", "query"):
            while await rows(mesh, service, "select key from work where state in ('ready', 'leased')"):
                await asyncio.sleep(0.2)


async def rows(mesh: Mesh, service: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(
        mesh.stack.postgres_dsn(f"vidmesh_{service}"), server_settings={"search_path": service}
    )
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


async def until_seen(client: AsyncClient, job: Job, kind: str, count: int = 1) -> list[JobEvent]:
    """The events of a job until the count-th of a kind."""
    seen: list[JobEvent] = []
    async for message in client.watch(job.id):
        seen.append(message.event)
        count -= message.event.WhichOneof("event") == kind
        if not count:
            break
    return seen


async def test_a_watch_goes_on_through_restarts_of_nats_and_ingest(
    client: AsyncClient, mesh: Mesh, job: Job
) -> None:
    first = await until_seen(client, job, "window_transcribed", 2)
    await asyncio.to_thread(mesh.kill, "nats")
    await asyncio.to_thread(mesh.kill, "ingest")
    await asyncio.to_thread(mesh.wait_for, "nats")
    await asyncio.to_thread(mesh.wait_for, "ingest")
    rest = [
        message.event
        async for message in client.watch(job.id, after_sequence=first[-1].sequence)
        if message.WhichOneof("message") == "event"
    ]
    check_facts(first + rest)
    whole = await events_of(client, job)
    assert facts(first + rest) == facts(whole)
    await check_outcome(client, mesh, job)


async def test_an_open_watch_breaks_with_a_code_that_says_resume(
    client: AsyncClient, mesh: Mesh, job: Job
) -> None:
    async def read_until_it_breaks() -> None:
        async for _ in client.ingest.WatchJob(WatchJobRequest(job_id=job.id)):
            await asyncio.to_thread(mesh.kill, "ingest")

    with pytest.raises(VidmeshError) as caught:
        await read_until_it_breaks()
    assert caught.value.code.name in ("UNAVAILABLE", "INTERNAL")
    await asyncio.to_thread(mesh.wait_for, "ingest")
    check_facts(await events_of(client, job))


async def test_transcribe_killed_in_the_middle_does_no_window_twice(
    client: AsyncClient, mesh: Mesh, job: Job
) -> None:
    await until_seen(client, job, "window_transcribed", 2)
    done = {row["key"]: row["ended_at"] for row in await rows(mesh, "transcribe", FINISHED)}
    await asyncio.to_thread(mesh.kill, "transcribe")
    await events_of(client, job)
    after = {row["key"]: row["ended_at"] for row in await rows(mesh, "transcribe", FINISHED)}
    assert len(done) >= 2
    assert {key: after[key] for key in done} == done
    await check_outcome(client, mesh, job)


FINISHED = "select key, ended_at from work where state = 'done'"


@pytest.mark.parametrize(
    ("service", "point"),
    [
        ("ingest", "after-commit"),
        ("ingest", "after-claim"),
        ("ingest", "after-publish"),
        ("transcribe", "after-commit"),
        ("transcribe", "after-apply"),
        ("summarize", "after-apply"),
        ("query", "after-apply"),
        ("query", "after-commit"),
    ],
)
async def test_a_crash_at_a_point_changes_nothing_in_the_end(
    client: AsyncClient, mesh: Mesh, tmp_path: Path, service: str, point: str
) -> None:
    with tempfile.TemporaryDirectory() as once:
        await asyncio.to_thread(mesh.restart, service, VIDMESH_CRASH_AT=point, VIDMESH_CRASH_ONCE=once)
        upload = await client.upload(media.write(tmp_path / "talk.flac", np.tile(media.speech(), 2)))
        job = await submit(client, upload.id)
        async for _ in client.watch(job.id):
            pass
        assert (Path(once) / f"crashed-{point}").exists(), "the process was to die and did not"
    await asyncio.to_thread(mesh.wait_for, service)
    await check_outcome(client, mesh, job)


async def submit(client: AsyncClient, upload_id: str) -> Job:
    """Submit as often as it takes: the request_id makes it one submission."""
    request = SubmitVideoRequest(source=Source(upload_id=upload_id), request_id=str(uuid.uuid4()))
    while True:
        try:
            return (await client.ingest.SubmitVideo(request)).job
        except VidmeshError as error:
            if not error.retryable:
                raise
            await asyncio.sleep(0.3)


async def test_query_killed_in_the_middle_of_indexing_has_no_passage_twice(
    client: AsyncClient, mesh: Mesh, job: Job
) -> None:
    await until_seen(client, job, "passages_indexed")
    await asyncio.to_thread(mesh.kill, "query")
    await events_of(client, job)
    await asyncio.to_thread(mesh.wait_for, "query")
    await check_outcome(client, mesh, job)


async def test_postgres_killed_in_the_middle(client: AsyncClient, mesh: Mesh, job: Job) -> None:
    await until_seen(client, job, "window_transcribed")
    await asyncio.to_thread(mesh.kill, "postgres")
    await asyncio.to_thread(mesh.wait_for, "postgres")
    await events_of(client, job)
    await check_outcome(client, mesh, job)


async def test_a_job_submitted_while_nats_is_away_runs_later(
    client: AsyncClient, mesh: Mesh, tmp_path: Path
) -> None:
    upload = await client.upload(media.write(tmp_path / "talk.flac", np.tile(media.speech(), 1)))
    await asyncio.to_thread(lambda: mesh._backstage.run(mesh.stack.stop("nats")))
    job = (await client.ingest.SubmitVideo(SubmitVideoRequest(source=Source(upload_id=upload.id)))).job
    await asyncio.to_thread(mesh.restart, "nats")
    await events_of(client, job)
    await check_outcome(client, mesh, job)
