"""What a transcript is made of. All times are seconds from the start of the video."""

from collections.abc import Iterator
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

    @property
    def length(self) -> float:
        """Seconds of sound."""
        return self.end - self.start


def place(segment: Segment, window: Window, *, after: float) -> Segment:
    """Move a segment timed from its window's start onto the video's clock.

    Times are kept inside the window and never before `after` (where the segment before it ended), for recognisers
    place the last words of a window past its end and let neighbours overlap. Words stay inside their segment, in order.
    """
    floor = min(max(after, window.start), window.end)
    start = _clamp(window.start + segment.start, floor, window.end)
    end = _clamp(window.start + segment.end, start, window.end)
    words = []
    reached = start
    for word in segment.words:
        begin = _clamp(window.start + word.start, reached, end)
        reached = _clamp(window.start + word.end, begin, end)
        words.append(replace(word, start=begin, end=reached))
    return replace(segment, start=start, end=end, words=tuple(words))


def place_all(segments: tuple[Segment, ...], window: Window) -> Iterator[Segment]:
    """Place a whole window's segments, one after the other."""
    after = window.start
    for segment in segments:
        placed = place(segment, window, after=after)
        after = placed.end
        yield placed


def _clamp(value: float, low: float, high: float) -> float:
    """Keep a time within bounds, to the millisecond where they let it."""
    return min(max(round(value, 3), low), high)
