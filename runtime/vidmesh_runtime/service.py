"""Running a service: its parts opened in order, its loops kept alive, its end orderly."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import FileDescriptor

from vidmesh.ingest.v1 import ingest_service_pb2
from vidmesh.query.v1 import query_service_pb2
from vidmesh.summarize.v1 import summarize_service_pb2
from vidmesh.transcribe.v1 import transcribe_service_pb2
from vidmesh_runtime import allocator
from vidmesh_runtime.audit import Audit
from vidmesh_runtime.auth import Gatekeeper
from vidmesh_runtime.bus import Bounds, Bus, open_bus
from vidmesh_runtime.database import RUNTIME_MIGRATIONS, Pool, end_standstills, migrate, open_pool
from vidmesh_runtime.ending import end
from vidmesh_runtime.media import MediaStore
from vidmesh_runtime.metrics import Figure, open_gauges
from vidmesh_runtime.outbox import Relay, Ticker
from vidmesh_runtime.server import Server, open_server
from vidmesh_runtime.settings import ServiceSettings
from vidmesh_runtime.watch import Watchtower
from vidmesh_runtime.worker import Worker

log = logging.getLogger(__name__)

YOUNG = 20_000
"""New objects before the collector looks at them: the streams of a thousand watchers make as many with each event."""
FILES: tuple[FileDescriptor, ...] = (
    ingest_service_pb2.DESCRIPTOR,
    transcribe_service_pb2.DESCRIPTOR,
    summarize_service_pb2.DESCRIPTOR,
    query_service_pb2.DESCRIPTOR,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What every service works with."""

    pool: Pool
    bus: Bus
    media: MediaStore
    ticker: Ticker
    watchtower: Watchtower


@asynccontextmanager
async def open_parts(name: str, settings: ServiceSettings, migrations: Path) -> AsyncIterator[Parts]:
    """Connect to the database, migrate it, connect to the bus and the media store."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with (
        open_pool(
            settings.database_url, schema=name, standstill=settings.lease, identity=settings.identity
        ) as pool,
        open_bus(
            settings.nats_url,
            name=name,
            password=settings.nats_password.get_secret_value(),
            identity=settings.identity,
            bounds=Bounds(
                events_max_bytes=settings.events_max_bytes,
                events_max_age=settings.events_max_age,
                work_max_bytes=settings.work_max_bytes,
                replicas=settings.nats_replicas,
            ),
        ) as bus,
    ):
        await migrate(pool, schema=name, folders=[RUNTIME_MIGRATIONS, migrations])
        yield Parts(
            pool=pool,
            bus=bus,
            media=MediaStore(settings.media_url),
            ticker=Ticker(bus, source=name),
            watchtower=Watchtower(bus),
        )


async def serve(
    name: str,
    settings: ServiceSettings,
    parts: Parts,
    *,
    register: Callable[[grpc.aio.Server], None],
    serves: str,
    workers: Sequence[Worker],
    loops: Iterable[Callable[[], Coroutine[Any, Any, None]]],
    figures: Sequence[Figure] = (),
) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is in hand or hand it back.

    `loops` run for ever beside the service's relay, watchtower and workers; one that ends or fails ends the service.
    `figures` are told to Prometheus besides those that every service has.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gatekeeper = Gatekeeper(settings.jwks_path, issuer=settings.jwt_issuer, audience=settings.jwt_audience)
    relay = Relay(parts.pool, parts.bus, schema=name, keep=settings.events_max_age)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            open_server(
                settings.listen,
                gatekeeper,
                version=metadata.version(f"vidmesh-{name}"),
                register=[register],
                serves=[serves],
                files=FILES,
                grace=1,
                audit=Audit(parts.pool),
                identity=settings.identity,
            )
        )
        runs = [relay.run, parts.watchtower.run, *(worker.run for worker in workers), *loops]
        runs.append(lambda: end_standstills(parts.pool, after=settings.lease))
        if settings.metrics_listen:
            gauges = open_gauges(
                parts.pool,
                service=name,
                listen=settings.metrics_listen,
                answers={"bus": lambda: parts.bus.takes},
                figures=figures,
            )
            runs.append((await stack.enter_async_context(gauges)).run)
        runs.append(lambda: _tell_readiness(server, parts.bus))
        tasks = [asyncio.create_task(run(), name=getattr(run, "__qualname__", name)) for run in runs]
        await server.set_ready(ready=True)
        log.info("%s serves on port %d", name, server.port)
        # What was imported stays: a collection that looks through it again holds up every watcher for as long.
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG, 20, 20)
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        await server.set_ready(ready=False)
        await asyncio.gather(*(worker.stop(settings.grace) for worker in workers))
        await end([*tasks, stopping])
        for task in done - {stopping}:
            task.result()
            raise RuntimeError(f"{task.get_name()} ended")
    log.info("%s stopped", name)


async def _tell_readiness(server: Server, bus: Bus) -> None:
    """Tell health for ever whether requests are welcome: not while what they set off cannot be told to the others."""
    ready = True
    while True:
        await asyncio.sleep(1)
        if ready == bool(bus.refuses):
            ready = not ready
            log.warning("%s", "ready again" if ready else f"not ready: the bus stores nothing: {bus.refuses}")
            await server.set_ready(ready=ready)


def start(main: Callable[[], Coroutine[Any, Any, None]], *, log_level: str) -> None:
    """Run a service's main coroutine with logging set up; what `__main__.py` calls."""
    logging.basicConfig(
        level=log_level, stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    allocator.keep_little()
    asyncio.run(main())
