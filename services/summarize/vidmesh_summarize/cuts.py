"""Sections cut out of windows."""

from collections.abc import Sequence
from dataclasses import dataclass

from vidmesh.events.v1.text_pb2 import Segment as SegmentMessage
from vidmesh.events.v1.transcribe_events_pb2 import WindowTranscribed
from vidmesh_summarize import wire
from vidmesh_summarize.sections import next_section


@dataclass(frozen=True, slots=True)
class Cut:
    """Segments that make a section, and where the next one begins: a window and a place in it."""

    language: str
    segments: list[SegmentMessage]
    window: int
    place: int


def cut(
    windows: Sequence[WindowTranscribed], first: int, place: int, *, target: float, complete: bool
) -> list[Cut]:
    """Cut what windows, from the one numbered `first` on, make certain; the segments before `place` are cut already."""
    flat = [
        (first + offset, index, segment, segment.language or window.language)
        for offset, window in enumerate(windows)
        for index, segment in enumerate(window.segments)
        if offset or index >= place
    ]
    plain = wire.segments(WindowTranscribed(segments=[one[2] for one in flat]))
    cuts: list[Cut] = []
    begin = 0
    while begin < len(flat):
        language = flat[begin][3]
        count = next_section(plain[begin:], language, target=target, complete=complete)
        if count is None:
            break
        last = flat[begin + count - 1]
        cuts.append(Cut(language, [one[2] for one in flat[begin : begin + count]], last[0], last[1] + 1))
        begin += count
    return cuts
