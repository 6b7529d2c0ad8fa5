"""Cutting sound into windows at its pauses.

The first windows are short, so that the first text comes soon; later ones are long, so that the recogniser has context
and works at full speed. A window ends in the quietest pause near its target length. Where the cuts fall depends on the
samples alone, never on how they were handed over, so a second reading of the same sound gives the same windows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
"""Samples a second."""

FRAME = 160
"""Samples of one frame of 10 ms, the grain in which loudness is measured and cuts are placed."""

Samples = NDArray[np.int16]
Levels = NDArray[np.float64]

_PAUSE = 20
_LONG_PAUSE = 60
_DIP = 10
_SILENCE = 400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CutPlan:
    """How long windows are. All in seconds, but for `search`."""

    lengths: tuple[float, ...] = (8.0, 15.0, 30.0, 60.0, 120.0)
    """The longest that each window may be, from the first on; the last holds for all that follow."""

    search: float = 0.35
    """The part of a length, counted from its end, in which the cut is sought."""

    tail: float = 2.0
    """The shortest that the last window may be, unless the whole is shorter."""

    def __post_init__(self) -> None:
        if not self.lengths or any(b < a for a, b in pairwise(self.lengths)):
            raise ValueError("the lengths of windows must be given and must not shrink")
        if not 0.1 <= self.search <= 0.5:
            raise ValueError("a pause is sought in the last tenth to half of a window")
        if not 0.1 <= self.tail <= self.search * self.lengths[0] - 0.2:
            raise ValueError("the stretch where the first cut is sought must have room for the shortest tail")

    def longest(self, index: int) -> int:
        """The most samples that the window at this place may have."""
        return int(self.lengths[min(index, len(self.lengths) - 1)] * RATE)

    @property
    def most(self) -> int:
        """The most samples that any window may have."""
        return int(self.lengths[-1] * RATE)

    @property
    def shortest(self) -> int:
        """The fewest samples that the last window may have."""
        return int(self.tail * RATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of sound between two cuts."""

    index: int
    """Its place, from 0."""

    start: int
    """The sample that it begins with, counted from the start of the video."""

    samples: Samples
    """Its sound: mono, 16 kHz."""

    @property
    def end(self) -> int:
        """The sample after its last one."""
        return self.start + len(self.samples)


def levels(samples: Samples) -> Levels:
    """The variance of each whole frame of the samples: their power without any constant offset."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.int64)
    power: Levels = ((frames * frames).sum(axis=1) * FRAME - frames.sum(axis=1) ** 2) / FRAME**2
    return power


def quietest(power: Levels) -> int:
    """The frame before which to cut.

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
        return (b + e) // 2
    sums = np.convolve(power, np.ones(_DIP), mode="valid")
    return len(sums) - 1 - int(np.argmin(sums[::-1])) + _DIP // 2


class Cutter:
    """Cuts sound that comes in blocks of any size. It holds no more than its longest window and a tail."""

    def __init__(self, plan: CutPlan, *, index: int = 0, start: int = 0) -> None:
        """Begins at a window and the sample it starts with: 0 and 0, or where an earlier run stopped."""
        self._plan = plan
        self._index = index
        self._start = start
        self._held = np.empty(plan.most + plan.shortest, np.int16)
        self._size = 0

    def feed(self, block: Samples) -> Iterator[Window]:
        """Takes the next samples and gives the windows that they complete."""
        while len(block):
            room = self._plan.longest(self._index) + self._plan.shortest - self._size
            taken, block = block[:room], block[room:]
            self._held[self._size : self._size + len(taken)] = taken
            self._size += len(taken)
            if len(taken) == room:
                yield self._cut(self._plan.longest(self._index))

    def finish(self) -> Iterator[Window]:
        """Gives what is left when the sound has ended: one window, or two where it is too long for one."""
        longest = self._plan.longest(self._index)
        if self._size > longest:
            yield self._cut(min(longest, self._size - self._plan.shortest))
        if self._size:
            yield self._take(self._size)

    def _cut(self, latest: int) -> Window:
        earliest = int(self._plan.longest(self._index) * (1 - self._plan.search)) // FRAME * FRAME
        return self._take(earliest + quietest(levels(self._held[earliest:latest])) * FRAME)

    def _take(self, size: int) -> Window:
        window = Window(index=self._index, start=self._start, samples=self._held[:size].copy())
        self._held[: self._size - size] = self._held[size : self._size].copy()
        self._size -= size
        self._start += size
        self._index += 1
        return window
