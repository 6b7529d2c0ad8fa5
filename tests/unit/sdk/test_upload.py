"""A file arrives whole, in pieces that the API takes, and a refusal in the middle is told."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from vidmesh import AsyncClient, VidmeshError
from vidmesh.ingest.v1.ingest_service_pb2 import UploadVideoRequest, UploadVideoResponse
from vidmesh.ingest.v1.upload_pb2 import Upload

Context = Any
MEBIBYTE = 1 << 20


class Receiver:
    """Takes an upload, at most so many bytes."""

    def __init__(self, most: int = 1 << 30) -> None:
        self._most = most
        self.header: UploadVideoRequest | None = None
        self.chunks: list[bytes] = []

    async def take(
        self, requests: AsyncIterator[UploadVideoRequest], context: Context
    ) -> UploadVideoResponse:
        async for request in requests:
            if request.WhichOneof("part") == "header":
                self.header = request
            else:
                self.chunks.append(request.chunk)
        # Only when all was read: grpc.aio may lose the status of a call that ends while its client writes.
        if sum(map(len, self.chunks)) > self._most:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "too large")
        return UploadVideoResponse(upload=Upload(id="u1", offset=sum(map(len, self.chunks))))


@pytest.mark.parametrize("size", [0, 1, 512 * 1024, 3 * MEBIBYTE + 17])
async def test_a_file_arrives_whole(mesh: Any, client: AsyncClient, tmp_path: Path, size: int) -> None:
    receiver = Receiver()
    mesh.methods["UploadVideo"] = receiver.take
    path = tmp_path / "talk.mp4"
    path.write_bytes(bytes(index % 251 for index in range(size)))
    told: list[tuple[int, int]] = []

    upload = await client.upload(path, progress=lambda sent, total: told.append((sent, total)))

    assert upload.id == "u1"
    assert b"".join(receiver.chunks) == path.read_bytes()
    assert all(0 < len(chunk) <= MEBIBYTE for chunk in receiver.chunks)
    assert receiver.header is not None
    assert receiver.header.header.filename == "talk.mp4"
    assert receiver.header.header.size_bytes == size
    assert receiver.header.header.request_id
    assert told[0] == (0, size)
    assert told[-1] == (size, size)
    assert told == sorted(told)


async def test_a_name_that_is_not_unicode_is_sent_as_well_as_can_be(
    mesh: Any, client: AsyncClient, tmp_path: Path
) -> None:
    receiver = Receiver()
    mesh.methods["UploadVideo"] = receiver.take
    path = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    path.write_bytes(b"x")

    await client.upload(path)

    assert receiver.header is not None
    assert receiver.header.header.filename == "caf?.mp4"


async def test_a_refusal_is_raised_in_its_own_words(mesh: Any, client: AsyncClient, tmp_path: Path) -> None:
    mesh.methods["UploadVideo"] = Receiver(most=MEBIBYTE).take
    path = tmp_path / "long.mp4"
    path.write_bytes(bytes(8 * MEBIBYTE))

    with pytest.raises(VidmeshError, match="too large"):
        await client.upload(path)


async def test_a_file_that_is_not_there_is_an_os_error(
    mesh: Any, client: AsyncClient, tmp_path: Path
) -> None:
    mesh.methods["UploadVideo"] = Receiver().take

    with pytest.raises(FileNotFoundError):
        await client.upload(tmp_path / "nothing.mp4")


async def test_a_file_that_cannot_be_read_to_its_end_is_an_os_error(
    mesh: Any, client: AsyncClient, tmp_path: Path
) -> None:
    mesh.methods["UploadVideo"] = Receiver().take

    with pytest.raises(IsADirectoryError):
        await client.upload(tmp_path)
