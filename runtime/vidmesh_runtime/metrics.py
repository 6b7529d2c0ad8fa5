"""What monitoring and an autoscaler read: how much work waits, for how long, what has not left the outbox, what does not answer.

The figures are of the whole service, whichever of its processes tells them: in a query take their maximum, not their sum.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
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
PATIENCE = 5.0
"""Seconds that a look may take before the database counts as one that does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of one service's own."""

    name: str
    """As Prometheus knows it, such as "vidmesh_dead_letters"."""
    description: str
    read: Callable[[Pool], Awaitable[float]]


class Gauges:
    """The figures, looked up now and then.

    `vidmesh_work_pieces` and `vidmesh_work_age_seconds` have the labels `state` ("ready" or "leased") and `priority`;
    `vidmesh_outbox_messages` and `vidmesh_outbox_age_seconds` have none; `vidmesh_answers` has `dependency`: "database", and those
    that `answers` tells of. `vidmesh_log_records_total`, with the label `level`, counts what is logged as a warning or worse.
    """

    def __init__(
        self,
        pool: Pool,
        provider: MeterProvider,
        *,
        answers: Mapping[str, Callable[[], bool]],
        figures: Sequence[Figure],
    ) -> None:
        meter = provider.get_meter("vidmesh")
        self._pool = pool
        self._answers = answers
        self._figures = [
            (figure, meter.create_gauge(figure.name, description=figure.description)) for figure in figures
        ]
        self._part = meter.create_gauge(
            "vidmesh_answers", description="1 where a part that the service relies on answers, else 0"
        )
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
        for figure, gauge in self._figures:
            gauge.set(await figure.read(self._pool))

    async def run(self) -> None:
        """Look for ever, through restarts of the database."""
        while True:
            for name, answers in self._answers.items():
                self._part.set(int(answers()), {"dependency": name})
            try:
                async with asyncio.timeout(PATIENCE):
                    await self.look()
                self._part.set(1, {"dependency": "database"})
            except (*UNREACHABLE, asyncpg.PostgresError, TimeoutError) as error:
                self._part.set(0, {"dependency": "database"})
                log.warning("metrics: %s", error or type(error).__name__)
            await asyncio.sleep(EVERY)


class _Counting(logging.Handler):
    """Counts log records by level."""

    def __init__(self, count: Callable[[int, Mapping[str, str]], None]) -> None:
        super().__init__(logging.WARNING)
        self._count = count

    def emit(self, record: logging.LogRecord) -> None:
        self._count(1, {"level": "error" if record.levelno >= logging.ERROR else "warning"})


@contextmanager
def _counted(provider: MeterProvider) -> Iterator[None]:
    counter = provider.get_meter("vidmesh").create_counter(
        "vidmesh_log_records", description="What was logged as a warning or worse"
    )
    for level in ("warning", "error"):
        counter.add(0, {"level": level})
    handler = _Counting(counter.add)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


@asynccontextmanager
async def open_gauges(
    pool: Pool,
    *,
    service: str,
    listen: str,
    answers: Mapping[str, Callable[[], bool]] | None = None,
    figures: Sequence[Figure] = (),
) -> AsyncIterator[Gauges]:
    """Serve the figures to Prometheus at `http://<listen>/metrics`. Raises OSError where the address is taken.

    `answers` tell, without waiting, whether a part such as "bus" can be relied on; `figures` are the service's own.
    """
    host, _, port = listen.rpartition(":")
    provider = MeterProvider(
        resource=Resource.create({SERVICE_NAME: f"vidmesh-{service}"}),
        metric_readers=[PrometheusMetricReader()],
        shutdown_on_exit=False,
    )
    server, thread = start_http_server(int(port), addr=host.strip("[]"))
    log.info("metrics on http://%s/metrics", listen)
    try:
        with _counted(provider):
            yield Gauges(pool, provider, answers=answers or {}, figures=figures)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        provider.shutdown()
