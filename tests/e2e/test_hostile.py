"""Every RPC that reflection finds, called as no client would: it is answered with a clean refusal, and the mesh stands."""

import http.client
import random
import re
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from tests import fuzzing, hostile
from tests.e2e.conftest import Mesh
from tests.e2e.test_tenants import REQUIRED, belongings, methods, reason_of
from tests.hostile import Ask, Call, Maker
from vidmesh.client import AsyncClient
from vidmesh_runtime import scope
from vidmesh_runtime.health import is_ready

PARTS = ("ingest", "transcribe", "summarize", "query", "gateway", "nats", "postgres")
SERVICES = PARTS[:4]
AT_ONCE = 8
STREAM = 0.7
"""Seconds that a stream is listened to: one that has nothing against a request goes on for ever."""
UNARY = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    code: str
    reason: str = ""
    message: str = ""


class Caller:
    """A caller that sends bytes as they are."""

    def __init__(self, mesh: Mesh, token: str) -> None:
        self.channel = grpc.insecure_channel(
            mesh.address,
            options=[("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)],
        )
        self._token = token
        self._address = urlsplit(mesh.endpoint)

    def call(self, method: MethodDescriptor, call: Call) -> Outcome:
        streams = ("unary", "stream")
        kind = f"{streams[method.client_streaming]}_{streams[method.server_streaming]}"
        invoke = getattr(self.channel, kind)(f"/{method.containing_service.full_name}/{method.name}")
        given = iter(call.requests) if method.client_streaming else call.requests[0]
        try:
            running = invoke(given, metadata=(("authorization", f"Bearer {self._token}"),), timeout=UNARY)
            if method.server_streaming:
                # A deadline would be kept by the gateway too, which breaks the stream off when it comes.
                heard = threading.Timer(UNARY if call.wrong else STREAM, running.cancel)
                heard.start()
                for _ in running:
                    pass
                heard.cancel()
        except grpc.RpcError as error:
            failed: Any = error
            if method.server_streaming and failed.code() is grpc.StatusCode.CANCELLED:
                return Outcome(code="OK")
            return Outcome(code=failed.code().name, reason=reason_of(failed), message=str(failed.details()))
        return Outcome(code="OK")

    def ask(self, ask: Ask, *, streams: bool) -> int:
        """The status of an answer; of a stream nothing more is waited for."""
        host = str(self._address.hostname)
        connection = http.client.HTTPConnection(host, self._address.port, timeout=UNARY)
        headers = {"authorization": f"Bearer {self._token}", **ask.headers}
        try:
            connection.putrequest(ask.verb, ask.target)
            for name, value in headers.items():
                connection.putheader(name, value)
            if ask.body is not None:
                connection.putheader("content-length", str(len(ask.body)))
            connection.endheaders()
            # It may be refused before its end; the answer says why.
            with suppress(ConnectionError):
                connection.send(ask.body or b"")
            answer = connection.getresponse()
            if not streams or answer.status != 200:
                answer.read()
            return answer.status
        finally:
            connection.close()


@pytest.fixture
async def ids(mesh: Mesh, tenant: str, client: AsyncClient) -> Mapping[str, Sequence[str]]:
    """Ids that exist: the caller's own, and those of another."""
    own = await belongings(client)
    async with AsyncClient(mesh.endpoint, mesh.token(f"{tenant}-them")) as other:
        theirs = await belongings(other)
    return {name: [known for known in (own[name], theirs[name]) if known] for name in own}


@pytest.fixture
def standing(mesh: Mesh) -> Iterator[None]:
    """Sees to it that no part of the mesh has died, or tells of a fault of its own, by the end of the test."""
    before = {part: mesh.stack.pid(part) for part in PARTS}
    lengths = {part: log(mesh, part).stat().st_size for part in SERVICES}
    yield
    assert {part: mesh.stack.pid(part) for part in PARTS} == before
    assert [part for part in SERVICES if not is_ready(mesh.address, through=part)] == []
    for part in SERVICES:
        with log(mesh, part).open(errors="replace") as file:
            file.seek(lengths[part])
            told = file.read()
        faults = re.findall(r"(?s)(?:Traceback|: fault ).{,3000}", told)
        assert not faults, faults[0]


def log(mesh: Mesh, part: str) -> Path:
    return mesh.stack.logs / f"{part}.log"


def is_clean(outcome: Outcome, call: Call) -> bool:
    if call.wrong:
        return outcome.code in {"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"}
    return outcome.code not in {"INTERNAL", "UNKNOWN", "UNAVAILABLE", "UNIMPLEMENTED", "DEADLINE_EXCEEDED"}


@pytest.mark.usefixtures("standing")
async def test_no_message_makes_a_method_fail(
    mesh: Mesh, tenant: str, ids: Mapping[str, Sequence[str]]
) -> None:
    caller = Caller(mesh, mesh.token(tenant))
    maker = Maker(random.Random(fuzzing.SEED), ids)
    found = list(methods(mesh))
    calls = [(method, call) for method in found for call in maker.calls(method, 10 * fuzzing.ROUNDS)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(lambda one: caller.call(*one), calls))
    caller.channel.close()
    codes = Counter(outcome.code for outcome in outcomes)
    fuzzing.tell(f"{len(calls)} calls of {len(found)} methods: {dict(codes)}")
    wrong = [
        f"{method.name}: {call.what}: {outcome}"
        for (method, call), outcome in zip(calls, outcomes, strict=True)
        if not is_clean(outcome, call)
    ]
    assert wrong == []
    assert len(found) >= 36
    assert {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED"} <= set(codes)


@pytest.mark.usefixtures("standing")
async def test_no_request_to_the_json_door_makes_it_fail(
    mesh: Mesh, tenant: str, ids: Mapping[str, Sequence[str]]
) -> None:
    caller = Caller(mesh, mesh.token(tenant))
    maker = Maker(random.Random(fuzzing.SEED), ids)
    asks = [(method, ask) for method in methods(mesh) for ask in maker.asks(method, 5 * fuzzing.ROUNDS)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = list(pool.map(lambda one: caller.ask(one[1], streams=one[0].server_streaming), asks))
    fuzzing.tell(f"{len(asks)} requests: {dict(Counter(statuses))}")
    wrong = [
        f"{method.name}: {ask.what}: {status}: {ask.verb} {ask.target[:200]} {(ask.body or b'')[:200]!r}"
        for (method, ask), status in zip(asks, statuses, strict=True)
        if status >= 500 and ask.what not in hostile.OF_GRPC
    ]
    assert wrong == []
    assert {200, 400, 404, 429} <= set(statuses)


@pytest.mark.usefixtures("standing")
def test_no_frame_makes_a_service_fail(mesh: Mesh, tenant: str) -> None:
    address = urlsplit(mesh.endpoint)
    wrong = []
    for method in [method for method in methods(mesh) if method.name in {"GetJob", "Search", "ListModels"}]:
        for what, (body, more, codes) in hostile.FRAMES.items():
            connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=UNARY)
            headers = {
                "authorization": f"Bearer {mesh.token(tenant)}",
                "content-type": "application/grpc-web+proto",
                "x-grpc-web": "1",
                **more,
            }
            path = f"/{method.containing_service.full_name}/{method.name}"
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            code = grpc_code(answer.headers, answer.read())
            connection.close()
            if code not in codes:
                wrong.append(f"{method.name}: {what}: {code}")
    assert wrong == []


def grpc_code(headers: Any, body: bytes) -> str:
    """The name of the code of a gRPC-Web answer, in its headers or in its last frame."""
    told = headers.get("grpc-status")
    while told is None and len(body) >= 5:
        flags, size = struct.unpack(">BI", body[:5])
        if flags & 0x80:
            lines = dict(line.split(":", 1) for line in body[5 : 5 + size].decode().split("\r\n") if line)
            told = lines.get("grpc-status", "").strip()
        body = body[5 + size :]
    return {str(code.value[0]): code.name for code in grpc.StatusCode}.get(told, f"none: {told}")


@pytest.mark.usefixtures("standing")
async def test_a_token_opens_what_its_scope_says_and_nothing_else(mesh: Mesh, tenant: str) -> None:
    for given in scope.SCOPES:
        caller = Caller(mesh, mesh.token(tenant, given))
        for method in methods(mesh):
            needed = scope.needed(method.full_name.replace(f".{method.name}", f"/{method.name}"))
            outcome = caller.call(method, Call(what="an example", requests=(example(method),)))
            refused = (outcome.code, outcome.reason) == ("PERMISSION_DENIED", "SCOPE_MISSING")
            assert refused == (needed != given), f"{method.full_name} with the scope {given}: {outcome}"
            ask = hostile.plain(method)
            if ask is not None:
                status = caller.ask(ask, streams=method.server_streaming)
                assert (status == 403) == (needed != given), f"{ask.verb} {ask.target}: {status}"
        caller.channel.close()


def example(method: MethodDescriptor) -> bytes:
    request: Any = GetMessageClass(method.input_type)()
    for name, plain in REQUIRED.get(method.name, {}).items():
        setattr(request, name, plain)
    return bytes(request.SerializeToString())
