"""The transactional outbox: what is true in the database is told on the bus, later if need be, never not."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from google.protobuf.message import Message
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from vidmesh.events.v1.dead_letter_pb2 import DeadLetter
from vidmesh_runtime import bus as topology
from vidmesh_runtime.bus import Bus
from vidmesh_runtime.crash import crash_point
from vidmesh_runtime.database import UNREACHABLE, Connection, Pool, load_queries
from vidmesh_runtime.events import event_headers, kind_of, stage_token
from vidmesh_runtime.gathering import Gathering
from vidmesh_runtime.publish import Outgoing, Publisher

log = logging.getLogger(__name__)
sql = load_queries(Path(__file__).with_suffix(".sql"))

TERM = timedelta(seconds=3)
"""How long a process may publish without saying again that it does; when it dies, another one waits for as long."""
PATIENCE = 5.0
"""Seconds in which what is published must be stored."""
BATCH = 256
STREAM_FULL = frozenset({10077})
"""JetStream's error code for a stream that refuses for its bounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A fact about a job."""

    tenant: str
    job_id: str
    fact: Message


async def tell(connection: Connection, *, tenant: str, job_id: str, stage: str, fact: Message) -> None:
    """Write a fact into the outbox, in the caller's transaction."""
    await tell_all(connection, stage=stage, facts=[Told(tenant=tenant, job_id=job_id, fact=fact)])


async def tell_all(connection: Connection, *, stage: str, facts: Sequence[Told]) -> None:
    """Write facts into the outbox in their order, in the caller's transaction.

    The counters of their jobs stay locked until it ends, so that a job's facts commit in the order of their numbers.
    """
    await sql.tell(
        connection,
        subjects=[
            topology.event_subject(told.tenant, told.job_id, stage, kind_of(told.fact)) for told in facts
        ],
        kinds=[type(told.fact).__name__ for told in facts],
        job_ids=[told.job_id for told in facts],
        payloads=[told.fact.SerializeToString() for told in facts],
    )


async def bury(connection: Connection, letter: DeadLetter) -> None:
    """Write a dead letter into the outbox, in the caller's transaction."""
    await sql.bury(
        connection,
        subject=topology.dead_subject(stage_token(letter.stage)),
        kind=type(letter).__name__,
        job_id=letter.job_id,
        payload=letter.SerializeToString(),
    )


class Ticker:
    """Publishes what nobody misses: progress and text deltas, straight to the bus."""

    def __init__(self, bus: Bus, *, source: str) -> None:
        self._bus = bus
        self._source = source

    async def tick(self, *, tenant: str, job_id: str, stage: str, event: Message) -> None:
        """Publish an event that need not arrive. Does nothing while the bus is away."""
        headers = event_headers(
            identifier=str(uuid.uuid4()),
            time=datetime.now(UTC),
            source=self._source,
            kind=type(event).__name__,
            job_id=job_id,
            number=0,
        )
        if not self._bus.client.is_connected:
            return
        with contextlib.suppress(NatsError, OSError):
            await self._bus.client.publish(
                topology.event_subject(tenant, job_id, stage, kind_of(event)),
                event.SerializeToString(),
                headers=headers,
            )


class Relay:
    """Publishes the outbox in order. Of a service's processes one does so at a time, elected by a lease."""

    def __init__(self, pool: Pool, bus: Bus, *, schema: str, keep: timedelta) -> None:
        self._pool = pool
        self._bus = bus
        self._publisher = Publisher(bus)
        self._schema = schema
        self._keep = keep
        self._holder = uuid.uuid4()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Publish for ever, through restarts of the database and of the bus."""
        try:
            while True:
                try:
                    # A broker that has lost its disk answers, but has no streams.
                    await self._bus.ensure()
                    async with self._pool.acquire() as listener:
                        await listener.add_listener(f"{self._schema}_outbox", self._notified)
                        try:
                            await self._lead(listener)
                        finally:
                            with contextlib.suppress(*UNREACHABLE):
                                await listener.remove_listener(f"{self._schema}_outbox", self._notified)
                except NatsError as error:
                    told = str(error) or type(error).__name__
                    log.warning("outbox: %s; trying again", told)
                    # While it is away, what is told waits here and nothing is wrong with that.
                    self._bus.refuses = told if self._bus.client.is_connected else ""
                    await asyncio.sleep(0.5)
                except (*UNREACHABLE, asyncpg.PostgresError) as error:
                    log.warning("outbox: %s; trying again", error or type(error).__name__)
                    await asyncio.sleep(0.5)
        finally:
            with contextlib.suppress(*UNREACHABLE):
                await sql.resign(self._pool, role="relay", holder=self._holder)

    async def _lead(self, connection: Connection) -> None:
        led, forgot = 0.0, 0.0
        gathering = Gathering()
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            if loop.time() - led > TERM.total_seconds() / 3:
                if not await sql.lead(connection, role="relay", holder=self._holder, term=TERM):
                    await asyncio.sleep(1)
                    continue
                led = loop.time()
                await self._meet_bus(connection)
            if loop.time() - forgot > 600:
                await sql.forget(connection, keep=self._keep + timedelta(days=1))
                forgot = loop.time()
            await gathering.more()
            published = await self._publish_batch(connection)
            gathering.found(published)
            if published < BATCH:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), 1)

    async def _meet_bus(self, connection: Connection) -> None:
        born = await self._bus.born()
        known = await sql.known_bus(connection)
        if known == born:
            return
        if known is not None:
            log.warning("the bus is new and empty; publishing the facts of unfinished jobs again")
            await sql.refill(connection)
        await sql.know_bus(connection, born=born)

    async def _publish_batch(self, connection: Connection) -> int:
        rows = [row async for row in sql.unpublished(connection, most=BATCH)]
        if not rows:
            self._bus.refuses = ""
            return 0
        crash_point("before-publish")
        outcomes = await self._publisher.publish([self._message(row) for row in rows], within=PATIENCE)
        crash_point("after-publish")
        # What follows a refused fact stays unmarked and goes out again after it, so that order holds; watchers drop the repeats.
        for place, outcome in enumerate(outcomes):
            if outcome is None:
                continue
            if (
                isinstance(outcome, APIError)
                and outcome.err_code in STREAM_FULL
                and not rows[place]["number"]
            ):
                # The work waits in the database, and its trigger is made up for when there is room.
                log.warning("outbox: a trigger was refused: %s", outcome.description)
                continue
            await sql.mark_published(connection, ids=[row["id"] for row in rows[:place]])
            raise outcome
        self._bus.refuses = ""
        await sql.mark_published(connection, ids=[row["id"] for row in rows])
        return len(rows)

    def _message(self, row: Mapping[str, Any]) -> Outgoing:
        headers = {topology.HEADER_DEDUPE: str(row["event_id"])}
        if row["number"]:
            headers = event_headers(
                identifier=str(row["event_id"]),
                time=row["created_at"],
                source=self._schema,
                kind=row["kind"],
                job_id=row["job_id"],
                number=row["number"],
            )
        return Outgoing(subject=row["subject"], payload=row["payload"], headers=headers)

    def _notified(self, *_: object) -> None:
        self._wake.set()
