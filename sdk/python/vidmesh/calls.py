"""What every call gets on its way: the token, a deadline, a request id; and a VidmeshError where it fails."""

import uuid
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from vidmesh.error import from_rpc

Request = TypeVar("Request")
Response = TypeVar("Response")
_Details = grpc.aio.ClientCallDetails


class Caller:
    """Prepares calls to one endpoint and translates their failures."""

    def __init__(self, *, endpoint: str, token: str | None, deadline: float) -> None:
        self._endpoint = endpoint
        self._token = token
        self._deadline = deadline

    def interceptors(self) -> list[grpc.aio.ClientInterceptor]:
        """Give one interceptor for each shape of call."""
        return [_Unary(self), _ServerStream(self), _ClientStream(self), _BothStream(self)]

    def prepare(self, details: _Details, *, bounded: bool) -> _Details:
        """Add the token, and to a bounded call the default deadline (seconds) where it has none of its own."""
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        if self._token:
            metadata["authorization"] = f"Bearer {self._token}"
        timeout = self._deadline if bounded and details.timeout is None else details.timeout
        return _Details(details.method, timeout, metadata, details.credentials, details.wait_for_ready)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise a VidmeshError in place of gRPC's own."""
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error, self._endpoint) from None


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
        call = await continuation(
            self._caller.prepare(client_call_details, bounded=True), identified(request)
        )
        with self._caller.translated():
            return await call


class _ServerStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def intercept_unary_stream(
        self,
        continuation: Callable[[_Details, Request], Awaitable[grpc.aio.UnaryStreamCall[Request, Response]]],
        client_call_details: _Details,
        request: Request,
    ) -> AsyncIterator[Response]:
        call = await continuation(
            self._caller.prepare(client_call_details, bounded=False), identified(request)
        )
        return _relayed(self._caller, call)


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
        return await continuation(self._caller.prepare(client_call_details, bounded=False), request_iterator)


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
        call = await continuation(self._caller.prepare(client_call_details, bounded=False), request_iterator)
        return _relayed(self._caller, call)


async def _relayed(caller: Caller, call: AsyncIterable[Response]) -> AsyncIterator[Response]:
    with caller.translated():
        async for response in call:
            yield response
