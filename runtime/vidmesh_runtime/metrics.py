"""What monitoring and an autoscaler read: how much work waits, for how long, and what has not left the outbox.

The figures are of the whole service, whichever of its processes tells them: in a query take their maximum, not their sum.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from prometheus_client import start_http_server

from vidmesh_runtime.bus import PRIORITIES
from vidmesh_runtime.database import UNREACHABLE, Pool, load_queries

log = logging.getLogger(__name__)
sql = load_queries(Path(__file__).with_suffix(".sql"))

EVERY = 5.0
"""Seconds between two looks at the tables."""


class Gauges:
    """The figures, looked up now and then.

    `vidmesh_work_pieces` and `vidmesh_work_age_seconds` have the labels `state` ("ready" or "leased") and `priority`;
    `vidmesh_outbox_messages` and `vidmesh_outbox_age_seconds` have none.
    """

    def __init__(self, pool: Pool, provider: MeterProvider) -> None:
        meter = provider.get_meter("vidmesh")
        self._pool = pool
        self._pieces = meter.create_gauge(
            "vidmesh_work_pieces", description="Pieces of work that wait or are done"
        )
        self._age = meter.create_gauge(
            "vidmesh_work_age", unit="s", description="How long the oldest has been due"
        )
        self._messages = meter.create_gauge(
            "vidmesh_outbox_messages", description="Facts and triggers not yet on the bus"
        )
        self._delay = meter.create_gauge(
            "vidmesh_outbox_age", unit="s", description="How long the oldest of them has waited"
        )

    async def look(self) -> None:
        """Look at the tables once."""
        rows = {(row["state"], row["rank"]): row async for row in sql.work(self._pool)}
        for state in ("ready", "leased"):
            for rank, priority in enumerate(PRIORITIES):
                row = rows.get((state, rank), {"pieces": 0, "age": 0.0})
                labels = {"state": state, "priority": priority}
                self._pieces.set(row["pieces"], labels)
                # Work that is to be tried again later is not late.
                self._age.set(max(row["age"], 0.0), labels)
        outbox = await sql.outbox(self._pool)
        self._messages.set(outbox["messages"])
        self._delay.set(outbox["age"])

    async def run(self) -> None:
        """Look for ever, through restarts of the database."""
        while True:
            try:
                await self.look()
            except (*UNREACHABLE, asyncpg.PostgresError, TimeoutError) as error:
                log.warning("metrics: %s", error or type(error).__name__)
            await asyncio.sleep(EVERY)


@asynccontextmanager
async def open_gauges(pool: Pool, *, service: str, listen: str) -> AsyncIterator[Gauges]:
    """Serve the figures to Prometheus at `http://<listen>/metrics`. Raises OSError where the address is taken."""
    host, _, port = listen.rpartition(":")
    provider = MeterProvider(
        resource=Resource.create({SERVICE_NAME: f"vidmesh-{service}"}),
        metric_readers=[PrometheusMetricReader()],
        shutdown_on_exit=False,
    )
    server, thread = start_http_server(int(port), addr=host.strip("[]"))
    log.info("metrics on http://%s/metrics", listen)
    try:
        yield Gauges(pool, provider)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        provider.shutdown()
