"""The exact moment in a passage: from a character of its text to the word, from there to the time."""

from collections.abc import Sequence
from dataclasses import dataclass

from vidmesh_query.passage import Passage
from vidmesh_query.transcript import Segment, align, timed_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A stretch of the video to play."""

    start: int
    """Milliseconds from the start of the video."""
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters of a text, from `begin` to one before `end`."""

    begin: int
    end: int


def segment_spans(passage: Passage) -> list[tuple[Span, Segment]]:
    """Where each of the passage's segments stands in its text."""
    spans: list[tuple[Span, Segment]] = []
    at = 0
    for segment in passage.segments:
        spans.append((Span(begin=at, end=at + len(segment.text)), segment))
        at += len(segment.text) + 1
    return spans


def moment_of(passage: Passage, span: Span) -> Moment:
    """When the characters of `span` are said: from their first word's start to their last word's end."""
    start: int | None = None
    end = passage.end
    for place, segment in segment_spans(passage):
        if place.end <= span.begin or place.begin >= span.end:
            continue
        said = _said(segment, span.begin - place.begin, span.end - place.begin)
        start = said.start if start is None else start
        end = said.end
    return Moment(start=passage.start if start is None else start, end=end)


def densest(spans: Sequence[Span], reach: int) -> Span | None:
    """The stretch of at most `reach` characters that holds the most of `spans` (in order); the first of equals."""
    best: Span | None = None
    most = 0
    for first in range(len(spans)):
        last = first
        while last + 1 < len(spans) and spans[last + 1].end - spans[first].begin <= reach:
            last += 1
        if last - first + 1 > most:
            most = last - first + 1
            best = Span(begin=spans[first].begin, end=spans[last].end)
    return best


def _said(segment: Segment, begin: int, end: int) -> Moment:
    words = [
        word
        for first, last, word in align(segment.text, timed_words(segment))
        if last > begin and first < end
    ]
    if not words:
        return Moment(start=segment.start, end=segment.end)
    return Moment(start=words[0].start, end=max(words[0].start, words[-1].end))
