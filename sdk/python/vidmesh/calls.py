"""What every call gets on its way: the token, a deadline, a request id, another try; and a VidmeshError where it fails."""

import asyncio
import inspect
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import grpc
import grpc.aio
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

from vidmesh.backoff import backoff
from vidmesh.error import VidmeshError, from_rpc

TokenSource = str | Callable[[], str | Awaitable[str]]
"""A token, or a function that gives one; it is asked before each call, so a token that expires can be replaced."""

LONGEST_WAIT = 10.0
"""Seconds: whether to wait for longer than this before trying again is the caller's to decide."""

Request = TypeVar("Request")
Response = TypeVar("Response")
_Details = grpc.aio.ClientCallDetails


class Caller:
    """Prepares calls to one endpoint, repeats those that may be repeated, and translates their failures."""

    def __init__(self, *, endpoint: str, token: TokenSource | None, deadline: float, attempts: int) -> None:
        self._endpoint = endpoint
        self._token = token
        self._deadline = deadline
        self._attempts = attempts

    def interceptors(self) -> list[grpc.aio.ClientInterceptor]:
        """Give one interceptor for each shape of call."""
        return [_Unary(self), _ServerStream(self), _ClientStream(self), _BothStream(self)]

    async def prepare(self, details: _Details, *, limit: float | None) -> _Details:
        """Add the token, and a limit in seconds unless it is None."""
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        token = self._token() if callable(self._token) else self._token
        if inspect.isawaitable(token):
            token = await token
        if token:
            metadata["authorization"] = f"Bearer {token}"
        return _Details(details.method, limit, metadata, details.credentials, details.wait_for_ready)

    async def repeated(
        self, details: _Details, request: Request, send: Callable[[_Details], Awaitable[Response]]
    ) -> Response:
        """Send a call until it succeeds, cannot succeed by being sent again, or its deadline has come."""
        now = asyncio.get_running_loop().time
        ends = now() + (self._deadline if details.timeout is None else details.timeout)
        failures = 0
        while True:
            try:
                with self.translated():
                    return await send(await self.prepare(details, limit=max(0.0, ends - now())))
            except VidmeshError as error:
                failures += 1
                wait = error.retry_after.total_seconds() if error.retry_after else backoff(failures)
                if not (
                    failures < self._attempts
                    and error.retryable
                    and error.code is not grpc.StatusCode.DEADLINE_EXCEEDED
                    and wait <= min(LONGEST_WAIT, ends - now())
                    and is_repeatable(details.method, request)
                ):
                    raise
            await asyncio.sleep(wait)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise a VidmeshError in place of gRPC's own."""
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error, self._endpoint) from None


def is_repeatable(method: str | bytes, request: object) -> bool:
    """Say whether sending a request twice has the effect of sending it once, as proto/ or its request_id says."""
    if isinstance(request, Message) and "request_id" in request.DESCRIPTOR.fields_by_name:
        return True
    path = method.decode() if isinstance(method, bytes) else method
    try:
        found = descriptor_pool.Default().FindMethodByName(path.strip("/").replace("/", "."))
    except KeyError:
        return False
    return bool(found.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN)


def identified(request: Request) -> Request:
    """Give a mutation that has no request_id a copy with a new one, so that a repeated send has one effect."""
    if not isinstance(request, Message) or "request_id" not in request.DESCRIPTOR.fields_by_name:
        return request
    if getattr(request, "request_id"):  # noqa: B009 - the field is known from the descriptor alone
        return request
    copy = type(request)()
    copy.CopyFrom(request)
    setattr(copy, "request_id", str(uuid.uuid4()))  # noqa: B010 - as above
    return copy


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def intercept_unary_unary(
        self,
        continuation: Callable[[_Details, Request], Awaitable[grpc.aio.UnaryUnaryCall[Request, Response]]],
        client_call_details: _Details,
        request: Request,
    ) -> Response:
        request = identified(request)

        async def send(details: _Details) -> Response:
            return await (await continuation(details, request))

        return await self._caller.repeated(client_call_details, request, send)


class _ServerStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def intercept_unary_stream(
        self,
        continuation: Callable[[_Details, Request], Awaitable[grpc.aio.UnaryStreamCall[Request, Response]]],
        client_call_details: _Details,
        request: Request,
    ) -> AsyncIterator[Response]:
        details = await self._caller.prepare(client_call_details, limit=client_call_details.timeout)
        return _relayed(self._caller, await continuation(details, identified(request)))


class _ClientStream(grpc.aio.StreamUnaryClientInterceptor):
    """Prepares only: gRPC wants the call itself back, so who sends the stream translates its failure."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def intercept_stream_unary(
        self,
        continuation: Callable[
            [_Details, AsyncIterable[Request] | Iterable[Request]],
            Awaitable[grpc.aio.StreamUnaryCall[Request, Response]],
        ],
        client_call_details: _Details,
        request_iterator: AsyncIterable[Request] | Iterable[Request],
    ) -> grpc.aio.StreamUnaryCall[Request, Response]:
        details = await self._caller.prepare(client_call_details, limit=client_call_details.timeout)
        return await continuation(details, request_iterator)


class _BothStream(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def intercept_stream_stream(
        self,
        continuation: Callable[
            [_Details, AsyncIterable[Request] | Iterable[Request]],
            Awaitable[grpc.aio.StreamStreamCall[Request, Response]],
        ],
        client_call_details: _Details,
        request_iterator: AsyncIterable[Request] | Iterable[Request],
    ) -> AsyncIterator[Response]:
        details = await self._caller.prepare(client_call_details, limit=client_call_details.timeout)
        return _relayed(self._caller, await continuation(details, request_iterator))


async def _relayed(caller: Caller, call: AsyncIterable[Response]) -> AsyncIterator[Response]:
    with caller.translated():
        async for response in call:
            yield response
