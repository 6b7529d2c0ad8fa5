"""Four stages that do nothing, built as services are: `python -m bench.stages NAME` runs one of them in a process.

Each follows the fact of the one before, makes a piece of work of it, and does the work: it marks it done, writes a row of
its own and tells its fact, in one transaction. It reads where everything is as a service does, from `VIDMESH_*`.
"""

import asyncio
import contextlib
import cProfile
import os
import resource
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from google.protobuf.message import Message

from vidmesh.events.v1.index_events_pb2 import IndexCompleted
from vidmesh.events.v1.ingest_events_pb2 import JobAccepted, SourceIngested
from vidmesh.events.v1.summarize_events_pb2 import SummaryCompleted
from vidmesh.events.v1.transcribe_events_pb2 import TranscriptCompleted
from vidmesh_runtime import outbox, work
from vidmesh_runtime.database import Connection, Pool, load_queries
from vidmesh_runtime.ending import end
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.events import Event
from vidmesh_runtime.inbox import Follower
from vidmesh_runtime.outbox import Relay
from vidmesh_runtime.service import Parts, open_parts
from vidmesh_runtime.settings import ServiceSettings
from vidmesh_runtime.work import Lease
from vidmesh_runtime.worker import Worker

CONCURRENCY = 64
MIGRATIONS = Path(__file__).parent / "migrations"

sql = load_queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage of the chain."""

    service: str
    """Its schema and its role in Postgres."""
    stage: str
    """Its name on the bus."""
    after: str
    """The "stage.kind" of the fact that makes its work; empty for the first, whose work comes with the job."""
    kind: str
    """The kind of the fact that it tells."""
    fact: Callable[[str], Message]
    """That fact, for a video."""


STEPS: Mapping[str, Step] = {
    step.stage: step
    for step in (
        Step(
            service="ingest",
            stage="ingest",
            after="",
            kind="source_ingested",
            fact=lambda video: SourceIngested(video_id=video),
        ),
        Step(
            service="transcribe",
            stage="transcribe",
            after="ingest.source_ingested",
            kind="transcript_completed",
            fact=lambda video: TranscriptCompleted(video_id=video),
        ),
        Step(
            service="summarize",
            stage="summarize",
            after="transcribe.transcript_completed",
            kind="summary_completed",
            fact=lambda video: SummaryCompleted(video_id=video),
        ),
        Step(
            service="query",
            stage="index",
            after="summarize.summary_completed",
            kind="index_completed",
            fact=lambda video: IndexCompleted(video_id=video),
        ),
    )
}


async def submit(pool: Pool, *, tenant: str, job_id: str) -> None:
    """Take a job on, as the ingest service does when one is submitted."""
    async with pool.acquire() as connection, connection.transaction():
        fact = JobAccepted(video_id=job_id)
        await sql.begin(connection, job_id=job_id)
        await outbox.tell(connection, tenant=tenant, job_id=job_id, stage="ingest", fact=fact)
        await work.add_all(connection, stage="ingest", pieces=[_piece(tenant=tenant, job_id=job_id)])


@contextlib.asynccontextmanager
async def running(step: Step, parts: Parts, settings: ServiceSettings) -> AsyncIterator[None]:
    """A stage at work."""

    async def apply(connection: Connection, events: Sequence[Event]) -> None:
        pieces = [_piece(tenant=event.tenant, job_id=event.job_id) for event in events]
        await work.add_all(connection, stage=step.stage, pieces=pieces)

    async def handle(leases: Sequence[Lease]) -> None:
        async with parts.pool.acquire() as connection, connection.transaction():
            held = await work.complete_all(connection, leases)
            await sql.finish(connection, job_ids=[lease.job_id for lease in held])
            facts = [
                outbox.Told(tenant=lease.tenant, job_id=lease.job_id, fact=step.fact(lease.video_id))
                for lease in held
            ]
            await outbox.tell_all(connection, stage=step.stage, facts=facts)

    async def given_up(_connection: Connection, lease: Lease, failure: Failure) -> None:
        raise RuntimeError(f"{lease.key} was given up: {failure}")

    worker = Worker(
        parts.pool,
        parts.bus,
        stage=step.stage,
        handlers={},
        together={"step": handle},
        given_up=given_up,
        concurrency=CONCURRENCY,
        lease=settings.lease,
        max_attempts=settings.max_attempts,
        retry_delay=settings.retry_delay,
        reconcile_every=settings.reconcile_every,
    )
    relay = Relay(parts.pool, parts.bus, schema=step.service, keep=settings.events_max_age)
    loops = [relay.run, worker.run]
    if step.after:
        follower = Follower(
            parts.pool,
            parts.bus,
            service=step.service,
            work_stage=step.stage,
            follows={},
            gathers={step.after: apply},
        )
        loops.append(follower.run)
    tasks = [asyncio.create_task(run()) for run in loops]
    try:
        yield
    finally:
        await worker.stop(timedelta(seconds=1))
        await end(tasks)


def _piece(*, tenant: str, job_id: str) -> work.Piece:
    return work.Piece(
        kind="step",
        key=job_id,
        tenant=tenant,
        job_id=job_id,
        video_id=job_id,
        payload=JobAccepted(video_id=job_id),
    )


class _Counted:
    """Counts statements by their first words, where a run is to be explained and not timed."""

    def __init__(self) -> None:
        self.statements: Counter[str] = Counter()

    async def watch(self, pool: Pool) -> None:
        """Count what goes over each connection of the pool from now on."""
        held = [await pool.acquire() for _ in range(pool.get_max_size())]
        for connection in held:
            connection.add_query_logger(self._count)
        for connection in held:
            await pool.release(connection)

    def _count(self, record: object) -> None:
        text = " ".join(str(getattr(record, "query", "")).split())
        self.statements[text[:60]] += 1


async def main(name: str) -> None:
    """Run a stage until standard input ends, so that it never outlives who started it."""
    step = STEPS[name]
    settings = ServiceSettings()
    profile = os.environ.get("BENCH_PROFILE", "")
    counted = _Counted()
    async with open_parts(step.service, settings, MIGRATIONS) as parts:
        if profile:
            await counted.watch(parts.pool)
        async with running(step, parts, settings):
            loop = asyncio.get_running_loop()
            reader = asyncio.StreamReader()
            await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
            print("ready", flush=True)
            profiler = cProfile.Profile()
            while line := await reader.readline():
                if line == b"profile\n":
                    profiler.enable()
                print(_spent(), flush=True)
            if profile:
                profiler.disable()
                profiler.dump_stats(profile)
    for text, count in counted.statements.most_common():
        print(count, text, flush=True)


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
