"""What the stack tells while it starts, runs and stops."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class PartState(StrEnum):
    """Where a part of the stack stands."""

    STARTING = "starting"
    READY = "ready"
    CRASHED = "crashed"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackEvent:
    """A part of the stack has come to a state."""

    part: str
    """`postgres`, `nats`, `gateway`, or a service: `ingest`, `transcribe`, `transcribe-2`, ..."""
    state: PartState
    detail: str = ""
    """For people: why it crashed, what is done about it. May be empty."""
    seconds: float = 0.0
    """How long the part took to come from the state before to this one, where that means something."""


OnEvent = Callable[[StackEvent], None]


class StackError(Exception):
    """The stack cannot start or go on; the message says why and what to do about it."""
