"""The same chain in Celery: four tasks that do nothing, over Redis with its result backend.

`python -m celery -A bench.celery_peer worker -Q STAGE` is a stage; `python -m bench.celery_peer JOBS IN_FLIGHT` sends jobs
through all four and prints how long it took, as JSON.
"""

import json
import os
import sys
import time
from collections import deque

from celery import Celery, chain
from celery.result import AsyncResult

STAGES = ("ingest", "transcribe", "summarize", "index")

app = Celery("peer", broker=os.environ.get("PEER_REDIS"), backend=os.environ.get("PEER_REDIS"))
app.conf.task_routes = {f"peer.{stage}": {"queue": stage} for stage in STAGES}
app.conf.broker_connection_retry_on_startup = True


@app.task(name="peer.ingest")  # type: ignore[untyped-decorator] # it publishes no types
def ingest(job: str) -> str:
    """Do nothing."""
    return job


@app.task(name="peer.transcribe")  # type: ignore[untyped-decorator] # it publishes no types
def transcribe(job: str) -> str:
    """Do nothing."""
    return job


@app.task(name="peer.summarize")  # type: ignore[untyped-decorator] # it publishes no types
def summarize(job: str) -> str:
    """Do nothing."""
    return job


@app.task(name="peer.index")  # type: ignore[untyped-decorator] # it publishes no types
def index(job: str) -> str:
    """Do nothing."""
    return job


def submit(job: str) -> AsyncResult:
    """Send a job through the four stages."""
    return chain(ingest.s(job), transcribe.s(), summarize.s(), index.s()).apply_async()


def drive(jobs: int, in_flight: int) -> dict[str, float | list[float]]:
    """Send jobs, at most so many at a time, and wait for each one's result."""
    waiting: deque[tuple[str, float, AsyncResult]] = deque()
    latencies: list[float] = []

    def finish() -> None:
        job, began, result = waiting.popleft()
        assert result.get(timeout=60) == job
        latencies.append(time.perf_counter() - began)

    start, spent = time.perf_counter(), time.process_time()
    for number in range(jobs):
        if len(waiting) == in_flight:
            finish()
        job = f"job-{number}"
        waiting.append((job, time.perf_counter(), submit(job)))
    while waiting:
        finish()
    return {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - spent,
        "latencies": latencies,
    }


if __name__ == "__main__":
    drive(4, 1)
    print(json.dumps(drive(int(sys.argv[1]), int(sys.argv[2]))))
