"""A job's transcript and its sections, read whole."""

from vidmesh.events.v1.transcribe_events_pb2 import WindowTranscribed
from vidmesh_runtime.database import Pool
from vidmesh_summarize import wire
from vidmesh_summarize.engine import Section, Source
from vidmesh_summarize.facts import sql


async def load_source(pool: Pool, job_id: str) -> Source | None:
    """Load what is summarised of a job; None where the job is gone."""
    async with pool.acquire() as connection, connection.transaction():
        job = await sql.job(connection, job_id=job_id)
        if job is None:
            return None
        windows = [
            WindowTranscribed.FromString(row["transcribed"])
            async for row in sql.heard_from(connection, job_id=job_id, first=0)
        ]
        sections = [
            Section(start=row["start_at"], end=row["end_at"], text=row["text"])
            async for row in sql.sections(connection, job_id=job_id)
        ]
    segments = [segment for window in windows for segment in wire.segments(window)]
    language = job["language"] or next((window.language for window in windows if window.language), "")
    return Source(
        title=job["title"],
        language=language,
        duration=max(job["duration"], segments[-1].end if segments else 0.0),
        segments=segments,
        sections=sections,
    )
