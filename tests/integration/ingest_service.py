"""The ingest service as its own process, on a real PostgreSQL and a real NATS, and a caller of it."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from tests import media
from tests.conftest import Keys
from tests.service_process import command
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.ingest.v1 import ingest_service_pb2 as api
from vidmesh.ingest.v1 import job_pb2
from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceStub


class Refusal(Exception):
    """An error of a call, with its reason and metadata."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        super().__init__(str(error.details()))
        self.code = error.code()
        self.reason = ""
        self.metadata: dict[str, str] = {}
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin" and isinstance(value, bytes):
                info = error_details_pb2.ErrorInfo()
                status_pb2.Status.FromString(value).details[0].Unpack(info)
                self.reason, self.metadata = info.reason, dict(info.metadata)


class Ingest:
    """The service and a caller with a token of the tenant "acme"."""

    def __init__(self, environment: dict[str, str], keys: Keys) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.environment = {
            **os.environ,
            **environment,
            "VIDMESH_LISTEN": address,
            "VIDMESH_EGRESS_ALLOW": "127.0.0.0/8",
            "VIDMESH_RETRY_DELAY": "0.1",
            "VIDMESH_RECONCILE_EVERY": "0.5",
        }
        self.keys = keys
        self.token = keys.token("acme")
        self.process: subprocess.Popen[bytes] | None = None
        self.channel = grpc.aio.insecure_channel(address)
        self.stub: Any = IngestServiceStub(self.channel)

    async def start(self, **more: str) -> None:
        """Start the service and wait until it answers."""
        self.process = subprocess.Popen(  # noqa: ASYNC220 - it starts in no time
            command("ingest"), env={**self.environment, **more}
        )
        async with asyncio.timeout(60):
            while True:
                try:
                    await self.call("ListJobs", api.ListJobsRequest())
                except Refusal:
                    await asyncio.sleep(0.1)
                else:
                    return

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop the service with a signal; its exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        status, self.process = self.process.wait(30), None
        return status

    async def call(self, method: str, request: Message, *, tenant: str = "acme") -> Any:
        """Call a unary method. Raises Refusal."""
        try:
            return await getattr(self.stub, method)(request, metadata=self.metadata(tenant), timeout=30)
        except grpc.aio.AioRpcError as error:
            raise Refusal(error) from error

    def metadata(self, tenant: str = "acme") -> tuple[tuple[str, str], ...]:
        token = self.token if tenant == "acme" else self.keys.token(tenant)
        return (("authorization", f"Bearer {token}"),)

    async def upload(self, data: bytes, name: str = "talk.wav", *, chunk: int = 1 << 20) -> str:
        """Upload a file in one stream; the upload's id. Raises Refusal."""

        async def parts() -> AsyncIterator[api.UploadVideoRequest]:
            yield api.UploadVideoRequest(header=api.CreateUploadRequest(filename=name, size_bytes=len(data)))
            for at in range(0, len(data), chunk):
                yield api.UploadVideoRequest(chunk=data[at : at + chunk])

        try:
            answer = await self.stub.UploadVideo(parts(), metadata=self.metadata(), timeout=30)
        except grpc.aio.AioRpcError as error:
            raise Refusal(error) from error
        return str(answer.upload.id)

    async def submit(self, *, url: str = "", upload_id: str = "", **wanted: Any) -> api.SubmitVideoResponse:
        """Submit a video. Raises Refusal."""
        request = api.SubmitVideoRequest(**wanted)
        if url:
            request.source.url = url
        if upload_id:
            request.source.upload_id = upload_id
        answer: api.SubmitVideoResponse = await self.call("SubmitVideo", request)
        return answer

    async def job(self, job_id: str) -> job_pb2.Job:
        return (await self.call("GetJob", api.GetJobRequest(job_id=job_id))).job  # type: ignore[no-any-return]

    async def events(self, job_id: str, *until: str, after: int = 0, within: float = 60) -> list[JobEvent]:
        """A job's events up to one of these kinds, or to the end of the watch."""
        found: list[JobEvent] = []
        async with self.watching(job_id, after=after, within=within) as responses:
            async for response in responses:
                if response.HasField("event"):
                    found.append(response.event)
                    if kind(response.event) in until:
                        break
        return found

    @asynccontextmanager
    async def watching(self, job_id: str, *, after: int = 0, within: float = 60) -> AsyncIterator[Any]:
        request = api.WatchJobRequest(job_id=job_id, after_sequence=after)
        watch = self.stub.WatchJob(request, metadata=self.metadata(), timeout=within)
        try:
            yield watch
        finally:
            watch.cancel()


def kind(event: JobEvent) -> str:
    """What happened, by the name of its field."""
    return str(event.WhichOneof("event"))


def facts(events: Sequence[JobEvent]) -> list[JobEvent]:
    """The events that are facts rather than progress."""
    return [event for event in events if event.number]


def window_sound(store: Path, events: Sequence[JobEvent]) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """The sound of all windows, in order, as the media store has it, without what they hold of their neighbours."""
    parts = []
    for window in (event.window_ready for event in events if kind(event) == "window_ready"):
        held = np.frombuffer((store / window.media_key).read_bytes(), "<i2")
        lead, trail = (
            round(beside.ToTimedelta().total_seconds() * media.RATE) for beside in (window.lead, window.trail)
        )
        parts.append(held[lead : len(held) - trail])
    return np.concatenate(parts)
