"""What a transcript is made of. All times are seconds from the start of the video."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word and when it was said."""

    start: float
    end: float
    text: str
    """As written, with its punctuation, without spaces around it."""
    probability: float = 0.0
    """How sure the recogniser is, 0 to 1; 0 where it does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What was heard in one go: usually a sentence or a part of one."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()
    """Empty where nobody measured them, as in captions."""
    language: str = ""
    """A BCP 47 tag; empty where it is not known."""
    confidence: float = 0.0
    """How sure the recogniser is of the text as a whole, 0 to 1; 0 where it does not say."""
    no_speech: float = 0.0
    """How likely it is that nobody spoke, 0 to 1; 0 where the recogniser does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of a video's sound: the unit of work."""

    index: int
    start: float
    end: float
    lead: float = 0.0
    """Seconds of sound from before `start` that it is heard with; 0 where it begins in a pause."""
    trail: float = 0.0
    """Seconds of sound from after `end` that it is heard with; 0 where it ends in a pause."""

    @property
    def length(self) -> float:
        """Seconds of sound of its own."""
        return self.end - self.start

    def holds(self, time: float) -> bool:
        """Whether a word whose middle is at this time is its own. Where it ends in a pause, so is what comes after."""
        return (not self.lead or time >= self.start) and (not self.trail or time < self.end)


def middle(word: Word) -> float:
    """When a word is half said."""
    return (word.start + word.end) / 2


def moved(segment: Segment, by: float) -> Segment:
    """A segment on another clock."""
    words = tuple(replace(word, start=word.start + by, end=word.end + by) for word in segment.words)
    return replace(segment, start=segment.start + by, end=segment.end + by, words=words)


def kept(segment: Segment, keeps: Sequence[bool]) -> Segment | None:
    """A segment with some of its words, and that part of its text that runs from the first of them to the last."""
    words = tuple(word for word, keep in zip(segment.words, keeps, strict=True) if keep)
    if not words:
        return None
    if len(words) == len(segment.words):
        return segment
    at, runs = 0, [""]
    for word, keep in zip(segment.words, keeps, strict=True):
        found = max(segment.text.find(word.text, at), at)
        reached = found + len(word.text)
        if not keep:
            runs.append("")
        elif runs[-1]:
            runs[-1] += segment.text[at:reached]
        else:
            runs[-1] = segment.text[found:reached]
        at = reached
    text = " ".join(run for run in runs if run)
    return replace(segment, start=words[0].start, end=words[-1].end, text=text, words=words)


def place(segment: Segment, window: Window, *, after: float) -> Segment:
    """Move a segment timed from its window's start onto the video's clock, and fit it in."""
    return fit(moved(segment, window.start), window, after=after)


def fit(segment: Segment, window: Window, *, after: float) -> Segment:
    """Keep a segment's times within its window.

    They are never before `after` (where the segment before it ended), for recognisers place the last words of a window
    past its end and let neighbours overlap. Words stay inside their segment, in order.
    """
    floor = min(max(after, window.start), window.end)
    start = _clamp(segment.start, floor, window.end)
    end = _clamp(segment.end, start, window.end)
    words = []
    reached = start
    for word in segment.words:
        begin = _clamp(word.start, reached, end)
        reached = _clamp(word.end, begin, end)
        words.append(replace(word, start=begin, end=reached))
    return replace(segment, start=start, end=end, words=tuple(words))


def fit_all(segments: Iterable[Segment], window: Window) -> Iterator[Segment]:
    """Fit a whole window's segments in, one after the other."""
    after = window.start
    for segment in segments:
        fitted = fit(segment, window, after=after)
        after = fitted.end
        yield fitted


def _clamp(value: float, low: float, high: float) -> float:
    """Keep a time within bounds, to the millisecond where they let it."""
    return min(max(round(value, 3), low), high)
