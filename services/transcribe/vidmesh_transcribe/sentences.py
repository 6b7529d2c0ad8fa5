"""Sentences of what was heard in one go, where a recogniser gives half a minute at a time."""

from collections.abc import Iterator
from itertools import pairwise

from vidmesh_transcribe.transcript import Segment, kept

PAUSE = 1.0
"""Seconds of silence between two words that part what is said."""
_END = tuple(".!?…。！？؟")  # noqa: RUF001 - sentences end so in other scripts


def sentences(segment: Segment) -> Iterator[Segment]:
    """The segment cut after each end of a sentence and at each long pause; whole where its words are not known."""
    words = segment.words
    ends = [
        place + 1
        for place, (word, following) in enumerate(pairwise(words))
        if word.text.endswith(_END) or following.start - word.end >= PAUSE
    ]
    for begin, end in pairwise([0, *ends, len(words)]):
        part = kept(segment, [begin <= place < end for place in range(len(words))])
        if part is not None:
            yield part
    if not words:
        yield segment
