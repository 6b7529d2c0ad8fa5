"""What the facts of other stages change here. Each is applied in one transaction; they may come in any order."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from vidmesh.events.v1.ingest_events_pb2 import (
    JobAccepted,
    JobEnded,
    JobOutcome,
    JobRetried,
    Priority,
    SourceIngested,
    SourceOpened,
    VideoDeleted,
)
from vidmesh.events.v1.summarize_events_pb2 import SummaryCompleted
from vidmesh.events.v1.text_pb2 import Segment as SegmentMessage
from vidmesh.events.v1.transcribe_events_pb2 import SegmentCorrected, TranscriptCompleted, WindowTranscribed
from vidmesh_query.correction import Corrections, correct
from vidmesh_query.transcript import clean
from vidmesh_query.wire import from_row, milliseconds, to_row, to_segment
from vidmesh_runtime import work
from vidmesh_runtime.database import Connection, load_queries
from vidmesh_runtime.events import Event
from vidmesh_runtime.inbox import Apply

STAGE = "index"
PASSAGES = "passages"
"""The kind of work that cuts and indexes what is new of a job."""

Fact = TypeVar("Fact", bound=Message)

sql = load_queries(Path(__file__).with_name("ledger.sql"))


def follows() -> Mapping[str, Apply]:
    """What is followed, by stage and kind."""
    return {
        "ingest.job_accepted": _job_accepted,
        "ingest.source_opened": _source_opened,
        "ingest.source_ingested": _source_ingested,
        "ingest.job_retried": _job_retried,
        "ingest.job_ended": _job_ended,
        "ingest.video_deleted": _video_deleted,
        "transcribe.window_transcribed": _window_transcribed,
        "transcribe.segment_corrected": _segment_corrected,
        "transcribe.transcript_completed": _transcript_completed,
        "summarize.summary_completed": _summary_completed,
    }


def _read(event: Event, kind: type[Fact]) -> Fact:
    fact = event.message()
    assert isinstance(fact, kind)
    return fact


async def _known(connection: Connection, event: Event, video_id: str) -> bool:
    """Makes sure of the video's and the job's rows; False where the video is deleted."""
    if await sql.gone(connection, video_id=video_id):
        return False
    await sql.know_video(connection, video_id=video_id, tenant=event.tenant, time=event.time)
    await sql.know_job(connection, job_id=event.job_id, tenant=event.tenant, video_id=video_id)
    return True


async def _job_accepted(connection: Connection, event: Event) -> None:
    fact = _read(event, JobAccepted)
    if not await _known(connection, event, fact.video_id):
        return
    title = clean(fact.title or fact.source)
    await sql.accept_job(
        connection, video_id=fact.video_id, job_id=event.job_id, title=title, time=event.time
    )
    if fact.priority == Priority.PRIORITY_BATCH:
        await sql.set_priority(connection, job_id=event.job_id, priority="low")


async def _source_opened(connection: Connection, event: Event) -> None:
    fact = _read(event, SourceOpened)
    if await _known(connection, event, fact.video_id):
        await sql.describe_video(
            connection,
            video_id=fact.video_id,
            title=clean(fact.title),
            author=clean(fact.author),
            page_url=clean(fact.page_url),
            duration_ms=milliseconds(fact.duration) if fact.HasField("duration") else None,
        )


async def _source_ingested(connection: Connection, event: Event) -> None:
    fact = _read(event, SourceIngested)
    if await _known(connection, event, fact.video_id) and fact.HasField("duration"):
        await sql.set_duration(connection, video_id=fact.video_id, duration_ms=milliseconds(fact.duration))


async def _window_transcribed(connection: Connection, event: Event) -> None:
    fact = _read(event, WindowTranscribed)
    if not await _known(connection, event, fact.video_id):
        return
    if await sql.hear(connection, job_id=event.job_id, index=fact.window_index, message=event.payload):
        await _more(connection, event, fact.video_id, str(fact.window_index))


async def _segment_corrected(connection: Connection, event: Event) -> None:
    fact = _read(event, SegmentCorrected)
    if not await _known(connection, event, fact.video_id):
        return
    # Passages that are made this moment have it too: whoever makes them holds the job's row until they are there.
    await sql.lock_job(connection, job_id=event.job_id)
    news = await sql.correct(
        connection,
        job_id=event.job_id,
        window_index=fact.window_index,
        place=fact.place,
        number=event.number,
        segment=fact.segment.SerializeToString(),
    )
    if not news:
        return
    now = to_segment(fact.segment, window=fact.window_index, place=fact.place)
    rows = sql.passages_within(
        connection, video_id=fact.video_id, job_id=event.job_id, start_ms=now.start, end_ms=now.end
    )
    for passage in [from_row(row) async for row in rows]:
        corrected = correct(passage, {now.key[:2]: now})
        if corrected is not passage:
            row = to_row(corrected, tenant=event.tenant, video_id=fact.video_id, embedded_by=None)
            await sql.correct_passage(connection, id=corrected.id, text=row["text"], segments=row["segments"])


async def corrections(connection: Connection, job_id: str) -> Corrections:
    """What people corrected of a job's transcript."""
    return {
        (row["window_index"], row["place"]): to_segment(
            SegmentMessage.FromString(row["segment"]), window=row["window_index"], place=row["place"]
        )
        async for row in sql.corrections(connection, job_id=job_id)
    }


async def _transcript_completed(connection: Connection, event: Event) -> None:
    fact = _read(event, TranscriptCompleted)
    if not await _known(connection, event, fact.video_id):
        return
    if fact.language:
        await sql.set_language(connection, video_id=fact.video_id, language=fact.language)
    if fact.HasField("duration"):
        await sql.set_duration(connection, video_id=fact.video_id, duration_ms=milliseconds(fact.duration))
    await sql.set_window_count(connection, job_id=event.job_id, window_count=fact.window_count)
    await _more(connection, event, fact.video_id, "end")


async def _summary_completed(connection: Connection, event: Event) -> None:
    fact = _read(event, SummaryCompleted)
    if await _known(connection, event, fact.video_id):
        await sql.set_summary(
            connection, video_id=fact.video_id, job_id=event.job_id, summary=fact.text.replace("\0", "")
        )


async def _job_retried(connection: Connection, event: Event) -> None:
    fact = _read(event, JobRetried)
    if not await _known(connection, event, fact.video_id):
        return
    if await sql.reopen_job(connection, job_id=event.job_id):
        await sql.drop_passages(connection, job_id=event.job_id)
        await sql.show_job(connection, job_id=event.job_id)
        await _more(connection, event, fact.video_id, f"again/{fact.run}")


async def _job_ended(connection: Connection, event: Event) -> None:
    """A transcript that will not be whole leaves what was heard of it to be searched, to its last word."""
    fact = _read(event, JobEnded)
    if fact.outcome == JobOutcome.JOB_OUTCOME_FAILED and await _known(connection, event, fact.video_id):
        await sql.cut_short(connection, job_id=event.job_id)
        await _more(connection, event, fact.video_id, f"short/{fact.run}")


async def _video_deleted(connection: Connection, event: Event) -> None:
    fact = _read(event, VideoDeleted)
    await sql.bury_video(connection, video_id=fact.video_id)
    async for row in sql.jobs_of(connection, video_id=fact.video_id):
        await work.drop_job(connection, row["id"])
    await sql.delete_video(connection, video_id=fact.video_id, tenant=event.tenant)
    await sql.forget_video(connection, tenant=event.tenant, video_id=fact.video_id)


async def _more(connection: Connection, event: Event, video_id: str, what: str) -> None:
    """Adds the work of indexing what is new."""
    job = await sql.job(connection, job_id=event.job_id)
    await work.add(
        connection,
        stage=STAGE,
        kind=PASSAGES,
        key=f"{event.job_id}/{what}",
        tenant=event.tenant,
        job_id=event.job_id,
        video_id=video_id,
        payload=Empty(),
        priority=job["priority"],
    )
