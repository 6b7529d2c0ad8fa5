"""Uploads broken anywhere and written by two at once: what arrives is what was sent."""

import asyncio
import hashlib
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from tests.faults.mesh import Mesh
from tests.faults.wire import Place, Wire
from vidmesh.client import AsyncClient
from vidmesh.error import VidmeshError
from vidmesh.ingest.v1.ingest_service_pb2 import (
    CompleteUploadRequest,
    CreateUploadRequest,
    GetUploadRequest,
    WriteUploadRequest,
)

SIZE = 3 << 20
CHUNK = 64 << 10


async def test_an_upload_broken_at_any_byte_goes_on_where_it_stands(
    mesh: Mesh, tenant: str, tmp_path: Path
) -> None:
    content = Random(31).randbytes(SIZE)
    file = tmp_path / "talk.bin"
    file.write_bytes(content)
    wire = Wire()
    near = await wire.open(Place())
    wire.lead_to(Place(port=int(urlsplit(mesh.stack.endpoint).port or 0)))
    breaks = sorted(Random(7).sample(range(1, SIZE), 6))

    async def break_there() -> None:
        for at in breaks:
            wire.break_after(max(1, at - wire.carried))
            while wire.carried < at:
                await asyncio.sleep(0.005)

    breaking = asyncio.create_task(break_there())
    try:
        async with AsyncClient(f"http://127.0.0.1:{near.port}", mesh.token(tenant)) as client:
            upload = await client.upload(file)
        await breaking
    finally:
        breaking.cancel()
        await wire.close()
    assert upload.sha256 == hashlib.sha256(content).hexdigest()
    assert wire.carried < 2 * SIZE, "what had arrived was not sent again"


async def test_of_a_chunk_that_overlaps_what_is_there_the_rest_is_taken(client: AsyncClient) -> None:
    content = Random(33).randbytes(3 * CHUNK)
    ingest = client.ingest
    upload = (await ingest.CreateUpload(CreateUploadRequest(filename="talk.bin"))).upload
    for at, end in [(0, CHUNK + 7), (CHUNK, 2 * CHUNK), (0, CHUNK), (CHUNK + 1, 3 * CHUNK)]:
        await ingest.WriteUpload(WriteUploadRequest(upload_id=upload.id, offset=at, data=content[at:end]))
    whole = (await ingest.CompleteUpload(CompleteUploadRequest(upload_id=upload.id))).upload
    assert (whole.offset, whole.sha256) == (len(content), hashlib.sha256(content).hexdigest())


async def test_two_who_write_at_once_and_gaps_are_refused_and_spoil_nothing(client: AsyncClient) -> None:
    content = Random(32).randbytes(16 * CHUNK)
    upload = (
        await client.ingest.CreateUpload(CreateUploadRequest(filename="talk.bin", size_bytes=len(content)))
    ).upload
    refused: list[str] = []

    async def write() -> None:
        """Write the whole, from wherever the upload stands."""
        while (at := await offset()) < len(content):
            request = WriteUploadRequest(upload_id=upload.id, offset=at, data=content[at : at + CHUNK])
            try:
                await client.ingest.WriteUpload(request)
            except VidmeshError as error:
                refused.append(error.code.name)

    async def offset() -> int:
        return (await client.ingest.GetUpload(GetUploadRequest(upload_id=upload.id))).upload.offset

    with pytest.raises(VidmeshError) as caught:
        await client.ingest.WriteUpload(WriteUploadRequest(upload_id=upload.id, offset=1, data=b"gap"))
    assert (caught.value.code.name, caught.value.metadata["offset"]) == ("FAILED_PRECONDITION", "0")
    await asyncio.gather(*(write() for _ in range(4)))
    assert set(refused) <= {"ABORTED", "FAILED_PRECONDITION"}, refused
    whole = (await client.ingest.CompleteUpload(CompleteUploadRequest(upload_id=upload.id))).upload
    assert whole.sha256 == hashlib.sha256(content).hexdigest()
