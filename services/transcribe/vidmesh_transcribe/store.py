"""Transcripts in Postgres."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from vidmesh_runtime.database import Connection, Pool, load_queries
from vidmesh_transcribe.correction import corrected
from vidmesh_transcribe.language import Hearing
from vidmesh_transcribe.transcript import Segment, Window, Word
from vidmesh_transcribe.whole import Standing

sql = load_queries(Path(__file__).with_name("queries.sql"))

MIGRATIONS = Path(__file__).with_name("migrations")
LAST_WINDOW = 2**31 - 1
"""Beyond every window: the bound of a reading that takes all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """The transcript of a video that a reader is shown."""

    job_id: str
    video_id: str
    standing: Standing
    language: str
    engine: str
    model: str
    revision: str
    notice: str
    duration: float | None
    through: float
    """Until when there is text without a gap, in seconds."""
    unbroken: int
    """How many windows that is."""
    segment_count: int
    failure: bytes | None
    """A serialised `vidmesh.errors.v1.Failure`."""
    completed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A segment and its place."""

    window_index: int
    place: int
    """Within its window, from 0."""
    segment: Segment


async def current(pool: "Pool | Connection", *, tenant: str, video_id: str) -> Current | None:
    """The transcript of a tenant's video; None where there is none."""
    row = await sql.current(pool, tenant=tenant, video_id=video_id)
    if row is None:
        return None
    standing = Standing(
        completed=row["completed_at"] is not None,
        failed=row["failure"] is not None,
        cancelled=row["cancelled"],
        job_ended=row["ended"],
        begun=row["engine"] != "",
    )
    return Current(
        job_id=row["job_id"],
        video_id=row["video_id"],
        standing=standing,
        language=row["language"],
        engine=row["engine"],
        model=row["model"],
        revision=row["revision"],
        notice=row["notice"],
        duration=row["duration"],
        through=row["through"],
        unbroken=row["unbroken"],
        segment_count=row["segment_count"],
        failure=row["failure"],
        completed_at=row["completed_at"],
    )


async def segments(
    pool: Pool,
    job_id: str,
    *,
    after: tuple[int, int] = (-1, -1),
    before: int = LAST_WINDOW,
    start: float = 0.0,
    most: int,
) -> list[Placed]:
    """At most `most` segments that follow the window and place `after`, of windows before `before`, from `start` on."""
    rows = sql.segments(
        pool, job_id=job_id, stretch=after[0], place=after[1], before=before, start=start, most=most
    )
    return [_placed(row) async for row in rows]


async def all_segments(pool: Pool, job_id: str, **bounds: Any) -> AsyncIterator[Placed]:
    """The same without a bound of their number, some at a time."""
    after = bounds.pop("after", (-1, -1))
    while page := await segments(pool, job_id, after=after, most=1000, **bounds):
        for placed in page:
            yield placed
        after = (page[-1].window_index, page[-1].place)


async def words_near(connection: Connection, job_id: str, index: int, at: float) -> list[Word] | None:
    """The words that a window has within some seconds of a time; None where it is not written yet."""
    if not await sql.is_done(connection, job_id=job_id, index=index):
        return None
    rows = sql.words_near(connection, job_id=job_id, index=index, start=at - 5.0, end=at + 5.0)
    return [word async for row in rows for word in _words(row["words"])]


async def keep(
    connection: Connection, job_id: str, window: Window, hearing: Hearing, heard: Sequence[Segment]
) -> None:
    """Write what a window was heard to be, in the place of what was written of it before."""
    await sql.hear(
        connection,
        job_id=job_id,
        index=window.index,
        start=window.start,
        end=window.end,
        speech=hearing.speech,
        language=hearing.language,
        probability=hearing.probability,
    )
    await sql.forget_segments(connection, job_id=job_id, index=window.index)
    await connection.copy_records_to_table(
        "segment",
        columns=[
            *("job_id", "stretch", "place", "start_at", "end_at"),
            *("text", "language", "confidence", "no_speech", "words"),
        ],
        records=[
            (
                *(job_id, window.index, place, segment.start, segment.end),
                *(_text(segment.text), segment.language, segment.confidence, segment.no_speech),
                _kept(segment.words),
            )
            for place, segment in enumerate(heard)
        ],
    )


async def correct(
    connection: Connection, job_id: str, window_index: int, place: int, text: str
) -> Placed | None:
    """Put a text in the place of a segment's; the segment as it is now, None where there is none."""
    row = await sql.segment(connection, job_id=job_id, stretch=window_index, place=place)
    if row is None:
        return None
    before = _placed(row)
    now = corrected(before.segment, text)
    await sql.correct(
        connection,
        job_id=job_id,
        stretch=window_index,
        place=place,
        text=now.text,
        words=_kept(now.words),
    )
    return replace(before, segment=now)


def _kept(words: Iterable[Word]) -> str:
    return json.dumps([[word.start, word.end, _text(word.text), word.probability] for word in words])


def _text(text: str) -> str:
    """Postgres keeps no NUL."""
    return text.replace("\0", "")


def _placed(row: Mapping[str, Any]) -> Placed:
    segment = Segment(
        start=row["start_at"],
        end=row["end_at"],
        text=row["text"],
        words=_words(row["words"]),
        language=row["language"],
        confidence=row["confidence"],
        no_speech=row["no_speech"],
    )
    return Placed(window_index=row["stretch"], place=row["place"], segment=segment)


def _words(kept: str) -> tuple[Word, ...]:
    return tuple(
        Word(start=start, end=end, text=text, probability=probability)
        for start, end, text, probability in json.loads(kept)
    )
