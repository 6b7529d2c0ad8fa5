"""A language model's server for tests: OpenAI's chat completions over real HTTP, with faults on demand.

It answers usefully and always the same way: chapters as JSON where numbered lines are to be cut, a sentence with a
citation where passages are asked about, else a summary of the material's first lines with their moments.

    async with LanguageModelServer() as server:
        server.then(Status(429, retry_after=1), Stall())   # the next two requests; after them it answers again
        client = openai.AsyncOpenAI(base_url=server.base_url, api_key="key")
"""

import asyncio
import contextlib
import json
import re
import socket
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MODEL = "test-model"
_WORDS_A_CHUNK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client sent."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def system(self) -> str:
        return "\n".join(m["content"] for m in self.body.get("messages", []) if m["role"] == "system")

    @property
    def user(self) -> str:
        """The last message of the user."""
        return next((m["content"] for m in reversed(self.body["messages"]) if m["role"] == "user"), "")


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with this text."""

    text: str
    finish: str = "stop"


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with an HTTP error."""

    code: int
    retry_after: float | str | None = None
    message: str = "no"


@dataclass(frozen=True, slots=True)
class Stall:
    """Begin a useful answer, then say nothing more."""

    chunks: int = 2


@dataclass(frozen=True, slots=True)
class BreakOff:
    """Begin a useful answer, then close the connection in the middle of a frame."""

    chunks: int = 2


@dataclass(frozen=True, slots=True)
class Reset:
    """Close the connection instead of answering."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answer with status 200 and bytes that are no event stream."""

    data: bytes = b'data: {"choices": [{"delta": {"content": \n\ndata: <html>\x00\xff</html>\n\n'


@dataclass(frozen=True, slots=True)
class Huge:
    """Answer without end, up to so many bytes."""

    most: int = 64 << 20


Behaviour = Say | Status | Stall | BreakOff | Reset | Garbage | Huge


class LanguageModelServer:
    """The server; an async context manager. Port and address are its own, on loopback."""

    def __init__(self, answer: Callable[[Request], str] | None = None) -> None:
        self.requests: list[Request] = []
        self.base_url = ""
        self.sent = 0
        """Bytes of the last endless answer that clients took."""
        self.under_way = 0
        self.most_under_way = 0
        self.answer = answer or useful
        self._script: deque[Behaviour] = deque()
        self._always: Behaviour | None = None
        self._server: asyncio.Server | None = None
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self._rules: list[tuple[Callable[[Request], bool], Behaviour]] = []

    def then(self, *behaviours: Behaviour) -> None:
        """Treat the next requests so, one each."""
        self._script.extend(behaviours)

    def when(self, meant: Callable[[Request], bool], behaviour: Behaviour | None) -> None:
        """Treat all requests that are meant so, from now on; None: answer them again."""
        self._rules = [rule for rule in self._rules if rule[0] is not meant]
        if behaviour is not None:
            self._rules.append((meant, behaviour))

    def always(self, behaviour: Behaviour | None) -> None:
        """Treat all requests so that `then` says nothing about; None: answer."""
        self._always = behaviour

    async def __aenter__(self) -> "LanguageModelServer":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=16 << 20)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        tasks = list(self._writers.values())
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._writers[writer] = task
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
                try:
                    if not await self._respond(request, reader, writer):
                        break
                finally:
                    self.under_way -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # clients may leave whenever they like
        finally:
            del self._writers[writer]
            with contextlib.suppress(ConnectionError):
                writer.close()

    def _behaviour(self, request: Request) -> Behaviour:
        if self._script:
            return self._script.popleft()
        ruled = next((behaviour for meant, behaviour in self._rules if meant(request)), None)
        return ruled or self._always or Say(self.answer(request))

    async def _respond(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer; whether the connection goes on."""
        if not request.path.endswith("/chat/completions"):
            await _send(writer, 404, {"error": {"message": f"no {request.path}"}})
            return True
        behaviour = self._behaviour(request)
        if isinstance(behaviour, Say) and not request.body.get("stream"):
            await _send(writer, 200, _completion(behaviour))
            return True
        if isinstance(behaviour, Status):
            headers = {} if behaviour.retry_after is None else {"retry-after": str(behaviour.retry_after)}
            error = {"error": {"message": behaviour.message, "type": "test", "code": str(behaviour.code)}}
            await _send(writer, behaviour.code, error, headers)
            return True
        if isinstance(behaviour, Reset):
            writer.transport.abort()
            return False
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        await self._stream(behaviour, request, writer)
        if isinstance(behaviour, Stall):
            await reader.read()  # until the client leaves
        return isinstance(behaviour, Say)

    async def _stream(self, behaviour: Behaviour, request: Request, writer: asyncio.StreamWriter) -> None:
        if isinstance(behaviour, Garbage):
            await _chunk(writer, behaviour.data)
            await _chunk(writer, b"")
            return
        if isinstance(behaviour, Huge):
            self.sent = 0
            # What the system holds for a client that has left counts as sent.
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
            while self.sent < behaviour.most:
                frame = _frame({"content": "on and on " * 100})
                await _chunk(writer, frame)
                self.sent += len(frame)
            return
        await _chunk(writer, _frame({"role": "assistant", "content": ""}))
        text = behaviour.text if isinstance(behaviour, Say) else self.answer(request)
        words = re.findall(r"\s*\S+\s*$|\s*\S+", text)
        pieces = ["".join(words[at : at + _WORDS_A_CHUNK]) for at in range(0, len(words), _WORDS_A_CHUNK)]
        if isinstance(behaviour, Stall | BreakOff):
            for piece in pieces[: behaviour.chunks]:
                await _chunk(writer, _frame({"content": piece}))
            if isinstance(behaviour, BreakOff):
                await _chunk(writer, b'data: {"id": "x", "choi')
            return
        assert isinstance(behaviour, Say)
        for piece in pieces:
            await _chunk(writer, _frame({"content": piece}))
        await _chunk(writer, _frame({}, behaviour.finish) + b"data: [DONE]\n\n")
        await _chunk(writer, b"")


def useful(request: Request) -> str:
    """The answer to a request of vidmesh's: deterministic, and made of the request's own material."""
    if '"chapters"' in request.system:
        return json.dumps({"chapters": _chapters(request.user)})
    passages = re.findall(r"<passage[^>]*>\s*(.*?)\s*</passage>", request.user, re.DOTALL)
    if passages:
        return " ".join(f"{_first_words(text, 12)} [{at}]." for at, text in enumerate(passages[:2], 1))
    lines = re.findall(r"^\((\d+(?::\d\d)+)\) (.+)$", request.user, re.MULTILINE)
    if not lines:
        return _first_words(request.user.splitlines()[-1] if request.user else "Nothing.", 20)
    step = max(1, len(lines) // 4)
    return " ".join(f"{_first_words(text, 14)} ({moment})." for moment, text in lines[::step][:5])


def _chapters(material: str) -> list[dict[str, object]]:
    lines = re.findall(r"^(\d+) \((\d+(?::\d\d)+)\) (.+)$", material, re.MULTILINE)
    most = int(found.group(1)) if (found := re.search(r"to (\d+) chapters", material)) else 4
    step = max(1, -(-len(lines) // max(1, most)))
    return [
        {"line": int(number), "title": _first_words(text, 4), "gist": f"{_first_words(text, 10)}."}
        for number, _, text in lines[::step]
    ]


def _first_words(text: str, count: int) -> str:
    return " ".join(re.sub(r"\([^)]*\)", "", text).split()[:count]).rstrip(".,;:")


def _completion(said: Say) -> dict[str, object]:
    message = {"role": "assistant", "content": said.text}
    return {
        "id": "chatcmpl-test", "object": "chat.completion", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": said.finish}],
    }  # fmt: skip


def _frame(delta: dict[str, str], finish: str | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }  # fmt: skip
    return f"data: {json.dumps(chunk)}\n\n".encode()


async def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send a chunk of a chunked body; an empty one ends it."""
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    await writer.drain()


async def _send(
    writer: asyncio.StreamWriter, status: int, body: object, headers: Mapping[str, str] | None = None
) -> None:
    data = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Test", "content-type: application/json", f"content-length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + data)
    await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None where there is no more."""
    first = (await reader.readline()).decode().split()
    if len(first) < 2:
        return None
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    data = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(path=first[1], headers=headers, body=json.loads(data or b"{}"))
