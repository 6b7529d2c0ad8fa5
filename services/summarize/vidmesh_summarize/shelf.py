"""What is there to read: summaries and chapters of a tenant's videos."""

import uuid
from collections.abc import Mapping
from typing import Any

from vidmesh.events.v1.summarize_events_pb2 import ChaptersDrafted
from vidmesh.summarize.v1.summarize_service_pb2 import ListChaptersResponse
from vidmesh.summarize.v1.summary_pb2 import Summary
from vidmesh_runtime.database import Connection, Pool
from vidmesh_runtime.errors import not_found
from vidmesh_summarize import wire
from vidmesh_summarize.chapters import Chapter
from vidmesh_summarize.facts import own, sql

Row = Mapping[str, Any]


class Shelf:
    """Reads for callers: nothing of another tenant's is ever found."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def newest_job(self, tenant: str, video_id: str) -> Row:
        """Give the row of a video's newest job. Raises Failure NOT_FOUND."""
        return _found(await sql.newest_job(self._pool, tenant=tenant, video_id=video_id), video_id)

    async def best_job(self, tenant: str, video_id: str) -> Row:
        """Give the row of a video's newest job that has its summary, else of the newest. Raises Failure NOT_FOUND."""
        job = await sql.best_job(self._pool, tenant=tenant, video_id=video_id, **own)
        return _found(job, video_id)

    async def job(self, tenant: str, video_id: str, job_id: str) -> Row:
        """Give the row of one job. Raises Failure NOT_FOUND."""
        return _found(await sql.job_of_tenant(self._pool, tenant=tenant, job_id=job_id), video_id)

    async def own_summary(self, job: Row) -> Summary:
        """Give the summary that a job made of itself."""
        async with self._pool.acquire() as connection:
            row = await sql.own_summary(connection, job_id=job["job_id"], **own)
            return await _summary(connection, _found(row, job["video_id"]), job)

    async def summary(self, tenant: str, video_id: str, summary_id: str) -> Summary:
        """Give a summary by its id, or the best that there is of the video's own. Raises Failure NOT_FOUND."""
        if not summary_id:
            return await self.own_summary(await self.best_job(tenant, video_id))
        try:
            identifier = uuid.UUID(summary_id)
        except ValueError as error:
            raise not_found("summary", summary_id) from error
        async with self._pool.acquire() as connection:
            row = await sql.summary_of_video(connection, id=identifier, tenant=tenant, video_id=video_id)
            if row is None:
                raise not_found("summary", summary_id)
            job = await sql.job_of_tenant(connection, tenant=tenant, job_id=row["job_id"])
            return await _summary(connection, row, _found(job, video_id))

    async def chapters(self, tenant: str, video_id: str) -> ListChaptersResponse:
        """Give a video's chapters. Raises Failure NOT_FOUND."""
        job = _found(await sql.chaptered_job(self._pool, tenant=tenant, video_id=video_id), video_id)
        done = job["chaptered_at"] is not None
        chapters = [
            Chapter(start=row["start_at"], end=row["end_at"], title=row["title"], gist=row["gist"])
            async for row in sql.chapters(self._pool, job_id=job["job_id"])
        ]
        state = wire.state(done=done, job=job, failure=job["chapters_failure"] or job["failure"])
        if not done and job["draft"] is not None:
            drafted = ChaptersDrafted.FromString(job["draft"])
            return ListChaptersResponse(
                chapters=drafted.chapters, extractive=True, state=state, provisional=True
            )
        return ListChaptersResponse(
            chapters=wire.chapter_messages(chapters), extractive=job["chapters_extractive"], state=state
        )


async def _summary(connection: Connection, row: Row, job: Row) -> Summary:
    sections = [one async for one in sql.sections(connection, job_id=job["job_id"])]
    return wire.summary_message(row, job, sections)


def _found(row: Row | None, video_id: str) -> Row:
    if row is None:
        raise not_found("video", video_id)
    return row
