"""Declaring a transcript whole, once."""

from vidmesh.events.v1.transcribe_events_pb2 import TranscriptCompleted
from vidmesh_runtime import outbox
from vidmesh_runtime.database import Connection
from vidmesh_transcribe import wire
from vidmesh_transcribe.language import Hearing, prevailing
from vidmesh_transcribe.store import sql
from vidmesh_transcribe.whole import Captions, is_whole


async def declare_if_whole(connection: Connection, job_id: str) -> bool:
    """Complete the transcript in the caller's transaction if all of it is in and nobody did; whether it was done here.

    Its row is locked first: of two transactions that write the last windows, the second sees what the first wrote.
    """
    row = await sql.lock(connection, job_id=job_id)
    if row is None or row["completed_at"] is not None:
        return False
    tally = await sql.tally(connection, job_id=job_id)
    if not is_whole(window_count=row["window_count"], done=tally["done"], captions=Captions(row["captions"])):
        return False
    hearings = [Hearing(**heard) async for heard in sql.hearings(connection, job_id=job_id)]
    language = (row["language"] or row["asked_language"] or prevailing(hearings)) if tally["segments"] else ""
    await sql.finish(connection, job_id=job_id, language=language)
    await sql.replace_older(connection, tenant=row["tenant"], video_id=row["video_id"], job_id=job_id)
    await outbox.tell(
        connection,
        tenant=row["tenant"],
        job_id=job_id,
        stage="transcribe",
        fact=TranscriptCompleted(
            video_id=row["video_id"],
            window_count=tally["done"],
            segment_count=tally["segments"],
            language=language,
            duration=wire.duration(row["duration"]),
            engine=row["engine"],
            model=row["model"],
            revision=row["revision"],
            notice=row["notice"],
        ),
    )
    return True
