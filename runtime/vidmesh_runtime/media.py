"""The media store: objects too large for the database and the bus, in a local folder or in S3 and its kin."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.errors import Failure

CHUNK = 1 << 20
_FULL = re.compile(r"os error (28|122)\b|QuotaExceeded|XMinioStorageFull|InsufficientStorage")
"""How stores tell that they are full: ENOSPC and EDQUOT of a folder, and what S3's kin say."""
_UNFINISHED = re.compile(r"#\d+$")
"""How the local store names a file until it is whole."""


class MediaStore:
    """Objects by key. A key is a path of names with slashes between; a tenant's begin with the tenant."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._folder: Path | None = None
        if parts.scheme == "file":
            self._folder = Path(unquote(parts.path))
            self._folder.mkdir(parents=True, exist_ok=True)
            self._store: ObjectStore = LocalStore(self._folder, mkdir=True)
        else:
            self._store = from_url(url)

    async def put(self, key: str, data: bytes) -> None:
        """Write an object; it is there whole or not at all. Raises Failure where the store is full or away."""
        with _translated():
            await obstore.put_async(self._store, key, data)

    async def put_file(self, key: str, path: Path) -> None:
        """Write an object from a file, in parts. Raises Failure where the store is full or away."""
        with _translated():
            await obstore.put_async(self._store, key, path)

    async def put_stream(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        """Write an object from chunks as they come."""
        async with obstore.open_writer_async(self._store, key) as writer:
            async for chunk in chunks:
                await writer.write(chunk)

    async def get(self, key: str) -> bytes:
        """An object's bytes. Raises FileNotFoundError."""
        result = await obstore.get_async(self._store, key)
        return bytes(await result.bytes_async())

    async def read(self, key: str, *, chunk: int = CHUNK) -> AsyncIterator[bytes]:
        """An object's bytes in chunks. Raises FileNotFoundError."""
        result = await obstore.get_async(self._store, key)
        async for part in result.stream(min_chunk_size=chunk):
            yield bytes(part)

    async def piece(self, key: str, start: int, length: int) -> bytes:
        """At most `length` bytes of an object from `start` on, which is before its end. Raises FileNotFoundError."""
        result = await obstore.get_async(self._store, key, options={"range": (start, start + length)})
        return bytes(await result.bytes_async())

    async def size(self, key: str) -> int:
        """An object's size in bytes. Raises FileNotFoundError."""
        return int((await obstore.head_async(self._store, key))["size"])

    async def delete(self, key: str) -> None:
        """Delete an object; nothing happens where there is none."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return

    async def delete_folder(self, prefix: str) -> None:
        """Delete every object whose key begins with `prefix` and a slash, and what was left of writing others there."""
        async for batch in obstore.list(self._store, prefix):
            await obstore.delete_async(self._store, [entry["path"] for entry in batch])
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder / prefix, ignore_errors=True)

    async def delete_unfinished(self, prefix: str) -> None:
        """Delete what writers have left who died in the middle of objects right below `prefix`; nobody may be writing there.

        In a local folder these are files beside the objects. Of parts that are on their way to S3 it knows nothing: a
        rule of the bucket's own lets them expire.
        """
        if self._folder is not None:
            await asyncio.to_thread(_delete_unfinished, self._folder / prefix)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the store's errors into failures that say what is wrong with it."""
    try:
        yield
    except BaseError as error:
        if _FULL.search(str(error)):
            raise Failure(ErrorReason.ERROR_REASON_RESOURCE_EXHAUSTED, "The media store is full.") from error
        raise Failure(
            ErrorReason.ERROR_REASON_UNAVAILABLE, "The media store cannot be written to."
        ) from error


def _delete_unfinished(folder: Path) -> None:
    for path in folder.glob("*#*"):
        if _UNFINISHED.search(path.name):
            path.unlink(missing_ok=True)
