"""What ingest keeps: jobs, their stages, uploads."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from vidmesh_ingest.outcome import JobState, StageState


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a job."""

    name: str
    """What it is called on the bus."""
    state: StageState
    failure: bytes | None
    """Why it failed: a serialised `vidmesh.errors.v1.Failure`. None unless it did."""
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of the pipeline over a video."""

    id: UUID
    tenant: str
    video_id: UUID
    state: JobState
    stages: tuple[Stage, ...]
    """In the order of the pipeline."""
    source: str
    """A URL, or "upload:ID"."""
    own_title: str
    """The caller's title; empty to take the source's."""
    title: str
    """The video's title; the source until it is known."""
    duration: timedelta | None
    failure: bytes | None
    """The first failure: a serialised `vidmesh.errors.v1.Failure`."""
    notices: tuple[str, ...]
    captions: int
    """A number of `vidmesh.events.v1.CaptionMode`."""
    language: str
    priority: int
    """A number of `vidmesh.events.v1.Priority`."""
    run: int
    opened: bool
    """Whether its source was opened before."""
    media_key: str
    """Where the source is in the media store; empty until it is kept."""
    created_at: datetime
    ended_at: datetime | None
    ended_number: int | None
    """The number of the fact that ended the present run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A video's source in the media store."""

    key: str
    type: str
    """Its media type, such as "video/mp4"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file on its way."""

    id: UUID
    tenant: str
    filename: str
    size_bytes: int
    """How many bytes it will have; 0 where the sender does not know."""
    received: int
    """How many bytes are there."""
    sha256: str
    """Of the whole, in hexadecimal; empty until complete."""
    created_at: datetime
    expires_at: datetime

    @property
    def complete(self) -> bool:
        """Whether all bytes are there and checked."""
        return self.sha256 != ""
