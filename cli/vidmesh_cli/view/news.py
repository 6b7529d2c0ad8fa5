"""What a watcher tells people of, made of a job's events."""

from dataclasses import dataclass

from vidmesh.errors.v1.failure_pb2 import Failure
from vidmesh.events.v1.ingest_events_pb2 import JobOutcome
from vidmesh.events.v1.text_pb2 import Chapter
from vidmesh_cli.view.stage import StageView


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The source is known."""

    title: str
    author: str
    seconds: float
    """How long it lasts; 0 where that is not known."""
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The next words of the transcript."""

    start: float
    """Seconds from the start of the video."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the reader should know."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarized:
    """The summary is written."""

    text: str
    extractive: bool
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided:
    """The chapters are cut."""

    chapters: tuple[Chapter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A stage changed its state or came a tenth of its way further."""

    stage: StageView


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The job's run is over."""

    outcome: JobOutcome.ValueType
    failure: Failure | None
    seconds: float
    """How long the run took; 0 where its beginning was not seen."""


News = Opened | Heard | Notice | Summarized | Divided | Moved | Ended
