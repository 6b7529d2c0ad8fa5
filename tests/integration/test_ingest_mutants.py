"""Spoilt files, through the running service: every job ends with its reason, in bounded time, and the service stands."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests import fuzzing, mutants
from tests.conftest import Keys
from tests.integration.ingest_service import Ingest, kind
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.ingest.v1 import ingest_service_pb2 as api

FILES = 41
AT_ONCE = 4
LONGEST = 60.0
"""Seconds within which a job must end, with others beside it."""
MOST = 200 << 20
"""Bytes that the service itself may grow by, whatever its files hold."""
REASONS = {"NOT_MEDIA", "CORRUPT_MEDIA", "NO_AUDIO", "EMPTY_FILE", "TOO_LONG", "ingested"}


@pytest.fixture
async def ingest(environment: Callable[[str], dict[str, str]], keys: Keys) -> AsyncIterator[Ingest]:
    service = Ingest(environment("ingest"), keys)
    await service.start(VIDMESH_INGEST_CONCURRENCY=str(AT_ONCE))
    yield service
    assert service.stop() == 0
    await service.channel.close()


async def outcome(ingest: Ingest, mutant: mutants.Mutant) -> tuple[str, float]:
    """How a file's job ends, and after how many seconds; "hangs" where it does not."""
    upload = await ingest.upload(mutant.data, f"mutant.{mutant.suffix}")
    began = time.monotonic()
    job = (await ingest.submit(upload_id=upload, force=True)).job
    events = await ingest.events(job.id, "source_ingested", "job_ended", within=LONGEST)
    took = time.monotonic() - began
    last = events[-1]
    await ingest.call("DeleteVideo", api.DeleteVideoRequest(video_id=job.video_id))
    if kind(last) == "source_ingested":
        return "ingested", took
    if kind(last) != "job_ended":
        return "hangs", took
    return ErrorReason.Name(last.job_ended.failure.reason).removeprefix("ERROR_REASON_"), took


def resident(pid: int) -> int:
    """Bytes of memory that a process has now, or has had at most."""
    told = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(told["VmHWM"].split()[0]) << 10


@pytest.mark.timeout(180 + 3 * FILES * fuzzing.ROUNDS)
async def test_every_spoilt_file_ends_its_job_and_nothing_else(ingest: Ingest, tmp_path: Path) -> None:
    good = mutants.seeds(tmp_path)
    files = [*good, *mutants.bombs(good)]
    files += mutants.mutants(good, random.Random(fuzzing.SEED), FILES * fuzzing.ROUNDS)
    assert ingest.process is not None
    pid, before = ingest.process.pid, resident(ingest.process.pid)
    queue = list(enumerate(files))[::-1]
    told: dict[str, tuple[str, float]] = {}

    async def work() -> None:
        while queue:
            _, mutant = queue.pop()
            told[mutant.name] = await outcome(ingest, mutant)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    reasons = Counter(reason for reason, _ in told.values())
    slowest = max(told.items(), key=lambda one: one[1][1])
    fuzzing.tell(f"{len(files)} files: {dict(reasons)}; slowest: {slowest}")
    assert {name: end for name, end in told.items() if end[0] not in REASONS} == {}
    assert {
        name: end for name, end in told.items() if name.startswith("seed-") and end[0] != "ingested"
    } == {}
    assert {told[bomb.name][0] for bomb in mutants.bombs(good)} > {"CORRUPT_MEDIA", "TOO_LONG"}
    assert ingest.process.poll() is None
    os.kill(pid, 0)
    assert resident(pid) - before < MOST
