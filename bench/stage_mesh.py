"""NATS, Postgres and the four stages that do nothing, as they are measured."""

import asyncio
import contextlib
import os
import pstats
import sys
import time
import uuid
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import asyncpg
import psutil  # type: ignore[import-untyped] # it publishes no types

from bench import stages
from bench.run import Run, spent
from vidmesh_runtime.bus import open_bus
from vidmesh_runtime.database import Pool, open_pool
from vidmesh_runtime.ending import end
from vidmesh_runtime.events import Event
from vidmesh_runtime.watch import Heartbeat, Watchtower
from vidmesh_stack.folder import Folder
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack

CLIENTS = 10
"""How many submit them side by side, each waiting until its job is accepted."""
TENANT = "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a job costs on our side."""

    statements: float
    """Statements that the stages send, BEGIN and COMMIT among them."""
    commits: float
    """Transactions in the database, those among them in which a listener only learns that it was notified."""
    by_statement: Mapping[str, float]
    shares: Mapping[str, float]
    """Which part of the stages' time went where, waiting left out."""


class Mesh:
    """NATS, Postgres, a process for each stage, and a watcher who checks that every fact comes once and in order."""

    def __init__(
        self, folder: Path, stack: Stack, pool: Pool, tower: Watchtower, settings: Mapping[str, str]
    ):
        self._folder = folder
        self._stack = stack
        self._pool = pool
        self._tower = tower
        self._settings = settings
        self._processes: dict[str, Process] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, folder: Path, *, sync_interval: str) -> AsyncIterator[Self]:
        """A mesh whose broker flushes to disk so often."""
        quiet = StackSettings(data=folder / "mesh", services={}, nats_sync_interval=sync_interval)
        async with (
            Stack(quiet) as stack,
            open_pool(stack.postgres_dsn("vidmesh_ingest"), schema="ingest", most=CLIENTS) as pool,
            open_bus(stack.nats_url(), name="bench") as bus,
        ):
            tower = Watchtower(bus)
            settings = {
                "VIDMESH_NATS_URL": stack.nats_url(),
                "VIDMESH_MEDIA_URL": (folder / "media").as_uri(),
                "VIDMESH_JWKS_PATH": str(Folder(folder / "mesh").keys / "jwks.json"),
                "VIDMESH_DATA_DIR": str(folder / "data"),
                "VIDMESH_LOG_LEVEL": "WARNING",
            }
            mesh = cls(folder, stack, pool, tower, settings)
            watching = asyncio.create_task(tower.run())
            try:
                await mesh.start()
                yield mesh
            finally:
                await mesh.stop()
                await end([watching])

    async def start(self, profiles: Path | None = None) -> None:
        """Start the stages; with a folder for it, have each write a profile and count its statements."""
        for name, step in stages.STEPS.items():
            env = {
                **os.environ,
                **self._settings,
                "VIDMESH_DATABASE_URL": self._stack.postgres_dsn(f"vidmesh_{step.service}"),
            }
            if profiles is not None:
                env["BENCH_PROFILE"] = str(profiles / name)
            self._processes[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.stages", name, stdin=PIPE, stdout=PIPE, env=env
            )
        for process in self._processes.values():
            assert process.stdout is not None
            async with asyncio.timeout(60):
                assert await process.stdout.readline() == b"ready\n", "a stage did not start"

    async def stop(self) -> Counter[str]:
        """Stop the stages; the statements that each has counted."""
        statements: Counter[str] = Counter()
        for process in self._processes.values():
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            try:
                for line in (await asyncio.wait_for(process.stdout.read(), 20)).decode().splitlines():
                    count, _, statement = line.partition(" ")
                    statements[statement] += int(count)
                await asyncio.wait_for(process.wait(), 20)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        self._processes.clear()
        return statements

    async def _profile(self) -> None:
        """Have the stages look where their time goes from now on."""
        for process in self._processes.values():
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"profile\n")
            await process.stdout.readline()

    async def run(self, jobs: int, *, in_flight: int) -> Run:
        """Send jobs through, at most so many at a time."""
        begun: dict[str, float] = {}
        latencies: list[float] = []
        room = asyncio.Semaphore(in_flight)
        joined = asyncio.Event()
        watching = asyncio.create_task(self._watch(jobs, begun, latencies, room, joined))
        await joined.wait()
        cpu, start = self._cpu(), time.perf_counter()
        waiting = iter(range(jobs))

        async def client() -> None:
            for _ in waiting:
                await room.acquire()
                job_id = str(uuid.uuid4())
                begun[job_id] = time.perf_counter()
                await stages.submit(self._pool, tenant=TENANT, job_id=job_id)

        clients = [asyncio.create_task(client()) for _ in range(min(CLIENTS, in_flight))]
        try:
            async with asyncio.timeout(120):
                await watching
        finally:
            await end([watching, *clients])
        seconds = time.perf_counter() - start
        return Run(jobs=jobs, seconds=seconds, cpu=self._cpu() - cpu, latencies=tuple(latencies))

    async def account(self, folder: Path, jobs: int, *, in_flight: int) -> Account:
        """Count statements and commits of a job, and see where the stages' time goes, in a run of its own."""
        await self.stop()
        await self.start(folder)
        await self.run(jobs // 4, in_flight=in_flight)
        commits = await self._commits()
        await self._profile()
        await self.run(jobs, in_flight=in_flight)
        commits = await self._commits() - commits
        statements = await self.stop()
        shares: Counter[str] = Counter()
        for name in stages.STEPS:
            shares.update(_shares(folder / name))
        whole = sum(shares.values())
        return Account(
            statements=sum(statements.values()) / (jobs + jobs // 4),
            commits=commits / jobs,
            by_statement={text: count / (jobs + jobs // 4) for text, count in statements.most_common()},
            shares={part: spent / whole for part, spent in shares.most_common()},
        )

    async def _commits(self) -> int:
        """How many transactions were committed since the database was made."""
        connection = await asyncpg.connect(self._stack.postgres_dsn())
        try:
            await connection.execute("select pg_stat_force_next_flush()")
            return int(await connection.fetchval("select sum(xact_commit) from pg_stat_database"))
        finally:
            await connection.close()

    async def _watch(
        self,
        jobs: int,
        begun: Mapping[str, float],
        latencies: list[float],
        room: asyncio.Semaphore,
        joined: asyncio.Event,
    ) -> None:
        """Watch until so many jobs are through; every fact of each must come once and in order."""
        wanted = [("ingest", "job_accepted", 1), ("ingest", "source_ingested", 2)]
        wanted += [(step.stage, step.kind, 1) for step in stages.STEPS.values() if step.after]
        seen: dict[str, int] = {}
        asyncio.get_running_loop().call_later(0.2, joined.set)
        async with contextlib.aclosing(self._tower.watch(TENANT, None, after=None)) as watch:
            async for event in watch:
                if isinstance(event, Heartbeat):
                    continue
                assert isinstance(event, Event), "a fact is missing"
                place = seen.get(event.job_id, 0)
                assert (event.stage, event.kind, event.number) == wanted[place], event
                seen[event.job_id] = place + 1
                if place + 1 == len(wanted):
                    latencies.append(time.perf_counter() - begun[event.job_id])
                    room.release()
                    if len(latencies) == jobs:
                        assert all(count == len(wanted) for count in seen.values())
                        return

    def _cpu(self) -> Counter[str]:
        """Seconds of processor time by part."""
        pids = {name: self._stack.pid(name) for name in ("nats", "postgres")}
        times = {name: spent(psutil.Process(pid)) for name, pid in pids.items() if pid is not None}
        times["stages"] = sum(spent(psutil.Process(process.pid)) for process in self._processes.values())
        return Counter(times | {"watcher": time.process_time()})


PARTS = {
    "asyncpg": "Postgres' driver",
    "aiosql": "Postgres' driver",
    "nats": "NATS' client",
    "vidmesh_runtime": "the runtime",
    "asyncio": "asyncio",
    "bench": "the stages themselves",
}


def _shares(path: Path) -> dict[str, float]:
    """Seconds of a profile by part, without waiting."""
    shares: Counter[str] = Counter()
    for (file, _, function), (_, _, own, _, _) in pstats.Stats(str(path)).stats.items():  # type: ignore[attr-defined] # it is there
        if "poll" in function:
            continue
        if "_socket.socket" in function:
            shares["the kernel's sockets"] += own
            continue
        names = Path(file).parts
        shares[next((part for name, part in PARTS.items() if name in names), "the rest")] += own
    return dict(shares)
