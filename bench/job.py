"""One job of a mesh from a file on this machine, and when what of it was there."""

import time
from dataclasses import dataclass
from pathlib import Path

from bench.mesh import Mesh
from bench.raw import Spoken
from vidmesh.ingest.v1.ingest_service_pb2 import SubmitVideoRequest
from vidmesh.ingest.v1.video_pb2 import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """What a job did. Times are seconds since it was submitted, the file being uploaded."""

    words: tuple[Spoken, ...]
    ingested: float
    transcribed: float
    ended: float
    windows: tuple[float, ...]
    """How long each window of sound is, in seconds."""


async def run_job(mesh: Mesh, audio: Path, *, language: str = "en") -> JobRun:
    """Upload a file, submit it, and wait for the end of the job."""
    upload = await mesh.client.upload(audio)
    source = Source(upload_id=upload.id)
    began = time.monotonic()
    asked = SubmitVideoRequest(source=source, language=language)
    job = (await mesh.client.ingest.SubmitVideo(asked)).job
    at: dict[str, float] = {}
    lengths: dict[int, float] = {}
    async for event in mesh.events(job):
        kind = str(event.WhichOneof("event"))
        at.setdefault(kind, time.monotonic() - began)
        if kind == "window_ready":
            told = event.window_ready
            lengths[told.index] = (
                told.end.ToTimedelta().total_seconds() - told.start.ToTimedelta().total_seconds()
            )
        if kind == "job_ended" and event.job_ended.HasField("failure"):
            raise RuntimeError(f"the job failed: {event.job_ended.failure.message}")
    words = [
        Spoken(
            text=word.text,
            start=word.start.ToTimedelta().total_seconds(),
            end=word.end.ToTimedelta().total_seconds(),
        )
        async for segment in mesh.client.segments(job.video_id, words=True)
        for word in segment.words
    ]
    return JobRun(
        words=tuple(words),
        ingested=at["source_ingested"],
        transcribed=at["transcript_completed"],
        ended=at["job_ended"],
        windows=tuple(lengths[index] for index in sorted(lengths)),
    )
