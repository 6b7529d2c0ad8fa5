"""The index stage: cuts what is new of a transcript to passages, embeds them, makes them searchable.

Where the vectors cannot be had, passages are stored without: full text finds them, and the keeper embeds them later.
"""

import logging
from collections.abc import Sequence

from vidmesh.events.v1.index_events_pb2 import IndexCompleted, PassagesIndexed
from vidmesh.events.v1.ingest_events_pb2 import StageFailed, StageProgress
from vidmesh.events.v1.stage_pb2 import Stage
from vidmesh_query.correction import correct
from vidmesh_query.early import cut_early
from vidmesh_query.early import sql as early_sql
from vidmesh_query.embedding import Embedder, EmbeddingUnavailableError
from vidmesh_query.follower import STAGE, corrections, sql
from vidmesh_query.passage import Passage
from vidmesh_query.step import Position, Step, step
from vidmesh_query.vectors import Key, VectorIndex, VectorsUnavailableError
from vidmesh_query.wire import Row, to_duration, to_row, to_window
from vidmesh_runtime import outbox
from vidmesh_runtime.crash import crash_point
from vidmesh_runtime.database import Connection, Pool
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.outbox import Ticker
from vidmesh_runtime.work import Lease

log = logging.getLogger(__name__)

WINDOWS = 64
"""The most windows that are cut in one go."""


class Indexer:
    """Does the work of the index stage."""

    def __init__(self, pool: Pool, ticker: Ticker, embedder: Embedder, index: VectorIndex) -> None:
        self._pool = pool
        self._ticker = ticker
        self._embedder = embedder
        self._index = index

    async def handle(self, lease: Lease) -> None:
        """Indexes what is new of the lease's job."""
        while (found := await self._look(lease.job_id)) is not None:
            position, new, last = found
            embedded = await self._embed(lease, new.passages)
            crash_point("after-embed")
            if await self._commit(lease, position, new, embedded=embedded, last=last) and last:
                return
        async with self._pool.acquire() as connection, connection.transaction():
            await cut_early(connection, lease.job_id)
            await lease.complete(connection)

    async def _look(self, job_id: str) -> tuple[Position, Step, bool] | None:
        """Where the job stands, what is new of it, and whether that is all; None where there is nothing."""
        job = await sql.job(self._pool, job_id=job_id)
        if job is None or job["completed"]:
            return None
        position = Position(
            next=(job["next_window"], job["next_segment"], job["next_piece"]),
            window_count=job["window_count"],
            cut_short=job["cut_short"],
        )
        rows = sql.heard_from(self._pool, job_id=job_id, index=position.next[0], most=WINDOWS)
        heard = [to_window(row["message"]) async for row in rows]
        last = len(heard) < WINDOWS
        new = step(job_id, position, heard, last=last)
        return None if new.next == position.next and not new.completed else (position, new, last)

    async def given_up(self, connection: Connection, lease: Lease, failure: Failure) -> None:
        """Tells that the stage failed, once for a job."""
        if await sql.fail_job(connection, job_id=lease.job_id):
            fact = StageFailed(video_id=lease.video_id, stage=Stage.STAGE_INDEX, failure=failure.to_proto())
            await outbox.tell(connection, tenant=lease.tenant, job_id=lease.job_id, stage=STAGE, fact=fact)

    async def _embed(self, lease: Lease, passages: Sequence[Passage]) -> bool:
        """Puts the passages into the index of vectors; False where that is not to be had now."""
        keys = [
            Key(id=passage.id, tenant=lease.tenant, video=lease.video_id, job=lease.job_id)
            for passage in passages
        ]
        try:
            vectors = await self._embedder.embed([passage.text for passage in passages])
            await self._index.upsert(keys, vectors)
        except (EmbeddingUnavailableError, VectorsUnavailableError) as error:
            log.warning("job %s: passages wait for their vectors: %s", lease.job_id, error)
            return False
        return True

    async def _commit(
        self, lease: Lease, position: Position, new: Step, *, embedded: bool, last: bool
    ) -> bool:
        """Stores the step; False where somebody else has gone on from its position."""
        name = self._embedder.name if embedded else None
        was_window, was_segment, was_piece = position.next
        next_window, next_segment, next_piece = new.next
        async with self._pool.acquire() as connection, connection.transaction():
            advanced = await sql.advance(
                connection,
                job_id=lease.job_id,
                was_window=was_window,
                was_segment=was_segment,
                was_piece=was_piece,
                next_window=next_window,
                next_segment=next_segment,
                next_piece=next_piece,
                added=len(new.passages),
                through_ms=new.through,
                completed=new.completed,
            )
            if not advanced:
                return False
            await early_sql.drop_early(connection, job_id=lease.job_id)
            await sql.add_passages(connection, await self._rows(connection, lease, new.passages, name))
            for language in sorted({passage.language for passage in new.passages}):
                await sql.know_language(connection, tenant=lease.tenant, language=language)
            await sql.show_job(connection, job_id=lease.job_id)
            job = await self._tell(connection, lease, new)
            if not new.completed:
                await cut_early(connection, lease.job_id)
            else:
                await sql.drop_passages_but(connection, video_id=lease.video_id, job_id=lease.job_id)
                await sql.drop_heard(connection, job_id=lease.job_id)
            if last:
                await lease.complete(connection)
        await self._progress(lease, job["through_ms"], job["duration_ms"])
        return True

    async def _rows(
        self, connection: Connection, lease: Lease, passages: Sequence[Passage], embedded_by: str | None
    ) -> list[dict[str, object]]:
        """The passages as they are kept: with what people corrected meanwhile, of which there is no vector yet."""
        known = await corrections(connection, lease.job_id)
        kept = [(passage, correct(passage, known)) for passage in passages]
        return [
            to_row(
                now,
                tenant=lease.tenant,
                video_id=lease.video_id,
                embedded_by=embedded_by if now is heard else None,
            )
            for heard, now in kept
        ]

    async def _tell(self, connection: Connection, lease: Lease, new: Step) -> Row:
        """Writes the facts; gives the job as it is now."""
        job: Row = await sql.job(connection, job_id=lease.job_id)
        facts: list[PassagesIndexed | IndexCompleted] = []
        if new.passages:
            through = to_duration(job["through_ms"])
            facts.append(
                PassagesIndexed(video_id=lease.video_id, count=job["passage_count"], through=through)
            )
        if new.completed:
            facts.append(
                IndexCompleted(video_id=lease.video_id, count=job["passage_count"], model=self._embedder.name)
            )
        for fact in facts:
            await outbox.tell(connection, tenant=lease.tenant, job_id=lease.job_id, stage=STAGE, fact=fact)
        return job

    async def _progress(self, lease: Lease, through: int, duration: int | None) -> None:
        event = StageProgress(
            stage=Stage.STAGE_INDEX,
            done=through / 1000,
            total=(duration or 0) / 1000,
            unit="seconds",
            activity="indexing",
        )
        await self._ticker.tick(tenant=lease.tenant, job_id=lease.job_id, stage=STAGE, event=event)
