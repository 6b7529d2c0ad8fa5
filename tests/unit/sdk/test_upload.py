"""A file arrives whole, in pieces that the API takes and over breaks, and a refusal in the middle is told."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from tests.unit.sdk.conftest import Receiver
from vidmesh import AsyncClient, UploadProgress, VidmeshError
from vidmesh.ingest.v1.ingest_service_pb2 import WriteUploadRequest, WriteUploadResponse

MEBIBYTE = 1 << 20


def write(path: Path, size: int) -> Path:
    path.write_bytes(bytes(index % 251 for index in range(size)))
    return path


@pytest.mark.parametrize("size", [1, MEBIBYTE, 3 * MEBIBYTE + 17])
async def test_a_file_arrives_whole(
    receiver: Receiver, client: AsyncClient, tmp_path: Path, size: int
) -> None:
    path = write(tmp_path / "talk.mp4", size)
    told: list[UploadProgress] = []

    upload = await client.upload(path, progress=told.append)

    assert upload.id == "u1"
    assert receiver.received == path.read_bytes()
    assert all(0 < length <= MEBIBYTE for length in receiver.chunks)
    assert receiver.header is not None
    assert receiver.header.filename == "talk.mp4"
    assert receiver.header.size_bytes == size
    assert receiver.header.request_id
    assert (told[0].sent, told[0].size, told[0].upload_id) == (0, size, "u1")
    assert told[-1].sent == size
    assert [one.sent for one in told] == sorted(one.sent for one in told)
    assert told[-1].rate > 0
    assert told[-1].remaining == timedelta(0)


async def test_it_goes_on_over_breaks_where_the_mesh_stands(
    receiver: Receiver, client: AsyncClient, tmp_path: Path
) -> None:
    path = write(tmp_path / "talk.mp4", 3 * MEBIBYTE)
    receiver.losing = {1: "before", 2: "after"}
    told: list[UploadProgress] = []

    await client.upload(path, progress=told.append)

    assert receiver.received == path.read_bytes()
    interruptions = [one.interruption for one in told if one.interruption is not None]
    assert [problem.code for problem in interruptions] == [grpc.StatusCode.UNAVAILABLE] * 2


async def test_on_a_slow_line_chunks_become_smaller(mesh: Any, receiver: Receiver, tmp_path: Path) -> None:
    path = write(tmp_path / "talk.mp4", 2 * MEBIBYTE)

    async def slow(request: WriteUploadRequest, context: Any) -> WriteUploadResponse:
        await asyncio.sleep(60 if len(request.data) > 300_000 else 0)
        return await receiver.write(request, context)

    mesh.methods["WriteUpload"] = slow
    async with AsyncClient(mesh.endpoint, deadline=timedelta(seconds=1)) as client:
        await client.upload(path)

    assert receiver.received == path.read_bytes()
    assert set(receiver.chunks) == {MEBIBYTE // 4}


async def test_another_process_goes_on_with_an_upload(
    receiver: Receiver, client: AsyncClient, tmp_path: Path
) -> None:
    path = write(tmp_path / "talk.mp4", 3 * MEBIBYTE)
    receiver.losing = {2: "before"}
    with pytest.raises(VidmeshError):
        await client.upload(path, patience=timedelta(0))
    assert len(receiver.received) == 2 * MEBIBYTE

    upload = await client.upload(path, resume="u1")

    assert upload.offset == 3 * MEBIBYTE
    assert receiver.chunks == [MEBIBYTE] * 3
    assert receiver.received == path.read_bytes()
    assert (await client.upload(path, resume="u1")).offset == 3 * MEBIBYTE  # there is nothing left to send
    with pytest.raises(ValueError, match="was begun for"):
        await client.upload(write(tmp_path / "other.mp4", 5), resume="u1")


async def test_a_name_that_is_not_unicode_is_sent_as_well_as_can_be(
    receiver: Receiver, client: AsyncClient, tmp_path: Path
) -> None:
    await client.upload(write(tmp_path / os.fsdecode(b"caf\xe9.mp4"), 1))

    assert receiver.header is not None
    assert receiver.header.filename == "caf?.mp4"


async def test_a_refusal_is_raised_in_its_own_words(
    mesh: Any, receiver: Receiver, client: AsyncClient, tmp_path: Path
) -> None:
    async def refuse(request: object, context: Any) -> None:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "too large")

    mesh.methods["WriteUpload"] = refuse
    with pytest.raises(VidmeshError, match="too large"):
        await client.upload(write(tmp_path / "long.mp4", MEBIBYTE))


async def test_a_file_that_cannot_be_read_is_an_os_error_and_never_announced(
    receiver: Receiver, client: AsyncClient, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        await client.upload(tmp_path / "nothing.mp4")
    with pytest.raises(IsADirectoryError):
        await client.upload(tmp_path)
    assert receiver.header is None
