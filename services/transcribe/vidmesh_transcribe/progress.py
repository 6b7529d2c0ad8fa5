"""How far a transcript has come, how fast it goes, and how long it will still take."""

from dataclasses import dataclass, field

from vidmesh_transcribe.transcript import Window

MEMORY = 0.7
"""How much of the pace that was known outweighs that of the window that was just done."""
LEAST_INTERVAL = 0.2
"""Seconds between two tellings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How things stand, in seconds of sound."""

    done: float
    total: float
    """0 where nobody knows yet."""
    rate: float
    """Seconds of sound a second; 0 where nobody knows yet."""

    @property
    def remaining(self) -> float | None:
        """Seconds still to go; None where nobody knows."""
        if self.rate <= 0 or self.total <= 0:
            return None
        return max(0.0, self.total - self.done) / self.rate


class Pace:
    """How fast a recogniser goes, remembered from window to window."""

    def __init__(self) -> None:
        self.rate = 0.0

    def learn(self, *, sound: float, elapsed: float) -> None:
        """So many seconds of sound took so many seconds."""
        if sound <= 0 or elapsed <= 0:
            return
        seen = sound / elapsed
        self.rate = seen if self.rate == 0 else MEMORY * self.rate + (1 - MEMORY) * seen


@dataclass(slots=True, kw_only=True)
class Together:
    """What the windows of one job that are recognised at once have come to."""

    before: float = 0.0
    """Seconds of sound in the windows that are done."""
    heard: dict[int, float] = field(default_factory=dict)
    """Seconds of sound that were heard of each window in hand, by its place."""


class Meter:
    """Reads a job's progress while one of its windows is recognised. `now` is any clock's seconds."""

    def __init__(self, window: Window, pace: Pace, together: Together, *, total: float, now: float) -> None:
        self._window = window
        self._pace = pace
        self._together = together
        self._total = total
        self._began = now
        self._told = float("-inf")
        together.heard[window.index] = 0.0

    def is_due(self, now: float) -> bool:
        """Whether it is time to tell again; notes that it is told."""
        if now - self._told < LEAST_INTERVAL:
            return False
        self._told = now
        return True

    def read(self, reached: float, now: float) -> Reading:
        """How things stand when recognition has come to `reached`, on the clock of the video."""
        together = self._together
        heard = min(max(reached - self._window.start, 0.0), self._window.length)
        together.heard[self._window.index] = heard
        elapsed = now - self._began
        alone = self._pace.rate or (heard / elapsed if elapsed > 0 else 0.0)
        done = together.before + sum(together.heard.values())
        return Reading(
            done=done, total=max(self._total, done) if self._total else 0.0, rate=alone * len(together.heard)
        )

    def finish(self, now: float) -> Reading:
        """The window is done."""
        self._pace.learn(sound=self._window.length, elapsed=now - self._began)
        reading = self.read(self._window.end, now)
        self.close()
        self._together.before += self._window.length
        return reading

    def close(self) -> None:
        """The window is not in hand any more."""
        self._together.heard.pop(self._window.index, None)
