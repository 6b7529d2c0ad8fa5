"""The inbox: facts of other stages, each applied once, in one transaction with all that follows from it."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path

from google.protobuf.message import DecodeError
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from vidmesh_runtime import bus as topology
from vidmesh_runtime import work
from vidmesh_runtime.bus import Bus
from vidmesh_runtime.crash import crash_point
from vidmesh_runtime.database import UNREACHABLE, Connection, Pool, load_queries
from vidmesh_runtime.events import Event, read_event
from vidmesh_runtime.pull import Consumer

log = logging.getLogger(__name__)
sql = load_queries(Path(__file__).with_suffix(".sql"))

Apply = Callable[[Connection, Event], Awaitable[None]]
"""Applies a fact in the transaction of the connection; may come again only if that transaction was rolled back."""

BATCH = 32
REDELIVERY = timedelta(seconds=10)
"""How long a fact waits for another process when the one that fetched it has died: applying one takes milliseconds."""
ATTEMPTS = 10
CONTROL = ("job_cancelled", "job_retried", "job_ended")


class Follower:
    """Follows facts on the EVENTS stream for a service, whatever number of processes the service has.

    `follows` maps "stage.kind", such as "ingest.window_ready", to what applies it. Cancelling, retrying and ending of
    jobs is applied to the service's work by itself, before what `follows` has for it.
    """

    def __init__(
        self, pool: Pool, bus: Bus, *, service: str, work_stage: str, follows: Mapping[str, Apply]
    ) -> None:
        self._pool = pool
        self._stage = work_stage
        self._follows = follows
        wanted = {*follows, *(f"ingest.{kind}" for kind in CONTROL)}
        subjects = [topology.event_subject("*", "*", *name.split(".")) for name in sorted(wanted)]
        self._consumer = Consumer(
            bus,
            stream=topology.EVENTS,
            durable=f"{service}-inbox",
            subjects=subjects,
            ack_wait=REDELIVERY,
            unacknowledged=1000,
        )

    async def run(self) -> None:
        """Follow for ever, through restarts of the database and of the bus."""
        while True:
            for message in await self._consumer.fetch(BATCH):
                await self._receive(message)

    async def _receive(self, message: Msg) -> None:
        event = read_event(
            message.subject, message.headers or {}, message.metadata.sequence.stream, message.data
        )
        try:
            if event is None:
                log.error("no event of ours on %s: dropped", message.subject)
                await message.term()
                return
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    if await sql.receive(connection, event_id=uuid.UUID(event.id)):
                        await self._apply(connection, event)
            except UNREACHABLE as error:
                log.warning("inbox: %s; the fact comes again", error or type(error).__name__)
                await asyncio.sleep(0.5)
                await message.nak(delay=1)
                return
            except DecodeError:
                log.exception("undecodable %s of job %s: dropped", event.kind, event.job_id)
                await message.term()
                return
            except Exception:
                if message.metadata.num_delivered < ATTEMPTS:
                    log.exception("%s of job %s was not applied; it comes again", event.kind, event.job_id)
                    await message.nak(delay=2)
                else:
                    log.exception(
                        "%s of job %s was not applied %d times: given up", event.kind, event.job_id, ATTEMPTS
                    )
                    await message.term()
                return
            crash_point("after-apply")
            await message.ack()
        except (NatsError, OSError) as error:
            log.warning("inbox: %s; the fact comes again and is known", error or type(error).__name__)

    async def _apply(self, connection: Connection, event: Event) -> None:
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
        apply = self._follows.get(name)
        if apply is not None:
            await apply(connection, event)
