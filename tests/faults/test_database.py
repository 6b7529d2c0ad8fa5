"""PostgreSQL dies, throws its clients out and stands still, and heals."""

import asyncio
from collections import Counter

from tests.faults.mesh import Mesh
from tests.faults.reckoning import Reckoning
from tests.faults.talks import Speaker, until_told
from vidmesh.error import VidmeshError

TERMINATE = "select pg_terminate_backend(pid) from pg_stat_activity where usename like 'vidmesh_%'"


async def test_postgres_killed_in_the_middle_is_unavailable_and_then_heals(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh, tenant: str
) -> None:
    one = await speaker.speak(60)
    await until_told(one, "window_transcribed")
    refused: Counter[str] = Counter()

    async def ask() -> None:
        async with mesh.client(tenant, attempts=1) as client:
            while True:
                try:
                    await client.job(one.job.id)
                    [_ async for _ in client.videos()]
                except VidmeshError as error:
                    refused[error.reason] += 1
                await asyncio.sleep(0.02)

    asking = asyncio.create_task(ask())
    await mesh.kill("postgres")
    await mesh.answering("postgres")
    assert await reckoning.reckon([one]) == []
    asking.cancel()
    assert set(refused) == {"UNAVAILABLE"}, refused


async def test_connections_ended_again_and_again_have_no_double_effect(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh
) -> None:
    jobs = [await speaker.speak(40) for _ in range(2)]

    async def terminate() -> None:
        async with mesh.database("public") as connection:
            for _ in range(8):
                await connection.execute(TERMINATE)
                await asyncio.sleep(0.4)

    with mesh.outlived():
        terminating = asyncio.create_task(terminate())
        jobs.append(await speaker.speak())
        await terminating
        assert await reckoning.reckon(jobs) == []


async def test_connections_that_are_cut_or_stand_still_are_outlasted(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh
) -> None:
    one = await speaker.speak(40)
    await until_told(one, "window_ready")
    for _ in range(2):
        await mesh.cut("postgres")
        await asyncio.sleep(0.3)
    async with mesh.stalled("postgres", from_far=False):
        await asyncio.sleep(1)
    async with mesh.stalled("postgres", to_far=False):
        await asyncio.sleep(1)
    async with mesh.slowed("postgres", 0.005):
        two = await speaker.speak()
        await until_told(two, "window_ready")
    async with mesh.cut_off("postgres"):
        await asyncio.sleep(1)
    assert await reckoning.reckon([one, two]) == []
