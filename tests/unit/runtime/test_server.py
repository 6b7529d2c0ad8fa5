"""The boundary of a service over a real socket: who is let in, and how errors leave."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest
from asyncpg.exceptions import CharacterNotInRepertoireError, UntranslatableCharacterError
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from joserfc import jwt

from tests.conftest import Keys
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.ingest.v1 import ingest_service_pb2 as pb
from vidmesh.ingest.v1.ingest_service_pb2_grpc import (
    IngestServiceServicer,
    IngestServiceStub,
    add_IngestServiceServicer_to_server,
)
from vidmesh_runtime.auth import Gatekeeper, caller, make_key, mint
from vidmesh_runtime.errors import Failure, not_found
from vidmesh_runtime.scope import ADMIN, READ, WRITE, needed
from vidmesh_runtime.server import VERSION, Server, open_server
from vidmesh_runtime.service import FILES

Fault = Callable[[], Exception | None]


class Servicer(IngestServiceServicer):
    fault: Exception | None = None

    async def GetJob(self, request: pb.GetJobRequest, context: Any) -> pb.GetJobResponse:
        if self.fault:
            raise self.fault
        response = pb.GetJobResponse()
        response.job.id = caller().tenant
        return response

    async def UploadVideo(
        self, request_iterator: AsyncIterator[pb.UploadVideoRequest], context: Any
    ) -> pb.UploadVideoResponse:
        response = pb.UploadVideoResponse()
        async for request in request_iterator:
            response.upload.offset += len(request.chunk)
        return response

    async def WatchJob(self, request: pb.WatchJobRequest, context: Any) -> AsyncIterator[pb.WatchJobResponse]:
        response = pb.WatchJobResponse()
        response.snapshot.job.id = caller().tenant
        yield response
        if self.fault:
            raise self.fault


@pytest.fixture
def servicer() -> Servicer:
    return Servicer()  # type: ignore[abstract] # two methods are enough here


@pytest.fixture
async def server(keys: Keys, servicer: Servicer) -> AsyncIterator[Server]:
    async with open_server(
        "127.0.0.1:0",
        Gatekeeper(keys.jwks_path, issuer="vidmesh", audience="vidmesh"),
        version="1.2.3",
        register=[lambda s: add_IngestServiceServicer_to_server(servicer, s)],
        serves=["vidmesh.ingest.v1.IngestService"],
        files=FILES,
        grace=0.1,
    ) as opened:
        yield opened


@pytest.fixture
async def channel(server: Server) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as opened:
        yield opened


async def refused(call: Awaitable[object]) -> tuple[grpc.aio.AioRpcError, error_details_pb2.ErrorInfo]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    details = dict(caught.value.trailing_metadata() or ())["grpc-status-details-bin"]
    assert isinstance(details, bytes)
    status = status_pb2.Status.FromString(details)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "vidmesh"
    assert info.metadata["advice"]
    return caught.value, info


def bearer(token: str) -> tuple[tuple[str, str]]:
    return (("authorization", f"Bearer {token}"),)


async def test_a_token_lets_its_tenant_in(channel: grpc.aio.Channel, keys: Keys) -> None:
    stub = IngestServiceStub(channel)
    answer = await stub.GetJob(pb.GetJobRequest(), metadata=bearer(keys.token("acme")))
    assert answer.job.id == "acme"
    stream = stub.WatchJob(pb.WatchJobRequest(), metadata=bearer(keys.token("other")))
    assert [message.snapshot.job.id async for message in stream] == ["other"]


async def test_a_token_allows_no_more_than_its_scopes(channel: grpc.aio.Channel, keys: Keys) -> None:
    stub = IngestServiceStub(channel)
    read, write = (bearer(keys.token("acme", scopes=[scope])) for scope in (READ, WRITE))
    assert (await stub.GetJob(pb.GetJobRequest(), metadata=read)).job.id == "acme"
    for call, scope in (
        (stub.CancelJob(pb.CancelJobRequest(), metadata=read), WRITE),
        (stub.GetJob(pb.GetJobRequest(), metadata=write), READ),
        (stub.WatchJob(pb.WatchJobRequest(), metadata=write).read(), READ),
    ):
        error, info = await refused(call)
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        assert (info.reason, info.metadata["scope"]) == ("SCOPE_MISSING", scope)


def test_what_every_method_needs() -> None:
    methods = {
        f"/{service.full_name}/{method.name}": needed(f"/{service.full_name}/{method.name}")
        for file in FILES
        for service in file.services_by_name.values()
        for method in service.methods
    }
    read = {name.rpartition("/")[2] for name, scope in methods.items() if scope == READ}
    assert read == {
        "Ask", "ExportTranscript", "GetConversation", "GetDeadLetter", "GetJob", "GetMedia", "GetSummary", "GetTranscript",
        "GetUpload", "GetVideo", "ListChapters", "ListConversations", "ListDeadLetters", "ListFolders", "ListJobs",
        "ListModels", "ListTags", "ListVideos", "Search", "StreamSummary", "StreamTranscript", "WatchJob", "WatchJobs",
    }  # fmt: skip
    admin = {name.rpartition("/")[2] for name, scope in methods.items() if scope == ADMIN}
    assert admin == {"CreateApiKey", "ListApiKeys", "RevokeApiKey"}
    assert set(methods.values()) == {READ, WRITE, ADMIN}


def unsigned(claims: dict[str, object]) -> str:
    import base64
    import json

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(claims)}."


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda keys: None, id="none"),
        pytest.param(lambda keys: "x.y.z", id="garbage"),
        pytest.param(lambda keys: keys.token(ttl=timedelta(minutes=-5)), id="expired"),
        pytest.param(lambda keys: keys.token(audience="elsewhere"), id="other audience"),
        pytest.param(lambda keys: keys.token(issuer="elsewhere"), id="other issuer"),
        pytest.param(
            lambda keys: mint(make_key(), tenant="acme", subject="t", ttl=timedelta(hours=1)), id="other key"
        ),
        pytest.param(
            lambda keys: unsigned(
                {"iss": "vidmesh", "aud": "vidmesh", "sub": "t", "tenant": "acme", "exp": 1 << 40}
            ),
            id="alg none",
        ),
        pytest.param(
            lambda keys: jwt.encode(
                {"alg": "ES256"}, {"iss": "vidmesh", "aud": "vidmesh", "sub": "t", "tenant": "acme"}, keys.key
            ),
            id="no expiry",
        ),
        pytest.param(
            lambda keys: jwt.encode(
                {"alg": "ES256"},
                {"iss": "vidmesh", "aud": "vidmesh", "sub": "t", "tenant": "a.*", "exp": 1 << 40},
                keys.key,
            ),
            id="tenant that is a pattern",
        ),
    ],
)
async def test_anything_but_a_valid_token_is_refused(
    channel: grpc.aio.Channel, keys: Keys, forge: Callable[[Keys], str | None]
) -> None:
    token = forge(keys)
    metadata = bearer(token) if token else ()
    error, info = await refused(IngestServiceStub(channel).GetJob(pb.GetJobRequest(), metadata=metadata))
    assert (error.code(), info.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_a_failure_leaves_with_its_reason(
    channel: grpc.aio.Channel, keys: Keys, servicer: Servicer
) -> None:
    servicer.fault = not_found("job", "7")
    error, info = await refused(
        IngestServiceStub(channel).GetJob(pb.GetJobRequest(), metadata=bearer(keys.token()))
    )
    assert error.code() == grpc.StatusCode.NOT_FOUND
    assert (info.reason, info.metadata["kind"], info.metadata["id"]) == ("NOT_FOUND", "job", "7")
    assert info.metadata["retryable"] == "false"


async def test_a_failure_in_the_middle_of_a_stream_leaves_with_its_reason(
    channel: grpc.aio.Channel, keys: Keys, servicer: Servicer
) -> None:
    servicer.fault = Failure(ErrorReason.ERROR_REASON_RATE_LIMITED, retry_after=timedelta(seconds=7))
    stream = IngestServiceStub(channel).WatchJob(pb.WatchJobRequest(), metadata=bearer(keys.token()))
    first = await stream.read()
    assert isinstance(first, pb.WatchJobResponse)
    assert first.snapshot.job.id == "acme"
    error, info = await refused(stream.read())
    assert (error.code(), info.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")


@pytest.mark.parametrize("fault", [ZeroDivisionError("secret of the house"), KeyError("secret")])
async def test_a_fault_tells_nothing_of_what_is_inside(
    channel: grpc.aio.Channel, keys: Keys, servicer: Servicer, fault: Exception
) -> None:
    servicer.fault = fault
    error, info = await refused(
        IngestServiceStub(channel).GetJob(pb.GetJobRequest(), metadata=bearer(keys.token()))
    )
    assert (error.code(), info.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "secret" not in str(error.details())
    assert info.metadata["request"] in str(error.details())


BYTES = [b"\x02", b"\x0a\xff\xff\xff\xff\x07a", b"\x0a\x02\xff\xfe", b"\xff" * 20]


@pytest.mark.parametrize("data", BYTES)
async def test_bytes_that_are_no_message_are_the_callers_fault(
    channel: grpc.aio.Channel, keys: Keys, data: bytes
) -> None:
    service = "/vidmesh.ingest.v1.IngestService"
    told = {"metadata": bearer(keys.token())}
    raw: Any = channel  # bytes for bytes: nothing serialises them

    async def requests() -> AsyncIterator[bytes]:
        yield pb.UploadVideoRequest(chunk=b"abc").SerializeToString()
        yield data

    for call in (
        raw.unary_unary(f"{service}/GetJob")(data, **told),
        raw.unary_stream(f"{service}/WatchJob")(data, **told).read(),
        raw.stream_unary(f"{service}/UploadVideo")(requests(), **told),
    ):
        error, info = await refused(call)
        assert (error.code(), info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    error, info = await refused(raw.unary_unary(f"{service}/GetJob")(data))
    assert (error.code(), info.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_an_error_is_never_larger_than_what_a_proxy_lets_through(
    channel: grpc.aio.Channel, keys: Keys, servicer: Servicer
) -> None:
    servicer.fault = not_found("job", "\U0001f600" * 100_000)
    error, info = await refused(
        IngestServiceStub(channel).GetJob(pb.GetJobRequest(), metadata=bearer(keys.token()))
    )
    size = sum(len(name) + len(value) for name, value in error.trailing_metadata() or ())
    assert size + 3 * len(str(error.details()).encode()) < 16 << 10
    assert len(info.metadata["id"]) == 500


@pytest.mark.parametrize(
    "fault", [CharacterNotInRepertoireError("0x00"), UntranslatableCharacterError("u0000")]
)
async def test_a_text_that_the_database_keeps_for_nobody_is_the_callers_fault(
    channel: grpc.aio.Channel, keys: Keys, servicer: Servicer, fault: Exception
) -> None:
    servicer.fault = fault
    error, info = await refused(
        IngestServiceStub(channel).GetJob(pb.GetJobRequest(), metadata=bearer(keys.token()))
    )
    assert (error.code(), info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "NUL" in str(error.details())


async def test_a_database_that_is_away_is_unavailable(
    channel: grpc.aio.Channel, keys: Keys, servicer: Servicer
) -> None:
    servicer.fault = ConnectionRefusedError("5432")
    error, info = await refused(
        IngestServiceStub(channel).GetJob(pb.GetJobRequest(), metadata=bearer(keys.token()))
    )
    assert (error.code(), info.reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_health_needs_no_token_and_tells_readiness(server: Server, channel: grpc.aio.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest(service="vidmesh.ingest.v1.IngestService")
    assert (await health.Check(request)).status == health_pb2.HealthCheckResponse.NOT_SERVING
    await server.set_ready(ready=True)
    assert (await health.Check(request)).status == health_pb2.HealthCheckResponse.SERVING


async def test_health_tells_the_version_to_those_with_a_token(channel: grpc.aio.Channel, keys: Keys) -> None:
    for metadata, told in ((bearer(keys.token("acme")), "1.2.3"), (bearer("forged"), None), ((), None)):
        call = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), metadata=metadata)
        assert dict(await call.initial_metadata()).get(VERSION) == told
        assert (await call).status == health_pb2.HealthCheckResponse.NOT_SERVING
