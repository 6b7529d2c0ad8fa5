"""A mesh to do things to: the real one, with wires between its services and what they keep their state in."""

import asyncio
import re
import shutil
import signal
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg
import psutil  # type: ignore[import-untyped] # it publishes no types
import pytest

from tests.conftest import SERVICES, Backstage
from tests.faults.disk import Disk, DiskError, small_disk
from tests.faults.wire import Place, Wire
from vidmesh.client import AsyncClient
from vidmesh_runtime.bus import Bus, open_bus
from vidmesh_stack.keeper import Patience
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
LEASE = 3.0
"""Seconds that a worker owns a piece of work."""
CRASH_POINTS = (
    *("before-publish", "after-publish", "after-apply", "after-claim", "after-commit"),
    *("after-recognition", "after-embed"),
)
"""Where a service can be made to crash, by name."""
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "VIDMESH_RECOGNIZER": "tests.faults.counted:Counter",
    # Seconds for each second of sound: what is killed in the middle has a middle.
    "VIDMESH_WHISPER_MODEL": "0.02",
    "VIDMESH_WINDOW_SECONDS": "[7, 7, 9]",
    "VIDMESH_EGRESS_ALLOW": "127.0.0.0/8",
    "VIDMESH_LLM_BASE_URL": "",
    "VIDMESH_LEASE": str(LEASE),
    "VIDMESH_RECONCILE_EVERY": "0.5",
    "VIDMESH_RETRY_DELAY": "0.2",
    "VIDMESH_MAX_ATTEMPTS": "3",
}


class WiredStack(Stack):
    """The stack, whose services reach NATS and PostgreSQL by wires, and crash at points that are armed."""

    patience = Patience(most_crashes=10_000, longest_pause=0.2)  # it is killed on purpose

    def __init__(self, settings: StackSettings, folder: Path) -> None:
        super().__init__(settings)
        self.wires = {"nats": Wire(), "postgres": Wire()}
        self._sockets = folder
        self._near: dict[str, Place] = {}

    async def open_wires(self) -> None:
        near = {"nats": Place(), "postgres": Place(path=self._sockets / ".s.PGSQL.5432")}
        self._near = {name: await self.wires[name].open(place) for name, place in near.items()}

    def passed(self, part: str) -> Path:
        """The folder of the crash points that a part passes without harm."""
        return self._sockets / "passed" / part

    async def close_wires(self) -> None:
        for wire in self.wires.values():
            await wire.close()

    def _environment(self, name: str, part: str, jwks: Path) -> dict[str, str]:
        told = super()._environment(name, part, jwks)
        bus, database = urlsplit(told["VIDMESH_NATS_URL"]), urlsplit(told["VIDMESH_DATABASE_URL"])
        self.wires["nats"].lead_to(Place(port=int(bus.port or 0)))
        (sockets,) = parse_qs(database.query)["host"]
        self.wires["postgres"].lead_to(Place(path=Path(sockets, ".s.PGSQL.5432")))
        by_wire = f"host={quote(str(self._sockets), safe='/')}"
        passed = self.passed(part)
        passed.mkdir(parents=True)
        for point in CRASH_POINTS:
            (passed / f"crashed-{point}").touch()
        return told | {
            "VIDMESH_CRASH_AT": ",".join(CRASH_POINTS),
            "VIDMESH_CRASH_ONCE": str(passed),
            "VIDMESH_NATS_URL": re.sub(r":\d+$", f":{self._near['nats'].port}", bus.geturl()),
            "VIDMESH_DATABASE_URL": re.sub(r"host=[^&]*", by_wire, database.geturl()),
        }


class Mesh:
    """A running mesh and what may be done to it. A part is named as in the stack: "nats", "ingest", "transcribe-2"."""

    def __init__(
        self, stack: WiredStack, backstage: Backstage, data: Path, disks: Mapping[str, Disk]
    ) -> None:
        self.stack = stack
        self.data = data
        self._disks = disks
        self.media = data / "media"
        self._backstage = backstage

    def disk(self, name: str) -> Disk:
        """The disk of "nats" or of "media", which can be filled. Without the right to mount, the test is skipped."""
        if name not in self._disks:
            pytest.skip("needs the right to mount a small disk, as root has it")
        return self._disks[name]

    def token(self, tenant: str) -> str:
        return self.stack.token(tenant=tenant, subject="tester", ttl=timedelta(hours=3))

    def client(self, tenant: str, *, attempts: int = 3) -> AsyncClient:
        return AsyncClient(self.stack.endpoint, self.token(tenant), attempts=attempts)

    def address(self, part: str) -> str:
        """Where a service listens, past the gateway."""
        return self.stack._keeper(part)._program.env["VIDMESH_LISTEN"]

    async def kill(self, part: str) -> None:
        """As by kill -9; the part comes back by itself."""
        await self._on_stage(self.stack.kill(part))

    async def stop(self, part: str) -> None:
        """In order, and it stays so until it is restarted."""
        await self._on_stage(self.stack.stop(part))

    async def restart(self, part: str, **env: str) -> None:
        """Stop a part in order and start it, with `env` for this life alone."""
        await self._on_stage(self.stack.restart(part, env))

    async def answering(self, part: str) -> None:
        await self._on_stage(self.stack.answering(part))

    def arm(self, part: str, point: str) -> None:
        """Have a part crash once, as by kill -9, when it comes to a point."""
        (self.stack.passed(part) / f"crashed-{point}").unlink()

    def crashed(self, part: str, point: str) -> bool:
        """Whether it has."""
        return (self.stack.passed(part) / f"crashed-{point}").exists()

    @asynccontextmanager
    async def away(self, part: str) -> AsyncIterator[None]:
        """Without a part."""
        await self.stop(part)
        try:
            yield
        finally:
            await self.restart(part)

    @contextmanager
    def frozen(self, part: str) -> Iterator[None]:
        """With a part that does nothing, and its children neither: SIGSTOP, then SIGCONT."""
        pid = self.stack.pid(part)
        assert pid is not None
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for process in family:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    async def cut(self, wire: str) -> None:
        """Break all connections of a wire; new ones are welcome."""
        await self._spoil(self.stack.wires[wire].cut)

    @asynccontextmanager
    async def cut_off(self, wire: str) -> AsyncIterator[None]:
        """Without a wire."""
        async with self._spoilt(wire, lambda: self.stack.wires[wire].cut(for_good=True)):
            yield

    @asynccontextmanager
    async def stalled(self, wire: str, *, to_far: bool = True, from_far: bool = True) -> AsyncIterator[None]:
        """With a wire whose connections stay open and carry nothing, in one direction or both."""
        async with self._spoilt(wire, lambda: self.stack.wires[wire].stall(to_far=to_far, from_far=from_far)):
            yield

    @asynccontextmanager
    async def slowed(self, wire: str, delay: float) -> AsyncIterator[None]:
        """With a wire on which each chunk takes so many seconds."""
        async with self._spoilt(wire, lambda: setattr(self.stack.wires[wire], "delay", delay)):
            yield

    def process(self, part: str) -> Process:
        """A part's present process."""
        process = self.stack._keeper(part)._process
        assert process is not None
        return process

    def logged(self, part: str) -> str:
        """What a part has logged by now."""
        return (self.stack.logs / f"{part}.log").read_text(errors="replace")

    @contextmanager
    def outlived(self) -> Iterator[None]:
        """What every service lives through: none ends of it, to be begun anew by whoever keeps it."""
        before = {service: self.process(service).pid for service in SERVICES}
        yield
        assert {service: self.process(service).pid for service in SERVICES} == before

    async def rows(self, service: str, query: str, *values: object) -> list[asyncpg.Record]:
        """What a query on a service's tables gives, asked past all wires."""
        async with self.database(service) as connection:
            return list(await connection.fetch(query, *values))

    async def until(self, service: str, query: str, *values: object, within: float = 60) -> None:
        """Wait until a query on a service's tables gives something."""
        async with asyncio.timeout(within), self.database(service) as connection:
            while not await connection.fetch(query, *values):
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        connection = await asyncpg.connect(
            self.stack.postgres_dsn("postgres"), server_settings={"search_path": service}
        )
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def bus(self) -> AsyncIterator[Bus]:
        """The bus, past all wires."""
        async with open_bus(self.stack.nats_url(), name="tests") as bus:
            yield bus

    @asynccontextmanager
    async def _spoilt(self, wire: str, act: Callable[[], None]) -> AsyncIterator[None]:
        await self._spoil(act)
        try:
            yield
        finally:
            await self._spoil(self.stack.wires[wire].heal)

    async def _spoil(self, act: Callable[[], None]) -> None:
        """Do something to a wire, on the loop that it lives on."""

        async def on_stage() -> None:
            act()

        await self._on_stage(on_stage())

    async def _on_stage(self, act: Coroutine[Any, Any, T]) -> T:
        return await asyncio.to_thread(self._backstage.run, act)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many bytes the disks have that can be filled."""

    nats: int = 64 << 20
    media: int = 64 << 20


@contextmanager
def running(
    backstage: Backstage,
    *,
    env: Mapping[str, str] | None = None,
    scale: Mapping[str, int] | None = None,
    sizes: Sizes = Sizes(),
    data: Path | None = None,
) -> Iterator[Mesh]:
    """A mesh of its own, gone in the end. `env` are more variables of its services.

    Given a folder with `data`, it goes on with what is there, and has no small disks.
    """
    bounds = asdict(sizes) if data is None else {}
    data = data or Path(tempfile.mkdtemp(prefix="vm-", dir="/tmp"))
    settings = StackSettings(data=data, port=0, env=ENVIRONMENT | dict(env or {}), scale=scale or {})
    sockets = data / "wires"
    sockets.mkdir(mode=0o700)
    stack = WiredStack(settings, sockets)
    with ExitStack() as resources:
        resources.callback(shutil.rmtree, data, ignore_errors=True)
        disks: dict[str, Disk] = {}
        with suppress(DiskError):  # who may not mount does without the tests that fill disks
            for name, size in bounds.items():
                disks[name] = resources.enter_context(small_disk(data / name, size))
        backstage.run(stack.open_wires())
        resources.callback(lambda: backstage.run(stack.close_wires()))
        backstage.run(stack.__aenter__())
        resources.callback(lambda: backstage.run(stack.__aexit__(None, None, None)))
        yield Mesh(stack, backstage, data, disks)
