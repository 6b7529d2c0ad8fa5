"""Quotas: a tenant that has as much as it may is told so; what it has stays, and others are not held up."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import grpc
import pytest

from tests import media
from tests.conftest import Keys
from tests.integration.ingest_service import Ingest, Refusal
from vidmesh.ingest.v1 import ingest_service_pb2 as api

Run = Callable[..., AbstractAsyncContextManager[Ingest]]


@pytest.fixture
def running(environment: Callable[[str], dict[str, str]], keys: Keys) -> Run:
    """A service with these quotas."""

    @asynccontextmanager
    async def run(**quotas: str) -> AsyncIterator[Ingest]:
        service = Ingest(environment("ingest"), keys)
        await service.start(**quotas)
        try:
            yield service
        finally:
            assert service.stop() == 0
            await service.channel.close()

    return run


def spoken(path: Path, *, seconds: float) -> bytes:
    media.write(path, media.speech(seconds))
    return path.read_bytes()


async def refused(call: Awaitable[object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await call
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caught.value.reason == "RESOURCE_EXHAUSTED"
    return caught.value


async def test_no_more_jobs_are_open_than_allowed(running: Run) -> None:
    async with running(VIDMESH_QUOTA_OPEN_JOBS="2") as ingest:
        # Nobody transcribes here, so these stay open.
        first = await ingest.submit(url="http://127.0.0.1:9/a.mp3")
        await ingest.submit(url="http://127.0.0.1:9/b.mp3")
        told = await refused(ingest.submit(url="http://127.0.0.1:9/c.mp3"))
        assert told.metadata["quota"] == "open_jobs"
        assert "VIDMESH_QUOTA_OPEN_JOBS allows 2" in str(told)
        assert (await ingest.submit(url="http://127.0.0.1:9/a.mp3")).existing
        elsewhere = api.SubmitVideoRequest()
        elsewhere.source.url = "http://127.0.0.1:9/c.mp3"
        await ingest.call("SubmitVideo", elsewhere, tenant="other")
        await ingest.call("CancelJob", api.CancelJobRequest(job_id=first.job.id))
        assert not (await ingest.submit(url="http://127.0.0.1:9/c.mp3")).existing


async def test_no_more_minutes_are_taken_than_allowed(running: Run, tmp_path: Path) -> None:
    data = spoken(tmp_path / "talk.wav", seconds=12)
    async with running(VIDMESH_QUOTA_MINUTES="0.1") as ingest:
        job = (await ingest.submit(upload_id=await ingest.upload(data))).job
        await ingest.events(job.id, "source_ingested")
        told = await refused(ingest.submit(url="http://127.0.0.1:9/b.mp3"))
        assert (told.metadata["quota"], told.metadata["limit"]) == ("minutes", "0.1")


async def test_no_more_is_stored_than_allowed(running: Run, tmp_path: Path) -> None:
    data = spoken(tmp_path / "talk.wav", seconds=4)
    async with running(VIDMESH_QUOTA_BYTES=str(len(data) * 5 // 2)) as ingest:
        upload = await ingest.upload(data)
        job = (await ingest.submit(upload_id=upload)).job
        await ingest.events(job.id, "source_ingested")
        # The kept source counts, and what is announced does before it comes.
        waiting = (
            await ingest.call("CreateUpload", api.CreateUploadRequest(filename="b.wav", size_bytes=len(data)))
        ).upload
        more = api.CreateUploadRequest(filename="c.wav", size_bytes=len(data))
        told = await refused(ingest.call("CreateUpload", more))
        assert told.metadata["quota"] == "bytes"
        await ingest.call(
            "WriteUpload", api.WriteUploadRequest(upload_id=waiting.id, offset=0, data=data[:1000])
        )


async def test_an_upload_of_unknown_size_is_cut_off_at_the_quota_and_leaves_nothing(
    running: Run, environment: Callable[[str], dict[str, str]]
) -> None:
    async with running(VIDMESH_QUOTA_BYTES="100000") as ingest:
        created = await ingest.call("CreateUpload", api.CreateUploadRequest(filename="endless.wav"))
        upload_id = created.upload.id
        chunk = bytes(60_000)
        await ingest.call("WriteUpload", api.WriteUploadRequest(upload_id=upload_id, offset=0, data=chunk))
        told = await refused(
            ingest.call(
                "WriteUpload", api.WriteUploadRequest(upload_id=upload_id, offset=len(chunk), data=chunk)
            )
        )
        assert told.metadata["quota"] == "bytes"
        with pytest.raises(Refusal) as gone:
            await ingest.call("GetUpload", api.GetUploadRequest(upload_id=upload_id))
        assert gone.value.reason == "NOT_FOUND"
        folder = Path(environment("ingest")["VIDMESH_DATA_DIR"]) / "uploads"
        assert list(folder.iterdir()) == []
        await ingest.call("CreateUpload", api.CreateUploadRequest(filename="small.wav", size_bytes=90_000))
