"""The reckoning after a fault: what became of every job that was accepted, and of everything that was made for it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.conftest import SERVICES
from tests.faults import counted
from tests.faults.mesh import Mesh
from vidmesh.client import AsyncClient
from vidmesh.error import VidmeshError
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.ingest.v1.job_pb2 import (
    JOB_STATE_QUEUED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
    Job,
    JobState,
)
from vidmesh.query.v1.query_service_pb2 import SearchRequest
from vidmesh_runtime.bus import EVENTS

ONCE = (
    "job_accepted",
    "source_opened",
    "source_ingested",
    "transcript_started",
    "transcript_completed",
    "summary_completed",
    "chapters_completed",
    "index_completed",
    "job_ended",
)
"""What happens once in a job that succeeds at its first run."""


@dataclass(kw_only=True, slots=True)
class Accepted:
    """A job that the mesh has accepted, and what is to become of it."""

    job: Job
    first: int
    """The first number of its talk."""
    length: int
    """How many numbers it says."""
    watched: list[JobEvent] = field(default_factory=list)
    """What one watcher was told from the beginning on, over whatever breaks there were."""
    skipped: bool = False
    """Whether that watcher was given a snapshot in the place of events that are no longer kept."""
    outcome: JobState.ValueType = JOB_STATE_SUCCEEDED
    watching: "asyncio.Task[None] | None" = None


def kind(event: JobEvent) -> str:
    return str(event.WhichOneof("event"))


def facts(events: Sequence[JobEvent]) -> list[tuple[int, int, str]]:
    return [(event.stage, event.number, kind(event)) for event in events if event.number]


class Reckoning:
    """Looks at everything that a tenant has, and says what is wrong with it."""

    def __init__(self, mesh: Mesh, client: AsyncClient, tenant: str) -> None:
        self._mesh = mesh
        self._client = client
        self._tenant = tenant
        self.wrongs: list[str] = []

    async def reckon(self, jobs: Sequence[Accepted], *, within: float = 60, sweeping: float = 0) -> list[str]:
        """What is wrong, in words; nothing where every promise was kept.

        Waits `within` seconds for the jobs to end. Files of ingest's that were left by a process that died are swept up
        after a minute or two: waits `sweeping` seconds for that, and looks for none where that is 0.
        """
        await self._ended(jobs, within)
        await self._drained(within)
        born = await self._born()
        for one in jobs:
            await self._watchers(one, born)
            if one.outcome == JOB_STATE_SUCCEEDED:
                await self._transcript(one)
                await self._passages(one)
        await self._objects(jobs)
        if sweeping:
            await self._files({one.job.id for one in jobs if one.outcome == JOB_STATE_SUCCEEDED}, sweeping)
        return self.wrongs

    async def _ended(self, jobs: Sequence[Accepted], within: float) -> None:
        """Every accepted job ended, as it was to."""
        left = {one.job.id: one for one in jobs}
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while left:
                    for one in list(left.values()):
                        with suppress(VidmeshError):
                            one.job = await self._client.job(one.job.id)
                            if one.job.state not in (JOB_STATE_QUEUED, JOB_STATE_RUNNING):
                                del left[one.job.id]
                    await asyncio.sleep(0.1 if left else 0)
        for one in jobs:
            if one.job.state != one.outcome:
                state = JobState.Name(one.job.state)
                self.wrongs.append(
                    f"job {one.job.id}: {state}, {one.job.failure.message or _stages(one.job)}"
                )
            if one.watching is not None:
                try:
                    async with asyncio.timeout(60):
                        await one.watching
                except TimeoutError:
                    self.wrongs.append(f"job {one.job.id}: its watch did not end")

    async def _drained(self, within: float) -> None:
        """No lease is held, no work waits, nothing is left to be told."""
        left: list[str] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while left := [line for service in SERVICES for line in await self._left_in(service)]:
                    await asyncio.sleep(0.1)
        self.wrongs += left

    async def _left_in(self, service: str) -> list[str]:
        work = await self._mesh.rows(
            service,
            "select kind, key, state, attempt from work where state in ('ready', 'leased') and tenant = $1",
            self._tenant,
        )
        letters = await self._mesh.rows(service, "select subject from outbox where published_at is null")
        return [f"{service}: {row['kind']} {row['key']} is {row['state']}" for row in work] + [
            f"{service}: {row['subject']} is not told" for row in letters
        ]

    async def _watchers(self, one: Accepted, born: datetime) -> None:
        """Every fact once and in order, to who watched all the time and to who comes afterwards.

        What a bus that was made in between has lost is told as a snapshot.
        """
        replay: list[JobEvent] = []
        whole = True
        async for message in self._client.watch(one.job.id):
            if message.WhichOneof("message") == "event":
                replay.append(message.event)
            else:
                whole = False
        lost = one.job.ended_at.ToDatetime(UTC) < born
        if lost and (replay or whole):
            self.wrongs.append(f"job {one.job.id}: who comes later is told of what the bus has lost")
        self._told(one, replay, "who comes later", whole=not lost)
        if not whole and not lost:
            self.wrongs.append(f"job {one.job.id}: who comes later is told of a gap")
        if one.watching is not None:
            self._told(one, one.watched, "who watched", whole=not one.skipped)
            if one.skipped and one.job.created_at.ToDatetime(UTC) > born:
                self.wrongs.append(f"job {one.job.id}: who watched is told of a gap")

    def _told(self, one: Accepted, events: Sequence[JobEvent], who: str, *, whole: bool) -> None:
        sequences = [event.sequence for event in events]
        if sequences != sorted(set(sequences)):
            self.wrongs.append(f"job {one.job.id}: {who} is told events twice or out of order")
        told = facts(events)
        for stage in {stage for stage, _, _ in told}:
            numbers = [number for at, number, _ in told if at == stage]
            wanted = range(1, len(numbers) + 1) if whole else sorted(set(numbers))
            if numbers != list(wanted):
                self.wrongs.append(f"job {one.job.id}: {who} is told the facts {numbers} of stage {stage}")
        if whole and one.outcome == JOB_STATE_SUCCEEDED:
            self._happened(one, told, who)

    async def _born(self) -> datetime:
        """When the bus was made that is there now."""
        async with self._mesh.bus() as bus:
            info = await bus.jetstream.stream_info(EVENTS)
        assert info.created is not None
        return info.created

    def _happened(self, one: Accepted, told: Sequence[tuple[int, int, str]], who: str) -> None:
        """What happens once in a job happened once."""
        counts = Counter(name for _, _, name in told)
        wrong = {name: counts[name] for name in ONCE if counts[name] != 1}
        windows = counts["window_ready"], counts["window_transcribed"]
        if wrong or windows[0] != windows[1] or not windows[0]:
            self.wrongs.append(f"job {one.job.id}: {who} is told {wrong}, windows {windows}")

    async def _transcript(self, one: Accepted) -> None:
        """One transcript, which says every number once and in order."""
        transcripts = await self._mesh.rows(
            "transcribe",
            "select job_id, completed_at from transcript where video_id = $1",
            one.job.video_id,
        )
        if [(row["job_id"], row["completed_at"] is not None) for row in transcripts] != [(one.job.id, True)]:
            self.wrongs.append(f"job {one.job.id}: transcripts {transcripts}")
        said = " ".join([segment.text.strip() async for segment in self._client.segments(one.job.video_id)])
        if said != counted.text(one.first, one.length):
            self.wrongs.append(f"job {one.job.id}: its transcript is {said!r}")

    async def _passages(self, one: Accepted) -> None:
        """Every word is in one passage, and each passage can be found by its meaning too."""
        rows = await self._mesh.rows(
            "query",
            "select text, embedded_by from passage where job_id = $1 and not early order by start_ms",
            one.job.id,
        )
        if " ".join(row["text"] for row in rows) != counted.text(one.first, one.length):
            self.wrongs.append(f"job {one.job.id}: its passages are {[row['text'] for row in rows]}")
        for word in (counted.word(one.first), counted.word(one.first + one.length - 1)):
            request = SearchRequest(query=word, page_size=50)
            found = await self._client.query.Search(request)
            with suppress(TimeoutError):
                async with asyncio.timeout(60):
                    while found.degraded:
                        await asyncio.sleep(0.2)
                        found = await self._client.query.Search(request)
            by_word = [hit for hit in found.hits if word in hit.snippet.text]
            if found.degraded or [hit.video_id for hit in by_word] != [one.job.video_id]:
                self.wrongs.append(f"job {one.job.id}: {word} is found {len(by_word)} times")

    async def _objects(self, jobs: Sequence[Accepted]) -> None:
        """In the media store are the sources and nothing else; of what was on the way, nothing."""
        done = [one.job for one in jobs if one.outcome == JOB_STATE_SUCCEEDED]
        wanted = {f"{self._tenant}/{job.video_id}/source" for job in done}
        store = self._mesh.media
        ours = {str(path.relative_to(store)) for path in files(store / self._tenant)}
        sources = {name for name in ours if name.rpartition(".")[0] in wanted}
        known = [one for one in jobs if one.outcome != JOB_STATE_SUCCEEDED]
        orphans = {name for name in ours - sources if not any(one.job.video_id in name for one in known)}
        if orphans or len(sources) != len(wanted):
            self.wrongs.append(
                f"media store: {len(sources)} of {len(wanted)} sources; orphans {sorted(orphans)}"
            )

    async def _files(self, done: set[str], sweeping: float) -> None:
        """Of jobs that succeeded, no process of ingest has files any more."""
        left: set[str] = set()
        with suppress(TimeoutError):
            async with asyncio.timeout(sweeping):
                services = self._mesh.data / "services"
                while left := {one.name for one in services.glob("ingest*/jobs/*") if one.name in done}:
                    await asyncio.sleep(0.2)
        self.wrongs += [f"job {one}: ingest has its files still" for one in sorted(left)]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _stages(job: Job) -> str:
    return ", ".join(f"{stage.stage}: {stage.state}" for stage in job.stages)
