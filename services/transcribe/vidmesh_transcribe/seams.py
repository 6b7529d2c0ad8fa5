"""Where two windows meet in speech: which of them has which word.

Where no pause was to be had, a cut falls in speech, and the windows on both sides of it were heard with some seconds from
beyond it. A word belongs to the window in whose own stretch its middle lies; each window can tell that alone. Times of
the same word differ a little from one hearing to another, so a word at the very cut may be told by both or by neither:
whichever window is written later sees what its neighbour has, leaves out what is there already, and takes in what is
missing.
"""

import math
from collections.abc import Sequence

from vidmesh_transcribe.transcript import Segment, Window, Word, kept, middle

REACH = 0.5
"""Seconds from the cut within which a word may be told by both windows or by neither: times of one word, heard twice,
differ by less."""
ALONE = 0.2
"""What it costs to take a word for one that the other hearing lacks, in seconds that a pair may be apart."""


def settle(
    heard: Sequence[Segment], window: Window, *, before: Sequence[Word] | None, after: Sequence[Word] | None
) -> list[Segment]:
    """A window's segments with the words that are its own, in order.

    `heard` is timed on the video's clock and holds what was heard in the lead and in the trail too. `before` and `after`
    are the words that the neighbours have told, near the cuts at least; None where they are not written yet.
    """
    own = {id(word) for segment in heard for word in segment.words if window.holds(middle(word))}
    for cut, theirs, context in ((window.start, before, window.lead), (window.end, after, window.trail)):
        if theirs is None or not context:
            continue
        near = [word for segment in heard for word in segment.words if abs(middle(word) - cut) <= REACH]
        told = _matches(near, [word for word in theirs if abs(middle(word) - cut) <= 2 * REACH])
        for word in near:
            if id(word) in told:
                own.discard(id(word))
            else:
                own.add(id(word))
    segments = []
    for segment in heard:
        if segment.words:
            left = kept(segment, [id(word) in own for word in segment.words])
        else:
            left = segment if window.holds((segment.start + segment.end) / 2) else None
        if left is not None:
            segments.append(left)
    return segments


def _matches(ours: Sequence[Word], theirs: Sequence[Word]) -> set[int]:
    """The ids of those of our words that are among theirs, by the cheapest alignment that keeps their order.

    A pair costs the seconds that lie between its words, a word left alone costs `ALONE`.
    """
    cheapest = [[(i + j) * ALONE for j in range(len(theirs) + 1)] for i in range(len(ours) + 1)]
    for i, one in enumerate(ours, 1):
        for j, other in enumerate(theirs, 1):
            alone = min(cheapest[i - 1][j], cheapest[i][j - 1]) + ALONE
            cheapest[i][j] = min(alone, cheapest[i - 1][j - 1] + _apart(one, other))
    found, i, j = set(), len(ours), len(theirs)
    while i and j:
        if cheapest[i][j] == cheapest[i - 1][j - 1] + _apart(ours[i - 1], theirs[j - 1]):
            found.add(id(ours[i - 1]))
            i, j = i - 1, j - 1
        elif cheapest[i][j] == cheapest[i - 1][j] + ALONE:
            i -= 1
        else:
            j -= 1
    return found


def _apart(one: Word, other: Word) -> float:
    """Seconds between two words that may be one, heard twice; endless where they are not alike.

    They are where the text is the same, or where most of the shorter is said while the other is.
    """
    common = min(one.end, other.end) - max(one.start, other.start)
    if _bare(one.text) != _bare(other.text) and common <= 0.5 * min(
        one.end - one.start, other.end - other.start
    ):
        return math.inf
    return abs(middle(one) - middle(other))


def _bare(text: str) -> str:
    """A word without its case and punctuation, which hang on what is around it."""
    return "".join(letter for letter in text.lower() if letter.isalnum()) or text
