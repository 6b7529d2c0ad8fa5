"""A wire between two parts that a test may cut, stall or slow down: a proxy over TCP or Unix sockets."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something listens: a port on loopback, or a Unix socket."""

    port: int = 0
    path: Path | None = None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.path is not None:
            return await asyncio.open_unix_connection(self.path)
        return await asyncio.open_connection("127.0.0.1", self.port)


class Wire:
    """Passes bytes between whoever connects to `place` and what is at its far end, or does not."""

    def __init__(self) -> None:
        self.delay = 0.0
        """Seconds that each chunk takes."""
        self.carried = 0
        """Bytes that callers have sent through it."""
        self._far: Place | None = None
        self._server: asyncio.Server | None = None
        self._calls: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}
        self._to_far, self._from_far = asyncio.Event(), asyncio.Event()
        self._refusing = False
        self._breaks_at: int | None = None

    async def open(self, near: Place) -> Place:
        """Listen at `near`, at a free port where it names none; where that is."""
        self.heal()
        if near.path is not None:
            self._server = await asyncio.start_unix_server(self._called, near.path)
            return near
        self._server = await asyncio.start_server(self._called, "127.0.0.1", near.port)
        return Place(port=self._server.sockets[0].getsockname()[1])

    def lead_to(self, far: Place) -> None:
        self._far = far

    def cut(self, *, for_good: bool = False) -> None:
        """End all connections without a word, and refuse new ones until it is healed where it is `for_good`."""
        self._refusing = for_good
        for writers in self._calls.values():
            for writer in writers:
                writer.transport.abort()

    def stall(self, *, to_far: bool = True, from_far: bool = True) -> None:
        """Keep connections open and let nothing pass: a half-open connection where it is one way alone."""
        if to_far:
            self._to_far.clear()
        if from_far:
            self._from_far.clear()

    def break_after(self, count: int) -> None:
        """Cut all connections when callers have sent so many bytes more, in the middle of a chunk if need be."""
        self._breaks_at = self.carried + count

    def heal(self) -> None:
        """Carry everything again."""
        self._refusing, self._breaks_at, self.delay = False, None, 0.0
        self._to_far.set()
        self._from_far.set()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in list(self._calls):
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._calls[task] = (writer,)
        try:
            if self._refusing or self._far is None:
                return
            far_reader, far_writer = await self._far.connect()
            self._calls[task] = (writer, far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, far_writer, self._to_far, counted=True))
                both.create_task(self._carry(far_reader, writer, self._from_far))
        except* OSError:
            pass  # who breaks off a connection here is what tests are for
        finally:
            for one in self._calls.pop(task):
                one.transport.abort()

    async def _carry(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        gate: asyncio.Event,
        *,
        counted: bool = False,
    ) -> None:
        while data := await source.read(CHUNK):
            await gate.wait()
            if self.delay:
                await asyncio.sleep(self.delay)
            if counted and self._breaks_at is not None and self.carried + len(data) >= self._breaks_at:
                sink.write(data[: self._breaks_at - self.carried])
                self.carried, self._breaks_at = self._breaks_at, None
                with suppress(OSError):
                    await sink.drain()
                self.cut()
                return
            if counted:
                self.carried += len(data)
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
