"""The gRPC server of a service: who may call, how errors leave, health and reflection."""

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import grpc
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from nats.errors import Error as NatsError

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime import auth
from vidmesh_runtime.auth import Gatekeeper
from vidmesh_runtime.database import UNREACHABLE
from vidmesh_runtime.errors import Failure

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
OPEN = ("/grpc.health.", "/grpc.reflection.")
"""Methods that need no token: they tell nothing of anybody's."""

Context = grpc.aio.ServicerContext[Any, Any]
M = TypeVar("M", bound=Message)


def encoded(kind: type[M], message: bytes) -> M:
    """A response of `kind` that is serialised already, for a stream to yield: what many are sent is encoded once."""
    return cast("M", message)  # Boundary sends bytes as they are


class Boundary(grpc.aio.ServerInterceptor):
    """Lets callers in by their tokens and errors out by their reasons, for unary and streaming methods alike."""

    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper

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
        if handler.response_streaming:
            inner = handler.stream_stream if handler.request_streaming else handler.unary_stream

            async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
                try:
                    self._enter(context)
                    async for response in inner(request, context):
                        yield response
                except Exception as error:  # noqa: BLE001 - every error leaves through here
                    await _abort(context, method, error)

            make = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
            return make(stream, handler.request_deserializer, _serializer(handler.response_serializer))
        inner = handler.stream_unary if handler.request_streaming else handler.unary_unary

        async def unary(request: Any, context: Context) -> Any:
            try:
                self._enter(context)
                return await inner(request, context)
            except Exception as error:  # noqa: BLE001 - every error leaves through here
                await _abort(context, method, error)

        make = (
            grpc.stream_unary_rpc_method_handler
            if handler.request_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        return make(unary, handler.request_deserializer, handler.response_serializer)

    def _enter(self, context: Context) -> None:
        told = {name.lower(): value for name, value in context.invocation_metadata() or ()}
        authorization = told.get("authorization")
        auth.enter(self._gatekeeper.admit(authorization if isinstance(authorization, str) else None))


def _serializer(serialize: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """The serializer of a stream's messages, some of which are bytes by now."""
    return lambda message: message if type(message) is bytes else serialize(message)


async def _abort(context: Context, method: str, error: Exception) -> None:
    """End a call with an error. Nothing of what is inside leaves but a request id that the log has too."""
    if isinstance(error, grpc.aio.AbortError | grpc.aio.UsageError):
        raise error
    if isinstance(error, Failure):
        failure = error
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
    register: Iterable[Callable[[grpc.aio.Server], None]],
    serves: Iterable[str],
    files: Iterable[FileDescriptor],
    grace: float,
) -> AsyncIterator[Server]:
    """A server on `listen` ("host:port"; port 0 for a free one), not ready yet.

    `serves` are the full names of its own services. `files` hold the services that reflection lists: all of vidmesh's,
    so that one service can answer for the gateway.
    """
    server = grpc.aio.server(interceptors=[Boundary(gatekeeper)], options=OPTIONS)
    for add in register:
        add(server)
    status = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    listed = sorted(name for file in files for name in (s.full_name for s in file.services_by_name.values()))
    reflection.enable_server_reflection((*listed, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    opened = Server(server, status, list(serves))
    await opened.set_ready(ready=False)
    opened.port = server.add_insecure_port(listen)
    await server.start()
    try:
        yield opened
    finally:
        await opened.set_ready(ready=False)
        await server.stop(grace)
