"""The one way out: a forward HTTP proxy that checks where every connection leads.

It runs inside the service and listens on loopback. yt-dlp and plain downloads know no other way to the network, so that
redirects, manifests, segments and names that change their address between two look-ups all pass the same check: the name
is resolved once, the address is checked, and the connection is made to that very address. Without the proxy there is no
connection at all.
"""

import asyncio
import logging
import math
import secrets
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from vidmesh_ingest.address import Address, EgressRule, parse_address
from vidmesh_ingest.proxy_head import HeadError, RequestHead, parse_request, refusal, rewrite_response

log = logging.getLogger(__name__)

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]

_CHUNK = 1 << 16
_CONNECTIONS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressLimits:
    """How long the proxy waits. All in seconds."""

    head: float = 15.0
    """For a client's request."""

    connect: float = 10.0
    """For a connection to be made, one address after the other."""

    idle: float = 60.0
    """For the next byte in either direction."""


class Pass:
    """The right to use the proxy for one source, and what became of it."""

    def __init__(self, proxy_url: str, max_bytes: int, *, until: float = math.inf) -> None:
        """`until` is when it ends, by the event loop's clock."""
        self._max_bytes = max_bytes
        self.until = until
        self.connections: set[asyncio.Task[None]] = set()
        self.proxy_url = proxy_url
        """What a client is given as its proxy. Whoever has it can use the pass."""
        self.received = 0
        """How many bytes came in so far."""
        self.refused: str | None = None
        """The first host that the rule refused. None: all were allowed."""
        self.trouble: str | None = None
        """What the last connection that failed failed with, in a few words."""

    @property
    def exhausted(self) -> bool:
        """Whether more bytes came than the pass is good for; no more are let through."""
        return self.received > self._max_bytes

    @property
    def overdue(self) -> bool:
        """Whether its time is up; no more bytes are let through."""
        return asyncio.get_running_loop().time() > self.until


class Egress:
    """The proxy. An async context manager: it listens while it is entered."""

    def __init__(
        self, rule: EgressRule, *, limits: EgressLimits | None = None, resolve: Resolver | None = None
    ) -> None:
        """Connects where the rule allows it. `resolve` finds a host's addresses; default: as the system does."""
        self._rule = rule
        self._limits = limits or EgressLimits()
        self._resolve = resolve or _system_addresses
        self._passes: dict[str, Pass] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_CHUNK)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            self._passes.clear()
            await _end(self._connections)
            await self._server.wait_closed()

    @asynccontextmanager
    async def grant(self, max_bytes: int, max_seconds: float = math.inf) -> AsyncIterator[Pass]:
        """Gives a pass for `max_bytes` of answers within `max_seconds`. When it is left, connections made by it are closed."""
        token = secrets.token_urlsafe(24)
        granted = Pass(
            f"http://vidmesh:{token}@127.0.0.1:{self._port}",
            max_bytes,
            until=asyncio.get_running_loop().time() + max_seconds,
        )
        self._passes[token] = granted
        try:
            yield granted
        finally:
            self._passes.pop(token, None)
            await _end(granted.connections)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("a connection is served by a task")
        self._connections.add(task)
        try:
            async with asyncio.timeout(self._limits.head):
                head = parse_request(await reader.readuntil(b"\r\n\r\n"))
            granted = self._passes.get(head.token)
            if granted is None:
                writer.write(refusal(407, "Proxy Authentication Required", "unauthorized"))
            elif granted.exhausted:
                writer.write(refusal(403, "Too Large", "too-large"))
            elif granted.overdue:
                writer.write(refusal(403, "Too Late", "too-late"))
            elif len(granted.connections) >= _CONNECTIONS:
                writer.write(refusal(503, "Too Many Connections", "busy"))
            else:
                granted.connections.add(task)
                task.add_done_callback(granted.connections.discard)
                await self._serve(granted, head, reader, writer)
            await writer.drain()
        except HeadError as error:
            log.info("a malformed request: %s", error)
            writer.write(refusal(400, "Bad Request", "malformed"))
        except (asyncio.CancelledError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            _reset(writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(
        self, granted: Pass, head: RequestHead, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            origin = await self._connect(granted, head)
        except _NoConnectionError as error:
            granted.trouble = error.trouble
            writer.write(error.answer)
            return
        from_origin, to_origin = origin
        tunnel = _Tunnel(granted, self._limits.idle)
        try:
            if head.tunnel:
                writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
                await tunnel.run((from_origin, writer), (reader, to_origin))
            elif await self._exchanged(granted, head, reader, writer, origin):
                await tunnel.run((from_origin, writer))
        finally:
            to_origin.transport.abort()

    async def _exchanged(
        self,
        granted: Pass,
        head: RequestHead,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        origin: Ends,
    ) -> bool:
        try:
            async with asyncio.timeout(self._limits.idle):
                await self._exchange(head, reader, writer, *origin)
        except (HeadError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            granted.trouble = f"{head.host} did not answer as HTTP does"
            writer.write(refusal(502, "Bad Gateway", "malformed"))
            return False
        except TimeoutError:
            granted.trouble = f"{head.host} did not answer in time"
            writer.write(refusal(504, "Gateway Timeout", "timeout"))
            return False
        return True

    async def _exchange(
        self,
        head: RequestHead,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        from_origin: asyncio.StreamReader,
        to_origin: asyncio.StreamWriter,
    ) -> None:
        """Sends a request and its body on, and gives the head of the answer back. What follows is the answer's body."""
        to_origin.write(head.onward)
        missing = head.body
        while missing:
            data = await reader.read(min(missing, _CHUNK))
            if not data:
                raise ConnectionResetError("the client left")
            to_origin.write(data)
            await to_origin.drain()
            missing -= len(data)
        status = 100
        while status < 200:
            status, answer = rewrite_response(await from_origin.readuntil(b"\r\n\r\n"))
            writer.write(answer)

    async def _connect(self, granted: Pass, head: RequestHead) -> Ends:
        try:
            async with asyncio.timeout(self._limits.connect):
                addresses = await self._resolve(head.host, head.port)
        except (OSError, UnicodeError, ValueError) as error:
            raise _NoConnectionError(502, "Unknown Host", f"the name {head.host} is not known") from error
        allowed = [address for address in addresses if self._rule.allows(head.host, address, head.port)]
        if not allowed:
            granted.refused = granted.refused or head.host
            log.warning(
                "refused: %s port %d leads to %s", head.host, head.port, ", ".join(map(str, addresses))
            )
            raise _NoConnectionError(403, "Egress Refused", f"{head.host} is not on the public internet")
        trouble = f"{head.host} did not answer in time"
        for address in allowed:
            try:
                async with asyncio.timeout(self._limits.connect):
                    return await asyncio.open_connection(str(address), head.port, limit=_CHUNK)
            except TimeoutError:
                continue
            except OSError:
                trouble = f"{head.host} refused the connection"
        raise _NoConnectionError(502, "Unreachable", trouble)


class _NoConnectionError(Exception):
    def __init__(self, status: int, phrase: str, trouble: str) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.answer = refusal(status, phrase, phrase.lower().replace(" ", "-"))


class _Tunnel:
    """Carries bytes from the origin, and to it, until the origin has finished. What breaks it off raises an OSError."""

    def __init__(self, granted: Pass, idle: float) -> None:
        self._granted = granted
        self._idle = idle
        self._moved = 0.0

    async def run(self, back: Ends, out: Ends | None = None) -> None:
        self._moved = asyncio.get_running_loop().time()
        outward = asyncio.create_task(self._carry(*out, counted=False)) if out else None
        try:
            await self._carry(*back, counted=True)
        finally:
            if outward is not None:
                outward.cancel()
                await asyncio.gather(outward, return_exceptions=True)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        while data := await self._next(reader):
            if counted:
                self._granted.received += len(data)
                if self._granted.exhausted:
                    raise ConnectionAbortedError("the pass is used up")
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    async def _next(self, reader: asyncio.StreamReader) -> bytes:
        """The next bytes in this direction. Raises TimeoutError when nothing has moved in either for too long."""
        now = asyncio.get_running_loop().time
        while (left := min(self._moved + self._idle, self._granted.until) - now()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    data = await reader.read(_CHUNK)
                    self._moved = now()
                    return data
        raise TimeoutError("nothing moves, or the time of the pass is up")


def _reset(writer: asyncio.StreamWriter) -> None:
    """Breaks a connection off so that its client cannot take what it got for the whole."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    ending = tuple(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


async def _system_addresses(host: str, port: int) -> Sequence[Address]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(parse_address(str(entry[4][0])) for entry in found))
