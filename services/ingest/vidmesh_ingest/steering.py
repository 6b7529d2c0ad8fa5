"""What callers may do to jobs and videos that are there: cancel, retry, delete."""

from datetime import timedelta
from uuid import UUID

import asyncpg

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.dead_letter_pb2 import DeadLetter, DeadLetterRetried
from vidmesh.events.v1.ingest_events_pb2 import JobCancelled, JobRetried, VideoDeleted
from vidmesh_ingest.ending import STAGE, end_job, tidy_later
from vidmesh_ingest.job import Job
from vidmesh_ingest.letters import drop_letter, get_letter, take_letters
from vidmesh_ingest.outcome import ENDED, RETRIABLE, JobState
from vidmesh_ingest.store import get_job, sql
from vidmesh_runtime import outbox, work
from vidmesh_runtime.database import Connection
from vidmesh_runtime.errors import Failure, not_found
from vidmesh_runtime.events import stage_token

_UNTIL_HEARD = timedelta(seconds=5)
"""How long work in hand may take to hear that its job was cancelled, and so may still write."""


async def cancel(connection: Connection, tenant: str, job_id: UUID) -> Job:
    """Cancels a job that has not ended. Nothing happens to one that is cancelled already."""
    row = await sql.lock_job(connection, tenant=tenant, id=job_id)
    if row is None:
        raise not_found("job", str(job_id))
    state = JobState(row["state"])
    if state in ENDED and state is not JobState.CANCELLED:
        raise Failure(ErrorReason.ERROR_REASON_WRONG_STATE, f"The job has ended: it is {state}.")
    if state not in ENDED:
        await _cancel(connection, tenant, job_id, str(row["video_id"]))
    return await get_job(connection, tenant, job_id)


async def retry(connection: Connection, tenant: str, job_id: UUID) -> Job:
    """Begins a new run of a job for its failed and cancelled stages."""
    row = await sql.lock_job(connection, tenant=tenant, id=job_id)
    if row is None:
        raise not_found("job", str(job_id))
    if JobState(row["state"]) not in RETRIABLE:
        raise Failure(
            ErrorReason.ERROR_REASON_WRONG_STATE, f"There is nothing to retry: the job is {row['state']}."
        )
    await sql.reopen_stages(connection, job_id=job_id)
    run = await sql.reopen_job(connection, job_id=job_id)
    fact = JobRetried(video_id=str(row["video_id"]), run=run)
    await outbox.tell(connection, tenant=tenant, job_id=str(job_id), stage=STAGE, fact=fact)
    for letter in await take_letters(connection, tenant, str(job_id)):
        if letter.message:
            await _tell_again(connection, letter)
    return await get_job(connection, tenant, job_id)


async def retry_letter(connection: Connection, tenant: str, letter_id: UUID) -> Job | None:
    """Has what was given up done after all. Gives its job, where it is of one."""
    letter = await get_letter(connection, tenant, letter_id)
    job = await _locked(connection, tenant, letter.job_id)
    if job is not None and JobState(job["state"]) in RETRIABLE:
        return await retry(connection, tenant, job["id"])
    await drop_letter(connection, tenant, letter_id)
    if letter.message:
        await _tell_again(connection, letter)
    elif stage_token(letter.stage) != STAGE or not await work.retry_piece(
        connection, STAGE, kind=letter.kind, key=letter.key
    ):
        state = "gone" if job is None else str(job["state"])
        raise Failure(
            ErrorReason.ERROR_REASON_WRONG_STATE,
            f"There is nothing to retry: the job is {state}. The letter can be dropped.",
        )
    return None if job is None else await get_job(connection, tenant, job["id"])


async def delete(connection: Connection, tenant: str, video_id: UUID) -> list[UUID]:
    """Deletes a video with its jobs and, a little later, its media. Gives the jobs that it had."""
    if await sql.video(connection, tenant=tenant, id=video_id) is None:
        raise not_found("video", str(video_id))
    jobs = []
    for row in [row async for row in sql.video_jobs(connection, video_id=video_id)]:
        if JobState(row["state"]) not in ENDED:
            await _cancel(connection, tenant, row["id"], str(video_id))
        gone = VideoDeleted(video_id=str(video_id))
        await outbox.tell(connection, tenant=tenant, job_id=str(row["id"]), stage=STAGE, fact=gone)
        await work.drop_job(connection, str(row["id"]))
        await take_letters(connection, tenant, str(row["id"]))
        jobs.append(row["id"])
    await sql.delete_video(connection, id=video_id)
    await tidy_later(connection, tenant, str(video_id), f"{tenant}/{video_id}", _UNTIL_HEARD)
    return jobs


async def _locked(connection: Connection, tenant: str, job_id: str) -> asyncpg.Record | None:
    try:
        identity = UUID(job_id)
    except ValueError:
        return None
    row: asyncpg.Record | None = await sql.lock_job(connection, tenant=tenant, id=identity)
    return row


async def _tell_again(connection: Connection, letter: DeadLetter) -> None:
    fact = DeadLetterRetried(letter=letter)
    await outbox.tell(connection, tenant=letter.tenant, job_id=letter.job_id, stage=STAGE, fact=fact)


async def _cancel(connection: Connection, tenant: str, job_id: UUID, video_id: str) -> None:
    await sql.cancel_stages(connection, job_id=job_id)
    await work.cancel_job(connection, str(job_id))
    fact = JobCancelled(video_id=video_id)
    await outbox.tell(connection, tenant=tenant, job_id=str(job_id), stage=STAGE, fact=fact)
    await end_job(connection, tenant, job_id, JobState.CANCELLED, None)
