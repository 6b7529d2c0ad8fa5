"""Watching jobs."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import TYPE_CHECKING

from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.ingest.v1.ingest_service_pb2 import (
    GetJobRequest,
    WatchJobRequest,
    WatchJobResponse,
    WatchJobsRequest,
    WatchJobsResponse,
)
from vidmesh.ingest.v1.job_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_PARTIAL,
    JOB_STATE_SUCCEEDED,
    Job,
)
from vidmesh.resume import OnBreak, OnOpen, followed

if TYPE_CHECKING:
    from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceAsyncStub

_ENDED = frozenset({JOB_STATE_SUCCEEDED, JOB_STATE_PARTIAL, JOB_STATE_FAILED, JOB_STATE_CANCELLED})


def has_ended(job: Job) -> bool:
    """Say whether a job's run is over."""
    return job.state in _ENDED


def watch_job(
    stub: "IngestServiceAsyncStub",
    job_id: str,
    *,
    after_sequence: int,
    patience: timedelta,
    on_break: OnBreak | None,
) -> AsyncGenerator[WatchJobResponse, None]:
    """Yield a job's events and snapshots until it has ended, each once and in order."""
    progress = _Progress(seen=after_sequence)

    async def is_over() -> bool:
        return progress.ended or has_ended((await stub.GetJob(GetJobRequest(job_id=job_id))).job)

    return followed(
        lambda: stub.WatchJob(WatchJobRequest(job_id=job_id, after_sequence=progress.seen)),
        take=progress.advance,
        is_over=is_over,
        patience=patience,
        on_break=on_break,
    )


def watch_jobs(
    stub: "IngestServiceAsyncStub",
    *,
    after_sequence: int,
    patience: timedelta,
    on_break: OnBreak | None,
    on_open: OnOpen | None,
) -> AsyncGenerator[WatchJobsResponse, None]:
    """Yield the events and snapshots of all the caller's jobs, each once and in order, without end."""
    progress = _Progress(seen=after_sequence)

    async def is_over() -> bool:
        return False

    return followed(
        lambda: stub.WatchJobs(WatchJobsRequest(after_sequence=progress.seen)),
        take=progress.advance,
        is_over=is_over,
        patience=patience,
        on_break=on_break,
        on_open=on_open,
    )


class _Progress:
    """How far a watch has come."""

    def __init__(self, *, seen: int) -> None:
        self.seen = seen
        self.ended = False
        self._numbers: dict[tuple[str, int], int] = {}

    def advance(self, message: WatchJobResponse | WatchJobsResponse) -> bool:
        """Take note of a message; say whether it is news."""
        match message.WhichOneof("message"):
            case "event" if message.event.sequence > self.seen:
                self.seen = message.event.sequence
                kind = message.event.WhichOneof("event")
                self.ended = kind == "job_ended" or (self.ended and kind != "job_retried")
                return self._is_news(message.event)
            case "snapshot":
                self.seen = max(self.seen, message.snapshot.sequence)
                self.ended = has_ended(message.snapshot.job)
                return True
            case "heartbeat":
                self.seen = max(self.seen, message.heartbeat.sequence)
                return False
            case _:
                return False

    def _is_news(self, event: JobEvent) -> bool:
        """Say whether a fact was not told before: a bus that has lost its disk tells it again with another sequence."""
        if not event.number:
            return True
        of = (event.job_id, event.stage)
        if event.number <= self._numbers.get(of, 0):
            return False
        self._numbers[of] = event.number
        return True
