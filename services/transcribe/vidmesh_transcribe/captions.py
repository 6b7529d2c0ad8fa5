"""Captions that people made, WebVTT or SubRip, as segments. Nobody measured their words, so they have none."""

import html
import re
from collections.abc import Iterable, Iterator

from vidmesh_transcribe.transcript import Segment, Window

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_MARKUP = re.compile(r"</?[a-zA-Z0-9][^>]*>|\{\\[^}]*\}")


class CaptionsError(ValueError):
    """The text holds no captions."""


def read(text: str, language: str) -> tuple[Segment, ...]:
    """The captions of a file, in order of time, without markup. `language` is a BCP 47 tag; "und" means unknown.

    Raises `CaptionsError` where there is no single timed text in it.
    """
    tag = "" if language == "und" else language
    segments = [
        Segment(start=start, end=end, text=said, language=tag)
        for start, end, rows in _cues(text)
        if (said := _plain(rows)) and end > start
    ]
    if not segments:
        raise CaptionsError("The captions have no timed text.")
    return tuple(sorted(segments, key=lambda segment: (segment.start, segment.end)))


def windows(segments: Iterable[Segment], *, length: float) -> Iterator[tuple[Window, tuple[Segment, ...]]]:
    """Gather captions into stretches of at least `length` seconds, so that the stages after this one see them grow."""
    held: list[Segment] = []
    index, start = 0, 0.0
    for segment in segments:
        if held and segment.start - start >= length:
            yield Window(index=index, start=start, end=segment.start), tuple(held)
            index, start, held = index + 1, segment.start, []
        held.append(segment)
    if held:
        yield Window(index=index, start=start, end=max(segment.end for segment in held)), tuple(held)


def _cues(text: str) -> Iterator[tuple[float, float, list[str]]]:
    """Start, end and rows of each cue: a timing line begins one, a blank line ends it, all else is no caption."""
    cue: tuple[float, float, list[str]] | None = None
    for row in text.replace("\0", "").splitlines():
        if match := _TIMING.match(row):
            if cue is not None:
                # No blank line between two cues: the last row is the number of the second.
                yield cue[0], cue[1], cue[2][:-1] if cue[2] and cue[2][-1].strip().isdecimal() else cue[2]
            cue = _seconds(match.groups()[:4]), _seconds(match.groups()[4:]), []
        elif cue is not None and row.strip():
            cue[2].append(row)
        elif cue is not None and cue[2]:
            yield cue
            cue = None
    if cue is not None:
        yield cue


def _plain(rows: list[str]) -> str:
    return " ".join(html.unescape(_MARKUP.sub("", " ".join(rows))).split())


def _seconds(groups: tuple[str | None, ...]) -> float:
    hours, minutes, whole, fraction = (group or "0" for group in groups)
    return int(hours) * 3600 + int(minutes) * 60 + int(whole) + int(fraction.ljust(3, "0")) / 1000
