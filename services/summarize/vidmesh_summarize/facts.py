"""Facts of the stages before, applied: windows are heard, sections cut, work added."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message

from vidmesh.events.v1 import ingest_events_pb2 as ingest
from vidmesh.events.v1.summarize_events_pb2 import (
    ChaptersCompleted,
    ChaptersDrafted,
    SectionSummarized,
    SummaryCompleted,
)
from vidmesh.events.v1.transcribe_events_pb2 import TranscriptCompleted, WindowTranscribed
from vidmesh_runtime import outbox, work
from vidmesh_runtime.database import Connection, load_queries
from vidmesh_runtime.events import Event
from vidmesh_runtime.inbox import Apply
from vidmesh_summarize import wire
from vidmesh_summarize.cuts import Cut, cut
from vidmesh_summarize.drafts import is_due
from vidmesh_summarize.engine import Brief

STAGE = "summarize"
SILENCE = "Nothing is said in this video."
OWN = Brief()
"""What the summary is like that every job gets."""

_M = TypeVar("_M", bound=Message)
sql = load_queries(Path(__file__).with_name("queries.sql"))
own = {"style": OWN.style.value, "length": OWN.length.value}


class Facts:
    """Applies facts, each in its transaction; they may come in any order and more than once."""

    def __init__(self, section_length: timedelta) -> None:
        self._target = section_length.total_seconds()

    @property
    def follows(self) -> Mapping[str, Apply]:
        """What is followed, for the inbox."""
        return {
            "ingest.job_accepted": self.job_accepted,
            "ingest.source_opened": self.source_opened,
            "ingest.job_ended": self.job_ended,
            "ingest.job_retried": self.job_retried,
            "ingest.video_deleted": self.video_deleted,
            "transcribe.window_transcribed": self.window_transcribed,
            "transcribe.transcript_completed": self.transcript_completed,
        }

    async def job_accepted(self, connection: Connection, event: Event) -> None:
        """Learn who waits for a job."""
        told = _read(event, ingest.JobAccepted)
        if await _know(connection, event, told.video_id):
            priority = "low" if told.priority == ingest.PRIORITY_BATCH else "normal"
            await sql.take_priority(connection, job_id=event.job_id, priority=priority)

    async def source_opened(self, connection: Connection, event: Event) -> None:
        """Learn what a video is called."""
        told = _read(event, ingest.SourceOpened)
        if await _know(connection, event, told.video_id):
            await sql.take_title(
                connection,
                job_id=event.job_id,
                title=told.title.replace("\x00", ""),
                duration=wire.seconds(told.duration),
            )

    async def job_ended(self, connection: Connection, event: Event) -> None:
        """Learn that there will be no whole transcript, where that is so."""
        told = _read(event, ingest.JobEnded)
        if told.HasField("failure") and await _know(connection, event, told.video_id):
            await sql.fail_unheard(connection, job_id=event.job_id, failure=told.failure.SerializeToString())

    async def job_retried(self, connection: Connection, event: Event) -> None:
        """Forget failures: the inbox has made the failed work ready again."""
        await sql.forgive(connection, job_id=event.job_id)

    async def video_deleted(self, connection: Connection, event: Event) -> None:
        """Delete all that was made of a video, whichever of its jobs made it."""
        told = _read(event, ingest.VideoDeleted)
        await sql.remember_deleted(connection, tenant=event.tenant, video_id=told.video_id)
        jobs = [
            row["job_id"]
            async for row in sql.delete_video(connection, tenant=event.tenant, video_id=told.video_id)
        ]
        for job_id in jobs:
            await work.drop_job(connection, job_id)

    async def window_transcribed(self, connection: Connection, event: Event) -> None:
        """Hear a window; cut the sections that it makes certain."""
        told = _read(event, WindowTranscribed)
        if not await _know(connection, event, told.video_id):
            return
        job = await sql.lock_job(connection, job_id=event.job_id)
        if await sql.hear(
            connection,
            job_id=event.job_id,
            index=told.window_index,
            transcribed=wire.without_words(told).SerializeToString(),
        ):
            await self._advance(connection, job)

    async def transcript_completed(self, connection: Connection, event: Event) -> None:
        """Cut what is left, as soon as every window was heard."""
        told = _read(event, TranscriptCompleted)
        if not await _know(connection, event, told.video_id):
            return
        if await sql.complete_transcript(
            connection,
            job_id=event.job_id,
            window_count=told.window_count,
            language=told.language,
            duration=wire.seconds(told.duration),
        ):
            await self._advance(connection, await sql.lock_job(connection, job_id=event.job_id))

    async def _advance(self, connection: Connection, job: Mapping[str, Any]) -> None:
        job_id = job["job_id"]
        first = job["cut_window"]
        windows: list[WindowTranscribed] = []
        async for row in sql.heard_from(connection, job_id=job_id, first=first):
            if row["index"] != first + len(windows):
                break
            windows.append(WindowTranscribed.FromString(row["transcribed"]))
        through = max(job["heard_through"], first + len(windows))
        whole = job["window_count"] is not None and through >= job["window_count"]
        if job["closed"]:
            return
        cuts = await asyncio.to_thread(
            cut, windows, first, job["cut_place"], target=self._target, complete=whole
        )
        for one in cuts:
            await _add_section(connection, job, one)
        window, place = first, job["cut_place"]
        if cuts:
            window, place = cuts[-1].window, cuts[-1].place
        elif not any(one.segments[place if at == 0 else 0 :] for at, one in enumerate(windows)):
            window, place = first + len(windows), 0  # silence need not be read again
        await sql.advance(
            connection,
            job_id=job_id,
            heard_through=through,
            cut_window=window,
            cut_place=place,
            closed=whole,
        )
        if whole:
            await _close(connection, job)


async def add_summary(connection: Connection, job: Mapping[str, Any]) -> None:
    """Add the work of summarising the whole, once every section is cut and summarised; the job's row is locked."""
    if await sql.open_sections(connection, job_id=job["job_id"]):
        return
    summary = await sql.own_summary(connection, job_id=job["job_id"], **own)
    await _add_work(
        connection, job, "summary", SummaryCompleted(video_id=job["video_id"], summary_id=str(summary["id"]))
    )


async def add_draft(connection: Connection, job: Mapping[str, Any]) -> None:
    """Add the work of drafting chapters, now and then as sections are summarised; the job's row is locked."""
    row = await sql.progress(connection, job_id=job["job_id"])
    if row is not None and is_due(row["done"]):
        key = f"{job['job_id']}/draft/{row['done']}"
        await _add_work(connection, job, "draft", ChaptersDrafted(), key=key, priority="low")


async def _know(connection: Connection, event: Event, video_id: str) -> bool:
    """Make sure that the job has its row; False where the video is gone."""
    known = await sql.know(
        connection, job_id=event.job_id, tenant=event.tenant, video_id=video_id, at=event.time
    )
    if known:
        await sql.know_own_summary(connection, job_id=event.job_id, **own)
    return bool(known)


def _read(event: Event, kind: type[_M]) -> _M:
    """Read a fact that the inbox took for one of this kind. Raises DecodeError."""
    return kind.FromString(event.payload)


async def _close(connection: Connection, job: Mapping[str, Any]) -> None:
    """All sections are cut: find chapters, and summarise the whole where the sections are done too."""
    if await sql.section_count(connection, job_id=job["job_id"]):
        await _add_work(connection, job, "chapters", ChaptersCompleted(video_id=job["video_id"]))
        await add_summary(connection, job)
        return
    summary = await sql.own_summary(connection, job_id=job["job_id"], **own)
    await sql.finish_summary(connection, id=summary["id"], text=SILENCE, model="extractive", extractive=True)
    await sql.finish_chapters(connection, job_id=job["job_id"], extractive=True)
    for fact in (
        SummaryCompleted(
            video_id=job["video_id"],
            summary_id=str(summary["id"]),
            text=SILENCE,
            model="extractive",
            extractive=True,
        ),
        ChaptersCompleted(video_id=job["video_id"], extractive=True),
    ):
        await outbox.tell(connection, tenant=job["tenant"], job_id=job["job_id"], stage=STAGE, fact=fact)


async def _add_section(connection: Connection, job: Mapping[str, Any], one: Cut) -> None:
    start, end = one.segments[0].start, one.segments[-1].end
    index = await sql.add_section(
        connection,
        job_id=job["job_id"],
        start=wire.seconds(start),
        end=wire.seconds(end),
        language=one.language,
        transcribed=WindowTranscribed(segments=one.segments, language=one.language).SerializeToString(),
    )
    fact = SectionSummarized(video_id=job["video_id"], index=index, start=start, end=end)
    await _add_work(connection, job, "section", fact, key=f"{job['job_id']}/{index}")


async def _add_work(
    connection: Connection,
    job: Mapping[str, Any],
    kind: str,
    payload: SectionSummarized | SummaryCompleted | ChaptersCompleted | ChaptersDrafted,
    *,
    key: str = "",
    priority: str = "",
) -> None:
    await work.add(
        connection,
        stage=STAGE,
        kind=kind,
        key=key or job["job_id"],
        tenant=job["tenant"],
        job_id=job["job_id"],
        video_id=job["video_id"],
        payload=payload,
        priority=priority or job["priority"],
    )
