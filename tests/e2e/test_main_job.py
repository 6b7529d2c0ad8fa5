"""The main job through the gateway: from a file or a link to a cited answer, over gRPC, gRPC-Web and JSON."""

import asyncio
import base64
import functools
import http.server
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests import media
from tests.e2e.conftest import DATA, Mesh
from vidmesh.client import AsyncClient
from vidmesh.error import VidmeshError
from vidmesh.events.v1.ingest_events_pb2 import CAPTION_MODE_ONLY, CAPTION_MODE_PREFER, JOB_OUTCOME_SUCCEEDED
from vidmesh.ingest.v1.ingest_service_pb2 import (
    GetJobRequest,
    GetJobResponse,
    SubmitVideoRequest,
    SubmitVideoResponse,
    WatchJobRequest,
    WatchJobResponse,
)
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_SUCCEEDED, Job
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh.query.v1.query_service_pb2 import AskRequest, GetVideoRequest, SearchRequest
from vidmesh.query.v1.search_pb2 import ANSWER_KIND_PASSAGES
from vidmesh.summarize.v1.summarize_service_pb2 import GetSummaryRequest, ListChaptersRequest
from vidmesh.transcribe.v1.transcribe_service_pb2 import GetTranscriptRequest

GRAMMAR = DATA / "grammar.flac"


async def submit_file(client: AsyncClient, path: Path, **options: Any) -> Job:
    upload = await client.upload(path)
    request = SubmitVideoRequest(source=Source(upload_id=upload.id), **options)
    return (await client.ingest.SubmitVideo(request)).job


async def finish(client: AsyncClient, job: Job) -> Job:
    async for _ in client.watch(job.id):
        pass
    return (await client.ingest.GetJob(GetJobRequest(job_id=job.id))).job


async def test_a_file_becomes_a_transcript_a_summary_chapters_and_a_cited_answer(client: AsyncClient) -> None:
    job = await submit_file(client, GRAMMAR)
    events = [message.event async for message in client.watch(job.id)]
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[0] == "job_accepted"
    assert kinds[-1] == "job_ended"
    assert events[-1].job_ended.outcome == JOB_OUTCOME_SUCCEEDED, events[-1]
    for kind in (
        "source_opened",
        "window_ready",
        "source_ingested",
        "transcript_started",
        "window_transcribed",
        "transcript_completed",
        "summary_completed",
        "chapters_completed",
        "passages_indexed",
        "index_completed",
    ):
        assert kind in kinds
    for stage in {event.stage for event in events}:
        numbers = [event.number for event in events if event.stage == stage and event.number]
        assert numbers == list(range(1, len(numbers) + 1))
    answer = await client.transcribe.GetTranscript(GetTranscriptRequest(video_id=job.video_id))
    assert answer.transcript.engine == "faster-whisper"
    assert answer.transcript.revision
    assert answer.transcript.segment_count == len(answer.segments) > 3
    assert all(segment.words for segment in answer.segments)
    starts = [segment.start.ToTimedelta() for segment in answer.segments]
    assert starts == sorted(starts)
    summary = (await client.summarize.GetSummary(GetSummaryRequest(video_id=job.video_id))).summary
    assert summary.extractive
    said = " ".join(segment.text for segment in answer.segments)
    assert any(sentence.strip() and sentence.strip(" .") in said for sentence in summary.text.split("."))
    chapters = (await client.summarize.ListChapters(ListChaptersRequest(video_id=job.video_id))).chapters
    assert chapters[0].start.ToTimedelta().total_seconds() == 0
    word = max(said.split(), key=len).strip(".,")
    hits = (await client.query.Search(SearchRequest(query=word))).hits
    assert hits[0].video_id == job.video_id
    assert any(
        word.lower() in hits[0].snippet.text[s.start : s.end].lower() for s in hits[0].snippet.highlights
    )
    answers = [message async for message in client.query.Ask(AskRequest(question=f"What about {word}?"))]
    final = answers[-1].answer
    assert final.kind == ANSWER_KIND_PASSAGES
    for citation in final.citations:
        assert citation.video_id == job.video_id
        assert citation.quote in said or citation.quote.split()[0] in said
    video = (await client.query.GetVideo(GetVideoRequest(video_id=job.video_id))).video
    assert video.searchable


CONTAINERS = ("mp4", "webm", "mkv", "mp3", "m4a", "wav", "flac", "ogg")


@pytest.mark.parametrize("container", CONTAINERS)
async def test_every_container_becomes_a_transcript(
    client: AsyncClient, tmp_path: Path, container: str
) -> None:
    """An mp4 here has its index at its end, as most writers leave it."""
    path = media.write(
        tmp_path / f"talk.{container}", media.speech(20), picture=container in ("mp4", "webm", "mkv")
    )
    job = await finish(client, await submit_file(client, path))
    assert job.state == JOB_STATE_SUCCEEDED, job
    assert 19 < job.duration.ToTimedelta().total_seconds() < 22
    assert [segment async for segment in client.segments(job.video_id)]


async def test_captions_that_people_made_can_take_the_place_of_recognition(
    client: AsyncClient, tmp_path: Path
) -> None:
    lines = media.said()[:4]
    path = media.write(tmp_path / "talk.mkv", media.speech(20), captions=lines)
    job = await finish(client, await submit_file(client, path, captions=CAPTION_MODE_PREFER))
    assert job.state == JOB_STATE_SUCCEEDED, job
    answer = await client.transcribe.GetTranscript(GetTranscriptRequest(video_id=job.video_id))
    assert answer.transcript.engine == "captions"
    assert [segment.text for segment in answer.segments] == [line.text for line in lines]
    bare = media.write(tmp_path / "bare.mkv", media.speech(20))
    assert (
        await ended_with(client, await submit_file(client, bare, captions=CAPTION_MODE_ONLY)) == "NO_CAPTIONS"
    )


async def test_a_watch_of_an_ended_job_ends_wherever_it_begins(client: AsyncClient) -> None:
    job = await submit_file(client, GRAMMAR)
    last = [message.event async for message in client.watch(job.id)][-1]
    for after in (last.sequence - 1, last.sequence, last.sequence + 1, last.sequence + 10**9):
        async with asyncio.timeout(60):
            stream = client.ingest.WatchJob(WatchJobRequest(job_id=job.id, after_sequence=after))
            seen = [message.event.WhichOneof("event") async for message in stream]
        assert seen == (["job_ended"] if after < last.sequence else []), after


async def test_the_same_file_is_the_same_video(client: AsyncClient) -> None:
    job = await submit_file(client, GRAMMAR)
    again = await submit_file(client, GRAMMAR)
    assert (again.id, again.video_id) == (job.id, job.video_id)
    await finish(client, job)
    forced = await submit_file(client, GRAMMAR, force=True)
    assert forced.video_id == job.video_id
    assert forced.id != job.id
    assert (await finish(client, forced)).state == JOB_STATE_SUCCEEDED
    segments = [segment.text async for segment in client.segments(job.video_id)]
    assert len(segments) == len(set(enumerate(segments)))
    hits = (await client.query.Search(SearchRequest(query=segments[0]))).hits
    assert len({hit.passage_id for hit in hits}) == len(
        {(hit.video_id, hit.start.ToTimedelta()) for hit in hits}
    )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A web site on loopback with the files of this test."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_a_link_to_a_file_becomes_a_transcript(client: AsyncClient, site: str, tmp_path: Path) -> None:
    (tmp_path / "talk.flac").write_bytes(GRAMMAR.read_bytes())
    request = SubmitVideoRequest(source=Source(url=f"{site}/talk.flac"))
    job = (await client.ingest.SubmitVideo(request)).job
    job = await finish(client, job)
    assert job.state == JOB_STATE_SUCCEEDED, job
    assert (await client.ingest.SubmitVideo(request)).existing


async def ended_with(client: AsyncClient, job: Job) -> str:
    from vidmesh.errors.v1.error_reason_pb2 import ErrorReason

    ended = await finish(client, job)
    assert ended.failure.message
    assert ended.failure.advice
    return ErrorReason.Name(ended.failure.reason).removeprefix("ERROR_REASON_")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("/missing.mp4", "VIDEO_REMOVED"),
        ("/page.html", "NO_VIDEO"),
        ("/notes.mp4", "NOT_MEDIA"),
        ("/empty.mp4", "EMPTY_FILE"),
    ],
)
async def test_bad_links_say_why(
    client: AsyncClient, site: str, tmp_path: Path, page: str, reason: str
) -> None:
    (tmp_path / "page.html").write_text("<html><title>An article</title><p>No video here.</p></html>")
    (tmp_path / "notes.mp4").write_text("these are notes\n" * 200)
    (tmp_path / "empty.mp4").write_bytes(b"")
    job = (await client.ingest.SubmitVideo(SubmitVideoRequest(source=Source(url=site + page)))).job
    assert await ended_with(client, job) == reason


async def test_bad_files_say_why(client: AsyncClient, tmp_path: Path) -> None:
    for path, reason in (
        (media.impostor(tmp_path / "letter.mp4"), "NOT_MEDIA"),
        (media.write(tmp_path / "mute.mp4", None, seconds=3), "NO_AUDIO"),
        (
            media.truncated(tmp_path / "cut.mp4", media.write(tmp_path / "whole.mp4", media.speech())),
            "CORRUPT_MEDIA",
        ),
    ):
        job = await submit_file(client, path)
        assert await ended_with(client, job) == reason


async def test_silence_becomes_an_empty_transcript(client: AsyncClient, tmp_path: Path) -> None:
    job = await submit_file(client, media.write(tmp_path / "silence.wav", media.silence(40)))
    assert (await finish(client, job)).state == JOB_STATE_SUCCEEDED
    assert [segment async for segment in client.segments(job.video_id)] == []


class Web:
    """gRPC-Web as a browser speaks it: binary frames over HTTP/1.1."""

    def __init__(self, mesh: Mesh, token: str) -> None:
        self.http = httpx.AsyncClient(
            base_url=mesh.endpoint,
            headers={
                "content-type": "application/grpc-web+proto",
                "authorization": f"Bearer {token}",
                "x-grpc-web": "1",
            },
            timeout=60,
        )

    async def call(self, method: str, request: Any) -> AsyncIterator[tuple[int, bytes]]:
        """The frames of an answer: flags (0: message, 128: trailers) and content."""
        payload = request.SerializeToString()
        body = b"\0" + len(payload).to_bytes(4, "big") + payload
        async with self.http.stream("POST", f"/{method}", content=body) as response:
            assert response.status_code == 200, response
            if "grpc-status" in response.headers:  # trailers only: refused at once
                yield 128, f"grpc-status:{response.headers['grpc-status']}".encode()
                return
            buffer = b""
            async for chunk in response.aiter_bytes():
                buffer += chunk
                while len(buffer) >= 5 and len(buffer) >= 5 + (size := int.from_bytes(buffer[1:5], "big")):
                    yield buffer[0], buffer[5 : 5 + size]
                    buffer = buffer[5 + size :]
            assert not buffer


async def test_the_main_job_over_grpc_web(mesh: Mesh, tenant: str, client: AsyncClient) -> None:
    upload = await client.upload(GRAMMAR)
    web = Web(mesh, mesh.token(tenant))
    frames = [
        frame
        async for frame in web.call(
            "vidmesh.ingest.v1.IngestService/SubmitVideo",
            SubmitVideoRequest(source=Source(upload_id=upload.id)),
        )
    ]
    assert [flags for flags, _ in frames] == [0, 128]
    assert b"grpc-status:0" in frames[1][1].replace(b" ", b"")
    job = SubmitVideoResponse.FromString(frames[0][1]).job
    kinds: list[str | None] = []
    async for flags, content in web.call(
        "vidmesh.ingest.v1.IngestService/WatchJob", WatchJobRequest(job_id=job.id)
    ):
        if flags == 0:
            kinds.append(WatchJobResponse.FromString(content).event.WhichOneof("event"))
    assert kinds[0] == "job_accepted"
    assert kinds[-1] == "job_ended"
    frames = [
        f async for f in web.call("vidmesh.ingest.v1.IngestService/GetJob", GetJobRequest(job_id=job.id))
    ]
    assert GetJobResponse.FromString(frames[0][1]).job.state == JOB_STATE_SUCCEEDED
    refused = [
        f async for f in web.call("vidmesh.ingest.v1.IngestService/GetJob", GetJobRequest(job_id="none"))
    ]
    assert b"grpc-status:5" in refused[-1][1].replace(b" ", b"")
    await web.http.aclose()


async def test_the_main_job_over_json(mesh: Mesh, tenant: str) -> None:
    headers = {"authorization": f"Bearer {mesh.token(tenant)}"}
    async with httpx.AsyncClient(base_url=mesh.endpoint, headers=headers, timeout=60) as http:
        created = await http.post(
            "/v1/uploads", json={"filename": "talk.flac", "sizeBytes": str(GRAMMAR.stat().st_size)}
        )
        upload = created.json()["upload"]["id"]
        data = GRAMMAR.read_bytes()
        for offset in range(0, len(data), 500_000):
            chunk = base64.b64encode(data[offset : offset + 500_000]).decode()
            written = await http.post(f"/v1/uploads/{upload}:write", json={"offset": offset, "data": chunk})
            assert written.status_code == 200, written.text
        gap = await http.post(f"/v1/uploads/{upload}:write", json={"offset": len(data) + 7, "data": "AA=="})
        assert gap.status_code == 400
        assert "WRONG_OFFSET" in gap.text
        assert (await http.post(f"/v1/uploads/{upload}:complete", json={})).status_code == 200
        answer = await http.post("/v1/jobs", json={"source": {"uploadId": upload}})
        job = answer.json()["job"]
        events = []
        async with http.stream("GET", f"/v1/jobs/{job['id']}:watch") as watch:
            events = [json.loads(line)["event"] async for line in watch.aiter_lines() if line.strip()]
        assert events[-1]["jobEnded"]["outcome"] == "JOB_OUTCOME_SUCCEEDED"
        video = job["videoId"]
        segments = (await http.get(f"/v1/videos/{video}/transcript")).json()["segments"]
        exported = await http.get(
            f"/v1/videos/{video}/transcript:export", params={"format": "EXPORT_FORMAT_VTT"}
        )
        assert exported.json()["content"].startswith("WEBVTT")
        assert (await http.get(f"/v1/videos/{video}/summary")).json()["summary"]["text"]
        found = await http.get("/v1/search", params={"query": segments[0]["text"]})
        assert found.json()["hits"][0]["videoId"] == video
        asked = await http.post("/v1/ask", json={"question": segments[0]["text"]})
        assert json.loads(asked.text.strip().splitlines()[-1])["answer"]["citations"]
        refused = await http.get("/v1/jobs/0190c2a8-0000-7000-8000-000000000000")
        assert refused.status_code == 404
        assert "NOT_FOUND" in refused.text
        assert (await http.get("/v1/jobs", headers={"authorization": "Bearer x"})).status_code == 401
        assert (await http.get("/v1/jobs", params={"page_token": "x"})).status_code == 400


async def test_a_job_can_be_cancelled_and_retried(client: AsyncClient, tmp_path: Path) -> None:
    from vidmesh.ingest.v1.ingest_service_pb2 import CancelJobRequest, RetryJobRequest
    from vidmesh.ingest.v1.job_pb2 import JOB_STATE_CANCELLED

    job = await submit_file(client, media.write(tmp_path / "long.flac", np.tile(media.speech(), 20)))
    async for message in client.watch(job.id):
        if message.event.WhichOneof("event") == "window_transcribed":
            break
    cancelled = (await client.ingest.CancelJob(CancelJobRequest(job_id=job.id))).job
    assert cancelled.state == JOB_STATE_CANCELLED
    await asyncio.sleep(8)
    before = [segment async for segment in client.segments(job.video_id)]
    await asyncio.sleep(2)
    assert len([segment async for segment in client.segments(job.video_id)]) == len(before)
    again = (await client.ingest.CancelJob(CancelJobRequest(job_id=job.id))).job
    assert again.state == JOB_STATE_CANCELLED
    retried = (await client.ingest.RetryJob(RetryJobRequest(job_id=job.id))).job
    assert retried.run == 2
    assert (await finish(client, retried)).state == JOB_STATE_SUCCEEDED
    with pytest.raises(VidmeshError) as caught:
        await client.ingest.CancelJob(CancelJobRequest(job_id=job.id))
    assert caught.value.reason == "WRONG_STATE"
