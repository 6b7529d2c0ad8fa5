"""How a job stands, by how its stages stand."""

from collections.abc import Mapping
from enum import StrEnum

STAGES = ("ingest", "transcribe", "summarize", "index")
"""The stages of a job, in order, as they are called on the bus."""

_NEEDED = ("ingest", "transcribe")


class StageState(StrEnum):
    """How far a stage has come."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.SUCCEEDED, JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED})
RETRIABLE = frozenset({JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED})


def outcome(stages: Mapping[str, StageState]) -> JobState | None:
    """How a job has ended whose stages stand so; None while it has not.

    Without a whole transcript nothing later can be whole, so it has failed as soon as ingest or transcribe has. Otherwise
    it ends when every stage has, and is partial where one failed.
    """
    if any(stages[name] is StageState.FAILED for name in _NEEDED):
        return JobState.FAILED
    states = set(stages.values())
    if states == {StageState.SUCCEEDED}:
        return JobState.SUCCEEDED
    if states == {StageState.SUCCEEDED, StageState.FAILED}:
        return JobState.PARTIAL
    return None
