"""The chat client against a real server that misbehaves."""

from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import formatdate
from time import monotonic, time

import pytest

from tests.language_model import (
    BreakOff,
    Garbage,
    Huge,
    LanguageModelServer,
    Reset,
    Say,
    Stall,
    Status,
)
from vidmesh_runtime.errors import Failure
from vidmesh_summarize.chat import Chat, Message, Patience
from vidmesh_summarize.engine import RESTART

QUESTION = [
    Message("system", "Be brief."),
    Message("user", "(0:05) The sea is green today and the boat is late."),
]


@pytest.fixture
async def server() -> AsyncIterator[LanguageModelServer]:
    async with LanguageModelServer() as running:
        yield running


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidmesh_summarize.chat._FIRST_DELAY", 0.01)


def chat(server: LanguageModelServer, **patience: timedelta | int) -> Chat:
    values: dict[str, timedelta | int] = {"attempts": 3, "stall": timedelta(seconds=0.5), **patience}
    return Chat(server.base_url, "key", "test-model", patience=Patience(**values), concurrency=2)  # type: ignore[arg-type]


async def reason(opened: Chat) -> str:
    with pytest.raises(Failure) as caught:
        await opened.ask(QUESTION, answer_tokens=200)
    return caught.value.name


async def test_an_answer_streams_in_pieces(server: LanguageModelServer) -> None:
    async with chat(server) as opened:
        pieces = [piece async for piece in opened.write(QUESTION, answer_tokens=200)]
    assert len(pieces) > 2
    assert "".join(str(piece) for piece in pieces) == "The sea is green today and the boat is late (0:05)."
    request = server.requests[0]
    assert request.headers["authorization"] == "Bearer key"
    assert request.body["model"] == "test-model"
    assert request.body["stream"] is True
    assert request.body["max_tokens"] == 200


@pytest.mark.parametrize(
    "fault", [Status(500), Status(503), Stall(), BreakOff(), Reset(), Garbage(), Say("")]
)
async def test_a_fault_that_passes_is_outlasted(server: LanguageModelServer, fault: Status) -> None:
    server.then(fault)
    async with chat(server) as opened:
        assert (
            await opened.ask(QUESTION, answer_tokens=200)
            == "The sea is green today and the boat is late (0:05)."
        )
    assert len(server.requests) == 2


async def test_text_before_a_fault_is_declared_void(server: LanguageModelServer) -> None:
    server.then(BreakOff(chunks=1))
    async with chat(server) as opened:
        pieces = [piece async for piece in opened.write(QUESTION, answer_tokens=200)]
    assert pieces[0] == "The sea is"
    assert pieces[1] is RESTART
    assert "".join(str(piece) for piece in pieces[2:]).startswith("The sea is green")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Status(500), "LANGUAGE_MODEL_UNAVAILABLE"),
        (Reset(), "LANGUAGE_MODEL_UNAVAILABLE"),
        (Status(429), "LANGUAGE_MODEL_RATE_LIMITED"),
        (Stall(), "LANGUAGE_MODEL_STALLED"),
        (BreakOff(), "LANGUAGE_MODEL_STALLED"),
        (Garbage(), "LANGUAGE_MODEL_GARBLED"),
        (Garbage(b"{}"), "LANGUAGE_MODEL_STALLED"),
        (Say(" " * 0), "LANGUAGE_MODEL_GARBLED"),
        (Huge(), "LANGUAGE_MODEL_GARBLED"),
    ],
)
async def test_a_fault_that_stays_is_told(server: LanguageModelServer, fault: Status, told: str) -> None:
    server.always(fault)
    async with chat(server) as opened:
        assert await reason(opened) == told
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "fault",
    [Status(400), Status(401), Status(403), Status(404), Status(422), Say("no", finish="content_filter")],
)
async def test_a_refusal_is_told_at_once(server: LanguageModelServer, fault: Status) -> None:
    server.always(fault)
    async with chat(server) as opened:
        assert await reason(opened) == "LANGUAGE_MODEL_REFUSED"
    assert len(server.requests) == 1


async def test_nobody_there_is_told() -> None:
    async with LanguageModelServer() as gone:
        pass
    async with chat(gone) as opened:
        assert await reason(opened) == "LANGUAGE_MODEL_UNAVAILABLE"


@pytest.mark.parametrize("written", ["0.4", "date"])
async def test_retry_after_is_honoured(server: LanguageModelServer, written: str) -> None:
    server.then(
        Status(429, retry_after=formatdate(time() + 2, usegmt=True) if written == "date" else written)
    )
    begun = monotonic()
    async with chat(server) as opened:
        await opened.ask(QUESTION, answer_tokens=200)
    assert monotonic() - begun >= 0.4
    assert len(server.requests) == 2


async def test_a_wait_that_is_too_long_is_told_instead(server: LanguageModelServer) -> None:
    server.always(Status(429, retry_after=3600))
    async with chat(server) as opened:
        with pytest.raises(Failure) as caught:
            await opened.ask(QUESTION, answer_tokens=200)
    assert caught.value.name == "LANGUAGE_MODEL_RATE_LIMITED"
    assert caught.value.retry_after == timedelta(hours=1)
    assert len(server.requests) == 1


async def test_a_huge_answer_is_cut_off_early(server: LanguageModelServer) -> None:
    server.always(Huge())
    async with chat(server, attempts=1) as opened:
        assert await reason(opened) == "LANGUAGE_MODEL_GARBLED"
    assert server.sent < 8 << 20


async def test_one_endless_frame_is_cut_off(server: LanguageModelServer) -> None:
    server.always(Garbage(b"data: " + b"x" * (9 << 20)))
    async with chat(server, attempts=1, stall=timedelta(seconds=30)) as opened:
        assert await reason(opened) == "LANGUAGE_MODEL_GARBLED"


async def test_an_answer_that_trickles_is_ended(server: LanguageModelServer) -> None:
    server.always(Stall())
    async with chat(server, attempts=1, stall=timedelta(seconds=30), whole=timedelta(seconds=0.3)) as opened:
        assert await reason(opened) == "LANGUAGE_MODEL_STALLED"


async def test_a_server_without_json_mode_is_asked_without(server: LanguageModelServer) -> None:
    server.then(Status(400, message="response_format is not supported"))
    async with chat(server) as opened:
        await opened.ask(QUESTION, answer_tokens=200, json=True)
        await opened.ask(QUESTION, answer_tokens=200, json=True)
    asked = ["response_format" in request.body for request in server.requests]
    assert asked == [True, False, False]


async def test_no_more_answers_are_under_way_than_allowed(server: LanguageModelServer) -> None:
    import asyncio

    async with chat(server) as opened:
        await asyncio.gather(*(opened.ask(QUESTION, answer_tokens=200) for _ in range(8)))
    assert len(server.requests) == 8
    assert server.most_under_way <= 2
