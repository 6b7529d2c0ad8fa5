"""The gRPC server of a service: who may call, how errors leave, health and reflection."""

import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import grpc
from asyncpg.exceptions import CharacterNotInRepertoireError, UntranslatableCharacterError
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from nats.errors import Error as NatsError

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime import auth, scope
from vidmesh_runtime.audit import Audit, noted
from vidmesh_runtime.auth import Caller, Gatekeeper
from vidmesh_runtime.database import UNREACHABLE
from vidmesh_runtime.errors import Failure, invalid
from vidmesh_runtime.identity import Identity

log = logging.getLogger(__name__)

LARGEST_REQUEST = 4 << 20
LARGEST_RESPONSE = 64 << 20
"""A whole day's transcript as one export fits."""
OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_REQUEST),
    ("grpc.max_send_message_length", LARGEST_RESPONSE),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.server.max_pending_requests", 10_000),
    ("grpc.server.max_pending_requests_hard_limit", 20_000),
    ("grpc.so_reuseport", 0),
)
OPEN = ("/grpc.health.", "/grpc.reflection.", "/envoy.service.auth.")
"""Methods that need no token: they tell nothing of anybody's, or make a token of what is as good (the gateway's question
what an API key stands for, which leads nowhere from outside).
"""
VERSION = "x-vidmesh-version"
"""What a health check is answered with, beside its answer, where it carries a token: the version of the service."""

UNWRITABLE = (CharacterNotInRepertoireError, UntranslatableCharacterError)
"""What PostgreSQL says to a NUL, the one character that a text of a request may hold and a text of the database may not."""

Context = grpc.aio.ServicerContext[Any, Any]
M = TypeVar("M", bound=Message)


def encoded(kind: type[M], message: bytes) -> M:
    """A response of `kind` that is serialised already, for a stream to yield: what many are sent is encoded once."""
    return cast("M", message)  # Boundary sends bytes as they are


class Boundary(grpc.aio.ServerInterceptor):
    """Lets callers in by their tokens and errors out by their reasons, for unary and streaming methods alike."""

    def __init__(self, gatekeeper: Gatekeeper, audit: Audit | None = None) -> None:
        self._gatekeeper = gatekeeper
        self._audit = audit

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The handler of a method, wrapped."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method or ""
        if handler is None or method.startswith(OPEN):
            return handler
        read = _reader(handler.request_deserializer)
        readable = _each_readable if handler.request_streaming else _readable
        if handler.response_streaming:
            inner = handler.stream_stream if handler.request_streaming else handler.unary_stream

            async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
                try:
                    await self._enter(method, request, context)
                    async for response in inner(readable(request), context):
                        yield response
                except Exception as error:  # noqa: BLE001 - every error leaves through here
                    await _abort(context, method, error)

            make = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
            return make(stream, read, _serializer(handler.response_serializer))
        inner = handler.stream_unary if handler.request_streaming else handler.unary_unary

        async def unary(request: Any, context: Context) -> Any:
            try:
                await self._enter(method, request, context)
                return await inner(readable(request), context)
            except Exception as error:  # noqa: BLE001 - every error leaves through here
                await _abort(context, method, error)

        make = (
            grpc.stream_unary_rpc_method_handler
            if handler.request_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        return make(unary, read, handler.response_serializer)

    async def _enter(self, method: str, request: object, context: Context) -> None:
        who = self._gatekeeper.admit(_authorization(context))
        auth.enter(who)
        if (needed := scope.needed(method)) not in who.scopes:
            missing = Failure(
                ErrorReason.ERROR_REASON_SCOPE_MISSING,
                f"This needs a token with the scope {needed!r}.",
                scope=needed,
            )
            await self._note(who, method, request, outcome=missing.name)
            raise missing
        await self._note(who, method, request)

    async def _note(self, who: Caller, method: str, request: object, **more: str) -> None:
        if self._audit is not None and noted(method):
            await self._audit.note(who, method, request, **more)


def _authorization(context: Context) -> str | None:
    told = {name.lower(): value for name, value in context.invocation_metadata() or ()}
    authorization = told.get("authorization")
    return authorization if isinstance(authorization, str) else None


_UNREADABLE = object()
"""What stands for bytes that are no message of the method's until it is known whose they are."""


def _reader(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """The reader of a method's messages. gRPC itself would answer bytes that are none with UNKNOWN, as if vidmesh had failed."""

    def reading(data: bytes) -> Any:
        try:
            return read(data)
        except DecodeError:
            return _UNREADABLE

    return reading


def _readable(request: Any) -> Any:
    if request is _UNREADABLE:
        raise invalid("", "The bytes of the request are no message of this method's.")
    return request


async def _each_readable(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield _readable(request)


def _serializer(serialize: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """The serializer of a stream's messages, some of which are bytes by now."""
    return lambda message: message if type(message) is bytes else serialize(message)


async def _abort(context: Context, method: str, error: Exception) -> None:
    """End a call with an error. Nothing of what is inside leaves but a request id that the log has too."""
    if isinstance(error, grpc.aio.AbortError | grpc.aio.UsageError):
        raise error
    if isinstance(error, Failure):
        failure = error
    elif isinstance(error, UNWRITABLE):
        failure = invalid("", "A text of the request holds a NUL, which cannot be kept.")
    elif isinstance(error, (*UNREACHABLE, NatsError, TimeoutError)):
        log.warning("%s: %s", method, error or type(error).__name__)
        failure = Failure(ErrorReason.ERROR_REASON_UNAVAILABLE)
    else:
        request = secrets.token_hex(8)
        log.error("%s: fault %s", method, request, exc_info=error)
        failure = Failure(
            ErrorReason.ERROR_REASON_INTERNAL,
            f"vidmesh has a fault here; request {request}.",
            request=request,
        )
    status = failure.to_status()
    await context.abort(
        failure.code, failure.message, (("grpc-status-details-bin", status.SerializeToString()),)
    )


class _Health(health.aio.HealthServicer):  # type: ignore[misc] # the package has no types
    """Health for everybody, and the version for those whose token is taken."""

    def __init__(self, gatekeeper: Gatekeeper, version: str) -> None:
        super().__init__()
        self._gatekeeper = gatekeeper
        self._version = version

    async def Check(  # noqa: N802 - gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        with contextlib.suppress(Failure):
            self._gatekeeper.admit(_authorization(context))
            await context.send_initial_metadata(((VERSION, self._version),))
        return cast("health_pb2.HealthCheckResponse", await super().Check(request, context))


class Server:
    """A gRPC server that is ready or not, as health tells."""

    def __init__(self, server: grpc.aio.Server, status: health.aio.HealthServicer, names: list[str]) -> None:
        self._server = server
        self._health = status
        self._names = names
        self.port = 0

    async def set_ready(self, *, ready: bool) -> None:
        """Tell health whether requests are welcome."""
        serving = (
            health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        for name in ("", *self._names):
            await self._health.set(name, serving)


@asynccontextmanager
async def open_server(
    listen: str,
    gatekeeper: Gatekeeper,
    *,
    version: str,
    register: Iterable[Callable[[grpc.aio.Server], None]],
    serves: Iterable[str],
    files: Iterable[FileDescriptor],
    grace: float,
    audit: Audit | None = None,
    identity: Identity | None = None,
) -> AsyncIterator[Server]:
    """A server on `listen` ("host:port"; port 0 for a free one), not ready yet.

    `serves` are the full names of its own services. `files` hold the services that reflection lists: all of vidmesh's,
    so that one service can answer for the gateway. What changes something is written into `audit` first. Health tells `version`
    to callers with a token. With an `identity`, only callers are let in whom its authority vouches for.
    """
    server = grpc.aio.server(interceptors=[Boundary(gatekeeper, audit)], options=OPTIONS)
    for add in register:
        add(server)
    status = _Health(gatekeeper, version)
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    listed = sorted(name for file in files for name in (s.full_name for s in file.services_by_name.values()))
    reflection.enable_server_reflection((*listed, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    opened = Server(server, status, list(serves))
    await opened.set_ready(ready=False)
    opened.port = (
        server.add_secure_port(listen, identity.for_server())
        if identity
        else server.add_insecure_port(listen)
    )
    await server.start()
    try:
        yield opened
    finally:
        await opened.set_ready(ready=False)
        await server.stop(grace)
