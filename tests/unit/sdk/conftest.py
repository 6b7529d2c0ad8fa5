"""A real gRPC server on a real socket that says what a test tells it to: the client's behaviour is what is tested."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from vidmesh import AsyncClient
from vidmesh.ingest.v1 import ingest_service_pb2
from vidmesh.ingest.v1.ingest_service_pb2 import (
    CompleteUploadRequest,
    CompleteUploadResponse,
    CreateUploadRequest,
    CreateUploadResponse,
    GetUploadRequest,
    GetUploadResponse,
    WriteUploadRequest,
    WriteUploadResponse,
)
from vidmesh.ingest.v1.upload_pb2 import UPLOAD_STATE_COMPLETE, UPLOAD_STATE_OPEN, Upload
from vidmesh.transcribe.v1 import transcribe_service_pb2

SERVICES: list[ServiceDescriptor] = [
    ingest_service_pb2.DESCRIPTOR.services_by_name["IngestService"],
    transcribe_service_pb2.DESCRIPTOR.services_by_name["TranscribeService"],
]


class Mesh(grpc.GenericRpcHandler):
    """A server whose methods a test sets, on a port that stays its own over restarts."""

    def __init__(self) -> None:
        self.methods: dict[str, Callable[..., Any]] = {}
        self._known: dict[str, MethodDescriptor] = {
            f"/{service.full_name}/{method.name}": method
            for service in SERVICES
            for method in service.methods
        }
        self._port = 0
        self._server: grpc.aio.Server | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = self._known[handler_call_details.method]
        act = self.methods.get(method.name)
        if act is None:
            return None
        shape = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
        }[(method.client_streaming, method.server_streaming)]
        request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        return shape(
            act, request_deserializer=request.FromString, response_serializer=response.SerializeToString
        )

    async def start(self) -> None:
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers((self,))
        self._port = self._server.add_insecure_port(f"127.0.0.1:{self._port}")
        await self._server.start()

    async def stop(self) -> None:
        """As when the process dies: what is under way breaks off."""
        if self._server is not None:
            await self._server.stop(None)


class Receiver:
    """Takes one upload, "u1", and loses the chunks that a test says, before they arrive or their answers after that."""

    def __init__(self) -> None:
        self.header: CreateUploadRequest | None = None
        self.received = b""
        self.chunks: list[int] = []
        self.losing: dict[int, Literal["before", "after"]] = {}
        self.complete = False
        self.completed = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    def serve(self, mesh: Mesh) -> None:
        mesh.methods |= {
            "CreateUpload": self.create,
            "WriteUpload": self.write,
            "GetUpload": self.get,
            "CompleteUpload": self.finish,
        }

    def upload(self) -> Upload:
        assert self.header is not None
        state = UPLOAD_STATE_COMPLETE if self.complete else UPLOAD_STATE_OPEN
        return Upload(id="u1", size_bytes=self.header.size_bytes, offset=len(self.received), state=state)

    async def create(self, request: CreateUploadRequest, context: Any) -> CreateUploadResponse:
        self.header = request
        return CreateUploadResponse(upload=self.upload())

    async def write(self, request: WriteUploadRequest, context: Any) -> WriteUploadResponse:
        await self.gate.wait()
        loss = self.losing.pop(len(self.chunks), None)
        if loss == "before":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        assert request.offset == len(self.received)
        self.received += request.data
        self.chunks.append(len(request.data))
        if loss == "after":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        return WriteUploadResponse(upload=self.upload())

    async def get(self, request: GetUploadRequest, context: Any) -> GetUploadResponse:
        return GetUploadResponse(upload=self.upload())

    async def finish(self, request: CompleteUploadRequest, context: Any) -> CompleteUploadResponse:
        self.complete = True
        self.completed.set()
        return CompleteUploadResponse(upload=self.upload())


@pytest.fixture
def receiver(mesh: Mesh) -> Receiver:
    taking = Receiver()
    taking.serve(mesh)
    return taking


@pytest.fixture
async def mesh() -> AsyncIterator[Mesh]:
    server = Mesh()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(mesh: Mesh) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(mesh.endpoint, "secret") as connected:
        yield connected
