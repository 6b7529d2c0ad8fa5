"""The stage's work: sections summarised, the whole summarised, chapters cut."""

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from vidmesh.events.v1.ingest_events_pb2 import StageFailed
from vidmesh.events.v1.stage_pb2 import STAGE_SUMMARIZE
from vidmesh.events.v1.summarize_events_pb2 import ChaptersCompleted, SectionSummarized, SummaryCompleted
from vidmesh.events.v1.transcribe_events_pb2 import WindowTranscribed
from vidmesh_runtime import outbox, work
from vidmesh_runtime.database import Connection, Pool
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.outbox import Ticker
from vidmesh_runtime.work import Lease
from vidmesh_runtime.worker import Handler
from vidmesh_summarize import wire
from vidmesh_summarize.chapters import Chapter
from vidmesh_summarize.drafts import draft
from vidmesh_summarize.engine import RESTART, Engine
from vidmesh_summarize.facts import OWN, STAGE, add_draft, add_summary, own, sql
from vidmesh_summarize.markdown import clean
from vidmesh_summarize.source import load_source
from vidmesh_summarize.ticks import Deltas, Progress
from vidmesh_summarize.writing import written


class Writer:
    """Handles the pieces of work; each ends in one transaction that holds its results and its facts."""

    def __init__(self, pool: Pool, engine: Engine, ticker: Ticker) -> None:
        self._pool = pool
        self._engine = engine
        self._ticker = ticker
        self._progress = Progress(ticker)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Which method does which kind of work."""
        return {
            "section": self.section,
            "draft": self.draft,
            "summary": self.summary,
            "chapters": self.chapters,
        }

    async def section(self, lease: Lease) -> None:
        """Summarise a section; after a job's last one, the whole is next."""
        index = SectionSummarized.FromString(lease.payload).index
        row = await sql.section(self._pool, job_id=lease.job_id, index=index)
        if row is None or row["text"] is not None:
            await self._nothing_to_do(lease)
            return
        segments = wire.segments(WindowTranscribed.FromString(row["transcribed"]))
        text = clean(await self._engine.section(segments, row["language"], row["title"]), row["end_at"])
        async with self._pool.acquire() as connection, connection.transaction():
            job = await sql.lock_job(connection, job_id=lease.job_id)
            if job and await sql.summarize_section(connection, job_id=lease.job_id, index=index, text=text):
                await self._tell(
                    connection,
                    lease,
                    SectionSummarized(
                        video_id=lease.video_id,
                        index=index,
                        start=wire.duration(row["start_at"]),
                        end=wire.duration(row["end_at"]),
                        text=text,
                    ),
                )
                if job["closed"]:
                    await add_summary(connection, job)
                else:
                    await add_draft(connection, job)
            await lease.complete(connection)
        await self._report(lease, "summarising sections")

    async def draft(self, lease: Lease) -> None:
        """Cut what was heard by now into chapters that stand until the next draft, or the whole."""
        async with self._pool.acquire() as connection:
            drafted = await draft(connection, lease.job_id)
        async with self._pool.acquire() as connection, connection.transaction():
            if drafted is not None:
                letter = drafted.SerializeToString()
                kept = await sql.keep_draft(connection, job_id=lease.job_id, draft=letter)
                drafted = drafted if kept else None
            await lease.complete(connection)
        if drafted is not None:
            await self._ticker.tick(tenant=lease.tenant, job_id=lease.job_id, stage=STAGE, event=drafted)

    async def summary(self, lease: Lease) -> None:
        """Summarise the whole, telling the text as it is written."""
        source = await load_source(self._pool, lease.job_id)
        row = await sql.own_summary(self._pool, job_id=lease.job_id, **own)
        if source is None or row is None or row["text"] is not None:
            await self._nothing_to_do(lease)
            return
        await self._report(lease, "writing the summary")
        deltas = Deltas(self._ticker, lease)
        async with aclosing(written(self._engine, source, OWN)) as pieces:
            text = ""
            async for piece in pieces:
                if piece is RESTART:
                    text = ""
                    deltas.begin_anew()
                else:
                    text += piece
                    await deltas.send(piece)
        await deltas.flush()
        text = text.strip()
        async with self._pool.acquire() as connection, connection.transaction():
            if await sql.finish_summary(
                connection,
                id=row["id"],
                text=text,
                model=self._engine.model,
                extractive=self._engine.extractive,
            ):
                await self._tell(
                    connection,
                    lease,
                    SummaryCompleted(
                        video_id=lease.video_id,
                        summary_id=str(row["id"]),
                        text=text,
                        model=self._engine.model,
                        extractive=self._engine.extractive,
                    ),
                )
            await lease.complete(connection)

    async def chapters(self, lease: Lease) -> None:
        """Cut the whole into chapters."""
        source = await load_source(self._pool, lease.job_id)
        if source is None:
            await self._nothing_to_do(lease)
            return
        found = await self._engine.chapters(source)
        chapters = [_clean(one, number, source.duration) for number, one in enumerate(found, 1)]
        async with self._pool.acquire() as connection, connection.transaction():
            if await sql.finish_chapters(connection, job_id=lease.job_id, extractive=self._engine.extractive):
                await sql.add_chapters(
                    connection,
                    job_id=lease.job_id,
                    indexes=list(range(len(chapters))),
                    starts=[one.start for one in chapters],
                    ends=[one.end for one in chapters],
                    titles=[one.title for one in chapters],
                    gists=[one.gist for one in chapters],
                )
                await self._tell(
                    connection,
                    lease,
                    ChaptersCompleted(
                        video_id=lease.video_id,
                        chapters=wire.chapter_messages(chapters),
                        extractive=self._engine.extractive,
                    ),
                )
            await lease.complete(connection)

    async def given_up(self, connection: Connection, lease: Lease, failure: Failure) -> None:
        """Keep why, and tell it once for the whole stage; the transcript and what is summarised stay."""
        if lease.kind == "draft":
            return  # nobody waits for it
        letter = failure.to_proto()
        fail = sql.fail_chapters if lease.kind == "chapters" else sql.fail_summary
        await fail(connection, job_id=lease.job_id, failure=letter.SerializeToString())
        if lease.kind == "section":
            # Without this one there is no whole; what is left of the job waits until it is retried.
            await work.cancel_job(connection, lease.job_id)
        if await sql.tell_failure(connection, job_id=lease.job_id):
            await self._tell(
                connection,
                lease,
                StageFailed(video_id=lease.video_id, stage=STAGE_SUMMARIZE, failure=letter),
            )

    async def _nothing_to_do(self, lease: Lease) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await lease.complete(connection)

    async def _tell(
        self,
        connection: Connection,
        lease: Lease,
        fact: SectionSummarized | SummaryCompleted | ChaptersCompleted | StageFailed,
    ) -> None:
        await outbox.tell(connection, tenant=lease.tenant, job_id=lease.job_id, stage=STAGE, fact=fact)

    async def _report(self, lease: Lease, activity: str) -> None:
        row: Mapping[str, Any] | None = await sql.progress(self._pool, job_id=lease.job_id)
        if row is not None:
            total = row["total"] if row["closed"] else 0
            await self._progress.tell(lease, done=row["done"], total=total, activity=activity)


def _clean(chapter: Chapter, number: int, duration: float) -> Chapter:
    return Chapter(
        start=chapter.start,
        end=chapter.end,
        title=" ".join(clean(chapter.title, duration).split()) or f"Part {number}",
        gist=" ".join(clean(chapter.gist, duration).split()),
    )
