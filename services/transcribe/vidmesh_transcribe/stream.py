"""A transcript as a stream: what there is, then what comes, in the order of time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from vidmesh_runtime.database import Pool
from vidmesh_runtime.events import Event
from vidmesh_runtime.watch import HEARTBEAT, Watchtower
from vidmesh_transcribe import store
from vidmesh_transcribe.store import LAST_WINDOW, Current, Placed

MOVES = frozenset({"transcript_started", "window_transcribed", "transcript_completed", "stage_failed"})
"""Kinds of events after which there may be more to read."""
ENDS = frozenset({"job_cancelled", "job_ended", "video_deleted"})
"""Kinds that reach this service's database and its watchers side by side, so that it is looked at twice."""
SETTLING = 0.5
"""Seconds between the two looks."""


@dataclass(frozen=True, slots=True)
class Alive:
    """Nothing came for a while."""


async def follow(
    pool: Pool, watchtower: Watchtower, found: Current, *, tenant: str, start: float
) -> AsyncIterator[Current | Placed | Alive]:
    """Give the transcript `found` as it stands, its segments that begin at or after `start`, and it again at its end.

    The database is the truth and events only say when to look. Windows are read up to the first that is not done, so
    that segments come in the order of time however many workers there are. A transcript that fails or is cancelled
    ends with what there is of it; one that is deleted just ends.
    """
    yield found
    after = (-1, -1)
    moved = asyncio.Event()
    noticing = asyncio.create_task(_notice(watchtower, tenant, found.job_id, moved))
    try:
        while True:
            moved.clear()
            now = await store.current(pool, tenant=tenant, video_id=found.video_id)
            if now is None or now.job_id != found.job_id:
                return
            final = now.standing.state.is_final
            before = LAST_WINDOW if final else now.unbroken
            async for placed in store.all_segments(
                pool, found.job_id, after=after, before=before, start=start
            ):
                after = (placed.window_index, placed.place)
                yield placed
            if final:
                yield now
                return
            try:
                await asyncio.wait_for(moved.wait(), HEARTBEAT.total_seconds())
            except TimeoutError:
                yield Alive()
    finally:
        noticing.cancel()
        with suppress(asyncio.CancelledError):
            await noticing


async def _notice(watchtower: Watchtower, tenant: str, job_id: str, moved: asyncio.Event) -> None:
    async for event in watchtower.watch(tenant, job_id, after=None):
        # A heartbeat says that the watch has begun: what was done before is looked for again.
        if not isinstance(event, Event) or event.kind in MOVES | ENDS:
            moved.set()
            if isinstance(event, Event) and event.kind in ENDS:
                await asyncio.sleep(SETTLING)
                moved.set()
