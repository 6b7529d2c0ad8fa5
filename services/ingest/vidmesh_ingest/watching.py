"""Following jobs: their events, and how they stand where events are no longer kept."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from vidmesh.events.v1.ingest_events_pb2 import JobEnded
from vidmesh.ingest.v1 import ingest_service_pb2 as api
from vidmesh_ingest.ending import STAGE
from vidmesh_ingest.job import Job
from vidmesh_ingest.outcome import ENDED, JobState
from vidmesh_ingest.store import get_job, open_jobs, sql
from vidmesh_ingest.wire import to_job, to_timestamp
from vidmesh_runtime import bus
from vidmesh_runtime.events import Event
from vidmesh_runtime.history import History
from vidmesh_runtime.server import encoded
from vidmesh_runtime.service import Parts
from vidmesh_runtime.watch import Gap, Heartbeat

_SETTLED = timedelta(minutes=1)
"""How long after its end a job's last event is on the bus for sure."""
_QUIET = 1.0
"""Seconds without an event after which those of a job that has ended are all told."""
_LETTERS = 4 << 20
"""Bytes of events that are kept as they were sent: what all watchers of a job get is encoded for the first one."""


class Watching:
    """Watches for callers."""

    def __init__(self, parts: Parts) -> None:
        self._pool = parts.pool
        self._watchtower = parts.watchtower
        self._history = History(parts.bus)
        self._letters: dict[int, bytes] = {}
        self._kept = 0

    async def job(self, job: Job, after: int) -> AsyncGenerator[api.WatchJobResponse, None]:
        """A job's events after a sequence, to the end of its present run."""
        if job.ended_number is not None and not await self._is_to_come(job, after):
            return
        events = self._watchtower.watch(job.tenant, str(job.id), after=after)
        async with aclosing(events):
            if await self._is_forgotten(job):
                yield await self._snapshot(job, (await self._history.bounds()).last)
                return
            async for event in events:
                if isinstance(event, Gap):
                    yield await self._snapshot(job, event.sequence)
                    if await self._is_over(job, event.sequence):
                        return
                elif isinstance(event, Heartbeat):
                    yield api.WatchJobResponse(heartbeat=_heartbeat(event.sequence))
                else:
                    yield encoded(api.WatchJobResponse, self._letter(event))
                    if event.kind == "job_ended" and await self._is_last(job, _run(event)):
                        async for letter in self._after_the_end(job, events, event.sequence):
                            yield encoded(api.WatchJobResponse, letter)
                        return

    async def jobs(self, tenant: str, after: int) -> AsyncGenerator[api.WatchJobsResponse, None]:
        """The events of all of a tenant's jobs after a sequence, from now on for 0; without end. A heartbeat comes first."""
        events = self._watchtower.watch(tenant, None, after=after or None)
        async with aclosing(events):
            if after:
                yield api.WatchJobsResponse(heartbeat=_heartbeat(after))
            async for event in events:
                if isinstance(event, Gap):
                    for job in await open_jobs(self._pool, tenant):
                        snapshot = api.JobSnapshot(sequence=event.sequence, job=to_job(job))
                        yield api.WatchJobsResponse(snapshot=snapshot)
                elif isinstance(event, Heartbeat):
                    yield api.WatchJobsResponse(heartbeat=_heartbeat(event.sequence))
                else:
                    yield encoded(api.WatchJobsResponse, self._letter(event))

    def _letter(self, event: Event) -> bytes:
        """The response that carries an event: the same bytes for a watcher of one job and of all."""
        letter = self._letters.get(event.sequence)
        if letter is None:
            letter = api.WatchJobResponse(event=event.to_job_event()).SerializeToString()
            self._letters[event.sequence] = letter
            self._kept += len(letter)
            while self._kept > _LETTERS:
                self._kept -= len(self._letters.pop(next(iter(self._letters))))
        return letter

    async def _is_to_come(self, job: Job, after: int) -> bool:
        """Whether the end of an ended job comes after a sequence."""
        return not after or await self._told(job, after) < (job.ended_number or 0)

    async def _is_over(self, job: Job, sequence: int) -> bool:
        """Whether a job has ended by now and the event of that does not come after a sequence."""
        row = await sql.job(self._pool, tenant=job.tenant, id=job.id)
        if row is None:
            return True
        return row["ended_number"] is not None and await self._told(job, sequence) >= row["ended_number"]

    async def _is_forgotten(self, job: Job) -> bool:
        """Whether a job has ended and the event of that is no longer kept."""
        if job.ended_at is None:
            return False
        bounds = await self._history.bounds()
        if job.ended_at < bounds.made:
            return True
        if datetime.now(UTC) - job.ended_at < _SETTLED:
            return False
        return await self._told(job, bounds.last) < (job.ended_number or 0)

    async def _after_the_end(
        self, job: Job, events: AsyncGenerator[Event | Gap | Heartbeat, None], sequence: int
    ) -> AsyncIterator[bytes]:
        """What follows the end of a job that had ended before the watch began: on a bus that was filled again, other stages'
        facts may come after it.
        """
        if job.ended_at is None:
            return
        through = await self._history.last_sequence(bus.event_subject(job.tenant, str(job.id), "*", "*"))
        with contextlib.suppress(TimeoutError):
            while sequence < through:
                async with asyncio.timeout(_QUIET):
                    event = await anext(events)
                if isinstance(event, Event):
                    sequence = event.sequence
                    yield self._letter(event)

    async def _told(self, job: Job, through: int) -> int:
        """The number of the last fact of ours about a job up to a sequence."""
        subject = bus.event_subject(job.tenant, str(job.id), STAGE, "*")
        return (await self._history.last_numbers(subject, through=through)).get((str(job.id), STAGE), 0)

    async def _snapshot(self, job: Job, sequence: int) -> api.WatchJobResponse:
        now = to_job(await get_job(self._pool, job.tenant, job.id))
        return api.WatchJobResponse(snapshot=api.JobSnapshot(sequence=sequence, job=now))

    async def _is_last(self, job: Job, run: int) -> bool:
        """Whether the job has ended for good with this run. One that was deleted meanwhile has."""
        row = await sql.job(self._pool, tenant=job.tenant, id=job.id)
        return row is None or (row["run"] <= run and JobState(row["state"]) in ENDED)


def _run(event: Event) -> int:
    """The run that a job's end is of."""
    return JobEnded.FromString(event.payload).run


def _heartbeat(sequence: int) -> api.Heartbeat:
    return api.Heartbeat(time=to_timestamp(datetime.now(UTC)), sequence=sequence)
