"""Whether a long queue costs anything: submitting, listing and claiming with 10 jobs waiting and with 10,000."""

import asyncio
import contextlib
import os
import sys
import time
from asyncio.subprocess import DEVNULL
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Self

import asyncpg
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.measurement import Bench, Figure, Finding, Size, figure
from vidmesh.client import AsyncClient
from vidmesh.ingest.v1.ingest_service_pb2 import ListJobsRequest, SubmitVideoRequest
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh_runtime import work
from vidmesh_runtime.database import Pool, open_pool
from vidmesh_stack.folder import Folder
from vidmesh_stack.ports import free_port
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack

FEW, MANY = 10, 10_000
PAGE = 10
TENANT = "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much to ask."""

    many: int
    blocks: int
    """How often both sides are asked in turn."""
    submits: int
    """In each block, as the other two."""
    lists: int
    claims: int


PLANS: Mapping[Size, Plan] = {
    Size.SMOKE: Plan(many=500, blocks=2, submits=5, lists=10, claims=10),
    Size.FULL: Plan(many=MANY, blocks=12, submits=25, lists=60, claims=60),
}


class Ingest:
    """The real ingest service over NATS and Postgres of its own, with a source that never answers."""

    def __init__(self, stack: Stack, pool: Pool, client: AsyncClient, source: str) -> None:
        self._stack = stack
        self._pool = pool
        self._client = client
        self._source = source
        self._count = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, folder: Path) -> AsyncIterator[Self]:
        """The service, its one worker held by its first job, so that all others wait."""
        async with contextlib.AsyncExitStack() as stack:
            mesh = await stack.enter_async_context(Stack(StackSettings(data=folder / "mesh", services={})))
            silent = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
            stack.callback(silent.close)
            port = free_port()
            settings = {
                "VIDMESH_DATABASE_URL": mesh.postgres_dsn("vidmesh_ingest"),
                "VIDMESH_NATS_URL": mesh.nats_url("ingest"),
                "VIDMESH_MEDIA_URL": (folder / "media").as_uri(),
                "VIDMESH_JWKS_PATH": str(Folder(folder / "mesh").keys / "jwks.json"),
                "VIDMESH_DATA_DIR": str(folder / "ingest"),
                "VIDMESH_LISTEN": f"127.0.0.1:{port}",
                "VIDMESH_INGEST_CONCURRENCY": "1",
                "VIDMESH_EGRESS_ALLOW": "127.0.0.0/8",
                "VIDMESH_LOG_LEVEL": "ERROR",
            }
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "vidmesh_ingest", stdin=DEVNULL, stdout=DEVNULL, env={**os.environ, **settings}
            )  # fmt: skip
            stack.push_async_callback(_end, process)
            token = mesh.token(TENANT, ttl=timedelta(hours=1))
            client = await stack.enter_async_context(AsyncClient(f"http://127.0.0.1:{port}", token))
            await _until_serving(client)
            pool = await stack.enter_async_context(
                open_pool(mesh.postgres_dsn("vidmesh_ingest"), schema="ingest", most=2)
            )
            address = silent.sockets[0].getsockname()[1]
            yield cls(mesh, pool, client, f"http://127.0.0.1:{address}/video")

    async def fill(self, count: int) -> None:
        """Have so many jobs wait."""
        while await self.waiting() < FEW:
            await self.submit()
        if count > FEW:
            admin = await asyncpg.connect(
                self._stack.postgres_dsn(), server_settings={"search_path": "ingest"}
            )
            try:
                # One transaction, statement by statement: several at once take no parameter.
                async with admin.transaction():
                    for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n"):
                        if statement.strip():
                            wanted = [count - FEW] if "$1" in statement else []
                            await admin.execute(statement, *wanted)
                # Autovacuum does so within a minute of rows that come one by one; these came at once.
                await admin.execute("analyze")
            finally:
                await admin.close()
        assert await self.waiting() >= count

    async def waiting(self) -> int:
        """How many jobs wait."""
        return int(await self._pool.fetchval("select count(*) from work where slot is not null"))

    async def submit(self) -> None:
        """Submit a video that was never seen before."""
        self._count += 1
        source = Source(url=f"{self._source}/{self._count}.mp4")
        await self._client.ingest.SubmitVideo(SubmitVideoRequest(source=source))

    async def list(self) -> None:
        """List the newest jobs."""
        page = await self._client.ingest.ListJobs(ListJobsRequest(page_size=PAGE))
        assert len(page.jobs) == PAGE

    async def claim(self) -> None:
        """Claim a piece of work and give it back."""
        (lease,) = await work.claim(self._pool, lease=timedelta(minutes=1), attempts=4)
        assert await work.hand_back(self._pool, lease)


async def measure(bench: Bench) -> Finding:
    """Cost of a long queue: submitting, listing and claiming."""
    plan = PLANS[bench.size]
    seconds: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    async with Ingest.running(bench.folder / "few") as few, Ingest.running(bench.folder / "many") as many:
        bench.say(f"filling two queues, {FEW} and {plan.many}")
        await few.fill(FEW)
        await many.fill(plan.many)
        for block in range(plan.blocks + 1):
            for side, waiting in ((few, FEW), (many, plan.many)):
                for name, ask, count in (
                    ("SubmitVideo", side.submit, plan.submits),
                    ("ListJobs", side.list, plan.lists),
                    ("claiming", side.claim, plan.claims),
                ):
                    taken = await _timed(ask, count)
                    if block:  # the first one warms up
                        seconds[name, waiting] += taken
            bench.say(f"{block} of {plan.blocks} rounds")
        left = await few.waiting()
    return _finding(seconds, plan, left)


async def _timed(ask: Callable[[], Awaitable[None]], count: int) -> list[float]:
    taken: list[float] = []
    for _ in range(count):
        start = time.perf_counter()
        await ask()
        taken.append(time.perf_counter() - start)
    return taken


def _finding(seconds: Mapping[tuple[str, int], list[float]], plan: Plan, left: int) -> Finding:
    figures: list[Figure] = []
    for name in ("SubmitVideo", "ListJobs", "claiming"):
        few, many = seconds[name, FEW], seconds[name, plan.many]
        for waiting, taken in ((FEW, few), (plan.many, many)):
            figures += [
                figure(f"{name}, {waiting} waiting, p50", 1000 * median(taken), "ms"),
                figure(f"{name}, {waiting} waiting, p99", 1000 * quantiles(taken, n=100)[98], "ms"),
            ]
        figures.append(figure(f"{name}, many / few, p50", median(many) / median(few), at_most=1.2))
    return Finding(
        number=9,
        title="Cost of a long queue",
        method=(
            f"Two ingest services, each with NATS and Postgres of its own, one with {FEW} jobs waiting and one with {plan.many}, are"
            f" asked in turn, one call after the other, straight at the service: SubmitVideo with a new link, ListJobs with pages of"
            f" {PAGE}, and claiming a piece of work with handing it back, which is what a worker does. The one worker of each is"
            f" held by a source that never answers. The long queue is {FEW} jobs that were submitted and copies of their rows."
        ),
        figures=tuple(figures),
        notes=(f"Submitting lengthens the short queue to {left} while it is measured.",),
        raw={f"{name} {waiting}": taken for (name, waiting), taken in seconds.items()},
    )


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.read(4096):
            pass
    writer.close()


async def _until_serving(client: AsyncClient) -> None:
    health = health_pb2_grpc.HealthStub(client.channel)
    async with asyncio.timeout(60):
        while True:
            try:
                await health.Check(health_pb2.HealthCheckRequest())
            except Exception as error:
                if getattr(error, "code", None) not in (StatusCode.UNAVAILABLE, None):
                    raise
                await asyncio.sleep(0.1)
            else:
                return


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 15)
    except TimeoutError:
        process.kill()
        await process.wait()
