"""Watches go on: through restarts of what is between them and the work, and a thousand of them leave nothing behind."""

import asyncio
from typing import Any

import grpc
import psutil  # type: ignore[import-untyped] # it publishes no types
import pytest

from tests.faults.mesh import Mesh
from tests.faults.reckoning import Reckoning, facts
from tests.faults.talks import Speaker, until_told
from vidmesh.client import AsyncClient
from vidmesh.error import VidmeshError
from vidmesh.ingest.v1.ingest_service_pb2 import WatchJobRequest
from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceStub

WATCHES = 1000


@pytest.mark.parametrize("parts", [("gateway",), ("ingest",), ("nats", "ingest")])
async def test_a_watch_goes_on_through_restarts(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh, parts: tuple[str, ...]
) -> None:
    one = await speaker.speak(60)
    await until_told(one, "window_transcribed", 2)
    for part in parts:
        await mesh.kill(part)
    for part in parts:
        await mesh.answering(part)
    assert await reckoning.reckon([one]) == []
    whole = [message.event async for message in speaker.client.watch(one.job.id)]
    assert facts(one.watched) == facts(whole)


async def test_an_open_watch_breaks_with_a_code_that_says_resume(
    speaker: Speaker, client: AsyncClient, reckoning: Reckoning, mesh: Mesh
) -> None:
    one = await speaker.speak(60, watched=False)

    async def read_until_it_breaks() -> None:
        async for _ in client.ingest.WatchJob(WatchJobRequest(job_id=one.job.id)):
            await mesh.kill("ingest")

    with pytest.raises(VidmeshError) as caught:
        await read_until_it_breaks()
    assert caught.value.code.name in ("UNAVAILABLE", "INTERNAL")
    await mesh.answering("ingest")
    assert await reckoning.reckon([one]) == []


async def test_a_thousand_watches_that_come_and_go_leave_nothing(
    speaker: Speaker, mesh: Mesh, tenant: str
) -> None:
    async with speaker.held(20, share=0.2) as (one, let_go):
        await until_told(one, "source_opened")
        request = WatchJobRequest(job_id=one.job.id)
        signed = (("authorization", f"Bearer {mesh.token(tenant)}"),)
        process = psutil.Process(mesh.process("ingest").pid)
        resident, files = [], []
        for _ in range(4):
            async with grpc.aio.insecure_channel(mesh.address("ingest")) as channel:
                stub = IngestServiceStub(channel)
                watches = [stub.WatchJob(request, metadata=signed) for _ in range(WATCHES)]
                first: list[Any] = await asyncio.gather(*(watch.read() for watch in watches))
                assert {answer.event.job_accepted.video_id for answer in first} == {one.job.video_id}
                for watch in watches:
                    watch.cancel()
            await asyncio.sleep(0.5)
            resident.append(process.memory_info().rss)
            files.append(process.num_fds())
        let_go()
        await until_told(one, "job_ended")
    # The first thousand makes room that the others use again.
    assert resident[-1] - resident[0] < 16 << 20, resident
    assert files[-1] <= files[0]
