"""A web site on loopback that gives a file as fast as it is told to, and notes how far it has come."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_SLICES = 50
"""How many times a second bytes are sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The file and who fetched how much of it."""

    port: int
    size: int
    """Bytes of the file."""
    sent: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    """For each path, when (`time.monotonic`) how many of the file's bytes had been sent."""

    def url(self, name: str) -> str:
        """A link to the file. Each name is another source to the mesh."""
        return f"http://127.0.0.1:{self.port}/{name}.mp3"


@asynccontextmanager
async def serving(path: Path, *, seconds: float) -> AsyncIterator[Site]:
    """The file on a port of its own, each download of the whole lasting `seconds`. Ranges are answered."""
    data = await asyncio.to_thread(path.read_bytes)
    rate = len(data) / seconds

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            begin = _range(head)
            writer.write(_head(begin, len(data)))
            told = site.sent.setdefault(head.split(" ")[1], [])
            await _pour(
                writer, data[begin:], rate, lambda sent: told.append((time.monotonic(), begin + sent))
            )
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    site = Site(port=server.sockets[0].getsockname()[1], size=len(data))
    try:
        yield site
    finally:
        server.close()


def _range(head: str) -> int:
    lines = [line.lower() for line in head.split("\r\n")]
    asked = next((line for line in lines if line.startswith("range: bytes=")), "")
    return int(asked.removeprefix("range: bytes=").partition("-")[0] or 0)


def _head(begin: int, size: int) -> bytes:
    status = f"206 Partial Content\r\nContent-Range: bytes {begin}-{size - 1}/{size}" if begin else "200 OK"
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: audio/mpeg\r\nContent-Length: {size - begin}\r\n"
        'ETag: "1"\r\nAccept-Ranges: bytes\r\nConnection: close\r\n\r\n'
    ).encode()


async def _pour(writer: asyncio.StreamWriter, data: bytes, rate: float, tell: Callable[[int], None]) -> None:
    """Send the bytes at an even rate, whatever the machine was busy with in between."""
    began, sent = time.monotonic(), 0
    while sent < len(data):
        due = min(len(data), int((time.monotonic() - began) * rate) + 1)
        writer.write(data[sent:due])
        await writer.drain()
        sent = due
        tell(sent)
        await asyncio.sleep(1 / _SLICES)
