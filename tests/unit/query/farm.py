"""The sample talk as a recogniser without punctuation hears it: a segment a line, the sections 1.5 s apart."""

import re
from dataclasses import replace
from pathlib import Path

from tests.unit.query.speech import spoken
from vidmesh_query.passage import Passage, cut
from vidmesh_query.transcript import Segment

TALK = Path(__file__).parents[3] / "samples" / "talk.txt"


def farm() -> list[Passage]:
    """The sample talk's passages."""
    segments: list[Segment] = []
    at = 0
    for section in re.split(r"^# .*$", TALK.read_text(), flags=re.MULTILINE):
        for line in section.strip().splitlines():
            heard = re.sub(r"[^\w ]", "", line.lower())
            [one] = spoken(heard, start=at)
            segments.append(replace(one, index=len(segments)))
            at = one.end + 700
        at += 800
    return cut("farm", segments, final=True)
