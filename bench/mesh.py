"""A mesh to measure: the real one, as `vidmesh up` runs it, with the small Whisper that comes with the tests."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from vidmesh import AsyncClient
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.ingest.v1.ingest_service_pb2 import SubmitVideoRequest
from vidmesh.ingest.v1.job_pb2 import Job
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack

MODEL = Path(__file__).parents[1] / "tests" / "data" / "whisper-tiny-vidmesh"
"""A Whisper of four small layers that understands the speech of tests/data/grammar.flac."""

SETTINGS = {
    "VIDMESH_RECOGNIZER": "faster-whisper",
    "VIDMESH_WHISPER_MODEL": str(MODEL),
    "VIDMESH_WHISPER_DEVICE": "cpu",
    # What is measured is served from here.
    "VIDMESH_EGRESS_ALLOW": "127.0.0.0/8",
    "VIDMESH_LLM_BASE_URL": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """A running mesh and a client of it."""

    stack: Stack
    client: AsyncClient

    async def submit(self, url: str, *, language: str = "en") -> Job:
        """Take a link on."""
        request = SubmitVideoRequest(source=Source(url=url), language=language)
        return (await self.client.ingest.SubmitVideo(request)).job

    async def events(self, job: Job) -> AsyncIterator[JobEvent]:
        """What happens to a job, from its beginning to its end, as it comes through the gateway."""
        async for message in self.client.watch(job.id):
            if message.HasField("event"):
                yield message.event


@asynccontextmanager
async def running(
    data: Path, settings: Mapping[str, str] | None = None, *, scale: Mapping[str, int] | None = None
) -> AsyncIterator[Mesh]:
    """A mesh of its own in a folder of its own, stopped when this is left. `settings` are more `VIDMESH_*` variables."""
    chosen = StackSettings(data=data, port=0, scale=scale or {}, env=SETTINGS | dict(settings or {}))
    async with Stack(chosen) as stack:
        token = stack.token(ttl=timedelta(hours=2))
        async with AsyncClient(stack.endpoint, token) as client:
            yield Mesh(stack=stack, client=client)
