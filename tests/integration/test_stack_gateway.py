"""The edge as its callers see it: gRPC, gRPC-Web and JSON through a real Envoy, onto services that echo."""

import asyncio
import base64
import http.client
import json
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status.rpc_status import from_call
from joserfc import jwt
from joserfc.jwk import ECKey

from bench.offered import Call, Refusal, offer
from vidmesh.ingest.v1 import ingest_service_pb2 as api
from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceStub
from vidmesh_stack.keys import rotate_keys
from vidmesh_stack.service import SERVICES
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack

if TYPE_CHECKING:
    from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceAsyncStub

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    settings = StackSettings(
        data=tmp_path_factory.mktemp("edge"),
        port=0,
        scale={"ingest": 2},
        services=dict.fromkeys(SERVICES, "stand_in"),
        env={"PYTHONPATH": str(Path(__file__).parent)},
        origins=("https://videos.example.org",),
        rate=20,
    )
    async with Stack(settings) as running:
        yield running


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Door:
    """Plain HTTP/1.1 requests to the gateway, as curl and browsers make them."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def bearer(self, tenant: str = "dev") -> dict[str, str]:
        return {"authorization": f"Bearer {self._stack.token(tenant)}"}

    def open(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._stack.endpoint)
        return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        with closing(self.open()) as connection:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def web(self, method: str, message: bytes, headers: Mapping[str, str]) -> Answer:
        """A gRPC-Web call as a browser sends it."""
        web = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", **headers}
        return self.ask("POST", method, web, struct.pack(">BI", 0, len(message)) + message)


@pytest.fixture
def door(stack: Stack) -> Door:
    return Door(stack)


@pytest_asyncio.fixture(loop_scope="module")
async def stub(stack: Stack) -> "AsyncIterator[IngestServiceAsyncStub]":
    async with grpc.aio.insecure_channel(urlsplit(stack.endpoint).netloc) as channel:
        yield IngestServiceStub(channel)


def frames(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The flags and contents of each gRPC-Web frame."""
    while body:
        flags, size = struct.unpack(">BI", body[:5])
        yield flags, body[5 : 5 + size]
        body = body[5 + size :]


GET_JOB = "/vidmesh.ingest.v1.IngestService/GetJob"
WATCH_JOB = "/vidmesh.ingest.v1.IngestService/WatchJob"


async def test_grpc_unary_stream_and_upload_pass(stack: Stack, stub: "IngestServiceAsyncStub") -> None:
    token = (("authorization", f"Bearer {stack.token()}"),)
    answer = await stub.GetJob(api.GetJobRequest(job_id="a"), metadata=token)
    assert answer.job.id == "a"
    watched = [one async for one in stub.WatchJob(api.WatchJobRequest(job_id="a"), metadata=token)]
    assert [one.heartbeat.time.seconds for one in watched] == [1, 2, 3]

    async def parts() -> AsyncIterator[api.UploadVideoRequest]:
        for _ in range(12):
            yield api.UploadVideoRequest(chunk=bytes(1 << 20))

    assert (await stub.UploadVideo(parts(), metadata=token)).upload.offset == 12 << 20


async def test_the_token_goes_on_and_only_the_gateway_names_the_tenant(stack: Stack, door: Door) -> None:
    bearer = door.bearer(tenant="acme")
    forged = {"x-vidmesh-tenant": "evil", "X-Vidmesh-Admin": "yes", "x-other": "kept"}
    headers = door.ask("GET", "/v1/jobs/a", bearer | forged).json["job"]["notices"]
    assert "x-vidmesh-tenant: 'acme'" in headers
    assert "x-other: 'kept'" in headers
    assert f"authorization: {bearer['authorization']!r}" in headers
    assert not [line for line in headers if "evil" in line or "admin" in line]


async def test_calls_spread_over_a_services_processes(stack: Stack, door: Door) -> None:
    bearer = door.bearer()
    answered: set[str] = set()
    for _ in range(400):  # the gateway's health checks may yet have to find the second one
        answered.add(door.ask("GET", "/v1/jobs/a", bearer).json["job"]["title"])
        if len(answered) == 2:
            break
        await asyncio.sleep(0.02)
    assert answered == {str(stack.pid("ingest")), str(stack.pid("ingest-2"))}


async def test_json_streams_a_message_a_line(door: Door) -> None:
    answer = door.ask("GET", "/v1/jobs/a:watch", door.bearer())
    assert answer.headers["content-type"] == "application/json"
    times = [json.loads(line)["heartbeat"]["time"] for line in answer.body.splitlines()]
    assert times == ["1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z", "1970-01-01T00:00:03Z"]


async def test_json_takes_the_largest_chunk(door: Door) -> None:
    chunk = json.dumps({"offset": "0", "data": base64.b64encode(bytes(1 << 20)).decode()})
    answer = door.ask("POST", "/v1/uploads/u:write", door.bearer(), chunk.encode())
    assert answer.json["upload"]["offset"] == str(1 << 20)


async def test_json_errors_carry_their_details(door: Door) -> None:
    answer = door.ask("GET", "/v1/jobs/missing", door.bearer())
    assert answer.status == 404
    assert answer.json["code"] == 5
    assert answer.json["details"][0]["reason"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("request_line", "body", "expected", "says"),
    [
        ("POST /v1/jobs", b"{bad", (400, 3), "Expected"),
        ("GET /v1/jobs/a?colour=red", None, (400, 3), "colour"),
        ("GET /v1/nothing", None, (404, 12), ""),
        ("PUT /v1/jobs", b"{}", (404, 12), ""),
        ("GET /nothing", None, (404, 12), "no such method or page"),
        (f"POST {GET_JOB}", b"{}", (404, 12), ""),
        ("GET /v1/jobs/a%2Fb", None, (400, 3), ""),
    ],
)
async def test_json_mistakes_are_told_in_json(
    door: Door, request_line: str, body: bytes | None, expected: tuple[int, int], says: str
) -> None:
    method, path = request_line.split()
    answer = door.ask(method, path, door.bearer() | {"content-type": "application/json"}, body)
    assert (answer.status, answer.json["code"]) == expected
    assert says in answer.json["message"]


def bad_tokens(stack: Stack) -> dict[str, str | None]:
    """Tokens that must not be let in."""
    key = ECKey.generate_key("P-256", auto_kid=True)
    claims = {"iss": "vidmesh", "aud": "vidmesh", "sub": "s", "tenant": "dev", "exp": 4102444800}
    own = ECKey.import_key(json.loads((stack.logs.parent / "keys" / "private.json").read_text()))
    header = {"alg": "ES256", "kid": own.kid or ""}
    unsigned = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "none"}, claims)
    ]
    return {
        "none": None,
        "garbage": "x",
        "expired": stack.token(ttl=timedelta(hours=-1)),
        "another key": jwt.encode({"alg": "ES256", "kid": key.kid or ""}, claims, key),
        "another audience": jwt.encode(header, claims | {"aud": "other"}, own),
        "another issuer": jwt.encode(header, claims | {"iss": "other"}, own),
        "without end": jwt.encode(header, {k: v for k, v in claims.items() if k != "exp"}, own),
        "unsigned": b".".join((*unsigned, b"")).decode(),
    }


async def test_a_bad_token_is_refused_alike_at_every_door(
    stack: Stack, stub: "IngestServiceAsyncStub", door: Door
) -> None:
    for what, token in bad_tokens(stack).items():
        headers = {"authorization": f"Bearer {token}"} if token else {}
        plain = door.ask("GET", "/v1/jobs/a", headers)
        assert (plain.status, plain.json["code"]) == (401, 16), what
        assert plain.json["details"][0]["reason"] == "UNAUTHENTICATED", what

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetJob(api.GetJobRequest(job_id="a"), metadata=tuple(headers.items()))
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED, what
        status = from_call(refused.value)
        info = error_details_pb2.ErrorInfo()
        assert status is not None
        assert status.details[0].Unpack(info), what
        assert (info.reason, info.domain) == ("UNAUTHENTICATED", "vidmesh"), what

        web = door.web(GET_JOB, b"", headers)
        assert (web.status, web.headers["grpc-status"]) == (200, "16"), what
        assert web.headers["grpc-status-details-bin"], what


async def test_a_tenant_that_calls_too_often_is_refused_alike_at_every_door_and_holds_up_nobody(
    stack: Stack, stub: "IngestServiceAsyncStub", door: Door
) -> None:
    greedy, modest = door.bearer("greedy"), door.bearer("modest")

    def asking(who: dict[str, str]) -> Call:
        return lambda: stub.GetJob(api.GetJobRequest(job_id="a"), metadata=tuple(who.items()))

    # 200 at once and 20 a second are allowed to each.
    above, beside = await asyncio.gather(
        offer([asking(greedy)], rate=3000, seconds=0.1), offer([asking(modest)], rate=15, seconds=2)
    )
    assert 200 <= len(above.latencies) < above.offered == 300
    assert list(above.refusals) == [
        Refusal(code="RESOURCE_EXHAUSTED", reason="RESOURCE_EXHAUSTED", retry_after=1.0)
    ]
    assert (len(beside.latencies), beside.refused) == (30, 0)

    asked = (door.ask("GET", "/v1/jobs/a", greedy) for _ in range(1000))
    plain = next(answer for answer in asked if answer.status != 200)
    assert (plain.status, plain.json["code"]) == (429, 8)
    assert plain.json["details"][0]["reason"] == "RESOURCE_EXHAUSTED"
    assert plain.json["details"][1]["retryDelay"] == "1s"
    assert plain.headers["retry-after"] == "1"
    assert int(plain.headers["x-ratelimit-reset"]) >= 0
    sent = (door.web(GET_JOB, b"", greedy) for _ in range(1000))
    web = next(answer for answer in sent if "grpc-status" in answer.headers)
    assert (web.status, web.headers["grpc-status"]) == (200, "8")
    assert web.headers["grpc-status-details-bin"]

    assert door.ask("GET", "/v1/jobs/a", modest).status == 200
    await asyncio.sleep(int(plain.headers["retry-after"]) + 0.5)
    after = await offer([asking(greedy)], rate=15, seconds=1)
    assert (len(after.latencies), after.refused) == (15, 0)


async def test_a_new_key_is_known_in_a_moment_and_an_old_one_until_it_is_retired(
    stack: Stack, door: Door
) -> None:
    keys = stack.logs.parent / "keys"

    async def answered(token: dict[str, str]) -> int:
        """The gateway starts anew when the file changes, a moment later."""
        status = 0
        for _ in range(100):
            with suppress(OSError, http.client.HTTPException):
                status = (await asyncio.to_thread(door.ask, "GET", "/v1/jobs/a", token)).status
                if status == wanted:
                    break
            await asyncio.sleep(0.1)
        return status

    wanted = 200
    old = door.bearer("old")
    rotate_keys(keys, retire=False)
    new = door.bearer("new")
    assert await answered(new) == wanted
    assert await answered(old) == wanted
    rotate_keys(keys, retire=True)
    newest = door.bearer("newest")
    assert await answered(newest) == wanted
    wanted = 401
    assert await answered(old) == wanted
    assert await answered(new) == wanted
    async with asyncio.timeout(60):
        developer = keys.parent / "run" / "token"
        while (
            door.ask("GET", "/v1/jobs/a", {"authorization": f"Bearer {developer.read_text()}"}).status != 200
        ):
            await asyncio.sleep(0.1)


async def test_a_token_is_taken_from_the_header_alone(stack: Stack, door: Door) -> None:
    assert door.ask("GET", f"/v1/jobs/a?access_token={stack.token()}").status == 401


async def test_grpc_web_from_a_known_origin(door: Door) -> None:
    message = api.GetJobRequest(job_id="a").SerializeToString()
    answer = door.web(GET_JOB, message, door.bearer() | {"origin": "https://videos.example.org"})
    assert answer.headers["access-control-allow-origin"] == "https://videos.example.org"
    exposed = answer.headers["access-control-expose-headers"]
    assert {"grpc-status", "grpc-message", "grpc-status-details-bin"} <= set(
        exposed.replace(" ", "").split(",")
    )
    (data_flags, data), (trailer_flags, trailers) = frames(answer.body)
    assert (data_flags, trailer_flags) == (0, 0x80)
    assert api.GetJobResponse.FromString(data).job.id == "a"
    assert b"grpc-status:0" in trailers


async def test_grpc_web_streams_as_it_comes(door: Door) -> None:
    message = api.WatchJobRequest(job_id="endless").SerializeToString()
    headers = door.bearer() | {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    with closing(door.open()) as connection:
        connection.request("POST", WATCH_JOB, struct.pack(">BI", 0, len(message)) + message, headers)
        answer = connection.getresponse()
        for second in (1, 2, 3):
            _, size = struct.unpack(">BI", answer.read(5))
            assert api.WatchJobResponse.FromString(answer.read(size)).heartbeat.time.seconds == second


PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}


@pytest.mark.parametrize("path", [GET_JOB, "/v1/jobs"])
@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "http://127.0.0.1:3000", "https://videos.example.org"]
)
async def test_preflights_of_known_origins_need_no_token(door: Door, path: str, origin: str) -> None:
    answer = door.ask("OPTIONS", path, {"origin": origin} | PREFLIGHT)
    assert answer.status in {200, 204}
    assert answer.headers["access-control-allow-origin"] == origin
    assert "authorization" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example", "null"])
async def test_other_origins_learn_nothing(door: Door, origin: str) -> None:
    for answer in (
        door.ask("OPTIONS", GET_JOB, {"origin": origin} | PREFLIGHT),
        door.ask("GET", "/v1/jobs/a", door.bearer() | {"origin": origin}),
    ):
        assert "access-control-allow-origin" not in answer.headers


async def test_json_refusals_reach_a_known_origin(door: Door) -> None:
    answer = door.ask("GET", "/v1/jobs/a", {"origin": "http://localhost:5173"})
    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"


async def test_the_front_page_needs_no_token(door: Door) -> None:
    answer = door.ask("GET", "/")
    assert answer.status == 200
    # The web app where it was built, else a few words on what is here.
    assert b"<title>vidmesh" in answer.body or b"This is vidmesh" in answer.body


async def test_health_answers_for_each_service_without_a_token(stack: Stack) -> None:
    async with grpc.aio.insecure_channel(urlsplit(stack.endpoint).netloc) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in SERVICES:
            answer = await health.Check(
                health_pb2.HealthCheckRequest(), metadata=[("x-vidmesh-service", name)]
            )
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        await stack.stop("summarize")
        for _ in range(20):
            with pytest.raises(grpc.aio.AioRpcError) as gone:
                await health.Check(
                    health_pb2.HealthCheckRequest(), metadata=[("x-vidmesh-service", "summarize")]
                )
            assert gone.value.code() == grpc.StatusCode.UNAVAILABLE
        await stack.restart("summarize")
        await health.Check(
            health_pb2.HealthCheckRequest(),
            metadata=[("x-vidmesh-service", "summarize")],
            wait_for_ready=True,
            timeout=20,
        )


async def test_a_service_that_is_away_reads_alike_at_every_door(
    stack: Stack, stub: "IngestServiceAsyncStub", door: Door
) -> None:
    await stack.stop("ingest")
    await stack.stop("ingest-2")
    try:
        plain = door.ask("GET", "/v1/jobs/a", door.bearer())
        assert (plain.status, plain.json["code"]) == (503, 14)
        assert plain.json["details"][0]["metadata"]["retryable"] == "true"
        web = door.web(GET_JOB, b"", door.bearer())
        assert (web.status, web.headers["grpc-status"]) == (200, "14")
        with pytest.raises(grpc.aio.AioRpcError) as away:
            await stub.GetJob(
                api.GetJobRequest(job_id="a"), metadata=(("authorization", f"Bearer {stack.token()}"),)
            )
        assert away.value.code() == grpc.StatusCode.UNAVAILABLE
        status = from_call(away.value)
        info = error_details_pb2.ErrorInfo()
        assert status is not None
        assert status.details[0].Unpack(info)
        assert info.reason == "UNAVAILABLE"
    finally:
        await stack.restart("ingest")
        await stack.restart("ingest-2")
