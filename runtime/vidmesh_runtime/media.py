"""The media store: objects too large for the database and the bus, in a local folder or in S3 and its kin."""

from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

CHUNK = 1 << 20


class MediaStore:
    """Objects by key. A key is a path of names with slashes between; a tenant's begin with the tenant."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "file":
            folder = Path(unquote(parts.path))
            folder.mkdir(parents=True, exist_ok=True)
            self._store: ObjectStore = LocalStore(folder, mkdir=True)
        else:
            self._store = from_url(url)

    async def put(self, key: str, data: bytes) -> None:
        """Write an object; it is there whole or not at all."""
        await obstore.put_async(self._store, key, data)

    async def put_file(self, key: str, path: Path) -> None:
        """Write an object from a file, in parts."""
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
        """Delete every object whose key begins with `prefix` and a slash."""
        async for batch in obstore.list(self._store, prefix):
            await obstore.delete_async(self._store, [entry["path"] for entry in batch])
