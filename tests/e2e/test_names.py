"""Names that strangers choose are data and never a path: of files, of videos, of pages, and within files."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import av
import pytest

from tests import media
from tests.e2e.conftest import Mesh
from tests.unit.ingest.origin import Origin, serving
from vidmesh.client import AsyncClient
from vidmesh.ingest.v1.ingest_service_pb2 import (
    CompleteUploadRequest,
    CreateUploadRequest,
    GetJobRequest,
    SubmitVideoRequest,
    WriteUploadRequest,
)
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_SUCCEEDED, Job
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh.query.v1.query_service_pb2 import GetVideoRequest
from vidmesh.transcribe.v1.transcribe_service_pb2 import ExportTranscriptRequest
from vidmesh.transcribe.v1.transcript_pb2 import EXPORT_FORMAT_SRT

UP = "../../../../canary-name"
NAMES = (
    f"{UP}.flac",
    f"/{UP}.flac",
    "..\\..\\canary-name.flac",
    "canary-name\0/../x.flac",
    "\u202ecalf.eman-yranac\u2066\u200f",
    "%2e%2e%2fcanary-name",
    "-rf canary-name *",
    "\x1b]0;canary-name\x07\r\n",
    "canary-name" * 23,
)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving() as site:
        yield site


async def sent(client: AsyncClient, data: bytes, name: str) -> Source:
    made = await client.ingest.CreateUpload(CreateUploadRequest(filename=name, size_bytes=len(data)))
    await client.ingest.WriteUpload(WriteUploadRequest(upload_id=made.upload.id, data=data))
    await client.ingest.CompleteUpload(CompleteUploadRequest(upload_id=made.upload.id))
    return Source(upload_id=made.upload.id)


async def submitted(client: AsyncClient, origin: Origin, folder: Path) -> AsyncIterator[Job]:
    """Jobs of sources whose names are chosen ill: of the upload, of the submission, of the file's own, of the site's."""
    sound = media.speech(3)
    talk = media.write(folder / "talk.flac", sound)
    for number, name in enumerate(NAMES):
        source = await sent(client, talk.read_bytes() + bytes([number]), name)  # no two are the same
        request = SubmitVideoRequest(source=source, title=name if number % 2 and len(name) < 100 else "")
        yield (await client.ingest.SubmitVideo(request)).job
    titled = folder / "titled.mkv"
    with av.open(str(media.write(folder / "a.mkv", sound))) as plain, av.open(str(titled), "w") as named:
        named.metadata["title"] = f"{UP}\u202e"
        stream = named.add_stream_from_template(plain.streams.audio[0])
        for packet in plain.demux():
            if packet.dts is not None:
                packet.stream = stream
                named.mux(packet)
    source = await sent(client, titled.read_bytes(), "titled.mkv")
    yield (await client.ingest.SubmitVideo(SubmitVideoRequest(source=source))).job
    origin.file("/v.flac", media.write(folder / "b.flac", sound).read_bytes())
    page = origin.page("/watch", f"<title>{UP}&#x202e;&#0;</title><video src='/v.flac'></video>")
    link = origin.file(
        "/%2e%2e%2f%2e%2e%2fcanary-name.flac", talk.read_bytes() + b"1", media_type="audio/flac"
    )
    for url in (page, link):
        yield (await client.ingest.SubmitVideo(SubmitVideoRequest(source=Source(url=url)))).job


async def test_names_are_shown_and_lead_nowhere(
    mesh: Mesh, client: AsyncClient, origin: Origin, tmp_path: Path
) -> None:
    jobs = [job async for job in submitted(client, origin, tmp_path)]
    titles = []
    for job in jobs:
        async for _ in client.watch(job.id):
            pass
        ended = (await client.ingest.GetJob(GetJobRequest(job_id=job.id))).job
        assert ended.state == JOB_STATE_SUCCEEDED, ended
        video = (await client.query.GetVideo(GetVideoRequest(video_id=job.video_id))).video
        titles.append(video.title)
        exported = await client.transcribe.ExportTranscript(
            ExportTranscriptRequest(video_id=job.video_id, format=EXPORT_FORMAT_SRT)
        )
        assert exported.filename == f"{job.video_id}.srt"
    assert len(jobs) == len(NAMES) + 3
    assert sum("canary-name" in title for title in titles) >= len(NAMES)
    assert [title for title in titles if not title.isprintable() or len(title) > 500] == []
    kept = [path.relative_to(mesh.data) for path in mesh.data.rglob("*")]
    assert [
        path for path in kept if "canary" in str(path) or not re.fullmatch(r"[\w./+=$-]+", str(path))
    ] == []
    assert not list(mesh.data.parent.glob("canary*"))
