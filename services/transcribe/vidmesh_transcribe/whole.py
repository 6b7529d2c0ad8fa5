"""When a transcript is whole, and how it stands before."""

from dataclasses import dataclass
from enum import StrEnum


class Captions(StrEnum):
    """Whether captions take the place of recognition."""

    NONE = "none"
    WAITING = "waiting"
    DONE = "done"


class State(StrEnum):
    """How far a transcript has come."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more comes, unless the job is retried."""
        return self in {State.SUCCEEDED, State.FAILED, State.CANCELLED}


def is_whole(*, window_count: int | None, done: int, captions: Captions) -> bool:
    """Whether all is in: the source read to its end (`window_count` known), and its windows or its captions."""
    if window_count is None or captions is Captions.WAITING:
        return False
    return captions is Captions.DONE or done >= window_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What decides a transcript's state."""

    completed: bool
    failed: bool
    cancelled: bool
    job_ended: bool
    begun: bool

    @property
    def state(self) -> State:
        """The state that readers see. A job that ended without a whole transcript has failed to make one."""
        if self.completed:
            return State.SUCCEEDED
        if self.cancelled:
            return State.CANCELLED
        if self.failed or self.job_ended:
            return State.FAILED
        return State.RUNNING if self.begun else State.WAITING
