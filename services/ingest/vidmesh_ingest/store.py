"""Rows as values. Every question is asked for one tenant; what is another's is not found."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from vidmesh_ingest.job import Job, Kept, Stage, Upload
from vidmesh_ingest.outcome import STAGES, JobState, StageState
from vidmesh_runtime.database import Connection, Pool, load_queries
from vidmesh_runtime.errors import not_found

sql: Any = load_queries(Path(__file__).with_name("queries.sql"))


def parse_id(kind: str, text: str) -> UUID:
    """An id as a caller gave it. Raises Failure NOT_FOUND for what can be no id."""
    try:
        return UUID(text)
    except ValueError as error:
        raise not_found(kind, text) from error


async def get_job(where: "Connection | Pool", tenant: str, job_id: UUID) -> Job:
    """A job. Raises Failure NOT_FOUND."""
    row = await sql.job(where, tenant=tenant, id=job_id)
    if row is None:
        raise not_found("job", str(job_id))
    return (await _jobs(where, [row]))[0]


async def list_jobs(
    pool: Pool,
    tenant: str,
    *,
    states: Sequence[JobState],
    video_id: UUID | None,
    before: tuple[datetime, UUID] | None,
    most: int,
) -> list[Job]:
    """A tenant's jobs, newest first, after those of the page before."""
    rows = [
        row
        async for row in sql.list_jobs(
            pool,
            tenant=tenant,
            states=[str(state) for state in states],
            video_id=video_id,
            before_time=before[0] if before else None,
            before_id=before[1] if before else None,
            most=most,
        )
    ]
    return await _jobs(pool, rows)


async def open_jobs(pool: Pool, tenant: str) -> list[Job]:
    """A tenant's newest jobs that have not ended."""
    return [await get_job(pool, tenant, row["id"]) async for row in sql.open_jobs(pool, tenant=tenant)]


async def stage_states(connection: Connection, job_id: UUID) -> dict[str, StageState]:
    """How the stages of a job stand."""
    return {row["stage"]: StageState(row["state"]) async for row in sql.stages(connection, ids=[job_id])}


async def get_upload(where: "Connection | Pool", tenant: str, upload_id: UUID) -> Upload:
    """An upload. Raises Failure NOT_FOUND."""
    row = await sql.upload(where, tenant=tenant, id=upload_id)
    if row is None:
        raise not_found("upload", str(upload_id))
    return to_upload(row)


async def get_media(where: "Connection | Pool", tenant: str, video_id: UUID) -> Kept:
    """What is kept of a video's source. Raises Failure NOT_FOUND."""
    row = await sql.media(where, tenant=tenant, id=video_id)
    if row is None:
        raise not_found("media of video", str(video_id))
    return Kept(key=row["media_key"], type=row["media_type"])


def to_upload(row: asyncpg.Record) -> Upload:
    """A row of `upload`."""
    return Upload(**dict(row))


async def _jobs(where: "Connection | Pool", rows: Sequence[asyncpg.Record]) -> list[Job]:
    stages: dict[UUID, dict[str, Stage]] = {row["id"]: {} for row in rows}
    async for found in sql.stages(where, ids=list(stages)):
        stages[found["job_id"]][found["stage"]] = Stage(
            name=found["stage"],
            state=StageState(found["state"]),
            failure=found["failure"],
            started_at=found["started_at"],
            ended_at=found["ended_at"],
        )
    return [_job(row, stages[row["id"]]) for row in rows]


def _job(row: asyncpg.Record, stages: dict[str, Stage]) -> Job:
    return Job(
        id=row["id"],
        tenant=row["tenant"],
        video_id=row["video_id"],
        state=JobState(row["state"]),
        stages=tuple(stages[name] for name in STAGES),
        source=row["source"],
        own_title=row["title"],
        title=row["title"] or row["video_title"] or row["source"],
        duration=None if row["seconds"] is None else timedelta(seconds=row["seconds"]),
        failure=row["failure"],
        notices=tuple(row["notices"]),
        captions=row["captions"],
        language=row["language"],
        priority=row["priority"],
        run=row["run"],
        opened=row["opened"],
        media_key=row["media_key"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        ended_number=row["ended_number"],
    )
