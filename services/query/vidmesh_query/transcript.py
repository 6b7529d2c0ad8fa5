"""What the recogniser heard: words and segments, in milliseconds from the start of the video."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

# C0 and C1 control characters (NUL among them, which Postgres refuses) carry no text. Tab and newline become spaces.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SPACE = re.compile(r"\s+")
# Chinese and Japanese put no blanks between words: their sentences are the least that text alone tells apart.
_SPOKEN = re.compile(r"[^\s。！？]+[。！？]*|[。！？]+")  # noqa: RUF001 - full-width marks, as those languages use


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word as heard."""

    text: str
    start: int
    """Milliseconds from the start of the video."""
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One utterance, or a piece of one that was too long to search by."""

    window: int
    """The window it was heard in, counted from 0."""
    index: int
    """Its place in the window, counted from 0."""
    piece: int = 0
    """Its place in the utterance, where that was cut; 0 otherwise."""
    start: int
    """Milliseconds from the start of the video."""
    end: int
    text: str
    language: str = ""
    """ISO 639-1 code, empty when unknown."""
    words: tuple[Word, ...] = ()

    @property
    def key(self) -> tuple[int, int, int]:
        """Its place in the job's transcript; keys sort as the speech went."""
        return (self.window, self.index, self.piece)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of the video that was recognised in one go."""

    index: int
    """Its place, from 0."""
    end: int
    """Milliseconds from the start of the video."""
    segments: tuple[Segment, ...]


def clean(text: str) -> str:
    """The text in one line: control characters dropped, runs of white space made one blank, ends trimmed."""
    return _SPACE.sub(" ", _CONTROL.sub("", text)).strip()


def count_words(text: str) -> int:
    """How many words `text` has by its blanks."""
    return len(text.split())


def align(text: str, words: Sequence[Word]) -> Iterator[tuple[int, int, Word]]:
    """Yields (first character, one past the last, word) for each word found in `text`, in order.

    A word that the text does not repeat literally (a recogniser may normalise) is left out.
    """
    at = 0
    for word in words:
        bare = clean(word.text)
        found = text.find(bare, at) if bare else -1
        if found >= 0:
            at = found + len(bare)
            yield found, at, word


def timed_words(segment: Segment) -> tuple[Word, ...]:
    """The segment's words; where the recogniser gave none, the text's own, its time shared out by their letters."""
    if segment.words:
        return segment.words
    total = max(1, len(segment.text))
    span = segment.end - segment.start
    words: list[Word] = []
    for match in _SPOKEN.finditer(segment.text):
        start = segment.start + span * match.start() // total
        end = segment.start + span * match.end() // total
        words.append(Word(text=match.group(), start=start, end=end))
    return tuple(words)


def cleaned(segment: Segment) -> Segment:
    """The segment with clean text and times in order."""
    return replace(segment, text=clean(segment.text), end=max(segment.start, segment.end))
