"""The query service as a process of its own, with the facts of the other stages put on the bus by hand."""

import asyncio
import json
import os
import socket
import subprocess
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import grpc
import nats
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from nats.js import JetStreamContext

from tests.conftest import Backstage, Keys, NatsServer, PostgresServer
from tests.service_process import command
from vidmesh.events.v1.index_events_pb2 import IndexCompleted
from vidmesh.events.v1.ingest_events_pb2 import JobAccepted, SourceOpened
from vidmesh.events.v1.text_pb2 import Segment, Word
from vidmesh.events.v1.transcribe_events_pb2 import TranscriptCompleted, WindowTranscribed
from vidmesh.query.v1.query_service_pb2 import SearchRequest
from vidmesh.query.v1.query_service_pb2_grpc import QueryServiceStub
from vidmesh.query.v1.search_pb2 import Hit
from vidmesh_runtime.auth import make_key
from vidmesh_runtime.bus import event_subject
from vidmesh_runtime.events import Event, event_headers, kind_of, read_event

if TYPE_CHECKING:
    from vidmesh.query.v1.query_service_pb2_grpc import QueryServiceAsyncStub

WORD = 400
"""Milliseconds a word takes."""


def duration(milliseconds: int) -> Duration:
    made = Duration()
    made.FromMilliseconds(milliseconds)
    return made


def window(video: str, index: int, *texts: str, start: int, language: str = "en") -> WindowTranscribed:
    """A window in which `texts` are said one after another, beginning at `start`."""
    segments = []
    at = start
    for number, text in enumerate(texts):
        begin = at
        words = []
        for word in text.split():
            words.append(Word(start=duration(at), end=duration(at + 350), text=word))
            at += WORD
        segments.append(
            Segment(
                index=number,
                start=duration(begin),
                end=duration(at),
                text=text,
                words=words,
                language=language,
            )
        )
        at += 200
    return WindowTranscribed(
        video_id=video,
        window_index=index,
        start=duration(start),
        end=duration(at),
        segments=segments,
        language=language if texts else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A video with what is said in it, window by window."""

    title: str
    windows: tuple[tuple[str, ...], ...]
    language: str = "en"
    tenant: str = "acme"
    video: str = field(default_factory=lambda: str(uuid.uuid4()))
    job: str = field(default_factory=lambda: str(uuid.uuid4()))

    def of(self, tenant: str) -> "Talk":
        """The same talk, as another video of a tenant."""
        return replace(self, tenant=tenant, video=str(uuid.uuid4()), job=str(uuid.uuid4()))

    def heard(self) -> list[WindowTranscribed]:
        """Its windows, each beginning where the one before ends."""
        windows: list[WindowTranscribed] = []
        at = 0
        for index, texts in enumerate(self.windows):
            windows.append(window(self.video, index, *texts, start=at, language=self.language))
            at = windows[-1].end.ToMilliseconds()
        return windows


class Stages:
    """Tells facts of other stages, and hears what the index stage tells."""

    def __init__(self, jetstream: JetStreamContext) -> None:
        self._jetstream = jetstream
        self._numbers: dict[tuple[str, str], int] = {}

    async def ready(self) -> bool:
        """Whether the service has made its streams. Raises while it has not."""
        return bool(await self._jetstream.stream_info("EVENTS"))

    async def tell(self, talk: Talk, stage: str, fact: Message, *, number: int = 0) -> None:
        """Tell a fact; its number is the next one of its stage unless another is given."""
        if not number:
            number = self._numbers[(talk.job, stage)] = self._numbers.get((talk.job, stage), 0) + 1
        headers = event_headers(
            identifier=str(uuid.uuid4()),
            time=datetime.now(UTC),
            source=stage,
            kind=type(fact).__name__,
            job_id=talk.job,
            number=number,
        )
        subject = event_subject(talk.tenant, talk.job, stage, kind_of(fact))
        await self._jetstream.publish(subject, fact.SerializeToString(), headers=headers)

    async def tick(self, talk: Talk, stage: str, event: Message) -> None:
        headers = event_headers(
            identifier=str(uuid.uuid4()),
            time=datetime.now(UTC),
            source=stage,
            kind=type(event).__name__,
            job_id=talk.job,
            number=0,
        )
        subject = event_subject(talk.tenant, talk.job, stage, kind_of(event))
        await self._jetstream.publish(subject, event.SerializeToString(), headers=headers)

    async def open(self, talk: Talk) -> None:
        await self.tell(talk, "ingest", JobAccepted(video_id=talk.video, source="upload:1", title="upload"))
        await self.tell(
            talk, "ingest", SourceOpened(video_id=talk.video, title=talk.title, author="An author")
        )

    async def complete(self, talk: Talk) -> None:
        end = talk.heard()[-1].end if talk.windows else Duration()
        fact = TranscriptCompleted(
            video_id=talk.video, window_count=len(talk.windows), language=talk.language, duration=end
        )
        await self.tell(talk, "transcribe", fact)

    async def whole(self, talk: Talk) -> None:
        """Everything about a talk, from its being accepted to its transcript's end."""
        await self.open(talk)
        for one in talk.heard():
            await self.tell(talk, "transcribe", one)
        await self.complete(talk)

    async def told(self, talk: Talk, kind: str = "*", *, within: float = 90) -> AsyncGenerator[Event]:
        """The index stage's events of a job, from the first on; ends by TimeoutError."""
        subject = event_subject(talk.tenant, talk.job, "index", kind)
        subscription = await self._jetstream.subscribe(subject, ordered_consumer=True)
        try:
            while True:
                message = await asyncio.wait_for(subscription.next_msg(timeout=within), within)
                event = read_event(
                    message.subject, message.headers or {}, message.metadata.sequence.stream, message.data
                )
                assert event is not None
                yield event
        finally:
            await subscription.unsubscribe()

    async def first(self, talk: Talk, kind: str) -> Message:
        async with aclosing(self.told(talk, kind)) as events:
            return (await anext(events)).message()

    async def indexed(self, talk: Talk) -> IndexCompleted:
        """Waits until the talk is indexed."""
        fact = await self.first(talk, "index_completed")
        assert isinstance(fact, IndexCompleted)
        return fact


class Process:
    """The service's process."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._environment = {**os.environ, **environment, "VIDMESH_LISTEN": self.address}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **extra: str) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command("query"),
                env={**self._environment, **extra},
                stderr=log,
                stdout=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def died(self) -> int:
        assert self._process is not None
        return await asyncio.wait_for(asyncio.to_thread(self._process.wait), 30)

    async def stop(self) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._process.wait), 30)
        except TimeoutError:
            self.kill()
            raise


class Bearer(grpc.aio.UnaryUnaryClientInterceptor):
    """Signs every call that has one answer with a token."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_signed(client_call_details, self._token), request)


class StreamBearer(grpc.aio.UnaryStreamClientInterceptor):
    """Signs every call that has a stream of answers with a token; gRPC takes an interceptor for one kind of calls alone."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_signed(client_call_details, self._token), request)


def _signed(details: Any, token: str) -> Any:
    return details._replace(metadata=(("authorization", f"Bearer {token}"),))


@asynccontextmanager
async def client(
    process: Process, keys: Keys, tenant: str = "acme"
) -> AsyncIterator["QueryServiceAsyncStub"]:
    """A stub that carries a tenant's token."""
    token = keys.token(tenant)
    bearers = [Bearer(token), StreamBearer(token)]
    async with grpc.aio.insecure_channel(process.address, interceptors=bearers) as channel:
        await asyncio.wait_for(channel.channel_ready(), 60)
        yield QueryServiceStub(channel)


@asynccontextmanager
async def stages(url: str) -> AsyncIterator[Stages]:
    """The bus, as the other stages use it."""
    connection = await nats.connect(url)
    try:
        yield Stages(connection.jetstream())
    finally:
        await connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A query service that several tests share, each as a tenant of its own."""

    process: Process
    keys: Keys
    nats_url: str
    database_url: str


@contextmanager
def shared(
    backstage: Backstage, postgres: PostgresServer, nats_process: NatsServer, folder: Path, **extra: str
) -> Iterator[Service]:
    """The service, running with a database and streams of its own."""
    name = f"q{uuid.uuid4().hex[:12]}"

    async def prepare() -> None:
        admin = await asyncpg.connect(postgres.server.dsn("postgres"))
        await admin.execute(f"create database {name}")
        await admin.close()
        setup = await asyncpg.connect(postgres.server.dsn("postgres"), database=name)
        await setup.execute(Path("stack/vidmesh_stack/database.sql").read_text())
        await setup.close()
        connection = await nats.connect(nats_process.url)
        for info in await connection.jetstream().streams_info():
            await connection.jetstream().delete_stream(str(info.config.name))
        await connection.close()

    backstage.run(prepare())
    key = make_key()
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    database = postgres.server.dsn("vidmesh_query").replace("/vidmesh?", f"/{name}?", 1)
    environment = {
        "VIDMESH_DATABASE_URL": database,
        "VIDMESH_NATS_URL": nats_process.url,
        "VIDMESH_MEDIA_URL": (folder / "media").as_uri(),
        "VIDMESH_JWKS_PATH": str(jwks),
        "VIDMESH_DATA_DIR": str(folder / "data"),
        **extra,
    }
    process = Process(environment, folder / "query.log")
    process.start()
    try:
        yield Service(
            process=process,
            keys=Keys(key=key, jwks_path=jwks),
            nats_url=nats_process.url,
            database_url=database,
        )
    finally:
        code = backstage.run(process.stop())
    assert code == 0, process.log


async def refused(call: Awaitable[object]) -> grpc.StatusCode:
    """The status that a call is refused with."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value.code()


async def until(condition: Callable[[], Awaitable[object]], *, within: float = 60) -> None:
    """Waits until a condition gives something true."""
    async with asyncio.timeout(within):
        while not await condition():
            await asyncio.sleep(0.05)


async def search(query: "QueryServiceAsyncStub", words: str, **more: Any) -> list[Hit]:
    """What is found for some words."""
    return list((await query.Search(SearchRequest(query=words, **more))).hits)


def lecture(windows: int) -> Talk:
    """A talk of several passages, each word of which says where it stands."""
    return Talk(
        title="A lecture",
        windows=tuple(
            tuple(
                f"Topic w{window}s{sentence} is " + f"about item{window} number{sentence} " * 4
                for sentence in range(3)
            )
            for window in range(windows)
        ),
    )


LIONS = Talk(
    title="Lions in Paris",
    windows=(
        ("Welcome to this talk about animals that travel.", "The lions carried seven red boxes to Paris."),
        ("In each box there was a letter for the mayor.", "He read them all on a rainy afternoon."),
    ),
)
CAKE = Talk(
    title="Apple cake",
    windows=(("Take four apples and a pound of flour.", "Bake the cake for fifty minutes in a hot oven."),),
)
