"""Passages: a few segments that belong together, the unit of search.

They are cut while the transcript grows. Where a passage ends depends on its own segments and the first one after it,
never on what came before, so that cutting a prefix and going on later gives the same passages as cutting the whole.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vidmesh_query.transcript import Segment, Word, align, cleaned, count_words, timed_words

ENOUGH_WORDS = 40
MOST_WORDS = 90
ENOUGH_TIME = 20_000
MOST_TIME = 45_000
"""Milliseconds, as all below."""
BREATH = 1_500
"""A pause at which a passage that has enough ends."""
PAUSE = 4_000
"""A pause at which a passage of more than a few words ends."""
FEW_WORDS = 15
BREAK = 15_000
"""A pause that no passage crosses."""

_NAMESPACE = uuid.UUID("6f1d3f0e-5a0b-5c55-9a57-0b1d5f1d7c11")
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", "।", '."', '!"', '?"', ".”", "!”", "?”")  # noqa: RUF001 - full-width marks end sentences in Chinese and Japanese


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A few segments that belong together."""

    id: uuid.UUID
    """The same for the same job and first segment, however often it is cut."""
    job: str
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The segments' texts, joined by blanks."""
        return " ".join(segment.text for segment in self.segments)

    @property
    def start(self) -> int:
        """Milliseconds from the start of the video."""
        return self.segments[0].start

    @property
    def end(self) -> int:
        """Milliseconds from the start of the video."""
        return max(segment.end for segment in self.segments)

    @property
    def language(self) -> str:
        """ISO 639-1 code, empty when unknown. A passage has one."""
        return self.segments[0].language


def passage_id(job: str, first: Segment) -> uuid.UUID:
    """The id of the passage of `job` that begins with `first`."""
    window, index, piece = first.key
    return uuid.uuid5(_NAMESPACE, f"{job}/{window}/{index}/{piece}")


def pieces(segments: Sequence[Segment]) -> Iterator[Segment]:
    """The segments with clean text, empty ones left out, each too long for a passage cut into several."""
    for raw in segments:
        segment = cleaned(raw)
        if not segment.text:
            continue
        if count_words(segment.text) > MOST_WORDS or segment.end - segment.start > MOST_TIME:
            yield from _split(segment)
        else:
            yield segment


def cut(job: str, heard: Sequence[Segment], *, final: bool) -> list[Passage]:
    """The passages that `heard` is known to hold, in order; none overlap.

    `heard` is pieces of the job's transcript in order, from any passage's first one on. Unless `final`, the segments at the
    end whose passage may still grow are in none of those returned: give them again with what follows.
    """
    passages: list[Passage] = []
    begin = 0
    while begin < len(heard) and (end := _boundary(heard, begin, final=final)) is not None:
        group = tuple(heard[begin:end])
        passages.append(Passage(id=passage_id(job, group[0]), job=job, segments=group))
        begin = end
    return passages


def _boundary(heard: Sequence[Segment], begin: int, *, final: bool) -> int | None:
    """One past the last segment of the passage that starts at `begin`; None while that is open."""
    words = 0
    for here in range(begin, len(heard)):
        words += count_words(heard[here].text)
        if here + 1 == len(heard):
            return here + 1 if final else None
        following = heard[here + 1]
        gap = following.start - heard[here].end
        duration = heard[here].end - heard[begin].start
        enough = words >= ENOUGH_WORDS or duration >= ENOUGH_TIME
        if following.language != heard[here].language or gap >= BREAK:
            return here + 1
        if (gap >= PAUSE and words >= FEW_WORDS) or (gap >= BREATH and enough):
            return here + 1
        too_long = following.end - heard[begin].start > MOST_TIME
        if too_long or words + count_words(following.text) > MOST_WORDS:
            return _best_end(heard, begin, here)
    return None


def _best_end(heard: Sequence[Segment], begin: int, last: int) -> int:
    """One past the segment, up to `last`, after which to end: the longest pause and a finished sentence attract."""
    words = 0
    best, best_score = last + 1, -1.0
    for here in range(begin, last + 1):
        words += count_words(heard[here].text)
        duration = heard[here].end - heard[begin].start
        if words < ENOUGH_WORDS and duration < ENOUGH_TIME:
            continue
        gap = max(0, heard[here + 1].start - heard[here].end)
        score = min(gap, 3_000) / 1_000 + (1.0 if heard[here].text.endswith(_SENTENCE_ENDS) else 0.0)
        if score >= best_score:
            best, best_score = here + 1, score
    return best


def _split(segment: Segment) -> Iterator[Segment]:
    """Cuts one long segment between its words, by the rules by which segments make passages."""
    spans = [
        (begin, end, Word(text=segment.text[begin:end], start=word.start, end=word.end))
        for begin, end, word in align(segment.text, timed_words(segment))
    ]
    single = [
        Segment(window=0, index=0, piece=number, start=word.start, end=word.end, text=word.text)
        for number, (_, _, word) in enumerate(spans)
    ]
    begin = 0
    piece = 0
    while begin < len(single):
        end = _boundary(single, begin, final=True) or len(single)
        first = 0 if begin == 0 else spans[begin][0]
        last = len(segment.text) if end == len(single) else spans[end][0]
        yield replace(
            segment,
            piece=piece,
            start=segment.start if begin == 0 else single[begin].start,
            end=segment.end if end == len(single) else single[end - 1].end,
            text=segment.text[first:last].strip(),
            words=tuple(word for _, _, word in spans[begin:end]) if segment.words else (),
        )
        begin, piece = end, piece + 1
    if not single:
        yield segment
