"""Work: rows that say what is to be done, by whom it is being done, and until when that one may be trusted to be alive.

Postgres decides, in its own time: claiming and completing compare and set the lease's token, so that a worker which was
thought dead can do no harm when it comes back.
"""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from vidmesh_runtime import letters, outbox
from vidmesh_runtime.bus import PRIORITIES, work_subject
from vidmesh_runtime.database import Connection, Pool, load_queries
from vidmesh_runtime.errors import Failure

sql = load_queries(Path(__file__).with_suffix(".sql"))


class LeaseLostError(Exception):
    """Somebody else has the work by now, or it was cancelled: write nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A piece of work and the right to do it."""

    id: uuid.UUID
    kind: str
    """Which handler does it."""
    key: str
    """What it is: unique among its kind."""
    tenant: str
    job_id: str
    video_id: str
    priority: str
    payload: bytes
    """The message that was given to `add`, serialised."""
    attempt: int
    """Which attempt this is, from 1."""
    spared: int
    """How many attempts before it do not count, for they ended when the database or the bus was away."""
    token: uuid.UUID

    async def progress(self, connection: Connection) -> None:
        """Say, in the caller's transaction, that a part of the work is written: its attempts count from here.

        Nobody else gets the work before the transaction ends. Raises LeaseLostError where the lease is no longer ours; the
        transaction must then be rolled back.
        """
        if not await sql.progress(connection, id=self.id, token=self.token):
            raise LeaseLostError(self.key)

    async def complete(self, connection: Connection) -> None:
        """Mark the work done, in the caller's transaction, which must hold the results and the facts too.

        Raises LeaseLostError where the lease is no longer ours; the transaction must then be rolled back.
        """
        if not await complete_all(connection, [self]):
            raise LeaseLostError(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of work to be done."""

    kind: str
    """Which handler does it."""
    key: str
    """What it is: unique among its kind."""
    tenant: str
    job_id: str
    video_id: str
    payload: Message
    """What the handler must know."""
    priority: str = "normal"
    delay: timedelta = timedelta(0)
    """How long it has to wait."""


async def add(
    connection: Connection,
    *,
    stage: str,
    kind: str,
    key: str,
    tenant: str,
    job_id: str,
    video_id: str,
    payload: Message,
    priority: str = "normal",
    delay: timedelta = timedelta(0),
) -> bool:
    """Add a piece of work and its trigger, in the caller's transaction; False where it is known already."""
    piece = Piece(
        kind=kind,
        key=key,
        tenant=tenant,
        job_id=job_id,
        video_id=video_id,
        payload=payload,
        priority=priority,
        delay=delay,
    )
    return bool(await add_all(connection, stage=stage, pieces=[piece]))


async def add_all(connection: Connection, *, stage: str, pieces: Sequence[Piece]) -> set[tuple[str, str]]:
    """Add pieces of work with one trigger, in the caller's transaction; kind and key of those that were not known."""
    rows = sql.add(
        connection,
        kinds=[piece.kind for piece in pieces],
        keys=[piece.key for piece in pieces],
        tenants=[piece.tenant for piece in pieces],
        job_ids=[piece.job_id for piece in pieces],
        video_ids=[piece.video_id for piece in pieces],
        ranks=[PRIORITIES.index(piece.priority) for piece in pieces],
        payloads=[piece.payload.SerializeToString() for piece in pieces],
        delays=[piece.delay for piece in pieces],
        subjects=_subjects(stage),
    )
    return {(row["kind"], row["key"]) async for row in rows}


async def complete_all(connection: Connection, leases: Sequence[Lease]) -> list[Lease]:
    """Mark pieces of work done, in the caller's transaction; those whose lease still holds: write nothing for the others."""
    rows = sql.complete(
        connection, ids=[lease.id for lease in leases], tokens=[lease.token for lease in leases]
    )
    held = {row["id"] async for row in rows}
    return [lease for lease in leases if lease.id in held]


async def claim(pool: Pool, *, lease: timedelta, attempts: int, most: int = 1) -> list[Lease]:
    """The pieces of work that come next, at most so many: by priority, then by tenant and by job in turn.

    One that was added while its job was being cancelled, each unseen by the other, is cancelled here.
    """
    return await _claimed(pool, sql.claim(pool, most=most, lease=lease, attempts=attempts))


async def claim_alone(pool: Pool, *, lease: timedelta) -> list[Lease]:
    """A piece of work, if there is one, that is to be done by a worker which has nothing else in hand.

    It is its last attempt: before, a worker died that had it in hand, perhaps for something else that it was doing.
    """
    return await _claimed(pool, sql.claim_alone(pool, lease=lease))


async def any_alone(pool: Pool) -> bool:
    """Whether work waits that `claim_alone` would give."""
    return bool(await sql.any_alone(pool))


async def renew(pool: Pool, held: Lease, *, lease: timedelta) -> bool:
    """Prolong a lease; False where it is lost, or the job was cancelled."""
    return bool(await sql.renew(pool, id=held.id, token=held.token, lease=lease))


async def postpone(pool: Pool, held: Lease, *, delay: timedelta, failure: Failure, attempts: int) -> bool:
    """Hand the work back to be tried again after `delay`; False where it was tried so often, or the lease is lost."""
    return bool(
        await sql.postpone(
            pool,
            id=held.id,
            token=held.token,
            delay=delay,
            failure=failure.to_proto().SerializeToString(),
            attempts=attempts,
        )
    )


async def spare(pool: Pool, held: Lease, *, delay: timedelta, most: int) -> bool:
    """Hand the work back to be tried again after `delay`, as if this time had not been; False after `most` such times, or
    where the lease is lost."""
    return bool(await sql.spare(pool, id=held.id, token=held.token, delay=delay, most=most))


async def hand_back(pool: Pool, held: Lease) -> bool:
    """Hand the work back as if it had never been claimed; False where the lease is lost."""
    return bool(await sql.hand_back(pool, id=held.id, token=held.token))


async def give_up(connection: Connection, held: Lease, *, stage: str, failure: Failure) -> None:
    """Mark the work failed and write its dead letter, in the caller's transaction. Raises LeaseLostError."""
    told = failure.to_proto().SerializeToString()
    if not await sql.give_up(connection, id=held.id, token=held.token, failure=told):
        raise LeaseLostError(held.key)
    letter = letters.of_work(
        stage=stage,
        kind=held.kind,
        key=held.key,
        tenant=held.tenant,
        job_id=held.job_id,
        video_id=held.video_id,
        payload=held.payload,
        attempts=held.attempt,
        failure=failure,
    )
    await outbox.bury(connection, letter)


async def abandoned(pool: Pool, *, attempts: int) -> list[Lease]:
    """Work whose worker died on each attempt."""
    return [_lease(row) async for row in sql.abandoned(pool, attempts=attempts)]


async def cancel_job(connection: Connection, job_id: str) -> None:
    """Cancel all work of a job that is not done, in the caller's transaction."""
    await sql.cancel_job(connection, job_id=job_id)


async def drop_job(connection: Connection, job_id: str) -> None:
    """Delete all work of a job, in the caller's transaction."""
    await sql.drop_job(connection, job_id=job_id)


async def retry_piece(connection: Connection, stage: str, *, kind: str, key: str) -> bool:
    """Make a piece of work that was given up ready again, in the caller's transaction; False where it was not."""
    again = sql.retry_piece(connection, kind=kind, key=key, subjects=_subjects(stage))
    return bool([row async for row in again])


async def retry_job(connection: Connection, stage: str, job_id: str) -> int:
    """Make failed and cancelled work of a job ready again, in the caller's transaction; how much it was."""
    again = sql.retry_job(connection, job_id=job_id, subjects=_subjects(stage))
    return len([row async for row in again])


async def overdue(pool: Pool, *, most: int, attempts: int) -> int:
    """How many pieces of work nobody does, though a trigger should have brought a worker, counted up to `most`."""
    return int(await sql.overdue(pool, most=most, attempts=attempts))


async def _claimed(pool: Pool, claimed: AsyncIterator[Mapping[str, Any]]) -> list[Lease]:
    """What was claimed, but for the work of jobs that were cancelled meanwhile, which is cancelled too."""
    rows = [dict(row) async for row in claimed]
    for job_id in {row["job_id"] for row in rows if row["cancelled"]}:
        await sql.cancel_job(pool, job_id=job_id)
    return [_lease(row) for row in rows if not row.pop("cancelled")]


def _subjects(stage: str) -> list[str]:
    """Where triggers are published, by rank."""
    return [work_subject(stage, priority) for priority in PRIORITIES]


def _lease(row: Mapping[str, object]) -> Lease:
    values = dict(row)
    rank = values.pop("rank")
    assert isinstance(rank, int)
    return Lease(priority=PRIORITIES[rank], token=values.pop("lease_token"), **values)  # type: ignore[arg-type] # the query's columns are the fields
