"""Disks run full: what cannot be kept is refused or fails with its reason, and all goes on when there is room again."""

import asyncio
import uuid

from tests.faults import counted
from tests.faults.mesh import Mesh
from tests.faults.reckoning import Reckoning
from tests.faults.talks import Speaker
from vidmesh.client import AsyncClient
from vidmesh.error import VidmeshError
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.ingest.v1.ingest_service_pb2 import SubmitVideoRequest
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_FAILED, JOB_STATE_SUCCEEDED
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh_runtime.health import is_ready


async def test_a_full_disk_of_nats_is_told_and_outlasted(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh, tenant: str
) -> None:
    one = await speaker.speak(40)
    with mesh.disk("nats").full():
        two = await speaker.speak(watched=False)
        async with mesh.client(tenant, attempts=1) as client:
            refused = await refusal(client)
            assert (refused.reason, refused.retryable) == ("RESOURCE_EXHAUSTED", True)
            # What was taken on is read all the same.
            assert (await client.job(one.job.id)).id == one.job.id
        async with asyncio.timeout(30):
            while await asyncio.to_thread(is_ready, mesh.address("ingest")):
                await asyncio.sleep(0.1)
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(is_ready, mesh.address("ingest")):
            await asyncio.sleep(0.1)
    assert await reckoning.reckon([one, two]) == []


async def refusal(client: AsyncClient) -> VidmeshError:
    """What a submission is refused with."""
    async with asyncio.timeout(30):
        while True:
            source = Source(url=f"http://127.0.0.1:9/{uuid.uuid4()}.wav")
            try:
                job = (await client.ingest.SubmitVideo(SubmitVideoRequest(source=source))).job
                await client.cancel(job.id)
            except VidmeshError as error:
                if error.reason != "UNAVAILABLE":  # as at the gateway's first try after a service has stopped
                    return error
            await asyncio.sleep(0.2)


async def test_a_full_media_store_fails_the_job_with_its_reason_and_a_retry_mends_it(
    speaker: Speaker, client: AsyncClient, mesh: Mesh
) -> None:
    with mesh.disk("media").full():
        one = await speaker.speak(20)
        async with asyncio.timeout(30):
            while (job := await client.job(one.job.id)).state != JOB_STATE_FAILED:
                await asyncio.sleep(0.1)
        assert job.failure.reason == ErrorReason.ERROR_REASON_RESOURCE_EXHAUSTED
        assert job.failure.message == "The media store is full."
        assert not list(mesh.data.glob(f"services/ingest/jobs/{one.job.id}"))
        assert not [path for path in mesh.media.rglob("*") if path.is_file() and one.job.id in str(path)]
    await client.retry(one.job.id)
    async with asyncio.timeout(30):
        while (await client.job(one.job.id)).state != JOB_STATE_SUCCEEDED:
            await asyncio.sleep(0.1)
    said = " ".join([segment.text.strip() async for segment in client.segments(one.job.video_id)])
    assert said == counted.text(one.first, one.length)
