"""Cutting sound into windows at its pauses.

The first windows are short, so that the first text comes soon; later ones are long, so that the recogniser has context
and works at full speed. A window ends in the quietest pause near its target length. Where there is none, the cut falls
in speech, and the windows on both sides of it hold some sound from beyond it, so that words at the cut are heard whole.
Where the cuts fall depends on the samples alone, never on how they were handed over, so a second reading of the same
sound gives the same windows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vidmesh_ingest import sound

RATE = sound.RATE
"""Samples a second."""

FRAME = 160
"""Samples of one frame of 10 ms, the grain in which loudness is measured and cuts are placed."""

Samples = NDArray[np.int16]
Levels = NDArray[np.float64]

_PAUSE = 20
"""Frames of quiet that are a pause between words: within them, stops are shorter."""
_LONG_PAUSE = 60
_DIP = 10
_SILENCE = 400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CutPlan:
    """How long windows are. All in seconds, but for `search`."""

    lengths: tuple[float, ...] = (8.0, 15.0, 29.0, 58.0, 116.0)
    """The longest that each window may be, from the first on; the last holds for all that follow. Whisper takes 30 s at
    a time and leaves an unfinished sentence for the next time: the long ones fill its steps."""

    search: float = 0.35
    """The part of a length, counted from its end, in which the cut is sought."""

    reach: float = 12.0
    """The longest that this part may be."""

    context: float = 2.0
    """How much sound from beyond a cut in speech the windows on both sides of it hold."""

    tail: float = 2.0
    """The shortest that the last window may be, unless the whole is shorter."""

    def __post_init__(self) -> None:
        if not self.lengths or any(b < a for a, b in pairwise(self.lengths)):
            raise ValueError("the lengths of windows must be given and must not shrink")
        if not 0.1 <= self.search <= 0.5:
            raise ValueError("a pause is sought in the last tenth to half of a window")
        if not 0.1 <= self.tail <= min(self.search * self.lengths[0], self.reach) - 0.2:
            raise ValueError("the stretch where the first cut is sought must have room for the shortest tail")
        if not 0 <= self.around <= self.earliest(0):
            raise ValueError(
                "a window cannot hold more context than the shortest of its neighbours has sound"
            )

    def longest(self, index: int) -> int:
        """The most samples that the window at this place may have."""
        return int(self.lengths[min(index, len(self.lengths) - 1)] * RATE)

    def earliest(self, index: int) -> int:
        """The fewest samples that the window at this place has, unless it is the last."""
        length = self.lengths[min(index, len(self.lengths) - 1)]
        return int((length - min(length * self.search, self.reach)) * RATE) // FRAME * FRAME

    @property
    def most(self) -> int:
        """The most samples that any window may have."""
        return int(self.lengths[-1] * RATE)

    @property
    def shortest(self) -> int:
        """The fewest samples that the last window may have."""
        return int(self.tail * RATE)

    @property
    def around(self) -> int:
        """The most samples of context on one side of a window."""
        return int(self.context * RATE)

    @property
    def ahead(self) -> int:
        """How many samples beyond the longest window must be known before it is cut."""
        return max(self.shortest, self.around)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of sound between two cuts."""

    index: int
    """Its place, from 0."""

    start: int
    """The sample that it begins with, counted from the start of the video."""

    samples: Samples
    """Its sound: mono, 16 kHz."""

    lead: Samples = field(default_factory=lambda: np.empty(0, np.int16))
    """What comes right before it; empty where it begins in a pause."""

    trail: Samples = field(default_factory=lambda: np.empty(0, np.int16))
    """What comes right after it; empty where it ends in a pause."""

    @property
    def sound(self) -> Samples:
        """All of it, one after the other: lead, samples, trail."""
        return np.concatenate((self.lead, self.samples, self.trail))

    @property
    def end(self) -> int:
        """The sample after its last one."""
        return self.start + len(self.samples)


def levels(samples: Samples) -> Levels:
    """The variance of each whole frame of the samples: their power without any constant offset."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.int64)
    power: Levels = ((frames * frames).sum(axis=1) * FRAME - frames.sum(axis=1) ** 2) / FRAME**2
    return power


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where to cut."""

    frame: int
    """The frame before which to cut."""

    in_speech: bool
    """Whether there is no pause."""


def quietest(power: Levels) -> Cut:
    """Where to cut a stretch of sound whose frames have these levels.

    A pause is a run of at least 200 ms that is much quieter than the loud frames around it. The longest pause wins, since
    people pause longest between sentences (beyond 600 ms all are alike), then the quietest, then the last. Without a pause
    it is the middle of the quietest 100 ms.
    """
    loud, low = np.partition(power, (9 * len(power) // 10, len(power) // 20))[
        [9 * len(power) // 10, len(power) // 20]
    ]
    quiet = np.concatenate(([False], power <= max(_SILENCE, min(4 * low, loud / 10)), [False]))
    begins = np.flatnonzero(quiet[1:] & ~quiet[:-1])
    ends = np.flatnonzero(~quiet[1:] & quiet[:-1])
    pauses = [(int(b), int(e)) for b, e in zip(begins, ends, strict=True) if e - b >= _PAUSE]
    if pauses:
        b, e = max(pauses, key=lambda p: (min(p[1] - p[0], _LONG_PAUSE), -power[p[0] : p[1]].mean(), p[0]))
        return Cut(frame=(b + e) // 2, in_speech=False)
    sums = np.convolve(power, np.ones(_DIP), mode="valid")
    return Cut(frame=len(sums) - 1 - int(np.argmin(sums[::-1])) + _DIP // 2, in_speech=True)


class Cutter:
    """Cuts sound that comes in blocks of any size. It holds no more than its longest window and some context."""

    def __init__(self, plan: CutPlan, *, index: int = 0, start: int = 0, lead: int = 0) -> None:
        """Begins at a window and the sample it starts with: 0 and 0, or where an earlier run stopped.

        `lead` is how many samples the window has from before it; they are fed first.
        """
        self._plan = plan
        self._index = index
        self._start = start
        self._lead = lead
        self._held = np.empty(plan.around + plan.most + plan.ahead, np.int16)
        self._size = 0

    def feed(self, block: Samples) -> Iterator[Window]:
        """Takes the next samples and gives the windows that they complete."""
        while len(block):
            longest = self._plan.longest(self._index)
            room = self._lead + longest + self._plan.ahead - self._size
            taken, block = block[:room], block[room:]
            self._held[self._size : self._size + len(taken)] = taken
            self._size += len(taken)
            if len(taken) == room:
                yield self._cut(longest)

    def finish(self) -> Iterator[Window]:
        """Gives what is left when the sound has ended: one window, or more where it is too long for one."""
        while (rest := self._size - self._lead) > 0:
            longest = self._plan.longest(self._index)
            if rest > longest:
                yield self._cut(min(longest, rest - self._plan.shortest))
            else:
                yield self._take(rest, trail=0)

    def _cut(self, latest: int) -> Window:
        earliest = self._plan.earliest(self._index)
        cut = quietest(levels(self._held[self._lead + earliest : self._lead + latest]))
        return self._take(earliest + cut.frame * FRAME, trail=self._plan.around if cut.in_speech else 0)

    def _take(self, size: int, *, trail: int) -> Window:
        """Takes so many samples off. As much sound as it gets from after them, the next window keeps from before."""
        begin, end = self._lead, self._lead + size
        window = Window(
            index=self._index,
            start=self._start,
            samples=self._held[begin:end].copy(),
            lead=self._held[:begin].copy(),
            trail=self._held[end : min(end + trail, self._size)].copy(),
        )
        kept = end - len(window.trail)
        self._held[: self._size - kept] = self._held[kept : self._size].copy()
        self._size -= kept
        self._lead = end - kept
        self._start += size
        self._index += 1
        return window
