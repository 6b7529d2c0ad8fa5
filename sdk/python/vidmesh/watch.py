"""Following a job through any number of broken connections."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc

from vidmesh.error import VidmeshError
from vidmesh.ingest.v1.ingest_service_pb2 import GetJobRequest, WatchJobRequest, WatchJobResponse
from vidmesh.ingest.v1.job_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_PARTIAL,
    JOB_STATE_SUCCEEDED,
    Job,
)

if TYPE_CHECKING:
    from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceAsyncStub

SILENCE = 65.0
"""Seconds without a message after which a stream is taken for dead: three heartbeats of 20 seconds and some."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds before going on after a break: doubled at each one in a row."""

_ENDED = frozenset({JOB_STATE_SUCCEEDED, JOB_STATE_PARTIAL, JOB_STATE_FAILED, JOB_STATE_CANCELLED})
_BROKEN = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)


def has_ended(job: Job) -> bool:
    """Say whether a job's run is over."""
    return job.state in _ENDED


async def watch_job(
    stub: "IngestServiceAsyncStub",
    job_id: str,
    *,
    after_sequence: int,
    patience: timedelta,
    on_break: Callable[[VidmeshError], None],
) -> AsyncGenerator[WatchJobResponse, None]:
    """Yield a job's events and snapshots until it has ended, each once and in order.

    A stream that breaks is opened again after the last sequence seen; `on_break` hears of it. Raises what broke it when no
    message has come for `patience`, and at once what trying again cannot mend.
    """
    progress = _Progress(seen=after_sequence)
    pause, alive = FIRST_PAUSE, time.monotonic()
    while True:
        try:
            async for message in _messages(stub, job_id, progress.seen):
                pause, alive = FIRST_PAUSE, time.monotonic()
                if progress.advance(message):
                    yield message
            if progress.ended or has_ended((await stub.GetJob(GetJobRequest(job_id=job_id))).job):
                return
            problem = _dropped("The stream of events ended before the job did.")
        except VidmeshError as error:
            problem = error
        if not _may_resume(problem) or time.monotonic() - alive > patience.total_seconds():
            raise problem
        on_break(problem)
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))
        pause = min(pause * 2, LONGEST_PAUSE)


class _Progress:
    """How far a watch has come."""

    def __init__(self, *, seen: int) -> None:
        self.seen = seen
        self.ended = False

    def advance(self, message: WatchJobResponse) -> bool:
        """Take note of a message; say whether it is news."""
        match message.WhichOneof("message"):
            case "event" if message.event.sequence > self.seen:
                self.seen = message.event.sequence
                kind = message.event.WhichOneof("event")
                self.ended = kind == "job_ended" or (self.ended and kind != "job_retried")
                return True
            case "snapshot":
                self.seen = max(self.seen, message.snapshot.sequence)
                self.ended = has_ended(message.snapshot.job)
                return True
            case _:
                return False


async def _messages(
    stub: "IngestServiceAsyncStub", job_id: str, after: int
) -> AsyncGenerator[WatchJobResponse, None]:
    call = stub.WatchJob(WatchJobRequest(job_id=job_id, after_sequence=after))
    messages = aiter(call)
    try:
        while True:
            async with asyncio.timeout(SILENCE):
                message = await anext(messages, None)
            if message is None:
                return
            yield message
    except TimeoutError:
        raise _dropped(f"Nothing was heard from the mesh for {SILENCE:.0f} seconds.") from None
    finally:
        call.cancel()


def _may_resume(problem: VidmeshError) -> bool:
    return problem.retryable if problem.told else problem.code in _BROKEN


def _dropped(message: str) -> VidmeshError:
    advice = "Watch the job again; it goes on meanwhile."
    return VidmeshError(
        message, reason="UNAVAILABLE", code=grpc.StatusCode.UNAVAILABLE, advice=advice, retryable=True
    )
