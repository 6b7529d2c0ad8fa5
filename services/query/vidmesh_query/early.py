"""Early passages: what was said a moment ago, found by its words before its window is done.

Segments come as ticks while a window is recognised. What is heard of a job and in no passage yet, whole windows and begun
ones, is cut as if nothing followed, into passages that stand until the next cut. The index stage's own passages take their
place; a tick that is lost is made up for by its window.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import asyncpg
from nats.aio.msg import Msg

from vidmesh.events.v1.text_pb2 import Segment
from vidmesh.events.v1.transcribe_events_pb2 import SegmentHeard, WindowTranscribed
from vidmesh_query.correction import correct
from vidmesh_query.follower import corrections
from vidmesh_query.follower import sql as ledger
from vidmesh_query.passage import Passage, cut, pieces
from vidmesh_query.step import Key
from vidmesh_query.transcript import Window
from vidmesh_query.wire import to_row, to_window
from vidmesh_runtime.bus import HEARD, Bus
from vidmesh_runtime.database import UNREACHABLE, Connection, Pool, load_queries
from vidmesh_runtime.events import read_event

log = logging.getLogger(__name__)
sql = load_queries(Path(__file__).with_suffix(".sql"))

EVERY = 0.25
"""Seconds for which segments are gathered."""
MOST = 1000
"""How many segments wait; more are left to their windows."""
WINDOWS = 64
"""The most whole windows that are cut early."""


class Early:
    """Hears segments for all jobs; of several processes, one hears each."""

    def __init__(self, pool: Pool, bus: Bus) -> None:
        self._pool = pool
        self._bus = bus
        self._heard: asyncio.Queue[tuple[str, SegmentHeard]] = asyncio.Queue(MOST)

    async def run(self) -> None:
        """Hear for ever, through restarts of the database and of the bus."""
        subscription = await self._bus.client.subscribe(HEARD, queue="query-early", cb=self._hear)
        try:
            while True:
                job_id, first = await self._heard.get()
                by_job: dict[str, list[SegmentHeard]] = defaultdict(list, {job_id: [first]})
                while not self._heard.empty():
                    job_id, told = self._heard.get_nowait()
                    by_job[job_id].append(told)
                for job_id, segments in by_job.items():
                    await self._note(job_id, segments)
                await asyncio.sleep(EVERY)
        finally:
            if not self._bus.client.is_closed:
                await subscription.unsubscribe()

    async def _hear(self, message: Msg) -> None:
        event = read_event(message.subject, message.headers or {}, 0, message.data)
        if event is not None and not self._heard.full():
            self._heard.put_nowait((event.job_id, SegmentHeard.FromString(event.payload)))

    async def _note(self, job_id: str, segments: Sequence[SegmentHeard]) -> None:
        rows = [
            {
                "job_id": job_id,
                "window_index": told.window_index,
                "index": told.segment.index,
                "segment": told.segment.SerializeToString(),
            }
            for told in segments
        ]
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                if await sql.lock_job(connection, job_id=job_id) is not None:
                    await sql.hear_segment(connection, rows)
                    await cut_early(connection, job_id)
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            log.warning("job %s: segments wait for their window: %s", job_id, error or type(error).__name__)


async def cut_early(connection: Connection, job_id: str) -> None:
    """Make the early passages of a job anew, in the caller's transaction."""
    job = await sql.lock_job(connection, job_id=job_id)
    await sql.drop_early(connection, job_id=job_id)
    if job is None:
        return
    begin = (job["next_window"], job["next_segment"], job["next_piece"])
    await sql.drop_hearing(connection, job_id=job_id, before=begin[0])
    whole = [
        to_window(row["message"])
        async for row in ledger.heard_from(connection, job_id=job_id, index=begin[0], most=WINDOWS)
    ]
    begun = [
        (row["window_index"], row["segment"])
        async for row in sql.hearing(connection, job_id=job_id, first=begin[0])
    ]
    windows = [*whole, *_windows(begun)]
    known = await corrections(connection, job_id)
    passages = [correct(passage, known) for passage in early(job_id, windows, begin=begin)]
    if not passages:
        return
    await sql.reach(connection, job_id=job_id, through=reach(windows, begin[0]))
    rows: list[Mapping[str, object]] = [
        to_row(passage, tenant=job["tenant"], video_id=job["video_id"], embedded_by=None)
        for passage in passages
    ]
    await sql.add_early(connection, rows)
    for language in sorted({passage.language for passage in passages}):
        await ledger.know_language(connection, tenant=job["tenant"], language=language)
    await ledger.show_job(connection, job_id=job_id)


def early(job: str, windows: Sequence[Window], *, begin: Key) -> Iterator[Passage]:
    """The passages of what was heard from `begin` on, in any order; no passage crosses a window that is missing."""
    ordered = sorted(windows, key=lambda window: window.index)
    for _, run in groupby(enumerate(ordered), key=lambda placed: placed[1].index - placed[0]):
        segments = [piece for _, window in run for piece in pieces(window.segments) if piece.key >= begin]
        yield from cut(job, segments, final=True)


def reach(windows: Sequence[Window], first: int) -> int:
    """Milliseconds up to where windows from `first` on are there without a gap; 0 where the first is missing."""
    through = 0
    for expected, window in enumerate(sorted(windows, key=lambda window: window.index), first):
        if window.index != expected:
            break
        through = window.segments[-1].end if window.segments else window.end
    return through


def _windows(begun: Sequence[tuple[int, bytes]]) -> Iterator[Window]:
    """Windows of segments, given in order, as far as they were heard."""
    for index, rows in groupby(begun, key=lambda row: row[0]):
        segments = [Segment.FromString(segment) for _, segment in rows]
        window = WindowTranscribed(window_index=index, end=segments[-1].end, segments=segments)
        yield to_window(window.SerializeToString())
