"""The summarize process dies where it hurts, comes back, and does everything once."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.summarize_mesh import Mesh, carried, open_mesh, spoken
from tests.language_model import LanguageModelServer, Request, Stall
from vidmesh.events.v1.stage_pb2 import STAGE_STATE_SUCCEEDED
from vidmesh.events.v1.summarize_events_pb2 import SummaryCompleted, SummaryDelta
from vidmesh.summarize.v1.summarize_service_pb2 import GetSummaryRequest, ListChaptersRequest

Environment = Callable[[str], dict[str, str]]


@pytest.fixture
async def mesh(environment: Environment, keys: Any) -> AsyncIterator[Mesh]:
    async with open_mesh(environment, keys.token) as opened:
        yield opened


POINTS = ("after-apply", "after-claim", "after-commit", "after-publish")


async def test_a_crash_at_each_point_changes_nothing(mesh: Mesh, tmp_path: Path) -> None:
    crashes = {"VIDMESH_CRASH_AT": ",".join(POINTS), "VIDMESH_CRASH_ONCE": str(tmp_path)}
    job, video = await mesh.accept()
    await mesh.transcribe(job, video, spoken())
    for _ in POINTS:
        await mesh.start_process(**crashes)
        assert mesh.process is not None
        assert await mesh.process.wait() == -9
    assert sorted(file.name for file in tmp_path.glob("crashed-*")) == [f"crashed-{one}" for one in POINTS]
    await mesh.start_process(**crashes)
    await mesh.ready()
    events = await mesh.follow(job, "summary_completed", "chapters_completed")
    facts = [event for event in events if event.number]
    assert [event.number for event in facts] == list(range(1, len(facts) + 1))
    summary = (
        await mesh.stub.GetSummary(GetSummaryRequest(video_id=video), metadata=mesh.metadata())
    ).summary
    assert summary.state == STAGE_STATE_SUCCEEDED
    assert len(facts) == len(summary.sections) + 2
    chapters = await mesh.stub.ListChapters(ListChaptersRequest(video_id=video), metadata=mesh.metadata())
    assert chapters.state == STAGE_STATE_SUCCEEDED
    assert await mesh.stop() == 0


async def test_a_summary_broken_off_by_a_kill_is_begun_anew(mesh: Mesh) -> None:
    def whole(request: Request) -> bool:
        return "Summarise the whole video" in request.user

    async with LanguageModelServer() as server:
        server.when(whole, Stall(chunks=6))
        variables = {"VIDMESH_LLM_BASE_URL": server.base_url, "VIDMESH_LLM_MODEL": "test-model"}
        await mesh.start_process(**variables, VIDMESH_LLM_STALL="PT60S")
        job, video = await mesh.accept()
        await mesh.transcribe(job, video, spoken())
        events = await mesh.follow(job, "chapters_completed", "summary_delta")
        await mesh.kill()
        server.when(whole, None)
        asked = len(server.requests)
        await mesh.start_process(**variables)
        await mesh.ready()
        events = await mesh.follow(job, "summary_completed")
    deltas = [carried(event, SummaryDelta) for event in events if event.kind == "summary_delta"]
    begun = [at for at, delta in enumerate(deltas) if delta.restart]
    assert len(begun) == 2
    text = "".join(delta.text for delta in deltas[begun[-1] :])
    assert text.strip() == carried(events[-1], SummaryCompleted).text
    assert [event.kind for event in events if event.number].count("chapters_completed") == 1
    # What was done before is not asked for again.
    assert all(whole(request) for request in server.requests[asked:])
