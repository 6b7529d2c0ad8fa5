"""The ingest service as its own process, on a real PostgreSQL and a real NATS."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2, status_pb2

from tests.conftest import Keys
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.ingest.v1 import ingest_service_pb2 as api
from vidmesh.ingest.v1 import job_pb2
from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceStub

RATE = 16_000


class Ingest:
    """A running service, and a caller of it."""

    def __init__(self, environment: dict[str, str], keys: Keys, port: int) -> None:
        self.environment = environment
        self.keys = keys
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.stub: Any = IngestServiceStub(self.channel)
        self.token = keys.token("acme")

    async def start(self, **more: str) -> None:
        self.process = subprocess.Popen(  # noqa: ASYNC220 - it starts in no time
            [sys.executable, "-m", "vidmesh_ingest"], env={**os.environ, **self.environment, **more}
        )
        async with asyncio.timeout(30):
            await self.channel.channel_ready()

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        return self.process.wait(30)

    def metadata(self, token: str | None = None) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {token or self.token}"),)

    async def call(self, method: str, request: Any, *, token: str | None = None) -> Any:
        return await getattr(self.stub, method)(request, metadata=self.metadata(token), timeout=20)

    async def upload(self, data: bytes, name: str = "talk.wav") -> str:
        async def parts() -> AsyncIterator[api.UploadVideoRequest]:
            yield api.UploadVideoRequest(header=api.CreateUploadRequest(filename=name, size_bytes=len(data)))
            for at in range(0, len(data), 1 << 20):
                yield api.UploadVideoRequest(chunk=data[at : at + (1 << 20)])

        answer = await self.stub.UploadVideo(parts(), metadata=self.metadata(), timeout=20)
        return str(answer.upload.id)

    async def submit(self, **source: str) -> job_pb2.Job:
        request = api.SubmitVideoRequest()
        for name, value in source.items():
            setattr(request.source, name, value)
        return (await self.call("SubmitVideo", request)).job

    async def events(self, job_id: str, until: str, *, after: int = 0) -> list[JobEvent]:
        found = []
        watch = self.stub.WatchJob(
            api.WatchJobRequest(job_id=job_id, after_sequence=after), metadata=self.metadata(), timeout=60
        )
        async for response in watch:
            if response.HasField("event"):
                found.append(response.event)
                if response.event.WhichOneof("event") == until:
                    watch.cancel()
                    break
        return found


@pytest.fixture
async def ingest(environment: Callable[[str], dict[str, str]], keys: Keys) -> AsyncIterator[Ingest]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {**environment("ingest"), "VIDMESH_LISTEN": f"127.0.0.1:{port}", "VIDMESH_EGRESS_ALLOW": "127.0.0.0/8"}
    service = Ingest(variables, keys, port)
    await service.start()
    yield service
    await service.channel.close()
    assert service.stop() == 0


def sound(seconds: float, path: Path) -> bytes:
    """A WAV file: bursts of tone with pauses between, at 16 kHz."""
    time = np.arange(int(seconds * RATE)) / RATE
    samples = (8000 * np.sin(2 * np.pi * 330 * time) * (time % 1.5 < 1.2)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path.read_bytes()


async def test_an_upload_becomes_windows(ingest: Ingest, tmp_path: Path) -> None:
    data = sound(40, tmp_path / "a.wav")
    job = await ingest.submit(upload_id=await ingest.upload(data))
    events = await ingest.events(job.id, "source_ingested")
    facts = [event for event in events if event.number]
    assert [event.number for event in facts] == list(range(1, len(facts) + 1))
    kinds = [event.WhichOneof("event") for event in facts]
    assert kinds == ["job_accepted", "source_opened", *["window_ready"] * 3, "source_ingested"]
