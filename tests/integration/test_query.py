"""The query service on a real PostgreSQL and a real NATS: indexing and searching."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
import grpc
import pytest

from tests.conftest import Backstage, NatsServer, PostgresServer
from tests.integration import query_service
from tests.integration.query_service import (
    Service,
    Stages,
    Talk,
    client,
    lecture,
    refused,
    search,
    shared,
    stages,
    until,
)
from vidmesh.errors.v1.failure_pb2 import Failure
from vidmesh.events.v1.index_events_pb2 import PassagesIndexed
from vidmesh.events.v1.ingest_events_pb2 import (
    JobAccepted,
    JobCancelled,
    JobEnded,
    JobOutcome,
    JobRetried,
    SourceIngested,
    VideoDeleted,
)
from vidmesh.events.v1.stage_pb2 import STAGE_STATE_RUNNING, STAGE_STATE_WAITING
from vidmesh.events.v1.summarize_events_pb2 import SummaryCompleted
from vidmesh.events.v1.text_pb2 import Segment
from vidmesh.events.v1.transcribe_events_pb2 import SegmentCorrected, SegmentHeard
from vidmesh.query.v1 import query_service_pb2 as pb
from vidmesh.query.v1.search_pb2 import Hit, Scope

if TYPE_CHECKING:
    from vidmesh.query.v1.query_service_pb2_grpc import QueryServiceAsyncStub

Rows: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture(scope="module")
def service(
    backstage: Backstage,
    postgres_server: PostgresServer,
    nats_process: NatsServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    with shared(backstage, postgres_server, nats_process, tmp_path_factory.mktemp("query")) as made:
        yield made


@pytest.fixture
def tenant() -> str:
    return f"t{uuid.uuid4().hex}"


@pytest.fixture
async def query(service: Service, tenant: str) -> AsyncIterator["QueryServiceAsyncStub"]:
    async with client(service.process, service.keys, tenant) as stub:
        yield stub


@pytest.fixture
async def bus(service: Service) -> AsyncIterator[Stages]:
    async with stages(service.nats_url) as opened:
        yield opened


@pytest.fixture
async def rows(service: Service) -> AsyncIterator[Rows]:
    """The service's own tables."""
    connection = await asyncpg.connect(
        service.database_url, server_settings={"search_path": "query", "vidmesh.tenant": "*"}
    )
    yield connection
    await connection.close()


@pytest.fixture
def lions(tenant: str) -> Talk:
    return query_service.LIONS.of(tenant)


@pytest.fixture
def cake(tenant: str) -> Talk:
    return query_service.CAKE.of(tenant)


def marked(hit: Hit) -> list[str]:
    return [hit.snippet.text[span.start : span.end] for span in hit.snippet.highlights]


def corrected(talk: Talk, place: int, heard: str, said: str) -> SegmentCorrected:
    """The fact that a word in the first window of a talk was another one."""
    segment = talk.heard()[0].segments[place]
    segment.text = segment.text.replace(heard, said)
    for word in segment.words:
        word.text = word.text.replace(heard, said)
    return SegmentCorrected(video_id=talk.video, place=place, segment=segment)


async def test_a_corrected_segment_is_found_by_what_was_really_said(
    query: "QueryServiceAsyncStub", bus: Stages, rows: Rows, lions: Talk
) -> None:
    await bus.whole(lions)
    await bus.indexed(lions)
    [before] = (await query.Search(pb.SearchRequest(query="seven boxes"))).hits
    await bus.tell(lions, "transcribe", corrected(lions, 1, "boxes", "giraffes"))

    async def found() -> bool:
        hits = (await query.Search(pb.SearchRequest(query='"seven red giraffes"'))).hits
        return [hit.passage_id for hit in hits] == [before.passage_id]

    await until(found)
    assert not (await query.Search(pb.SearchRequest(query='"red boxes"'))).hits

    async def embedded() -> bool:
        return bool(await rows.fetchval("select embedded_by from passage where id = $1", before.passage_id))

    await until(embedded)


async def test_corrections_of_what_is_not_indexed_yet_and_of_the_same_segment_count_by_their_order(
    query: "QueryServiceAsyncStub", bus: Stages, lions: Talk
) -> None:
    await bus.open(lions)
    late, early = corrected(lions, 1, "boxes", "giraffes"), corrected(lions, 1, "boxes", "zebras")
    # The one that was told second comes first, and both before what they correct.
    await bus.tell(lions, "transcribe", late, number=5)
    await bus.tell(lions, "transcribe", early, number=4)
    for one in lions.heard():
        await bus.tell(lions, "transcribe", one)
    await bus.complete(lions)
    await bus.indexed(lions)
    assert (await query.Search(pb.SearchRequest(query='"red giraffes"'))).hits
    for gone in ("zebras", '"red boxes"'):
        assert not (await query.Search(pb.SearchRequest(query=gone))).hits, gone


async def test_what_was_said_is_found_with_its_moment(
    query: "QueryServiceAsyncStub", bus: Stages, lions: Talk
) -> None:
    await bus.whole(lions)
    fact = await bus.indexed(lions)
    assert (fact.count, fact.model) == (1, "wordllama-l2-supercat-256")
    video = (await query.GetVideo(pb.GetVideoRequest(video_id=lions.video))).video
    assert (video.title, video.author, video.passage_count, video.searchable) == (
        "Lions in Paris",
        "An author",
        1,
        True,
    )
    assert video.indexed_through == video.duration
    found = await query.Search(pb.SearchRequest(query="seven boxes"))
    assert not found.degraded
    [hit] = found.hits
    assert hit.video_title == "Lions in Paris"
    assert marked(hit) == ["seven", "boxes", "box"]
    assert hit.moment.ToMilliseconds() == (8 * 400 + 200) + 3 * 400
    assert hit.start.ToMilliseconds() == 0


async def test_meaning_finds_what_words_do_not(
    query: "QueryServiceAsyncStub", bus: Stages, lions: Talk, cake: Talk
) -> None:
    for talk in (lions, cake):
        await bus.whole(talk)
        await bus.indexed(talk)
    [hit, *_] = await search(query, "pastry recipe")
    assert hit.video_id == cake.video
    assert marked(hit) == []
    assert await search(query, "zzzzqq") == []


async def test_passages_are_found_before_the_transcript_is_whole(
    query: "QueryServiceAsyncStub", bus: Stages, tenant: str
) -> None:
    talk = lecture(12).of(tenant)
    windows = talk.heard()
    await bus.open(talk)
    await bus.tell(talk, "transcribe", windows[1])
    await bus.tell(talk, "transcribe", windows[2])
    await until(lambda: search(query, "item1"))
    video = (await query.GetVideo(pb.GetVideoRequest(video_id=talk.video))).video
    assert (video.passage_count, video.indexed_through.ToMilliseconds()) == (0, 0)
    await bus.tell(talk, "transcribe", windows[0])
    fact = await bus.first(talk, "passages_indexed")
    assert isinstance(fact, PassagesIndexed)
    video = (await query.GetVideo(pb.GetVideoRequest(video_id=talk.video))).video
    assert video.passage_count == fact.count > 0
    assert not video.searchable
    assert 0 < video.indexed_through.ToMilliseconds() <= windows[2].end.ToMilliseconds()
    assert (await search(query, "item0"))[0].video_id == talk.video
    for one in windows[3:]:
        await bus.tell(talk, "transcribe", one)
    await bus.complete(talk)
    whole = await bus.indexed(talk)
    assert whole.count > fact.count
    assert (await search(query, "item11"))[0].video_id == talk.video


async def test_the_same_facts_again_change_nothing(bus: Stages, rows: Rows, tenant: str) -> None:
    talk = lecture(6).of(tenant)
    await bus.whole(talk)
    fact = await bus.indexed(talk)
    for _ in range(3):
        await bus.whole(talk)
    await asyncio.sleep(1)
    assert await rows.fetchval("select count(*) from passage where job_id = $1", talk.job) == fact.count
    assert (
        await rows.fetchval(
            "select count(*) from outbox where kind = 'IndexCompleted' and job_id = $1", talk.job
        )
        == 1
    )
    assert (
        await rows.fetchval(
            "select count(*) from outbox where kind = 'StageFailed' and job_id = $1", talk.job
        )
        == 0
    )
    told = await rows.fetch(
        "select number from outbox where number > 0 and job_id = $1 order by id", talk.job
    )
    assert [row["number"] for row in told] == list(range(1, len(told) + 1))


async def test_a_new_job_takes_the_place_of_the_old_one_at_once(
    query: "QueryServiceAsyncStub", bus: Stages, rows: Rows, lions: Talk, tenant: str
) -> None:
    old = lecture(6).of(tenant)
    await bus.whole(old)
    await bus.indexed(old)
    before = {hit.passage_id for hit in await search(query, "topic", page_size=100)}
    new = replace(old, job=str(uuid.uuid4()), windows=(*old.windows[:3], *lions.windows, *old.windows[3:]))
    await bus.open(new)
    for one in new.heard()[:-1]:
        await bus.tell(new, "transcribe", one)
    await bus.first(new, "passages_indexed")
    assert {hit.passage_id for hit in await search(query, "topic", page_size=100)} == before
    await bus.tell(new, "transcribe", new.heard()[-1])
    await bus.complete(new)
    fact = await bus.indexed(new)
    after = {hit.passage_id for hit in await search(query, "topic", page_size=100)}
    assert len(after) == fact.count
    assert not after & before
    assert {
        row["job_id"] for row in await rows.fetch("select job_id from passage where tenant = $1", tenant)
    } == {new.job}
    video = (await query.GetVideo(pb.GetVideoRequest(video_id=new.video))).video
    assert (video.job_id, video.passage_count, video.searchable) == (new.job, fact.count, True)


async def test_a_deleted_video_is_gone_and_late_facts_do_not_bring_it_back(
    query: "QueryServiceAsyncStub", bus: Stages, rows: Rows, lions: Talk, tenant: str
) -> None:
    await bus.whole(lions)
    await bus.indexed(lions)
    await bus.tell(lions, "ingest", VideoDeleted(video_id=lions.video))

    async def gone() -> bool:
        return not await search(query, "lions") and not await rows.fetchval(
            "select count(*) from forgotten where tenant = $1", tenant
        )

    await until(gone)
    await bus.tell(lions, "ingest", JobAccepted(video_id=lions.video, title="late"))
    await bus.tell(lions, "transcribe", lions.heard()[0])
    await asyncio.sleep(0.5)
    assert not (await query.ListVideos(pb.ListVideosRequest())).videos
    assert (
        await rows.fetchval(
            "select (select count(*) from passage where video_id = $1) + (select count(*) from heard where job_id = $2)",
            lions.video,
            lions.job,
        )
        == 0
    )


async def test_a_transcript_that_breaks_off_is_searched_to_its_last_word_and_goes_on_when_retried(
    query: "QueryServiceAsyncStub", bus: Stages, tenant: str
) -> None:
    talk = lecture(6).of(tenant)
    windows = talk.heard()
    await bus.open(talk)
    for index in (0, 1, 2, 4, 5):
        await bus.tell(talk, "transcribe", windows[index])
    ended = JobEnded(
        video_id=talk.video, outcome=JobOutcome.JOB_OUTCOME_FAILED, failure=Failure(message="no"), run=1
    )
    await bus.tell(talk, "ingest", ended)

    async def last_word() -> bool:
        return bool(await search(query, "w5s2"))

    await until(last_word)
    assert not (await query.GetVideo(pb.GetVideoRequest(video_id=talk.video))).video.searchable
    await bus.tell(talk, "ingest", JobRetried(video_id=talk.video, run=2))
    await bus.tell(talk, "transcribe", windows[3])
    await bus.complete(talk)
    fact = await bus.indexed(talk)
    hits = await search(query, "topic", page_size=100)
    assert len(hits) == len({hit.passage_id for hit in hits}) == fact.count
    assert await search(query, "w3s1")


async def test_nothing_said_is_indexed_as_nothing(
    query: "QueryServiceAsyncStub", bus: Stages, tenant: str
) -> None:
    silence = Talk(tenant=tenant, title="Silence", windows=((), ()))
    await bus.whole(silence)
    assert (await bus.indexed(silence)).count == 0
    none = Talk(tenant=tenant, title="No windows", windows=())
    await bus.whole(none)
    assert (await bus.indexed(none)).count == 0
    videos = (await query.ListVideos(pb.ListVideosRequest(order=pb.VIDEO_ORDER_TITLE))).videos
    assert [(video.title, video.searchable) for video in videos] == [("No windows", True), ("Silence", True)]


async def test_facts_in_any_order_come_to_the_same(
    query: "QueryServiceAsyncStub", bus: Stages, tenant: str
) -> None:
    talk = lecture(4).of(tenant)
    await bus.complete(talk)
    for one in reversed(talk.heard()):
        await bus.tell(talk, "transcribe", one)
    summary = SummaryCompleted(video_id=talk.video, summary_id="s", text="A summary.", model="extractive")
    await bus.tell(talk, "summarize", summary)
    await bus.open(talk)
    await bus.indexed(talk)

    async def described() -> bool:
        video = (await query.GetVideo(pb.GetVideoRequest(video_id=talk.video))).video
        return (video.title, video.summary, video.job_id) == ("A lecture", "A summary.", talk.job)

    await until(described)


async def test_a_query_in_another_language_and_script(
    query: "QueryServiceAsyncStub", bus: Stages, lions: Talk, tenant: str
) -> None:
    german = Talk(
        tenant=tenant,
        title="Löwen",
        windows=(("Die Löwen trugen sieben rote Kisten nach Paris.",),),
        language="de",
    )
    chinese = Talk(tenant=tenant, title="搜索", windows=(("我们今天谈谈全文搜索引擎。",),), language="zh-CN")
    for talk in (german, chinese, lions):
        await bus.whole(talk)
        await bus.indexed(talk)
    [hit, *_] = await search(query, "rotes Kistchen Kiste", scope=Scope(language="de"))
    assert (hit.video_id, marked(hit)) == (german.video, ["rote", "Kisten"])
    [hit, *_] = await search(query, "搜索")
    assert hit.video_id == chinese.video
    assert await search(query, "lions", scope=Scope(language="fr")) == []


async def test_operators_are_kept_to_by_both_searches(
    query: "QueryServiceAsyncStub", bus: Stages, lions: Talk, cake: Talk
) -> None:
    for talk in (lions, cake):
        await bus.whole(talk)
        await bus.indexed(talk)
    assert [hit.video_id for hit in await search(query, '"seven red boxes"')] == [lions.video]
    assert await search(query, '"red seven boxes"') == []
    assert [hit.video_id for hit in await search(query, "the -lions cake")] == [cake.video]
    assert {hit.video_id for hit in await search(query, "lions OR apples")} == {lions.video, cake.video}


@pytest.mark.parametrize(
    "hostile", ["'", '"', "\\", "a & | ! b:*", "((", "\x00x", "<b>", "%s :x", "-", '"unclosed', "ß" * 1000]
)
async def test_hostile_queries_are_only_words(query: "QueryServiceAsyncStub", hostile: str) -> None:
    await search(query, hostile)


async def test_pages_hold_every_hit_once(query: "QueryServiceAsyncStub", bus: Stages, tenant: str) -> None:
    talk = lecture(30).of(tenant)
    await bus.whole(talk)
    fact = await bus.indexed(talk)
    request = pb.SearchRequest(query="topic", page_size=4)
    seen: list[str] = []
    while True:
        page = await query.Search(request)
        seen += [hit.passage_id for hit in page.hits]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert len(seen) == len(set(seen)) == fact.count
    other = pb.SearchRequest(query="another", page_token=request.page_token)
    assert await refused(query.Search(other)) == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "request_",
    [
        pb.SearchRequest(),
        pb.SearchRequest(query=" \x00 "),
        pb.SearchRequest(query="x" * 1001),
        pb.SearchRequest(query="x", page_size=101),
        pb.SearchRequest(query="x", page_size=-1),
        pb.SearchRequest(query="x", page_token="nonsense"),
        pb.SearchRequest(query="x", scope=Scope(tags=[f"t{number}" for number in range(51)])),
    ],
)
async def test_a_malformed_search_is_refused(
    query: "QueryServiceAsyncStub", request_: pb.SearchRequest
) -> None:
    assert await refused(query.Search(request_)) == grpc.StatusCode.INVALID_ARGUMENT


async def test_what_is_said_is_found_before_its_window_is_done(
    query: "QueryServiceAsyncStub", bus: Stages, rows: Rows, tenant: str
) -> None:
    talk = lecture(3).of(tenant)
    windows = talk.heard()
    await bus.open(talk)
    await bus.tell(talk, "transcribe", windows[0])
    await until(lambda: search(query, "item0"))
    for segment in windows[1].segments:
        await bus.tick(talk, "transcribe", SegmentHeard(window_index=1, segment=segment))
    await until(lambda: search(query, "item1"))
    early = (await query.Search(pb.SearchRequest(query="item1"))).hits[0]
    assert early.video_id == talk.video
    assert early.start.ToMilliseconds() <= early.moment.ToMilliseconds() <= early.end.ToMilliseconds()
    assert (await search(query, "item0"))[0].video_id == talk.video
    # A segment that is corrected when its window is done, and a tick that comes after it, leave nothing behind.
    segment = windows[1].segments[-1]
    wrong = Segment(index=segment.index, start=segment.start, end=segment.end, text="mumble", language="en")
    await bus.tick(talk, "transcribe", SegmentHeard(window_index=1, segment=wrong))
    await until(lambda: search(query, "mumble"))
    for one in windows[1:]:
        await bus.tell(talk, "transcribe", one)
    await bus.tick(talk, "transcribe", SegmentHeard(window_index=1, segment=wrong))
    await bus.complete(talk)
    whole = await bus.indexed(talk)
    assert await search(query, "mumble") == []
    assert (await search(query, "item2"))[0].video_id == talk.video
    left = await rows.fetch("select count(*), bool_or(early) from passage where video_id = $1", talk.video)
    assert [tuple(row) for row in left] == [(whole.count, False)]
    assert await rows.fetchval("select count(*) from hearing where job_id = $1", talk.job) == 0


async def test_a_search_says_how_far_running_videos_have_come(
    query: "QueryServiceAsyncStub", bus: Stages, cake: Talk, tenant: str
) -> None:
    waiting, talk = cake, lecture(4).of(tenant)
    windows = talk.heard()
    await bus.open(waiting)
    await bus.open(talk)
    await bus.tell(talk, "ingest", SourceIngested(video_id=talk.video, duration=windows[-1].end))
    await bus.tell(talk, "transcribe", windows[0])
    await bus.tell(talk, "transcribe", windows[1])
    await until(lambda: search(query, "item1"))
    answer = await query.Search(pb.SearchRequest(query="item1"))
    told = {one.video_id: one for one in answer.coverage}
    assert set(told) == {waiting.video, talk.video}
    assert told[talk.video].state == STAGE_STATE_RUNNING
    assert 0 < told[talk.video].indexed_through.ToMilliseconds() <= windows[1].end.ToMilliseconds()
    assert told[talk.video].duration == windows[-1].end
    assert told[talk.video].video_title == talk.title
    assert told[waiting.video].state == STAGE_STATE_WAITING
    assert not told[waiting.video].HasField("duration")
    scope = Scope(video_ids=[waiting.video])
    within = await query.Search(pb.SearchRequest(query="item1", scope=scope))
    assert [one.video_id for one in within.coverage] == [waiting.video]
    asked = [message async for message in query.Ask(pb.AskRequest(question="What is item1?"))]
    assert {one.video_id for one in asked[0].retrieved.coverage} == {waiting.video, talk.video}
    for one in windows[2:]:
        await bus.tell(talk, "transcribe", one)
    await bus.complete(talk)
    await bus.indexed(talk)
    await bus.tell(waiting, "ingest", JobCancelled(video_id=waiting.video))

    async def nothing_runs() -> bool:
        return not (await query.Search(pb.SearchRequest(query="item1"))).coverage

    await until(nothing_runs)
