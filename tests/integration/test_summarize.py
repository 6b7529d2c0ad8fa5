"""The summarize service on a real PostgreSQL and a real NATS, without a language model."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from tests.integration.summarize_mesh import Mesh, carried, completed, length, open_mesh, spoken, windows
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1 import ingest_events_pb2 as ingest
from vidmesh.events.v1.stage_pb2 import (
    STAGE_STATE_CANCELLED,
    STAGE_STATE_FAILED,
    STAGE_STATE_RUNNING,
    STAGE_STATE_SUCCEEDED,
    STAGE_STATE_WAITING,
)
from vidmesh.events.v1.summarize_events_pb2 import (
    ChaptersCompleted,
    ChaptersDrafted,
    SectionSummarized,
    SummaryDelta,
)
from vidmesh.events.v1.text_pb2 import Segment
from vidmesh.events.v1.transcribe_events_pb2 import WindowTranscribed
from vidmesh.summarize.v1 import summary_pb2
from vidmesh.summarize.v1.summarize_service_pb2 import (
    GenerateSummaryRequest,
    GetSummaryRequest,
    ListChaptersRequest,
    StreamSummaryRequest,
)
from vidmesh_runtime.errors import Failure

Environment = Callable[[str], dict[str, str]]


@pytest.fixture
async def mesh(environment: Environment, keys: Any) -> AsyncIterator[Mesh]:
    async with open_mesh(environment, keys.token) as opened:
        await opened.start()
        yield opened


async def refused(call: Any) -> tuple[grpc.StatusCode, str]:
    """The code and the reason that a call is refused with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (_all(call) if hasattr(call, "__aiter__") else call)
    error = caught.value
    details = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    info = error_details_pb2.ErrorInfo()
    status_pb2.Status.FromString(details).details[0].Unpack(info)
    return error.code(), info.reason


async def _all(stream: Any) -> list[Any]:
    return [response async for response in stream]


async def summary_of(mesh: Mesh, video: str, tenant: str = "acme") -> summary_pb2.Summary:
    response = await mesh.stub.GetSummary(GetSummaryRequest(video_id=video), metadata=mesh.metadata(tenant))
    return response.summary  # type: ignore[no-any-return]


async def known(mesh: Mesh, video: str) -> summary_pb2.Summary:
    """The summary as soon as the service knows of its video."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(grpc.aio.AioRpcError):
                return await summary_of(mesh, video)
            await asyncio.sleep(0.05)


def kinds(events: list[Any]) -> list[str]:
    return [event.kind for event in events if event.number]


async def test_a_transcript_becomes_sections_a_summary_and_chapters(mesh: Mesh) -> None:
    job, video = await mesh.accept()
    made = await mesh.transcribe(job, video, spoken())
    events = await mesh.follow(job, "summary_completed", "chapters_completed")
    facts = kinds(events)
    assert facts.count("summary_completed") == facts.count("chapters_completed") == 1
    assert [event.number for event in events if event.number] == list(range(1, len(facts) + 1))
    sections = sorted(
        (carried(event, SectionSummarized) for event in events if event.kind == "section_summarized"),
        key=lambda one: one.index,
    )
    assert [one.index for one in sections] == list(range(len(sections)))
    assert len(sections) >= 4
    said = " ".join(segment.text for window in made for segment in window.segments)
    for one in sections:
        assert one.text
        assert all(sentence.strip(". ") in said for sentence in one.text.split(". "))
    summary = await summary_of(mesh, video)
    assert summary.state == STAGE_STATE_SUCCEEDED
    assert summary.extractive
    assert summary.model == "extractive"
    assert summary.language == "en"
    assert "colony" in summary.text
    assert "honey" in summary.text
    assert "(" in summary.text
    assert len(summary.sections) == len(sections)
    assert summary.HasField("completed_at")
    text = "".join(carried(event, SummaryDelta).text for event in events if event.kind == "summary_delta")
    assert text.strip() == summary.text
    chapters = await mesh.stub.ListChapters(ListChaptersRequest(video_id=video), metadata=mesh.metadata())
    assert chapters.state == STAGE_STATE_SUCCEEDED
    assert chapters.extractive
    assert 3 <= len(chapters.chapters) <= 7
    assert chapters.chapters[0].start.ToTimedelta().total_seconds() == 0
    starts = [one.start.ToTimedelta() for one in chapters.chapters]
    assert starts == sorted(starts)
    assert all(one.title for one in chapters.chapters)
    told = next(carried(event, ChaptersCompleted) for event in events if event.kind == "chapters_completed")
    assert list(told.chapters) == list(chapters.chapters)


async def test_sections_come_before_the_transcript_is_whole(mesh: Mesh) -> None:
    job, video = await mesh.accept()
    made = windows(spoken(), video)
    await mesh.tell("transcribe", job, *made[:6])
    events = await mesh.follow(job, "section_summarized")
    assert "summary_completed" not in kinds(events)
    summary = await summary_of(mesh, video)
    assert summary.state == STAGE_STATE_RUNNING
    assert summary.text == ""
    assert summary.sections


async def test_chapters_are_drafted_while_more_is_heard_and_give_way_to_those_of_the_whole(
    mesh: Mesh,
) -> None:
    job, video = await mesh.accept()
    made = windows(spoken(), video)
    await mesh.tell("transcribe", job, *made[:6])
    drafted = carried((await mesh.follow(job, "chapters_drafted"))[-1], ChaptersDrafted)
    response = await mesh.stub.ListChapters(ListChaptersRequest(video_id=video), metadata=mesh.metadata())
    assert response.provisional
    assert response.state == STAGE_STATE_RUNNING
    assert response.chapters[0].start.ToMilliseconds() == 0
    # Of what was heard by then, which may be less than all that was told.
    assert response.chapters[-1].end in [window.segments[-1].end for window in made[:6]]
    assert drafted.through.ToMilliseconds() <= response.chapters[-1].end.ToMilliseconds()
    await mesh.tell("transcribe", job, *made[6:], completed(made, video))
    final = carried((await mesh.follow(job, "chapters_completed"))[-1], ChaptersCompleted)
    response = await mesh.stub.ListChapters(ListChaptersRequest(video_id=video), metadata=mesh.metadata())
    assert not response.provisional
    assert response.chapters == final.chapters
    assert response.chapters[-1].end.ToMilliseconds() > made[5].segments[-1].end.ToMilliseconds()


async def test_the_order_of_facts_and_their_repetition_change_nothing(mesh: Mesh) -> None:
    results = []
    for seed in (None, 1, 2):
        job, video = await mesh.accept()
        made = windows(spoken(), video)
        facts: list[Any] = [*made, completed(made, video)]
        if seed is not None:
            facts += random.Random(seed).sample(facts, 8)  # told again with ids of their own
            random.Random(seed).shuffle(facts)
        await mesh.tell("transcribe", job, *facts)
        events = await mesh.follow(job, "summary_completed", "chapters_completed")
        assert kinds(events).count("summary_completed") == 1
        summary = await summary_of(mesh, video)
        chapters = await mesh.stub.ListChapters(ListChaptersRequest(video_id=video), metadata=mesh.metadata())
        results.append((summary.text, list(summary.sections), list(chapters.chapters)))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("count", [0, 3])
async def test_silence_gives_an_empty_summary_that_says_so(mesh: Mesh, count: int) -> None:
    job, video = await mesh.accept()
    made = [
        WindowTranscribed(video_id=video, window_index=at, start=length(at * 30), end=length(at * 30 + 30))
        for at in range(count)
    ]
    await mesh.tell("transcribe", job, *made, completed(made, video))
    await mesh.follow(job, "summary_completed", "chapters_completed")
    summary = await summary_of(mesh, video)
    assert summary.state == STAGE_STATE_SUCCEEDED
    assert summary.text == "Nothing is said in this video."
    assert not summary.sections
    chapters = await mesh.stub.ListChapters(ListChaptersRequest(video_id=video), metadata=mesh.metadata())
    assert chapters.state == STAGE_STATE_SUCCEEDED
    assert not chapters.chapters
    call = mesh.stub.GenerateSummary(
        GenerateSummaryRequest(video_id=video, style=summary_pb2.SUMMARY_STYLE_BULLETS),
        metadata=mesh.metadata(),
    )
    assert await refused(call) == (grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_SAID")


async def test_a_few_words_are_their_own_summary(mesh: Mesh) -> None:
    job, video = await mesh.accept()
    await mesh.transcribe(job, video, [Segment(start=length(1), end=length(2), text="hello", language="en")])
    await mesh.follow(job, "summary_completed", "chapters_completed")
    assert (await summary_of(mesh, video)).text == "Hello. (0:01)"


async def test_a_stream_gives_what_there_is_then_the_rest_to_the_end(mesh: Mesh) -> None:
    job, video = await mesh.accept()
    assert (await known(mesh, video)).state == STAGE_STATE_WAITING
    stream = mesh.stub.StreamSummary(StreamSummaryRequest(video_id=video), metadata=mesh.metadata())
    first = await anext(aiter(stream))
    assert first.summary.state == STAGE_STATE_WAITING
    await mesh.transcribe(job, video, spoken())
    text, sections, last = "", [], None
    async with asyncio.timeout(60):
        async for response in stream:
            kind = response.WhichOneof("message")
            if kind == "delta":
                text += response.delta
            elif kind == "restart":
                text = ""
            elif kind == "section":
                sections.append(response.section)
            elif kind == "summary":
                last = response.summary
    assert last is not None
    assert last.state == STAGE_STATE_SUCCEEDED
    assert text.strip() == last.text
    assert sorted(sections, key=lambda one: one.index) == list(last.sections)
    again = [
        one
        async for one in mesh.stub.StreamSummary(
            StreamSummaryRequest(video_id=video), metadata=mesh.metadata()
        )
    ]
    assert [one.summary for one in again] == [last]


async def test_a_stream_ends_when_the_job_does(mesh: Mesh) -> None:
    async def last(fact: Any) -> summary_pb2.Summary:
        job, video = await mesh.accept()
        await known(mesh, video)
        stream = mesh.stub.StreamSummary(StreamSummaryRequest(video_id=video), metadata=mesh.metadata())
        await anext(aiter(stream))
        fact.video_id = video
        await mesh.tell("ingest", job, fact)
        async with asyncio.timeout(60):
            final: summary_pb2.Summary = [one async for one in stream][-1].summary
            return final

    assert (await last(ingest.JobCancelled())).state == STAGE_STATE_CANCELLED
    failure = Failure(ErrorReason.ERROR_REASON_NOT_MEDIA).to_proto()
    ended = await last(ingest.JobEnded(outcome=ingest.JOB_OUTCOME_FAILED, failure=failure))
    assert ended.state == STAGE_STATE_FAILED
    assert ended.failure.reason == ErrorReason.ERROR_REASON_NOT_MEDIA


async def test_another_summary_is_written_once_and_kept(mesh: Mesh) -> None:
    job, video = await mesh.accept()
    await mesh.transcribe(job, video, spoken())
    await mesh.follow(job, "summary_completed", "chapters_completed")
    own = await summary_of(mesh, video)

    async def generate(**fields: Any) -> list[Any]:
        request = GenerateSummaryRequest(video_id=video, **fields)
        return [one async for one in mesh.stub.GenerateSummary(request, metadata=mesh.metadata())]

    wanted = {"style": summary_pb2.SUMMARY_STYLE_BULLETS, "length": summary_pb2.SUMMARY_LENGTH_SHORT}
    first = await generate(**wanted, request_id=str(uuid.uuid4()))
    made = first[-1].summary
    assert made.state == STAGE_STATE_SUCCEEDED
    assert made.id != own.id
    assert made.style == summary_pb2.SUMMARY_STYLE_BULLETS
    assert [line[:2] for line in made.text.splitlines()] == ["- "] * 3
    assert "".join(one.delta for one in first[:-1]).strip() == made.text
    again = await generate(**wanted, language="en-GB")
    assert [one.summary for one in again] == [made]
    by_id = await mesh.stub.GetSummary(
        GetSummaryRequest(video_id=video, summary_id=made.id), metadata=mesh.metadata()
    )
    assert by_id.summary == made
    assert [one.summary for one in await generate()] == [own]
    assert (await summary_of(mesh, video)).id == own.id
    long = (await generate(length=summary_pb2.SUMMARY_LENGTH_LONG))[-1].summary
    assert len(long.text) > len(own.text) > len(made.text)


async def test_bad_requests_are_refused_with_their_reason(mesh: Mesh) -> None:
    job, video = await mesh.accept()
    await known(mesh, video)
    invalid = (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    not_found = (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    stub, mine = mesh.stub, mesh.metadata()

    def generate(**fields: Any) -> Any:
        return stub.GenerateSummary(GenerateSummaryRequest(video_id=video, **fields), metadata=mine)

    assert await refused(stub.GetSummary(GetSummaryRequest(), metadata=mine)) == invalid
    assert await refused(stub.StreamSummary(StreamSummaryRequest(), metadata=mine)) == invalid
    assert await refused(stub.ListChapters(ListChaptersRequest(), metadata=mine)) == invalid
    assert await refused(stub.GenerateSummary(GenerateSummaryRequest(), metadata=mine)) == invalid
    assert await refused(stub.GetSummary(GetSummaryRequest(video_id="x"), metadata=mine)) == not_found
    for summary_id in ("x", str(uuid.uuid4())):
        request = GetSummaryRequest(video_id=video, summary_id=summary_id)
        assert await refused(stub.GetSummary(request, metadata=mine)) == not_found
    assert await refused(generate()) == (grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE")
    await mesh.transcribe(job, video, spoken())
    await mesh.follow(job, "summary_completed", "chapters_completed")
    assert await refused(generate(style=99)) == invalid
    assert await refused(generate(length=99)) == invalid
    assert await refused(generate(language="not a tag")) == invalid
    assert await refused(generate(language="fr")) == invalid
    assert await refused(generate(prompt="who said so?")) == invalid
    assert await refused(generate(prompt="x" * 2001)) == invalid
    assert await refused(generate(request_id="1")) == invalid
    assert (
        await refused(
            generate(
                style=summary_pb2.SUMMARY_STYLE_BULLETS,
                request_id="0190b8f1-0000-7000-8000-000000000000",
                length=9,
            )
        )
        == invalid
    )


async def test_another_tenants_ids_are_not_found(mesh: Mesh) -> None:
    job, video = await mesh.accept(tenant="acme")
    await mesh.transcribe(job, video, spoken())
    await mesh.follow(job, "summary_completed", "chapters_completed")
    own = await summary_of(mesh, video)
    stub, other = mesh.stub, mesh.metadata("other")
    other_job, other_video = await mesh.accept(tenant="other")
    await mesh.transcribe(other_job, other_video, spoken(), tenant="other")
    await mesh.follow(other_job, "summary_completed", tenant="other")
    not_found = (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    for call in (
        stub.GetSummary(GetSummaryRequest(video_id=video), metadata=other),
        stub.GetSummary(GetSummaryRequest(video_id=video, summary_id=own.id), metadata=other),
        stub.GetSummary(GetSummaryRequest(video_id=other_video, summary_id=own.id), metadata=other),
        stub.StreamSummary(StreamSummaryRequest(video_id=video), metadata=other),
        stub.GenerateSummary(
            GenerateSummaryRequest(video_id=video, style=summary_pb2.SUMMARY_STYLE_BULLETS), metadata=other
        ),
        stub.ListChapters(ListChaptersRequest(video_id=video), metadata=other),
    ):
        assert await refused(call) == not_found


async def test_a_deleted_video_is_gone_and_stays_so(mesh: Mesh) -> None:
    job, video = await mesh.accept()
    made = await mesh.transcribe(job, video, spoken())
    await mesh.follow(job, "summary_completed", "chapters_completed")
    await mesh.tell("ingest", job, ingest.VideoDeleted(video_id=video))
    stub, mine = mesh.stub, mesh.metadata()
    async with asyncio.timeout(60):
        while True:
            try:
                await summary_of(mesh, video)
            except grpc.aio.AioRpcError:
                break
            await asyncio.sleep(0.05)
    await mesh.tell("transcribe", job, made[0])
    other_job, other_video = await mesh.accept()
    await mesh.transcribe(other_job, other_video, spoken())
    await mesh.follow(other_job, "summary_completed")
    not_found = (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert await refused(stub.GetSummary(GetSummaryRequest(video_id=video), metadata=mine)) == not_found
    assert await refused(stub.ListChapters(ListChaptersRequest(video_id=video), metadata=mine)) == not_found


async def test_a_new_job_of_a_video_takes_the_place_of_the_old_when_it_is_done(mesh: Mesh) -> None:
    job, video = await mesh.accept()
    await mesh.transcribe(job, video, spoken())
    await mesh.follow(job, "summary_completed", "chapters_completed")
    old = await summary_of(mesh, video)
    again = str(uuid.uuid4())
    await mesh.tell("ingest", again, ingest.JobAccepted(video_id=video, replaces=True))
    stream = aiter(mesh.stub.StreamSummary(StreamSummaryRequest(video_id=video), metadata=mesh.metadata()))
    async with asyncio.timeout(60):
        while (await anext(stream)).summary.id == old.id:
            stream = aiter(
                mesh.stub.StreamSummary(StreamSummaryRequest(video_id=video), metadata=mesh.metadata())
            )
    assert (await summary_of(mesh, video)).id == old.id
    await mesh.transcribe(again, video, spoken())
    await mesh.follow(again, "summary_completed", "chapters_completed")
    assert (await summary_of(mesh, video)).id != old.id
