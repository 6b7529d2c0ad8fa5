"""Sending a file in one stream."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vidmesh.ingest.v1.ingest_service_pb2 import CreateUploadRequest, UploadVideoRequest
from vidmesh.ingest.v1.upload_pb2 import Upload

if TYPE_CHECKING:
    from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceAsyncStub

CHUNK = 512 * 1024
"""Bytes a message; the API takes at most 1 MiB."""


async def upload_file(
    stub: "IngestServiceAsyncStub", path: Path, *, request_id: str, progress: Callable[[int, int], None]
) -> Upload:
    """Send a file; `progress` hears of the bytes sent and of those there are. Raises OSError where it cannot be read.

    The messages are written one by one: an error while gRPC reads an iterator of ours would reach us as a cancellation.
    """
    size = (await asyncio.to_thread(path.stat)).st_size
    call = stub.UploadVideo()
    try:
        name = path.name.encode(
            errors="replace"
        ).decode()  # a file's name need not be Unicode, the API's texts are
        header = CreateUploadRequest(filename=name, size_bytes=size, request_id=request_id)
        await call.write(UploadVideoRequest(header=header))
        sent = 0
        progress(sent, size)
        async for chunk in _chunks(path):
            await call.write(UploadVideoRequest(chunk=chunk))
            sent += len(chunk)
            progress(sent, size)
        await call.done_writing()
    except asyncio.InvalidStateError:
        pass  # the server has ended the call already; awaiting it tells why
    except BaseException:
        call.cancel()
        raise
    return (await call).upload


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
