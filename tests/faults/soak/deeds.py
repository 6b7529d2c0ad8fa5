"""Doing what the plan says."""

import asyncio
import random
import shutil
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import nats
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from tests.conftest import SERVICES
from tests.faults.mesh import Mesh
from tests.faults.soak.plan import Fault
from tests.faults.test_database import TERMINATE
from vidmesh_runtime.bus import EVENTS, HEADER_DEDUPE, HEADER_ID, WORK, work_consumer

STAGES = ("ingest", "transcribe", "summarize", "index")
Deed = Callable[[Mesh, Fault], Awaitable[None]]


async def kill(mesh: Mesh, fault: Fault) -> None:
    await mesh.kill(fault.part)
    await mesh.answering(fault.part)


async def restart(mesh: Mesh, fault: Fault) -> None:
    await mesh.restart(fault.part)


async def freeze(mesh: Mesh, fault: Fault) -> None:
    with mesh.frozen(fault.part):
        await asyncio.sleep(fault.seconds)


async def crash(mesh: Mesh, fault: Fault) -> None:
    if mesh.crashed(fault.part, fault.detail):
        mesh.arm(fault.part, fault.detail)


async def cut(mesh: Mesh, fault: Fault) -> None:
    await mesh.cut(fault.part)


async def cut_off(mesh: Mesh, fault: Fault) -> None:
    async with mesh.cut_off(fault.part):
        await asyncio.sleep(fault.seconds)


async def stall(mesh: Mesh, fault: Fault) -> None:
    async with mesh.stalled(fault.part, to_far=fault.detail != "from far", from_far=fault.detail != "to far"):
        await asyncio.sleep(fault.seconds)


async def slow(mesh: Mesh, fault: Fault) -> None:
    async with mesh.slowed(fault.part, 0.02):
        await asyncio.sleep(fault.seconds)


async def end_connections(mesh: Mesh, fault: Fault) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(fault.seconds), mesh.database("public") as connection:
            while True:
                await connection.execute(TERMINATE)
                await asyncio.sleep(0.3)


async def delete_consumers(mesh: Mesh, fault: Fault) -> None:
    async with mesh.bus() as bus:
        for stream, names in (
            (EVENTS, [f"{service}-{name}" for service in SERVICES for name in ("inbox", "control")]),
            (WORK, [work_consumer(stage) for stage in STAGES]),
        ):
            for name in names:
                with suppress(NatsError):
                    await bus.jetstream.delete_consumer(stream, name)


async def delete_stream(mesh: Mesh, fault: Fault) -> None:
    async with mesh.bus() as bus:
        with suppress(NatsError):
            await bus.jetstream.delete_stream(fault.detail)


async def empty(mesh: Mesh, fault: Fault) -> None:
    part, folder = {
        "nats": ("nats", mesh.data / "nats"),
        "vectors": ("query", mesh.data / "qdrant" / "vectors"),
    }[fault.part]
    async with mesh.away(part):
        await asyncio.to_thread(empty_folder, folder)


def empty_folder(folder: Path) -> None:
    """Delete what is in a folder, which may be a disk of its own."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


async def repeat_messages(mesh: Mesh, fault: Fault) -> None:
    """Tell again, with new ids, what is told meanwhile."""
    client = await nats.connect(mesh.stack.nats_url())
    ours: set[str] = set()

    async def repeat(message: Msg) -> None:
        headers = dict(message.headers or {})
        if HEADER_ID not in headers or headers[HEADER_ID] in ours:
            return
        headers.pop(HEADER_DEDUPE, None)
        for _ in range(random.randint(1, 5)):
            headers[HEADER_ID] = str(uuid.uuid4())
            ours.add(headers[HEADER_ID])
            await client.publish(message.subject, message.data, headers=headers)

    try:
        await client.subscribe("events.>", cb=repeat)
        await asyncio.sleep(fault.seconds)
    finally:
        await client.close()


async def fill(mesh: Mesh, fault: Fault) -> None:
    disk = mesh.disk(fault.part)
    with disk.full():
        await asyncio.sleep(fault.seconds)


DEEDS: dict[str, Deed] = {
    "kill": kill,
    "restart": restart,
    "freeze": freeze,
    "crash": crash,
    "cut": cut,
    "cut off": cut_off,
    "stall": stall,
    "slow": slow,
    "end connections": end_connections,
    "delete consumers": delete_consumers,
    "delete stream": delete_stream,
    "empty": empty,
    "repeat messages": repeat_messages,
    "fill": fill,
}
