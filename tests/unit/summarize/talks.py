"""Talks as recognisers would give them."""

import re
from pathlib import Path

from vidmesh_summarize.transcript import Segment

BEEKEEPING = Path(__file__).with_name("beekeeping.txt").read_text()
TOPICS = [paragraph.split(". ")[0] for paragraph in BEEKEEPING.split("\n\n")]


def spoken(text: str = BEEKEEPING, *, bare: bool = False, pace: float = 2.5) -> list[Segment]:
    """A text said at `pace` words a second, a segment a sentence; `bare`: in lower case and without punctuation."""
    segments: list[Segment] = []
    now = 0.0
    for paragraph in text.strip().split("\n\n"):
        for sentence in re.split(r"(?<=[.?!]) ", paragraph):
            end = now + len(sentence.split()) / pace
            written = re.sub(r"[^\w' ]", "", sentence.lower()) if bare else sentence
            segments.append(Segment(start=now, end=end, text=written))
            now = end + 0.35
        now += 1.2
    return segments


def repeated(segments: list[Segment], times: int) -> list[Segment]:
    """The same talk several times in a row."""
    step = segments[-1].end + 2
    return [
        Segment(start=one.start + step * at, end=one.end + step * at, text=one.text)
        for at in range(times)
        for one in segments
    ]
