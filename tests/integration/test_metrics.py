"""Metrics as Prometheus reads them, over HTTP, of a real service's tables."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

import httpx
from google.protobuf.timestamp_pb2 import Timestamp
from prometheus_client.parser import text_string_to_metric_families

from vidmesh_runtime import work
from vidmesh_runtime.database import RUNTIME_MIGRATIONS, Pool, migrate, open_pool
from vidmesh_runtime.metrics import Figure, Gauges, open_gauges
from vidmesh_stack.ports import free_port


async def read(gauges: Gauges, address: str) -> dict[tuple[str, str, str], float]:
    """What Prometheus sees after a look: values by name, state and priority."""
    await gauges.look()
    return await told(address, "state", "priority")


async def told(address: str, first: str, second: str) -> dict[tuple[str, str, str], float]:
    """What Prometheus sees: values by name and two labels."""
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://{address}/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, sample.labels.get(first, ""), sample.labels.get(second, "")): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name.startswith("vidmesh_")
    }


async def test_depth_and_age_of_the_queue(environment: Callable[[str], dict[str, str]]) -> None:
    address = f"127.0.0.1:{free_port()}"
    async with open_pool(environment("ingest")["VIDMESH_DATABASE_URL"], schema="ingest") as pool:
        await migrate(pool, schema="ingest", folders=[RUNTIME_MIGRATIONS])
        async with open_gauges(pool, service="ingest", listen=address) as gauges:
            empty = await read(gauges, address)
            assert set(empty.values()) == {0.0}
            assert ("vidmesh_work_pieces", "ready", "high") in empty

            async with pool.acquire() as connection, connection.transaction():
                for index in range(3):
                    await work.add(
                        connection,
                        stage="ingest",
                        kind="video",
                        key=str(index),
                        tenant="acme",
                        job_id=f"job-{index}",
                        video_id="v",
                        payload=Timestamp(),
                        priority="low",
                        delay=timedelta(hours=1) if index == 2 else timedelta(0),
                    )
            lease = await work.claim(pool, lease=timedelta(seconds=30), attempts=4)
            assert lease is not None
            await pool.execute(
                "update work set due_at = due_at - interval '90 seconds' where due_at <= now()"
            )
            await pool.execute("update outbox set created_at = created_at - interval '30 seconds'")
            full = await read(gauges, address)
            assert full["vidmesh_work_pieces", "ready", "low"] == 2
            assert full["vidmesh_work_pieces", "leased", "low"] == 1
            assert full["vidmesh_work_age_seconds", "ready", "low"] >= 90
            assert full["vidmesh_work_pieces", "ready", "high"] == 0
            assert full["vidmesh_outbox_messages", "", ""] == 3
            assert full["vidmesh_outbox_age_seconds", "", ""] >= 30

    # The address is free again, and a second life starts from nothing.
    async with open_pool(environment("query")["VIDMESH_DATABASE_URL"], schema="query") as pool:
        await migrate(pool, schema="query", folders=[RUNTIME_MIGRATIONS])
        async with open_gauges(pool, service="query", listen=address) as gauges:
            assert set((await read(gauges, address)).values()) == {0.0}


async def test_what_answers_what_was_logged_and_a_figure_of_the_services_own(
    environment: Callable[[str], dict[str, str]],
) -> None:
    address = f"127.0.0.1:{free_port()}"
    bus = {"takes": True}

    async def migrations(pool: Pool) -> float:
        return float(await pool.fetchval("select count(*) from work"))

    async with open_pool(environment("ingest")["VIDMESH_DATABASE_URL"], schema="ingest") as pool:
        await migrate(pool, schema="ingest", folders=[RUNTIME_MIGRATIONS])
        async with open_gauges(
            pool,
            service="ingest",
            listen=address,
            answers={"bus": lambda: bus["takes"]},
            figures=[Figure(name="vidmesh_own", description="Its own", read=migrations)],
        ) as gauges:
            await seen(gauges, address, ("vidmesh_answers", "database", ""), 1)
            values = await told(address, "dependency", "level")
            assert values["vidmesh_answers", "bus", ""] == 1
            assert values["vidmesh_own", "", ""] == 0
            assert values["vidmesh_log_records_total", "", "error"] == 0

            logging.getLogger("vidmesh").error("a fault")
            logging.getLogger("vidmesh").info("no fault")
            assert (await told(address, "dependency", "level"))["vidmesh_log_records_total", "", "error"] == 1

            bus["takes"] = False
            await pool.close()
            await seen(gauges, address, ("vidmesh_answers", "database", ""), 0)
            assert (await told(address, "dependency", "level"))["vidmesh_answers", "bus", ""] == 0


async def seen(gauges: Gauges, address: str, key: tuple[str, str, str], value: float) -> None:
    """Let it look until a value is told."""
    looking = asyncio.create_task(gauges.run())
    try:
        async with asyncio.timeout(30):
            while (await told(address, "dependency", "level")).get(key) != value:
                await asyncio.sleep(0.05)
    finally:
        looking.cancel()
