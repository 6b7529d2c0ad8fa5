"""The client: one connection to a mesh, its four services, and what their streams need."""

import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import grpc
import grpc.aio

from vidmesh.calls import Caller
from vidmesh.error import VidmeshError
from vidmesh.events.v1.text_pb2 import Segment
from vidmesh.ingest.v1.ingest_service_pb2 import ListJobsRequest, WatchJobResponse
from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceStub
from vidmesh.ingest.v1.job_pb2 import Job, JobState
from vidmesh.ingest.v1.upload_pb2 import Upload
from vidmesh.pages import pages
from vidmesh.query.v1.library_pb2 import Video
from vidmesh.query.v1.query_service_pb2 import ListVideosRequest
from vidmesh.query.v1.query_service_pb2_grpc import QueryServiceStub
from vidmesh.summarize.v1.summarize_service_pb2_grpc import SummarizeServiceStub
from vidmesh.transcribe.v1.transcribe_service_pb2 import GetTranscriptRequest
from vidmesh.transcribe.v1.transcribe_service_pb2_grpc import TranscribeServiceStub
from vidmesh.upload import upload_file
from vidmesh.watch import watch_job

LARGEST_MESSAGE = 64 * 1024 * 1024
"""Bytes: a whole day's transcript as one export fits."""


class AsyncClient:
    """A mesh, by its endpoint and a token.

    `ingest`, `transcribe`, `summarize` and `query` are the services' own stubs; their calls raise VidmeshError, carry the
    token, and end after `deadline` unless they stream. A mutation gets a request_id where it has none.
    """

    def __init__(
        self, endpoint: str, token: str | None = None, *, deadline: timedelta = timedelta(seconds=30)
    ) -> None:
        self._caller = Caller(endpoint=endpoint, token=token, deadline=deadline.total_seconds())
        self.channel = _channel(endpoint, self._caller)
        self.ingest = IngestServiceStub(self.channel)
        self.transcribe = TranscribeServiceStub(self.channel)
        self.summarize = SummarizeServiceStub(self.channel)
        self.query = QueryServiceStub(self.channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls in flight are cancelled."""
        await self.channel.close()

    async def upload(
        self, path: Path, *, progress: Callable[[int, int], None] = lambda sent, size: None
    ) -> Upload:
        """Send a file and give the completed upload; `progress` hears of the bytes sent and of those there are.

        Raises OSError where the file cannot be read.
        """
        with self._caller.translated():
            return await upload_file(self.ingest, path, request_id=str(uuid.uuid4()), progress=progress)

    def watch(
        self,
        job_id: str,
        *,
        after_sequence: int = 0,
        patience: timedelta = timedelta(minutes=2),
        on_break: Callable[[VidmeshError], None] = lambda problem: None,
    ) -> AsyncGenerator[WatchJobResponse, None]:
        """Yield a job's events until it has ended, each once and in order, over any break of the connection.

        A message is an event, or a snapshot of the job where earlier events are no longer kept. `on_break` hears of each
        break; one that lasts longer than `patience` is raised. To go on another time, give the last event's sequence.
        """
        return watch_job(
            self.ingest, job_id, after_sequence=after_sequence, patience=patience, on_break=on_break
        )

    async def jobs(
        self, *, states: Sequence[JobState.ValueType] = (), video_id: str = ""
    ) -> AsyncIterator[Job]:
        """Yield the caller's jobs, newest first."""
        request = ListJobsRequest(states=states, video_id=video_id, page_size=200)
        async for page in pages(self.ingest.ListJobs, request):
            for job in page.jobs:
                yield job

    async def videos(self) -> AsyncIterator[Video]:
        """Yield the library's videos, newest first."""
        async for page in pages(self.query.ListVideos, ListVideosRequest(page_size=200)):
            for video in page.videos:
                yield video

    async def segments(self, video_id: str, *, words: bool = False) -> AsyncIterator[Segment]:
        """Yield the segments of a video's transcript that there are, in the order of time."""
        request = GetTranscriptRequest(video_id=video_id, page_size=1000, omit_words=not words)
        async for page in pages(self.transcribe.GetTranscript, request):
            for segment in page.segments:
                yield segment


def read_endpoint(endpoint: str) -> tuple[str, bool]:
    """Give gRPC's target for "http://HOST[:PORT]" or "https://HOST[:PORT]", and whether it is secure.

    Raises ValueError on anything else.
    """
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"{endpoint!r} is no endpoint: give http://HOST:PORT or https://HOST:PORT")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    secure = parts.scheme == "https"
    return f"{host}:{parts.port or (443 if secure else 80)}", secure


def _channel(endpoint: str, caller: Caller) -> grpc.aio.Channel:
    target, secure = read_endpoint(endpoint)
    options = [
        ("grpc.primary_user_agent", "vidmesh-python"),
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ]
    if secure:
        return grpc.aio.secure_channel(
            target, grpc.ssl_channel_credentials(), options=options, interceptors=caller.interceptors()
        )
    return grpc.aio.insecure_channel(target, options=options, interceptors=caller.interceptors())
