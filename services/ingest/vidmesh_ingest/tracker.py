"""Following the other stages' facts to a job's end."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from vidmesh.events.v1.ingest_events_pb2 import StageFailed
from vidmesh.events.v1.transcribe_events_pb2 import TranscriptStarted
from vidmesh_ingest.ending import end_stage
from vidmesh_ingest.store import sql
from vidmesh_runtime.database import Connection
from vidmesh_runtime.events import Event
from vidmesh_runtime.inbox import Apply


def follows() -> Mapping[str, Apply]:
    """What is followed, by "stage.kind"."""
    return {
        "transcribe.transcript_started": _transcript_started,
        "transcribe.window_transcribed": _began,
        "transcribe.transcript_completed": _ended,
        "transcribe.stage_failed": _failed,
        "summarize.section_summarized": _began,
        "summarize.summary_completed": _half_ended,
        "summarize.chapters_completed": _half_ended,
        "summarize.stage_failed": _failed,
        "index.passages_indexed": _began,
        "index.index_completed": _ended,
        "index.stage_failed": _failed,
    }


async def _began(connection: Connection, event: Event) -> None:
    await sql.start_stage(connection, job_id=UUID(event.job_id), stage=event.stage)


async def _transcript_started(connection: Connection, event: Event) -> None:
    started = event.message()
    if not isinstance(started, TranscriptStarted):
        raise TypeError(event.kind)
    await _began(connection, event)
    await sql.add_notice(connection, job_id=UUID(event.job_id), notice=started.notice)


async def _ended(connection: Connection, event: Event) -> None:
    await end_stage(connection, event.tenant, UUID(event.job_id), event.stage)


async def _half_ended(connection: Connection, event: Event) -> None:
    """The summarize stage is done when summary and chapters are, whichever is told first."""
    await _began(connection, event)
    seen = await sql.see_fact(connection, job_id=UUID(event.job_id), stage=event.stage, kind=event.kind)
    if seen is not None and {"summary_completed", "chapters_completed"} <= set(seen):
        await _ended(connection, event)


async def _failed(connection: Connection, event: Event) -> None:
    failed = event.message()
    if not isinstance(failed, StageFailed):
        raise TypeError(event.kind)
    run_at: datetime | None = await sql.run_began(connection, tenant=event.tenant, id=UUID(event.job_id))
    # What failed in an earlier run is tried again in this one.
    if run_at is not None and event.time >= run_at:
        await end_stage(connection, event.tenant, UUID(event.job_id), event.stage, failed.failure)
