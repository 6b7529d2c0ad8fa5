"""Two tenants: on every RPC that reflection finds, the other's ids are not there and lists do not show them."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.e2e.conftest import DATA, Mesh
from vidmesh.client import AsyncClient
from vidmesh.events.v1.dead_letter_pb2 import DeadLetter
from vidmesh.ingest.v1.ingest_service_pb2 import ListDeadLettersRequest, SubmitVideoRequest
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh.query.v1.query_service_pb2 import AskRequest, CreateFolderRequest
from vidmesh.summarize.v1.summarize_service_pb2 import GetSummaryRequest

# What else a request must have to be about the id that is in it.
REQUIRED: dict[str, dict[str, Any]] = {
    "ExportTranscript": {"format": 1},
    "CorrectSegment": {"text": "lions"},
    "Ask": {"question": "what did the lions carry?"},
    "Search": {"query": "lions"},
    "CreateFolder": {"name": "mine"},
    "WriteUpload": {"data": b"x"},
}


def methods(mesh: Mesh) -> Iterator[MethodDescriptor]:
    """Every method of vidmesh, by reflection through the gateway."""
    with grpc.insecure_channel(mesh.address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = DescriptorPool(database)
        for name in database.get_services():
            if name.startswith("vidmesh."):
                yield from pool.FindServiceByName(name).methods


async def call(mesh: Mesh, method: MethodDescriptor, request: Message, token: str) -> list[Message]:
    path = f"/{method.containing_service.full_name}/{method.name}"
    output = GetMessageClass(method.output_type)

    async def requests() -> AsyncIterator[Message]:
        # A call that is refused while a message is written loses its status in grpc.aio: let a refusal come first.
        await asyncio.sleep(1)
        yield request

    async with grpc.aio.insecure_channel(mesh.address) as channel:
        kind = (
            ("stream" if method.client_streaming else "unary")
            + "_"
            + ("stream" if method.server_streaming else "unary")
        )
        invoke = getattr(channel, kind)(
            path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=output.FromString,
        )
        running = invoke(
            requests() if method.client_streaming else request,
            metadata=(("authorization", f"Bearer {token}"),),
            timeout=20,
        )
        if method.server_streaming:
            return [message async for message in running]
        return [await running]


def reason_of(error: grpc.aio.AioRpcError) -> str:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value if isinstance(value, bytes) else value.encode())
            info = error_details_pb2.ErrorInfo()
            if status.details and status.details[0].Unpack(info):
                return str(info.reason)
    return ""


def id_fields(message: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of a message type's fields that hold an id of something."""
    for field in message.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.file.name.startswith("vidmesh/"):
            yield from id_fields(field.message_type, (*path, field.name))
        elif (
            field.type == FieldDescriptor.TYPE_STRING
            and field.name.endswith(("_id", "_ids"))
            and field.name != "request_id"
        ):
            yield (*path, field.name)


def with_id(method: MethodDescriptor, path: tuple[str, ...], value: str, mine: dict[str, str]) -> Message:
    """A request with a foreign id in one field, and ids of the caller's own in those beside it."""
    request: Any = GetMessageClass(method.input_type)()
    for name, plain in REQUIRED.get(method.name, {}).items():
        setattr(request, name, plain)
    for field in method.input_type.fields:
        if field.name in mine and field.name not in (path[0], "parent_id", "summary_id"):
            setattr(request, field.name, mine[field.name])
    target: Any = request
    for name in path[:-1]:
        target = getattr(target, name)
    if path[-1].endswith("_ids"):
        getattr(target, path[-1]).append(value)
    else:
        setattr(target, path[-1], value)
    message: Message = request
    return message


async def only_letter(client: AsyncClient) -> DeadLetter:
    """The caller's one dead letter, which is gathered from the bus while the end of its job is told."""
    async with asyncio.timeout(60):
        while not (letters := (await client.ingest.ListDeadLetters(ListDeadLettersRequest())).letters):
            await asyncio.sleep(0.05)
    (letter,) = letters
    return letter


async def belongings(client: AsyncClient) -> dict[str, str]:
    """One of everything, of the client's tenant."""
    upload = await client.upload(DATA / "grammar.flac")
    answer = await client.ingest.SubmitVideo(SubmitVideoRequest(source=Source(upload_id=upload.id)))
    async for _ in client.watch(answer.job.id):
        pass
    (broken := Path(tempfile.mkdtemp()) / "no.mp4").write_bytes(b"no media")
    given_up = await client.upload(broken)
    failing = await client.ingest.SubmitVideo(SubmitVideoRequest(source=Source(upload_id=given_up.id)))
    async for _ in client.watch(failing.job.id):
        pass
    letter = await only_letter(client)
    folder = (await client.query.CreateFolder(CreateFolderRequest(name="talks"))).folder
    conversation = ""
    async for message in client.query.Ask(AskRequest(question="what did the lions carry?")):
        conversation = message.retrieved.conversation_id or conversation
    return {
        "upload_id": upload.id,
        "job_id": answer.job.id,
        "video_id": answer.job.video_id,
        "video_ids": answer.job.video_id,
        "folder_id": folder.id,
        "parent_id": folder.id,
        "conversation_id": conversation,
        "summary_id": "",
        "letter_id": letter.id,
        "key_id": (await client.create_api_key("nightly")).key.id,
    }


@pytest.fixture
async def theirs(mesh: Mesh, tenant: str) -> AsyncIterator[dict[str, str]]:
    async with AsyncClient(mesh.endpoint, mesh.token(f"{tenant}-them")) as client:
        ids = await belongings(client)
        summary = (await client.summarize.GetSummary(GetSummaryRequest(video_id=ids["video_id"]))).summary
        ids["summary_id"] = summary.id
        assert all(ids.values()), ids
        yield ids


async def test_another_tenants_ids_are_not_found(
    mesh: Mesh, tenant: str, theirs: dict[str, str], client: AsyncClient
) -> None:
    mine = await belongings(client)
    tried = 0
    for method in methods(mesh):
        for path in id_fields(method.input_type):
            request = with_id(method, path, theirs[path[-1]], mine)
            what = f"{method.full_name} with a foreign {'.'.join(path)}"
            try:
                answers = await call(mesh, method, request, mesh.token(tenant))
            except grpc.aio.AioRpcError as error:
                outcome = f"{error.code().name} {reason_of(error)}"
            else:
                # A filter that matches nothing of the caller's gives an empty list; nothing else may answer.
                empty = method.name.startswith("List") and not any(answer.ListFields() for answer in answers)
                outcome = "NOT_FOUND NOT_FOUND" if empty else str(answers)
            assert outcome == "NOT_FOUND NOT_FOUND", what
            tried += 1
    assert tried >= 30


async def test_lists_do_not_show_what_is_anothers(mesh: Mesh, tenant: str, theirs: dict[str, str]) -> None:
    lists = [
        method
        for method in methods(mesh)
        if method.name.startswith(("List", "Search")) and method.name != "ListModels"
    ]
    assert len(lists) >= 6
    for method in lists:
        if (
            any(field.name == "video_id" for field in method.input_type.fields)
            and method.name == "ListChapters"
        ):
            continue
        request: Any = GetMessageClass(method.input_type)()
        for name, plain in REQUIRED.get(method.name, {}).items():
            setattr(request, name, plain)
        (answer,) = await call(mesh, method, request, mesh.token(tenant))
        assert not [value for field, value in answer.ListFields() if field.message_type], method.full_name


async def test_without_a_token_nothing_answers(mesh: Mesh) -> None:
    for method in methods(mesh):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(mesh, method, GetMessageClass(method.input_type)(), "")
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED, method.full_name
