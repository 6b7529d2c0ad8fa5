"""Transcripts as files: SubRip, WebVTT and plain text."""

import re
from collections.abc import Iterable, Iterator

from vidmesh_transcribe.cues import cues
from vidmesh_transcribe.transcript import Segment

PARAGRAPH_PAUSE = 2.0
"""Seconds of silence that begin a new paragraph of plain text."""
PARAGRAPH_LENGTH = 600
"""Characters after which a paragraph ends with its sentence."""

_WORD_JOINER = "\u2060"


def srt(segments: Iterable[Segment]) -> Iterator[str]:
    """The pieces of a SubRip file."""
    for number, cue in enumerate(cues(segments), 1):
        rows = "\n".join(map(_harmless_in_srt, cue.lines))
        yield f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{rows}\n\n"


def vtt(segments: Iterable[Segment]) -> Iterator[str]:
    """The pieces of a WebVTT file."""
    yield "WEBVTT\n\n"
    for cue in cues(segments):
        rows = "\n".join(map(_escaped_for_vtt, cue.lines))
        yield f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{rows}\n\n"


def txt(segments: Iterable[Segment]) -> Iterator[str]:
    """The pieces of a plain text: paragraphs, parted by blank lines, begun anew where the speakers pause."""
    held: list[str] = []
    reached = 0.0
    for segment in segments:
        ended = sum(map(len, held)) > PARAGRAPH_LENGTH and held[-1].endswith((".", "!", "?", "…"))
        if held and (ended or segment.start - reached >= PARAGRAPH_PAUSE):
            yield " ".join(held) + "\n\n"
            held = []
        held.append(" ".join(segment.text.split()))
        reached = segment.end
    if held:
        yield " ".join(held) + "\n"


def _clock(seconds: float, point: str) -> str:
    """HH:MM:SS and three decimals; more digits of hours from a hundred hours on."""
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}{point}{milliseconds:03d}"


def _escaped_for_vtt(row: str) -> str:
    return row.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _harmless_in_srt(row: str) -> str:
    """SubRip has no escapes: what players take for a tag or a timing line is broken by an invisible joiner."""
    return re.sub(r"<(?=[a-zA-Z/])|\{(?=\\)|--(?=>)", lambda found: found.group() + _WORD_JOINER, row)
