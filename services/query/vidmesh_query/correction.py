"""What people corrected, in the passages that hold it. Where a passage begins and ends stays as it was heard."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from vidmesh_query.passage import Passage
from vidmesh_query.transcript import Segment, cleaned, timed_words

Corrections = Mapping[tuple[int, int], Segment]
"""Corrected segments by their window and their place in it."""


def correct(passage: Passage, corrections: Corrections) -> Passage:
    """The passage with the corrected words; itself where it holds none of these segments."""
    if not any((one.window, one.index) in corrections for one in passage.segments):
        return passage
    return replace(passage, segments=tuple(_segments(passage, corrections)))


def _segments(passage: Passage, corrections: Corrections) -> Iterator[Segment]:
    for place, one in enumerate(passage.segments):
        now = corrections.get((one.window, one.index))
        if now is None:
            yield one
            continue
        # The rest of a segment that was cut begins where the next one of its pieces does.
        rest = (other.start for other in passage.segments[place + 1 :] if other.key[:2] == one.key[:2])
        until = next(rest, one.end)
        yield _piece(one, cleaned(now), until)


def _piece(one: Segment, now: Segment, until: int) -> Segment:
    """What is in the place of `one`: all of the corrected segment, or where it was cut, the words of that time."""
    if one.piece == 0 and until >= now.end:
        return replace(one, text=now.text, words=now.words)
    begin = 0 if one.piece == 0 else one.start
    words = tuple(
        word for word in timed_words(now) if begin <= word.start < until or (word.start >= until >= now.end)
    )
    return replace(one, text=" ".join(word.text for word in words), words=words)
