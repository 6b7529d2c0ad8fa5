"""Taking a source on: the video it is, and a job for it."""

from dataclasses import dataclass
from uuid import UUID

from vidmesh.events.v1.ingest_events_pb2 import CaptionMode, JobAccepted, Priority
from vidmesh_ingest.ending import STAGE
from vidmesh_ingest.job import Job
from vidmesh_ingest.quota import Quota
from vidmesh_ingest.store import get_job, sql
from vidmesh_ingest.wire import to_rank
from vidmesh_runtime import outbox, work
from vidmesh_runtime.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A source and what is wanted of it."""

    tenant: str
    key: str
    """What the source is known again by."""
    source: str
    """A URL, or "upload:ID"."""
    title: str
    """The caller's own title; may be empty."""
    name: str
    """What to show until the source gives its title: an upload's file name; may be empty."""
    captions: CaptionMode.ValueType
    language: str
    priority: Priority.ValueType
    force: bool
    """Whether a new job is wanted although there is one."""


async def accept(connection: Connection, wanted: Submission, quota: Quota) -> tuple[Job, bool]:
    """Gives the job of a source, and whether it was there before. Raises Failure where the quota allows no more.

    A job that failed or was cancelled does not count: the same source submitted again is tried again.
    """
    await sql.lock_source(connection, name=f"{wanted.tenant}/{wanted.key}")
    video_id = await sql.find_video(connection, tenant=wanted.tenant, key=wanted.key)
    if video_id is not None and not wanted.force:
        known = await sql.latest_job(connection, video_id=video_id)
        if known is not None:
            return await get_job(connection, wanted.tenant, known), True
    await quota.allow_job(connection, wanted.tenant)
    if video_id is None:
        video_id = await sql.add_video(connection, tenant=wanted.tenant, title=wanted.title or wanted.name)
        await sql.add_key(connection, tenant=wanted.tenant, key=wanted.key, video_id=video_id)
    return await get_job(connection, wanted.tenant, await _begin(connection, wanted, video_id)), False


async def _begin(connection: Connection, wanted: Submission, video_id: UUID) -> UUID:
    fact = JobAccepted(
        video_id=str(video_id),
        source=wanted.source,
        title=wanted.title or wanted.name,
        captions=wanted.captions,
        language=wanted.language,
        priority=wanted.priority,
        replaces=await sql.has_jobs(connection, video_id=video_id),
    )
    job_id: UUID = await sql.add_job(
        connection,
        tenant=wanted.tenant,
        video_id=video_id,
        source=wanted.source,
        title=wanted.title,
        captions=fact.captions,
        language=fact.language,
        priority=fact.priority,
    )
    await sql.add_stages(connection, job_id=job_id)
    await outbox.tell(connection, tenant=wanted.tenant, job_id=str(job_id), stage=STAGE, fact=fact)
    await work.add(
        connection,
        stage=STAGE,
        kind="video",
        key=str(job_id),
        tenant=wanted.tenant,
        job_id=str(job_id),
        video_id=str(video_id),
        payload=fact,
        priority=to_rank(fact.priority),
    )
    return job_id
