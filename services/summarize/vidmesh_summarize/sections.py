"""Sections: some minutes of transcript, cut as soon as what is needed to cut them has been said."""

import math
from collections import Counter
from collections.abc import Sequence

from vidmesh_summarize.transcript import Segment, ends_sentence
from vidmesh_summarize.words import Lexicon, tokens

_SLACK = 0.5  # a section is at least and at most so much shorter or longer than the target, as a share of it
_CONTEXT = 0.25  # speech compared on either side of a cut, as a share of the target
_PAUSE = 1.0  # what a second of pause, up to two, adds for a cut
_TURN = 1.5  # what an entire change of words adds
_SENTENCE = 0.5  # what the end of a sentence adds


def next_section(segments: Sequence[Segment], language: str, *, target: float, complete: bool) -> int | None:
    """Say how many of the segments make the next section, or None while more must be said to know.

    `segments` follow the last section in time order, without a gap; `target` is the length wanted, in seconds;
    `complete` tells that no more will come. What decides is the speech within one and a half targets and nothing
    beyond it, so the sections of a transcript are the same however it arrives.
    """
    if not segments:
        return None
    horizon = segments[0].start + target * (1 + _SLACK)
    known = next((i for i, segment in enumerate(segments) if segment.start >= horizon), None)
    if known is None:
        return len(segments) if complete else None
    considered = segments[:known]
    lexicon = Lexicon(language)
    terms = [Counter(lexicon.terms(tokens(segment.text))) for segment in considered]
    worth = {
        place: _worth(considered, terms, place, target)
        for place in range(1, known)
        if considered[place].start - segments[0].start >= target * (1 - _SLACK)
    }
    return max(worth, key=lambda place: (worth[place], -place), default=known)


def _worth(segments: Sequence[Segment], terms: Sequence[Counter[str]], place: int, target: float) -> float:
    before, after = segments[place - 1], segments[place]
    pause = min(2.0, max(0.0, after.start - before.end))
    left: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for segment, own in zip(segments, terms, strict=True):
        if after.start - target * _CONTEXT <= segment.start < after.start:
            left.update(own)
        elif after.start <= segment.start < after.start + target * _CONTEXT:
            right.update(own)
    distance = abs(after.start - segments[0].start - target) / (target * _SLACK)
    turn = 1 - _cosine(left, right)
    return _PAUSE * pause + _TURN * turn + _SENTENCE * ends_sentence(before.text) - distance


def _cosine(left: Counter[str], right: Counter[str]) -> float:
    product = sum(times * right[term] for term, times in left.items())
    size = math.sqrt(sum(n * n for n in left.values()) * sum(n * n for n in right.values()))
    return product / size if size else 0.0
