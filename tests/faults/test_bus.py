"""The bus dies, is emptied, cut off and flooded, and nothing is lost or done twice."""

import asyncio
import uuid

import nats
from nats.aio.msg import Msg

from tests.conftest import SERVICES
from tests.faults.mesh import Mesh
from tests.faults.reckoning import Accepted, Reckoning, kind
from tests.faults.soak.deeds import empty_folder
from tests.faults.talks import Speaker, until_told
from vidmesh.client import AsyncClient
from vidmesh_runtime.bus import EVENTS, HEADER_DEDUPE, HEADER_ID, HEADER_NUMBER, WORK, work_consumer

ROUNDS = 3


async def test_nats_killed_again_and_again_loses_nothing(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh
) -> None:
    jobs: list[Accepted] = []
    with mesh.outlived():
        for _ in range(ROUNDS):
            jobs.append(await speaker.speak(30))
            await until_told(jobs[-1], "window_ready")
            await mesh.kill("nats")
            await mesh.answering("nats")
        assert await reckoning.reckon(jobs) == []


async def test_a_bus_that_lost_its_disk_is_filled_again(
    speaker: Speaker, client: AsyncClient, mesh: Mesh, tenant: str
) -> None:
    ended, running = await speaker.speak(), await speaker.speak(60)
    await until_told(ended, "job_ended")
    await until_told(running, "window_transcribed", 2)
    async with mesh.away("nats"):
        waiting = await speaker.speak(watched=False)
        empty_folder(mesh.data / "nats")
    assert await Reckoning(mesh, client, tenant).reckon([ended, running, waiting]) == []


async def test_streams_and_consumers_that_are_deleted_are_made_again(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh
) -> None:
    one = await speaker.speak(60)
    await until_told(one, "window_transcribed")
    before = {service: mesh.logged(service) for service in SERVICES}
    async with mesh.bus() as bus:
        for service in SERVICES:
            for name in ("inbox", "control"):
                await bus.jetstream.delete_consumer(EVENTS, f"{service}-{name}")
        for stage in ("ingest", "transcribe", "summarize", "index"):
            await bus.jetstream.delete_consumer(WORK, work_consumer(stage))
        two = await speaker.speak()
        await until_told(two, "window_ready")
        await bus.jetstream.delete_stream(WORK)
    assert await reckoning.reckon([one, two]) == []
    for service in SERVICES:
        told = mesh.logged(service)[len(before[service]) :]
        assert told.count("making it again") <= 10, "who finds a consumer gone does not ask without end"


async def test_a_job_submitted_while_nats_is_away_runs_later(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh
) -> None:
    async with mesh.away("nats"):
        before = len(mesh.logged("ingest"))
        one = await speaker.speak(watched=False)
        async with asyncio.timeout(60):
            while "outbox:" not in mesh.logged("ingest")[before:]:
                await asyncio.sleep(0.1)
        two = await speaker.speak(watched=False)
    assert await reckoning.reckon([one, two]) == []


async def test_connections_to_nats_that_are_cut_or_stand_still_are_outlasted(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh
) -> None:
    one = await speaker.speak(60)
    await until_told(one, "window_ready")
    for _ in range(3):
        await mesh.cut("nats")
        await asyncio.sleep(0.3)
    async with mesh.stalled("nats", to_far=False):
        two = await speaker.speak(watched=False)
        await asyncio.sleep(2)
    async with mesh.slowed("nats", 0.02):
        three = await speaker.speak(watched=False)
    assert await reckoning.reckon([one, two, three]) == []


async def test_every_message_told_ten_times_with_new_ids_has_one_effect(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh, tenant: str
) -> None:
    """As by a broker that has forgotten which messages it had, and by a stage that told its facts anew."""
    repeated: set[str] = set()

    async def repeat(message: Msg) -> None:
        headers = dict(message.headers or {})
        if not headers.get(HEADER_NUMBER) or headers[HEADER_ID] in repeated:
            return
        headers.pop(HEADER_DEDUPE, None)
        for _ in range(10):
            headers[HEADER_ID] = str(uuid.uuid4())
            repeated.add(headers[HEADER_ID])
            await client.publish(message.subject, message.data, headers=headers)

    async def repeat_work(message: Msg) -> None:
        if message.data != b"again":
            for _ in range(10):
                await client.publish(message.subject, b"again")

    client = await nats.connect(mesh.stack.nats_url())
    try:
        await client.subscribe(f"events.{tenant}.>", cb=repeat)
        await client.subscribe("work.>", cb=repeat_work)
        one = await speaker.speak()
        assert await reckoning.reckon([one]) == []
    finally:
        await client.close()
    assert len(repeated) >= 10 * len([event for event in one.watched if event.number])
    rows = await mesh.rows("transcribe", "select count(*) as pieces from work where job_id = $1", one.job.id)
    assert rows[0]["pieces"] == sum(kind(event) == "window_ready" for event in one.watched)
