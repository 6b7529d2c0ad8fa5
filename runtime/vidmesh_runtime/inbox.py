"""The inbox: facts of other stages, each applied once, in one transaction with all that follows from it."""

import asyncio
import contextlib
import logging
import random
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import asyncpg
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.dead_letter_pb2 import DeadLetterRetried
from vidmesh_runtime import bus as topology
from vidmesh_runtime import letters, outbox, work
from vidmesh_runtime.bus import Bus
from vidmesh_runtime.crash import crash_point
from vidmesh_runtime.database import UNREACHABLE, Connection, Pool, load_queries
from vidmesh_runtime.ending import end
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.events import Event, read_event, stage_number
from vidmesh_runtime.gathering import Gathering
from vidmesh_runtime.pull import Consumer, quietly

log = logging.getLogger(__name__)
sql = load_queries(Path(__file__).with_suffix(".sql"))

Apply = Callable[[Connection, Event], Awaitable[None]]
"""Applies a fact in the transaction of the connection; may come again only if that transaction was rolled back."""

Gather = Callable[[Connection, Sequence[Event]], Awaitable[None]]
"""Applies facts of one kind, of whatever jobs, in the transaction of the connection."""

BATCH = 64
"""How many facts are applied in one transaction at most: those that are there, none is waited for."""
REDELIVERY = timedelta(seconds=10)
"""How long a fact waits for another process when the one that fetched it has died: applying one takes milliseconds."""
ATTEMPTS = 10
DEADLOCKS = 3
"""How often facts are applied again whose transaction the database took to end a deadlock."""
CONTROL = ("job_cancelled", "job_retried", "job_ended", letters.RETRIED)
URGENT = ("job_cancelled",)
"""Kinds that overtake all others: a service that comes back to a long backlog does nothing for jobs that were cancelled."""


class Follower:
    """Follows facts on the EVENTS stream for a service, whatever number of processes the service has.

    `follows` maps "stage.kind", such as "ingest.window_ready", to what applies it; `gathers`, other such kinds to what
    applies several at once. The facts that wait are applied in one transaction; where that fails, each in its own, so that
    one that cannot be applied holds up no other. Facts may come in any order, as ever with a bus. Cancelling, retrying and ending of
    jobs is applied to the service's work by itself, before what `follows` has for it.
    """

    def __init__(
        self,
        pool: Pool,
        bus: Bus,
        *,
        service: str,
        work_stage: str,
        follows: Mapping[str, Apply],
        gathers: Mapping[str, Gather] | None = None,
    ) -> None:
        self._pool = pool
        self._stage = work_stage
        self._follows = follows
        self._gathers = gathers or {}
        wanted = {*follows, *self._gathers, *(f"ingest.{kind}" for kind in CONTROL)}
        urgent = {f"ingest.{kind}" for kind in URGENT} - {*follows, *self._gathers}
        self._consumers = [
            Consumer(
                bus,
                stream=topology.EVENTS,
                durable=durable,
                subjects=[topology.event_subject("*", "*", *kind.split(".")) for kind in sorted(kinds)],
                ack_wait=REDELIVERY,
                unacknowledged=1000,
            )
            for durable, kinds in (
                (topology.inbox_consumer(service), wanted - urgent),
                (topology.control_consumer(service), urgent),
            )
            if kinds
        ]

    async def run(self) -> None:
        """Follow for ever, through restarts of the database and of the bus."""
        following = [asyncio.create_task(self._follow(consumer)) for consumer in self._consumers]
        try:
            await asyncio.gather(*following)
        finally:
            await end(following)

    async def _follow(self, consumer: Consumer) -> None:
        gathering = Gathering()
        while True:
            await gathering.more()
            messages = await consumer.take(BATCH)
            gathering.found(len(messages))
            if messages:
                await self._receive(messages)

    async def _receive(self, messages: Sequence[Msg]) -> None:
        facts: list[tuple[Event, Msg]] = []
        for message in messages:
            event = read_event(
                message.subject, message.headers or {}, message.metadata.sequence.stream, message.data
            )
            if event is None:
                log.error("no event of ours on %s", message.subject)
                await self._give_up(message, None, Failure(ErrorReason.ERROR_REASON_UNREADABLE_MESSAGE))
            else:
                facts.append((event, message))
        # By job, or two processes that apply facts of the same jobs would wait for each other.
        facts.sort(key=lambda fact: (fact[0].job_id, fact[0].sequence))
        if await self._try_together(facts):
            return
        for event, message in facts:
            await self._try_one(event, message)

    async def _try_together(self, facts: Sequence[tuple[Event, Msg]]) -> bool:
        """Apply facts in one transaction; False where one of them must be told from the others first."""
        if len(facts) < 2:
            return not facts
        try:
            await self._apply([event for event, _ in facts])
        except UNREACHABLE as error:
            log.warning("inbox: %s; the facts come again", error or type(error).__name__)
            await asyncio.sleep(0.5)
            for _, message in facts:
                await quietly(message.nak(delay=1))
            return True
        except Exception:
            log.info("%d facts are applied one by one", len(facts), exc_info=True)
            return False
        crash_point("after-apply")
        for _, message in facts:
            await quietly(message.ack())
        return True

    async def _try_one(self, event: Event, message: Msg) -> None:
        try:
            await self._apply([event])
        except UNREACHABLE as error:
            log.warning("inbox: %s; the fact comes again", error or type(error).__name__)
            await asyncio.sleep(0.5)
            await quietly(message.nak(delay=1))
        except DecodeError:
            log.exception("%s of job %s cannot be read", event.kind, event.job_id)
            await self._give_up(message, event, Failure(ErrorReason.ERROR_REASON_UNREADABLE_MESSAGE))
        except Exception:
            if message.metadata.num_delivered < ATTEMPTS:
                log.exception("%s of job %s was not applied; it comes again", event.kind, event.job_id)
                await quietly(message.nak(delay=2))
            else:
                log.exception(
                    "%s of job %s was not applied %d times: given up", event.kind, event.job_id, ATTEMPTS
                )
                await self._give_up(message, event, Failure(ErrorReason.ERROR_REASON_ATTEMPTS_EXHAUSTED))
        else:
            crash_point("after-apply")
            await quietly(message.ack())

    async def _give_up(self, message: Msg, event: Event | None, failure: Failure) -> None:
        """Write a dead letter for a message that cannot be applied; it does not come again."""
        letter = letters.again(event, stage=self._stage, failure=failure) or letters.of_message(
            stage=self._stage,
            subject=message.subject,
            headers=message.headers or {},
            payload=message.data,
            attempts=message.metadata.num_delivered,
            failure=failure,
        )
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await outbox.bury(connection, letter)
        except UNREACHABLE as error:
            log.warning("inbox: %s; the message comes again", error or type(error).__name__)
            await quietly(message.nak(delay=1))
        else:
            await quietly(message.term())

    async def _apply(self, events: Sequence[Event]) -> None:
        """Apply facts, and again where another transaction had what they wait for and waited for what they had."""
        for attempt in range(DEADLOCKS):
            with contextlib.suppress(asyncpg.DeadlockDetectedError):
                await self._apply_in_one(events)
                return
            log.info("%d facts are applied again after a deadlock", len(events))
            await asyncio.sleep(random.uniform(0, 0.1 * 2**attempt))
        await self._apply_in_one(events)

    async def _apply_in_one(self, events: Sequence[Event]) -> None:
        """Apply facts in one transaction, with all that follows from them; those that were applied before are left out."""
        gathered: defaultdict[str, list[Event]] = defaultdict(list)
        async with self._pool.acquire() as connection, connection.transaction():
            received = sql.receive(connection, event_ids=[uuid.UUID(event.id) for event in events])
            news = {str(row["event_id"]) async for row in received}
            for event in events:
                if event.id not in news:
                    continue
                news.discard(event.id)
                name = f"{event.stage}.{event.kind}"
                if name in self._gathers:
                    gathered[name].append(event)
                else:
                    await self._apply_one(connection, event)
            for name, some in gathered.items():
                await self._gathers[name](connection, some)

    async def _apply_one(self, connection: Connection, event: Event) -> None:
        name = f"{event.stage}.{event.kind}"
        if event.stage == "ingest":
            if event.kind == "job_cancelled":
                if await sql.cancel_job(connection, job_id=event.job_id, number=event.number):
                    await work.cancel_job(connection, event.job_id)
            elif event.kind == "job_retried":
                if await sql.reopen_job(connection, job_id=event.job_id, number=event.number):
                    await work.retry_job(connection, self._stage, event.job_id)
            elif event.kind == "job_ended":
                await sql.end_job(connection, job_id=event.job_id, number=event.number)
            elif event.kind == letters.RETRIED:
                await self._apply_after_all(connection, event)
        apply = self._follows.get(name)
        if apply is not None:
            await apply(connection, event)

    async def _apply_after_all(self, connection: Connection, event: Event) -> None:
        """Apply a message that this service had given up. Raises DecodeError where it still cannot be read."""
        letter = DeadLetterRetried.FromString(event.payload).letter
        if letter.stage != stage_number(self._stage):
            return
        kept = read_event(letter.key, letter.headers, event.sequence, letter.payload)
        if kept is None:
            raise DecodeError(f"no event of ours on {letter.key}")
        received = sql.receive(connection, event_ids=[uuid.UUID(kept.id)])
        if not [row async for row in received]:
            return
        gather = self._gathers.get(f"{kept.stage}.{kept.kind}")
        if gather is not None:
            await gather(connection, [kept])
        else:
            await self._apply_one(connection, kept)
