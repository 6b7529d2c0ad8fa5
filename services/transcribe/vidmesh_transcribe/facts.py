"""What the facts of the ingest stage mean for transcripts: rows and work, in the transaction that applies the fact."""

from collections.abc import Mapping
from typing import TypeVar

from google.protobuf.message import Message

from vidmesh.events.v1.ingest_events_pb2 import (
    CaptionsFound,
    JobAccepted,
    JobEnded,
    JobOutcome,
    Priority,
    SourceIngested,
    SourceOpened,
    StageFailed,
    VideoDeleted,
    WindowReady,
)
from vidmesh_runtime import work
from vidmesh_runtime.database import Connection
from vidmesh_runtime.events import Event
from vidmesh_runtime.inbox import Apply
from vidmesh_runtime.media import MediaStore
from vidmesh_transcribe import wire
from vidmesh_transcribe.completion import declare_if_whole
from vidmesh_transcribe.store import sql

STAGE = "transcribe"
WINDOW = "window"
CAPTIONS = "captions"
"""The kinds of work."""

Fact = TypeVar("Fact", bound=Message)


class Facts:
    """Applies facts. They may come in any order."""

    def __init__(self, media: MediaStore) -> None:
        self._media = media

    @property
    def follows(self) -> Mapping[str, Apply]:
        """What applies each kind of fact."""
        return {
            "ingest.job_accepted": self.job_accepted,
            "ingest.source_opened": self.source_opened,
            "ingest.window_ready": self.window_ready,
            "ingest.captions_found": self.captions_found,
            "ingest.source_ingested": self.source_ingested,
            "ingest.stage_failed": self.source_failed,
            "ingest.job_retried": self.job_retried,
            "ingest.job_ended": self.job_ended,
            "ingest.video_deleted": self.video_deleted,
        }

    async def job_accepted(self, connection: Connection, event: Event) -> None:
        """A job is known, and maybe its language."""
        fact = await self._know(connection, event, JobAccepted)
        await sql.ask_language(connection, job_id=event.job_id, language=fact.language)

    async def source_opened(self, connection: Connection, event: Event) -> None:
        """The source says how long it lasts."""
        fact = await self._know(connection, event, SourceOpened)
        await sql.announce(connection, job_id=event.job_id, seconds=wire.seconds(fact.duration))

    async def window_ready(self, connection: Connection, event: Event) -> None:
        """A window is work; the first of an interactive job is the most urgent there is."""
        fact = await self._know(connection, event, WindowReady)
        window = wire.window(fact)
        await sql.know_stretch(
            connection, job_id=event.job_id, index=window.index, start=window.start, end=window.end
        )
        await self._add_work(
            connection,
            event,
            kind=WINDOW,
            key=f"{event.job_id}/{window.index}",
            fact=fact,
            priority=_priority(fact),
        )

    async def captions_found(self, connection: Connection, event: Event) -> None:
        """Captions are work where they take the place of recognition, and nothing where they do not."""
        fact = await self._know(connection, event, CaptionsFound)
        if fact.replaces_recognition and await sql.expect_captions(connection, job_id=event.job_id):
            await self._add_work(
                connection, event, kind=CAPTIONS, key=event.job_id, fact=fact, priority="high"
            )

    async def source_ingested(self, connection: Connection, event: Event) -> None:
        """The source was read to its end: maybe all of its windows are done already."""
        fact = await self._know(connection, event, SourceIngested)
        await sql.end_source(
            connection,
            job_id=event.job_id,
            duration=wire.seconds(fact.duration),
            window_count=fact.window_count,
        )
        await declare_if_whole(connection, event.job_id)

    async def source_failed(self, connection: Connection, event: Event) -> None:
        """There will be no more windows; readers are told why."""
        fact = StageFailed.FromString(event.payload)
        await sql.fail(connection, job_id=event.job_id, failure=fact.failure.SerializeToString())

    async def job_retried(self, connection: Connection, event: Event) -> None:
        """What failed may succeed; the work was made ready again by the follower."""
        await sql.forgive(connection, job_id=event.job_id)

    async def job_ended(self, connection: Connection, event: Event) -> None:
        """Nobody needs the windows' sound again, unless the job can be retried."""
        fact = JobEnded.FromString(event.payload)
        if fact.outcome in {JobOutcome.JOB_OUTCOME_SUCCEEDED, JobOutcome.JOB_OUTCOME_PARTIAL}:
            await self._media.delete_folder(f"{event.tenant}/{fact.video_id}/{event.job_id}/windows")

    async def video_deleted(self, connection: Connection, event: Event) -> None:
        """All that was made of a video goes, and what is being made."""
        fact = VideoDeleted.FromString(event.payload)
        owned = {"tenant": event.tenant, "video_id": fact.video_id}
        for job_id in [row["job_id"] async for row in sql.jobs_of(connection, **owned)]:
            await work.drop_job(connection, job_id)
        await sql.drop_video(connection, **owned)

    async def _know(self, connection: Connection, event: Event, kind: type[Fact]) -> Fact:
        """The fact of a job that has a transcript from now on. Not for what may come after a video was deleted."""
        fact = kind.FromString(event.payload)
        video_id: str = fact.video_id  # type: ignore[attr-defined] # every fact of a job has one
        await sql.know(connection, job_id=event.job_id, tenant=event.tenant, video_id=video_id)
        return fact

    async def _add_work(
        self, connection: Connection, event: Event, *, kind: str, key: str, fact: Message, priority: str
    ) -> None:
        await work.add(
            connection,
            stage=STAGE,
            kind=kind,
            key=key,
            tenant=event.tenant,
            job_id=event.job_id,
            video_id=fact.video_id,  # type: ignore[attr-defined] # every fact of a job has one
            payload=fact,
            priority=priority,
        )


def _priority(ready: WindowReady) -> str:
    if ready.priority == Priority.PRIORITY_BATCH:
        return "low"
    return "high" if ready.index == 0 else "normal"
