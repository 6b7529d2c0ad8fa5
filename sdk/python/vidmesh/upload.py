"""Sending a file in one stream."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from vidmesh.ingest.v1.ingest_service_pb2 import CreateUploadRequest, UploadVideoRequest

CHUNK = 512 * 1024
"""Bytes a message; the API takes at most 1 MiB."""


async def upload_messages(
    path: Path, *, request_id: str, progress: Callable[[int, int], None]
) -> AsyncIterator[UploadVideoRequest]:
    """Yield the header and then the chunks of a file; `progress` hears of the bytes sent and of those there are."""
    size = (await asyncio.to_thread(path.stat)).st_size
    header = CreateUploadRequest(filename=path.name, size_bytes=size, request_id=request_id)
    yield UploadVideoRequest(header=header)
    sent = 0
    progress(sent, size)
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield UploadVideoRequest(chunk=chunk)
            sent += len(chunk)
            progress(sent, size)
