"""No secret gets into a log: the logs of a whole mesh are searched for every token, key, password and link of a run."""

import asyncio
import re
import socket
from collections.abc import AsyncIterable, Iterator
from contextlib import suppress

import httpx2 as httpx
import pytest

from tests.conftest import SERVICES
from tests.e2e.conftest import DATA, Mesh
from tests.unit.ingest.origin import Origin, serving
from vidmesh.client import AsyncClient
from vidmesh.error import VidmeshError
from vidmesh.ingest.v1.ingest_service_pb2 import SubmitPlaylistRequest, SubmitVideoRequest
from vidmesh.ingest.v1.job_pb2 import Job
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh.query.v1.query_service_pb2 import AskRequest
from vidmesh.summarize.v1.summarize_service_pb2 import GenerateSummaryRequest

# Every word that begins so is a secret of this test.
CANARY = re.compile(r"canary\w*")
SIGNED = "X-Amz-Signature=canary5be83a61&token=canaryd20c"
KEY = "sk-canary4f1d7a90c2"


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving() as site:
        yield site


@pytest.fixture
def dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def language_model(mesh: Mesh, dead_port: int) -> Iterator[None]:
    """A language model that has a key, and does not answer."""
    told = {
        "VIDMESH_LLM_BASE_URL": f"http://127.0.0.1:{dead_port}/v1",
        "VIDMESH_LLM_MODEL": "test",
        "VIDMESH_LLM_API_KEY": KEY,
    }
    for part in ("summarize", "query"):
        mesh.restart(part, **told)
    yield
    for part in ("summarize", "query"):
        mesh.restart(part)


def links(origin: Origin, dead_port: int) -> list[str]:
    """Links that are signed, or hold a password: one that can be had, and ones that fail in every way."""
    origin.file("/talk.flac", (DATA / "grammar.flac").read_bytes(), media_type="audio/flac")
    origin.page("/watch", "<title>T</title><video src='/v.mp4?token=canary77'></video>")
    origin.page("/moved.mp4", "", status=302, Location=f"http://10.0.0.1/a.mp4?{SIGNED}")
    paths = ("/talk.flac", "/gone.mp4", "/watch", "/page", "/moved.mp4")
    return [
        *(f"{origin.url(path)}?{SIGNED}" for path in paths),
        f"http://10.0.0.1/a.mp4?{SIGNED}",
        f"http://127.0.0.1:{dead_port}/a.mp4?{SIGNED}",
        f"http://nowhere.invalid/watch?{SIGNED}",
        "http://user:canarypassword@127.0.0.1/a.mp4",
    ]


async def submit_all(client: AsyncClient, urls: list[str]) -> list[Job]:
    """Submits what is taken, and waits until each has ended or cannot be had now."""
    jobs = []
    for url in urls:
        with suppress(VidmeshError):
            answer = await client.ingest.SubmitVideo(SubmitVideoRequest(source=Source(url=url)))
            jobs.append(answer.job)
    for job in jobs:
        async for message in client.watch(job.id):
            progress = message.event.stage_progress
            if message.event.HasField("stage_failed") or "try again" in progress.activity:
                break
    return jobs


async def drain(answers: AsyncIterable[object]) -> None:
    with suppress(VidmeshError):
        async for _ in answers:
            pass


@pytest.mark.usefixtures("language_model")
async def test_no_log_of_a_mesh_holds_a_secret(
    mesh: Mesh, tenant: str, client: AsyncClient, origin: Origin, dead_port: int
) -> None:
    jobs = await submit_all(client, links(origin, dead_port))
    playlist = SubmitPlaylistRequest(url=f"{origin.url('/feed')}?{SIGNED}")
    await drain(client.ingest.SubmitPlaylist(playlist))
    await drain(client.query.Ask(AskRequest(question="what do the canaryquestions carry?")))
    await drain(client.summarize.GenerateSummary(GenerateSummaryRequest(video_id=jobs[0].video_id)))
    token, wrong = mesh.token(tenant), f"{mesh.token(tenant)[:-12]}canarytoken1"
    async with httpx.AsyncClient(base_url=mesh.endpoint, trust_env=False, timeout=30) as http:
        for given in (token, wrong):
            bearer = {"authorization": f"Bearer {given}"}
            await http.get("/v1/search", params={"query": "canaryquery"}, headers=bearer)
            await http.get("/v1/jobs", params={"access_token": given})
    async with asyncio.timeout(30):  # the gateway writes its log some time after
        while "/v1/jobs" not in (mesh.stack.logs / "gateway.log").read_text():
            await asyncio.sleep(0.2)

    private = {*passwords(mesh), *private_keys(mesh)}
    assert len(private) >= 2
    logs = {path.stem: path.read_text(errors="replace") for path in mesh.stack.logs.glob("*.log")}
    for part, text in logs.items():
        assert CANARY.findall(text) == [], part
        assert [secret for secret in (token, wrong, KEY, *private) if secret in text] == [], part
        assert re.findall(r"://[^/\s@]+:[^/\s@]+@", text) == [], part
    # What was done is there all the same: the jobs that failed by their ids, the calls by their paths.
    assert sum(job.id in logs["ingest"] for job in jobs) >= 5
    assert "/v1/search" in logs["gateway"]
    assert {"summarize", "query"} <= {part for part, text in logs.items() if text}


def passwords(mesh: Mesh) -> Iterator[str]:
    for address in (
        mesh.stack.nats_url(),
        *(mesh.stack.nats_url(service) for service in SERVICES),
        *(mesh.stack.postgres_dsn(role) for role in ("postgres", "vidmesh_ingest")),
    ):
        found = re.search(r"://[^:/@]+:([^@]+)@", address)
        if found is not None:
            yield found[1]


def private_keys(mesh: Mesh) -> Iterator[str]:
    """What is private in the keys that tokens are signed with."""
    for path in (mesh.data / "keys").rglob("*"):
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        if '"d"' in text:
            yield from re.findall(r'"d":\s*"([\w-]+)"', text)
        yield from re.findall(r"^[A-Za-z0-9+/]{40,}$", text, re.MULTILINE)
