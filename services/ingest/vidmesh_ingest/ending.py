"""Moving jobs and their stages on, each step with the fact that tells it."""

from datetime import timedelta
from uuid import UUID

from google.protobuf.wrappers_pb2 import StringValue

from vidmesh.errors.v1.failure_pb2 import Failure as FailureMessage
from vidmesh.events.v1.ingest_events_pb2 import JobEnded
from vidmesh_ingest.outcome import ENDED, JobState, StageState, outcome
from vidmesh_ingest.store import sql, stage_states
from vidmesh_ingest.wire import to_outcome
from vidmesh_runtime import outbox, work
from vidmesh_runtime.database import Connection

STAGE = "ingest"
WHOLE = frozenset({JobState.SUCCEEDED, JobState.PARTIAL})
"""States of a job whose transcript is whole: its windows are not needed any more."""


async def end_stage(
    connection: Connection, tenant: str, job_id: UUID, stage: str, failure: FailureMessage | None = None
) -> None:
    """Marks a stage done, or failed with a failure, and ends the job where that was what it waited for."""
    row = await sql.lock_job(connection, tenant=tenant, id=job_id)
    if row is None or row["state"] == JobState.CANCELLED:
        return
    state = StageState.SUCCEEDED if failure is None else StageState.FAILED
    told = None if failure is None else failure.SerializeToString()
    if not await sql.end_stage(connection, job_id=job_id, stage=stage, state=state, failure=told):
        return
    ended = outcome(await stage_states(connection, job_id))
    if ended is not None and row["state"] not in ENDED:
        first = told or row["failure"] or await _first_failure(connection, job_id)
        await end_job(connection, tenant, job_id, ended, first)


async def end_job(
    connection: Connection, tenant: str, job_id: UUID, state: JobState, failure: bytes | None
) -> None:
    """Ends a job's present run."""
    job = await sql.lock_job(connection, tenant=tenant, id=job_id)
    fact = JobEnded(video_id=str(job["video_id"]), outcome=to_outcome(state), run=job["run"])
    if failure is not None:
        fact.failure.MergeFromString(failure)
    await outbox.tell(connection, tenant=tenant, job_id=str(job_id), stage=STAGE, fact=fact)
    number = await sql.last_number(connection, job_id=str(job_id))
    await sql.end_job(connection, job_id=job_id, state=state, failure=failure, number=number)
    if state in WHOLE:
        folder = windows_folder(tenant, job["video_id"], job_id)
        await tidy_later(connection, tenant, str(job["video_id"]), folder)


async def tidy_later(
    connection: Connection, tenant: str, video_id: str, folder: str, delay: timedelta = timedelta(0)
) -> None:
    """Sees to it that a folder of the media store is deleted, whatever fails meanwhile."""
    await work.add(
        connection,
        stage=STAGE,
        kind="tidy",
        key=folder,
        tenant=tenant,
        # Not the job's own id, or cancelling the job would cancel this too.
        job_id=f"tidy-{video_id}",
        video_id=video_id,
        payload=StringValue(value=folder),
        priority="low",
        delay=delay,
    )


def windows_folder(tenant: str, video_id: UUID, job_id: UUID) -> str:
    """Where the windows of a job are in the media store."""
    return f"{tenant}/{video_id}/{job_id}/windows"


async def _first_failure(connection: Connection, job_id: UUID) -> bytes | None:
    failures = [row async for row in sql.stages(connection, ids=[job_id]) if row["failure"] is not None]
    failures.sort(key=lambda row: row["ended_at"])
    return bytes(failures[0]["failure"]) if failures else None
