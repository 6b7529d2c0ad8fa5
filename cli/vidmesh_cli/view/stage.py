"""One stage of a job as a watcher sees it."""

from dataclasses import dataclass
from enum import StrEnum

from vidmesh.errors.v1.failure_pb2 import Failure
from vidmesh.events.v1.ingest_events_pb2 import StageProgress


class State(StrEnum):
    """Where a stage stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True, kw_only=True)
class StageView:
    """One stage; times are seconds since the epoch, by the events' own clock."""

    name: str
    state: State = State.WAITING
    done: float = 0.0
    total: float = 0.0
    """How much there is, in `unit`; 0 where it is not known."""
    unit: str = ""
    rate: float = 0.0
    """Units a second; 0 where it is not known."""
    remaining: float | None = None
    """Seconds; None where it is not known."""
    note: str = ""
    """What is being done, or what came of it."""
    began: float | None = None
    ended: float | None = None
    failure: Failure | None = None
    told: bool = False
    """Whether the stage tells its own progress, so that none is reckoned from its results."""

    @property
    def fraction(self) -> float | None:
        """How much of it is done, 0 to 1; None where it is not known."""
        if self.state is State.DONE:
            return 1.0
        return min(self.done / self.total, 1.0) if self.total else None

    @property
    def took(self) -> float | None:
        """How long it ran, in seconds; None while it runs or where its beginning was not seen."""
        return None if self.began is None or self.ended is None else max(0.0, self.ended - self.began)

    @property
    def left(self) -> float | None:
        """How long still, in seconds; None where it is not known."""
        if self.state is not State.RUNNING or self.fraction == 1.0:
            return None
        if self.remaining is not None:
            return self.remaining
        return max(0.0, self.total - self.done) / self.rate if self.rate and self.total else None

    def begin(self, now: float) -> None:
        """Be at work, since now unless it was already."""
        if self.state is State.WAITING:
            self.state = State.RUNNING
            self.began = now

    def progress(self, told: StageProgress) -> None:
        """Take over what the stage tells of itself."""
        self.told = True
        self.done, self.total, self.unit, self.rate = told.done, told.total, told.unit, told.rate
        self.remaining = told.remaining.ToTimedelta().total_seconds() if told.HasField("remaining") else None
        self.note = told.activity

    def reckon(self, now: float, *, done: float, total: float, unit: str) -> None:
        """Take progress from results, where the stage does not tell it."""
        if self.told:
            return
        self.done, self.total, self.unit = done, total, unit
        if self.began is not None and now > self.began:
            self.rate = done / (now - self.began)

    def finish(self, now: float, *, amount: float = 0.0, unit: str = "", note: str = "") -> None:
        """Be done, with so much in all; the rate becomes that of the whole."""
        self.state, self.ended, self.note = State.DONE, now, note
        self.remaining = None
        if amount:
            self.done = self.total = amount
            self.unit = unit
        took = self.took
        self.rate = self.done / took if took else 0.0

    def fail(self, now: float, failure: Failure) -> None:
        """Be given up."""
        self.state, self.ended, self.failure, self.note = State.FAILED, now, failure, failure.message

    def cancel(self, now: float) -> None:
        """Be stopped, unless it had ended."""
        if self.state in (State.WAITING, State.RUNNING):
            self.state, self.ended, self.note = State.CANCELLED, now, ""

    def again(self) -> None:
        """Wait for another run, unless it is done."""
        if self.state is not State.DONE:
            self.state, self.began, self.ended, self.failure, self.note = State.WAITING, None, None, None, ""
