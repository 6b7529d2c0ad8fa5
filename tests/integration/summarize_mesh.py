"""The summarize service between stages that tests play."""

import asyncio
import os
import re
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from tests.service_process import command
from vidmesh.events.v1 import ingest_events_pb2 as ingest
from vidmesh.events.v1.text_pb2 import Segment
from vidmesh.events.v1.transcribe_events_pb2 import TranscriptCompleted, WindowTranscribed
from vidmesh.summarize.v1.summarize_service_pb2_grpc import (
    SummarizeServiceStub,
)
from vidmesh_runtime import outbox
from vidmesh_runtime.events import Event
from vidmesh_runtime.health import is_ready
from vidmesh_runtime.outbox import Relay
from vidmesh_runtime.service import Parts, open_parts
from vidmesh_runtime.settings import ServiceSettings
from vidmesh_summarize.__main__ import NAME

M = TypeVar("M", bound=Message)
TALK = Path(__file__).parents[1] / "unit" / "summarize" / "beekeeping.txt"
QUICK = {
    "VIDMESH_RETRY_DELAY": "PT0.1S",
    "VIDMESH_RECONCILE_EVERY": "PT0.5S",
    "VIDMESH_LEASE": "PT3S",
    "VIDMESH_SECTION_LENGTH": "PT60S",
    "VIDMESH_LLM_STALL": "PT1S",
}


def spoken(path: Path = TALK) -> list[Segment]:
    """A talk as a recogniser would give it, at 150 words a minute."""
    segments: list[Segment] = []
    now = 0.0
    for paragraph in path.read_text().split("\n\n"):
        for sentence in re.split(r"(?<=[.?!]) ", paragraph.strip()):
            end = now + len(sentence.split()) / 2.5
            segments.append(
                Segment(index=len(segments), start=length(now), end=length(end), text=sentence, language="en")
            )
            now = end + 0.35
        now += 1.2
    return segments


def carried(event: Event, kind: type[M]) -> M:
    """The message that an event carries."""
    return kind.FromString(event.payload)


def length(seconds: float) -> Duration:
    duration = Duration()
    duration.FromTimedelta(timedelta(seconds=round(seconds, 3)))
    return duration


def windows(segments: Sequence[Segment], video_id: str, seconds: int = 30) -> list[WindowTranscribed]:
    """Segments put into windows, without a gap in their numbers."""
    count = max((one.start.seconds // seconds for one in segments), default=-1) + 1
    made = [
        WindowTranscribed(
            video_id=video_id,
            window_index=index,
            start=length(index * seconds),
            end=length((index + 1) * seconds),
        )
        for index in range(count)
    ]
    for one in segments:
        made[one.start.seconds // seconds].segments.append(one)
    for window in made:
        window.language = "en" if window.segments else ""
    return made


def completed(made: Sequence[WindowTranscribed], video_id: str) -> TranscriptCompleted:
    segments = [one for window in made for one in window.segments]
    return TranscriptCompleted(
        video_id=video_id,
        window_count=len(made),
        segment_count=len(segments),
        language="en" if segments else "",
        duration=length(segments[-1].end.seconds + 5 if segments else 60),
        engine="test",
    )


class Mesh:
    """The summarize service, and the stages before it played by the test."""

    def __init__(
        self, stages: dict[str, Parts], environment: dict[str, str], token: Callable[..., str]
    ) -> None:
        self.process: asyncio.subprocess.Process | None = None
        self.parts = stages["ingest"]
        self._stages = stages
        self._variables = {**environment, **QUICK}
        self._token = token
        self._address = ""
        self._channel: grpc.aio.Channel | None = None

    async def start(self, **variables: str) -> None:
        """Start it and wait until it serves."""
        await self.start_process(**variables)
        await self.ready()

    async def start_process(self, **variables: str) -> None:
        """Start it: as a process of its own, for gRPC's server and client, in one process, now and then end it by SIGSEGV."""
        self._address = f"127.0.0.1:{_free_port()}"
        self.process = await asyncio.create_subprocess_exec(
            *command("summarize"),
            env={**os.environ, **self._variables, **variables, "VIDMESH_LISTEN": self._address},
        )

    async def ready(self) -> None:
        """Wait until the process serves."""
        assert self.process is not None
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(is_ready, self._address, timeout=1):
                assert self.process.returncode is None
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """End the process as by kill -9."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """End the process in an orderly way; its exit status."""
        if self.process is None:
            return 0
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 30)

    async def close(self) -> None:
        """Leave nothing running."""
        if self._channel is not None:
            await self._channel.close()
        await self.stop()

    @property
    def stub(self) -> Any:
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self._address)
        return SummarizeServiceStub(self._channel)

    def metadata(self, tenant: str = "acme") -> list[tuple[str, str]]:
        return [("authorization", f"Bearer {self._token(tenant)}")]

    async def tell(self, stage: str, job: str, *facts: Message, tenant: str = "acme") -> None:
        parts = self._stages[stage]
        for fact in facts:
            async with parts.pool.acquire() as connection, connection.transaction():
                await outbox.tell(connection, tenant=tenant, job_id=job, stage=stage, fact=fact)

    async def accept(self, *, tenant: str = "acme") -> tuple[str, str]:
        """A new job of a new video: their ids."""
        job, video = str(uuid.uuid4()), str(uuid.uuid4())
        await self.tell(
            "ingest",
            job,
            ingest.JobAccepted(video_id=video, source="upload:1", priority=ingest.PRIORITY_INTERACTIVE),
            ingest.SourceOpened(video_id=video, title="Keeping bees in the city"),
            tenant=tenant,
        )
        return job, video

    async def transcribe(
        self, job: str, video: str, segments: Sequence[Segment], *, tenant: str = "acme"
    ) -> list[WindowTranscribed]:
        made = windows(segments, video)
        await self.tell("transcribe", job, *made, completed(made, video), tenant=tenant)
        return made

    async def follow(self, job: str, *until: str, tenant: str = "acme") -> list[Event]:
        """The summarize stage's events of a job, until each of these kinds came."""
        seen: list[Event] = []
        wanted = set(until)
        async with asyncio.timeout(60):
            async for event in self.parts.watchtower.watch(tenant, job):
                if isinstance(event, Event) and event.stage == "summarize":
                    seen.append(event)
                    wanted.discard(event.kind)
                    if not wanted:
                        break
        return seen


@asynccontextmanager
async def open_mesh(
    environment: Callable[[str], dict[str, str]], token: Callable[..., str]
) -> AsyncIterator[Mesh]:
    """A mesh whose summarize service is not started yet."""
    async with AsyncExitStack() as stack:
        stages: dict[str, Parts] = {}
        loops = []
        for name in ("ingest", "transcribe"):
            settings = ServiceSettings(**_fields(environment(name)))
            parts = await stack.enter_async_context(open_parts(name, settings, settings.data_dir / "none"))
            stages[name] = parts
            loops.append(Relay(parts.pool, parts.bus, schema=name, keep=timedelta(days=7)).run)
        await stack.enter_async_context(running(*loops, stages["ingest"].watchtower.run))
        mesh = Mesh(stages, environment(NAME), token)
        stack.push_async_callback(mesh.close)
        yield mesh


@asynccontextmanager
async def running(*loops: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run loops meanwhile."""
    tasks = [asyncio.create_task(loop()) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _fields(variables: dict[str, str]) -> dict[str, Any]:
    """Variables of the environment as arguments of the settings."""
    return {name.removeprefix("VIDMESH_").lower(): value for name, value in variables.items()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
