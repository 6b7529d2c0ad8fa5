"""What writes summaries: the port, and the values that pass through it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, Literal, Protocol

from vidmesh_summarize.chapters import Chapter
from vidmesh_summarize.transcript import Segment


class Style(StrEnum):
    """What a summary looks like."""

    PARAGRAPHS = "paragraphs"
    BULLETS = "bullets"
    MINUTES = "minutes"


class Length(StrEnum):
    """How long a summary is: two or three sentences, a paragraph or two, a page."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What summary is wanted."""

    style: Style = Style.PARAGRAPHS
    length: Length = Length.MEDIUM
    language: str = ""
    """A BCP 47 tag; empty for the video's own."""
    prompt: str = ""
    """What to look for, in the caller's own words; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a transcript with its summary; times are seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A whole transcript, as far as it is summarised."""

    title: str
    language: str
    duration: float
    """The video's length in seconds; 0 where it is not known."""
    segments: Sequence[Segment]
    sections: Sequence[Section]


class Restart(Enum):
    """Says in a stream of text that all before it is void."""

    RESTART = "restart"


RESTART: Final = Restart.RESTART
Writing = AsyncGenerator[str | Literal[Restart.RESTART], None]
"""Text piece by piece; after RESTART it begins anew."""


class Engine(Protocol):
    """Writes summaries and chapters. Its methods raise Failure where they cannot."""

    @property
    def model(self) -> str:
        """What wrote it: a language model's name, or "extractive"."""

    @property
    def extractive(self) -> bool:
        """Whether results are made of the speaker's own sentences."""

    def check(self, brief: Brief, language: str) -> None:
        """Raise Failure where the brief asks for more than this engine can; `language` is the video's."""

    async def section(self, segments: Sequence[Segment], language: str, title: str) -> str:
        """Summarise some minutes of transcript."""

    def summary(self, source: Source, brief: Brief) -> Writing:
        """Write the summary of the whole, as Markdown without links or HTML; moments stand in it as `(m:ss)`."""

    async def chapters(self, source: Source) -> list[Chapter]:
        """Cut the whole into titled chapters, the first beginning at 0."""
