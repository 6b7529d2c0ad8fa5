"""A soak: faults from a plan against a mesh that has always something to do, and the reckoning at the end."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.mesh import Mesh
from tests.faults.reckoning import Accepted, Reckoning
from tests.faults.soak.deeds import DEEDS
from tests.faults.soak.plan import Fault
from tests.faults.talks import Speaker
from vidmesh.client import AsyncClient
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_QUEUED, JOB_STATE_RUNNING

AT_ONCE = 3
"""Jobs that are under way at any time."""
LENGTHS = (8, 45)
"""Between how many seconds a talk lasts."""
SETTLING = 240.0
"""Seconds in which everything must have come to its end when the faults are over."""
SWEEPING = 150.0
TENANT = "soak"


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What a soak came to."""

    faults: Counter[str] = field(default_factory=Counter)
    jobs: list[Accepted] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ended(self) -> int:
        return sum(one.job.state not in (JOB_STATE_QUEUED, JOB_STATE_RUNNING) for one in self.jobs)

    def lines(self) -> Iterator[str]:
        """The summary, as people read it."""
        yield f"{self.seconds:.0f} s, {sum(self.faults.values())} faults: " + ", ".join(
            f"{count} {kind}" for kind, count in self.faults.most_common()
        )
        yield (
            f"jobs: {len(self.jobs)} accepted, {self.ended} ended, {len(self.jobs) - self.ended} lost; "
            f"wrong: {len(self.wrongs)}"
        )
        yield from self.wrongs


async def soak(
    mesh: Mesh,
    faults: Iterator[tuple[float, Fault]],
    *,
    seed: int,
    seconds: float,
    folder: Path,
    say: Callable[[str], None],
) -> Outcome:
    """Commit the faults one after the other for `seconds`, or until there are no more; then settle and reckon."""
    outcome = Outcome()
    began = time.monotonic()
    async with mesh.client(TENANT) as client:
        speaker = Speaker(client, folder)
        enough = asyncio.Event()
        speaking = [
            asyncio.create_task(_speak(speaker, outcome, Random(f"{seed}/{place}"), enough))
            for place in range(AT_ONCE)
        ]
        for pause, fault in faults:
            if time.monotonic() - began + pause > seconds:
                break
            await asyncio.sleep(pause)
            say(f"{time.monotonic() - began:7.1f}  {fault}  ({len(outcome.jobs)} jobs)")
            outcome.faults[fault.kind] += 1
            await DEEDS[fault.kind](mesh, fault)
        enough.set()
        await asyncio.gather(*speaking)
        for part in mesh.stack.parts:
            await mesh.answering(part)
        say(f"{time.monotonic() - began:7.1f}  settling")
        outcome.wrongs = await _reckoned(mesh, client, outcome)
    outcome.seconds = time.monotonic() - began
    return outcome


async def _reckoned(mesh: Mesh, client: AsyncClient, outcome: Outcome) -> list[str]:
    reckoning = Reckoning(mesh, client, TENANT)
    return await reckoning.reckon(outcome.jobs, within=SETTLING, sweeping=SWEEPING)


async def _speak(speaker: Speaker, outcome: Outcome, draw: Random, enough: asyncio.Event) -> None:
    """Submit one talk after the other."""
    while not enough.is_set():
        one = await speaker.speak(draw.randint(*LENGTHS))
        outcome.jobs.append(one)
        assert one.watching is not None
        await asyncio.wait([one.watching], timeout=draw.uniform(5, 30))
