"""Dead letters of all stages: gathered from the bus, kept until they are retried or dropped."""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg

from vidmesh.events.v1.dead_letter_pb2 import DeadLetter
from vidmesh_ingest.ending import STAGE, end_stage
from vidmesh_runtime import bus as topology
from vidmesh_runtime.bus import Bus
from vidmesh_runtime.database import UNREACHABLE, Connection, Pool, load_queries
from vidmesh_runtime.errors import not_found
from vidmesh_runtime.events import stage_token
from vidmesh_runtime.metrics import Figure
from vidmesh_runtime.pull import Consumer, quietly

log = logging.getLogger(__name__)
sql: Any = load_queries(Path(__file__).with_suffix(".sql"))

BATCH = 64
KEEP = timedelta(days=30)
"""How long a letter is kept that nobody looks at, and one that is gone."""


OPEN_LETTERS = Figure(
    name="vidmesh_dead_letters",
    description="Dead letters that were neither retried nor dropped",
    read=sql.open,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A letter in its place in the list."""

    id: UUID
    buried_at: datetime
    letter: DeadLetter


class Letters:
    """Gathers what the stages have given up."""

    def __init__(self, pool: Pool, bus: Bus) -> None:
        self._pool = pool
        self._consumer = Consumer(
            bus,
            stream=topology.DEAD,
            durable=topology.LETTERS_CONSUMER,
            subjects=[topology.dead_subject("*")],
            ack_wait=timedelta(seconds=10),
            unacknowledged=1000,
        )

    async def run(self) -> None:
        """Gathers for ever, through restarts of the database and of the bus."""
        while True:
            for message in await self._consumer.take(BATCH):
                await self._keep(message)

    async def _keep(self, message: Msg) -> None:
        try:
            letter = DeadLetter.FromString(message.data)
            async with self._pool.acquire() as connection, connection.transaction():
                await _keep(connection, letter)
        except (DecodeError, ValueError):
            log.exception("no dead letter of ours on %s: dropped", message.subject)
            await quietly(message.term())
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            log.warning("letters: %s; the letter comes again", error or type(error).__name__)
            await quietly(message.nak(delay=1))
        else:
            await quietly(message.ack())


async def _keep(connection: Connection, letter: DeadLetter) -> None:
    """Keeps a letter. A job is not told by one of its facts any more how a stage has ended: that stage has failed."""
    buried_at = letter.time.ToDatetime(UTC)
    news = await sql.keep(
        connection,
        id=UUID(letter.id),
        tenant=letter.tenant,
        job_id=letter.job_id,
        letter=letter.SerializeToString(),
        buried_at=buried_at,
    )
    if not news:
        return
    gave_up = stage_token(letter.stage)
    log.warning(
        "dead letter %s of tenant %s: %s was given up by %s: %s",
        letter.id,
        letter.tenant,
        letter.key,
        gave_up,
        letter.failure.message,
    )
    if not letter.message:
        return
    with contextlib.suppress(ValueError):  # what is no event of ours may name anything
        job_id, (_, _, _, told_by, _) = UUID(letter.job_id), letter.key.split(".")
        failed = told_by if gave_up == STAGE else gave_up
        await end_stage(connection, letter.tenant, job_id, failed, letter.failure)


async def get_letter(where: "Connection | Pool", tenant: str, letter_id: UUID) -> DeadLetter:
    """A letter. Raises Failure NOT_FOUND."""
    row = await sql.letter(where, tenant=tenant, id=letter_id)
    if row is None:
        raise not_found("dead letter", str(letter_id))
    return DeadLetter.FromString(row["letter"])


async def list_letters(
    pool: Pool, tenant: str, *, job_id: str, before: tuple[datetime, UUID] | None, most: int
) -> list[Kept]:
    """A tenant's letters, newest first, after those of the page before, without what they say."""
    rows = sql.list(
        pool,
        tenant=tenant,
        job_id=job_id,
        before_time=before[0] if before else None,
        before_id=before[1] if before else None,
        most=most,
    )
    return [
        Kept(id=row["id"], buried_at=row["buried_at"], letter=_outline(row["letter"])) async for row in rows
    ]


async def take_letters(connection: Connection, tenant: str, job_id: str) -> Sequence[DeadLetter]:
    """The letters of a job, which are gone with that."""
    return [
        DeadLetter.FromString(row["letter"])
        async for row in sql.take(connection, tenant=tenant, job_id=job_id)
    ]


async def drop_letter(where: "Connection | Pool", tenant: str, letter_id: UUID) -> None:
    """Drops a letter. Raises Failure NOT_FOUND."""
    if not await sql.drop(where, tenant=tenant, id=letter_id):
        raise not_found("dead letter", str(letter_id))


async def forget_letters(pool: Pool) -> None:
    """Drops what nobody will ask for any more."""
    await sql.forget(pool, keep=KEEP)


def _outline(kept: bytes) -> DeadLetter:
    letter = DeadLetter.FromString(kept)
    letter.ClearField("payload")
    letter.ClearField("headers")
    return letter
