"""What each service's user may say and hear on a real NATS."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.errors import Error as NatsError

from tests.conftest import SERVICES
from vidmesh_runtime.grants import STAGES
from vidmesh_stack.nats import nats_server
from vidmesh_stack.ports import free_port
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN_STREAM = {"name": "EVENTS", "subjects": ["events.>"]}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """NATS and PostgreSQL, with the streams that services make."""
    data = tmp_path_factory.mktemp("mesh")
    async with Stack(StackSettings(data=data, port=0, services={})) as stack:
        async with connected(stack.nats_url()) as (operator, _):
            for name, subject in (("EVENTS", "events.>"), ("WORK", "work.>"), ("DEAD", "dead.>")):
                await operator.jetstream().add_stream(name=name, subjects=[subject], allow_direct=True)
            for service in SERVICES:
                await operator.jetstream().add_consumer("EVENTS", durable_name=f"{service}-inbox")
        yield stack


@asynccontextmanager
async def connected(url: str, service: str = "nobody") -> AsyncIterator[tuple[Client, list[str]]]:
    """A client, and what the server has refused it."""
    refused: list[str] = []

    async def told(error: Exception) -> None:
        refused.append(str(error).lower())

    client = await nats.connect(url, error_cb=told, inbox_prefix=f"_INBOX.{service}")
    try:
        yield client, refused
    finally:
        await client.close()


def other_than(service: str) -> str:
    return next(one for one in SERVICES if one != service)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_speaks_for_itself_alone(stack: Stack, service: str) -> None:
    other = other_than(service)
    async with connected(stack.nats_url(service), service) as (client, refused):
        own = f"events.acme.j1.{STAGES[service]}.told"
        await client.jetstream().publish(own, b"of mine", timeout=10)
        assert refused == []
        denied = [
            f"events.acme.j1.{STAGES[other]}.told",
            f"work.{STAGES[other]}.normal",
            f"dead.{STAGES[other]}",
            f"$JS.ACK.EVENTS.{other}-inbox.1.1.1.1.0",
            f"_INBOX.{other}.x.y",
            *([] if service == "ingest" else ["control.cancel.j1"]),
        ]
        for subject in denied:
            await client.publish(subject, b"of another's")
        await client.flush()
        await asyncio.sleep(0.2)
    assert [subject for subject in denied if f'"{subject.lower()}"' not in " ".join(refused)] == []


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_changes_no_stream_and_takes_nobody_elses_messages(
    stack: Stack, service: str
) -> None:
    other = other_than(service)
    async with connected(stack.nats_url(service), service) as (client, _):
        for asked, request in (
            ("STREAM.DELETE.EVENTS", {}),
            ("STREAM.PURGE.EVENTS", {}),
            ("STREAM.UPDATE.EVENTS", OWN_STREAM),
            ("STREAM.MSG.DELETE.EVENTS", {"seq": 1}),
            (f"CONSUMER.DURABLE.CREATE.EVENTS.{other}-inbox", {}),
            (f"CONSUMER.DELETE.EVENTS.{other}-inbox", {}),
            (f"CONSUMER.DELETE.EVENTS.{service}-inbox", {}),
            (f"CONSUMER.MSG.NEXT.EVENTS.{other}-inbox", {"batch": 1, "no_wait": True}),
        ):
            with pytest.raises((NatsError, TimeoutError)):
                await client.request(f"$JS.API.{asked}", json.dumps(request).encode(), timeout=0.3)
    async with connected(stack.nats_url()) as (operator, _):
        consumers = await operator.jetstream().consumers_info("EVENTS")
        assert {f"{one}-inbox" for one in SERVICES} <= {one.name for one in consumers}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_hears_its_own_answers_alone(stack: Stack, service: str) -> None:
    other = other_than(service)
    async with connected(stack.nats_url(service), service) as (client, refused):
        wanted = ["events.>", "work.>", "_INBOX.>", f"_INBOX.{other}.>", "$JS.API.>", ">"]
        for subject in wanted:
            await client.subscribe(subject)
        await client.flush()
        await asyncio.sleep(0.2)
    assert [subject for subject in wanted if f'"{subject.lower()}"' not in " ".join(refused)] == []


async def test_composes_server_knows_the_services_by_their_passwords(tmp_path: Path) -> None:
    port, monitoring = free_port(), free_port()
    text = (ROOT / "deploy/nats.conf").read_text()
    for before, after in (
        ("0.0.0.0:4222", f"127.0.0.1:{port}"),
        ("0.0.0.0:8222", f"127.0.0.1:{monitoring}"),
        ("/data", str(tmp_path / "data")),
    ):
        assert before in text
        text = text.replace(before, after)
    (tmp_path / "nats.conf").write_text(text)
    (tmp_path / "nats-users.conf").write_text((ROOT / "deploy/nats-users.conf").read_text())
    # A password in hexadecimal figures may look like a number.
    told = {f"{service.upper()}_PASSWORD": f'"12e{place}"' for place, service in enumerate(SERVICES)}
    server = await asyncio.create_subprocess_exec(
        nats_server(), "--config", str(tmp_path / "nats.conf"), env={**os.environ, **told}
    )
    try:
        for place, service in enumerate(SERVICES):
            async with connected(f"nats://{service}:12e{place}@127.0.0.1:{port}", service) as (client, _):
                assert client.is_connected
        with pytest.raises((NatsError, OSError, TimeoutError)):
            await nats.connect(f"nats://127.0.0.1:{port}", max_reconnect_attempts=1, allow_reconnect=False)
    finally:
        server.terminate()
        await server.wait()
