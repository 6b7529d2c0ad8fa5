"""The query service as a real process on a real PostgreSQL and a real NATS: indexing, searching, the library."""

import asyncio
import contextlib
import shutil
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import asyncpg
import grpc
import pytest

from tests.conftest import Keys, NatsServer
from tests.integration.query_service import Process, Stages, Talk, client, stages
from vidmesh.errors.v1.failure_pb2 import Failure
from vidmesh.events.v1.index_events_pb2 import PassagesIndexed
from vidmesh.events.v1.ingest_events_pb2 import (
    JobAccepted,
    JobEnded,
    JobOutcome,
    JobRetried,
    VideoDeleted,
)
from vidmesh.events.v1.summarize_events_pb2 import SummaryCompleted
from vidmesh.query.v1 import query_service_pb2 as pb
from vidmesh.query.v1.query_service_pb2_grpc import QueryServiceStub
from vidmesh.query.v1.search_pb2 import Hit, Scope

Environment = Callable[[str], dict[str, str]]

LIONS = Talk(
    title="Lions in Paris",
    windows=(
        ("Welcome to this talk about animals that travel.", "The lions carried seven red boxes to Paris."),
        ("In each box there was a letter for the mayor.", "He read them all on a rainy afternoon."),
    ),
)
CAKE = Talk(
    title="Apple cake",
    windows=(("Take four apples and a pound of flour.", "Bake the cake for fifty minutes in a hot oven."),),
)


def lecture(windows: int) -> Talk:
    """A talk of several passages, each word of which says where it stands."""
    return Talk(
        title="A lecture",
        windows=tuple(
            tuple(
                f"Topic w{window}s{sentence} is " + f"about item{window} number{sentence} " * 4
                for sentence in range(3)
            )
            for window in range(windows)
        ),
    )


@pytest.fixture
async def process(environment: Environment, tmp_path: Path) -> AsyncIterator[Process]:
    made = Process(environment("query"), tmp_path / "query.log")
    made.start()
    yield made
    assert await made.stop() == 0, made.log


@pytest.fixture
async def query(process: Process, keys: Keys) -> AsyncIterator[QueryServiceStub]:
    async with client(process, keys) as stub:
        yield stub


@pytest.fixture
async def bus(query: QueryServiceStub, nats_server: NatsServer) -> AsyncIterator[Stages]:
    async with stages(nats_server.url) as opened:
        yield opened


@pytest.fixture
async def rows(
    environment: Environment, query: QueryServiceStub
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """The service's own tables."""
    connection = await asyncpg.connect(
        environment("query")["VIDMESH_DATABASE_URL"], server_settings={"search_path": "query"}
    )
    yield connection
    await connection.close()


async def search(query: QueryServiceStub, words: str, **more: object) -> list[Hit]:
    return list((await query.Search(pb.SearchRequest(query=words, **more))).hits)  # type: ignore[arg-type]


async def until(condition: Callable[[], object], *, within: float = 60) -> None:
    """Waits until an async condition gives something true."""
    async with asyncio.timeout(within):
        while not await condition():  # type: ignore[misc]
            await asyncio.sleep(0.05)


def marked(hit: Hit) -> list[str]:
    return [hit.snippet.text[span.start : span.end] for span in hit.snippet.highlights]


async def test_what_was_said_is_found_with_its_moment(query: QueryServiceStub, bus: Stages) -> None:
    await bus.whole(LIONS)
    fact = await bus.indexed(LIONS)
    assert (fact.count, fact.model) == (1, "wordllama-l2-supercat-256")
    video = (await query.GetVideo(pb.GetVideoRequest(video_id=LIONS.video))).video
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


async def test_meaning_finds_what_words_do_not(query: QueryServiceStub, bus: Stages) -> None:
    for talk in (LIONS, CAKE):
        await bus.whole(talk)
        await bus.indexed(talk)
    [hit, *_] = await search(query, "pastry recipe")
    assert hit.video_id == CAKE.video
    assert marked(hit) == []


async def test_passages_are_found_before_the_transcript_is_whole(
    query: QueryServiceStub, bus: Stages
) -> None:
    talk = lecture(12)
    windows = talk.heard()
    await bus.open(talk)
    await bus.tell(talk, "transcribe", windows[1])
    await bus.tell(talk, "transcribe", windows[2])
    await asyncio.sleep(0.3)
    assert await search(query, "item1") == []
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


async def test_the_same_facts_again_change_nothing(
    bus: Stages, rows: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    talk = lecture(6)
    await bus.whole(talk)
    fact = await bus.indexed(talk)
    for _ in range(3):
        await bus.whole(talk)
    await asyncio.sleep(1)
    assert await rows.fetchval("select count(*) from passage") == fact.count
    assert await rows.fetchval("select count(*) from outbox where kind = 'IndexCompleted'") == 1
    assert await rows.fetchval("select count(*) from outbox where kind = 'StageFailed'") == 0
    told = await rows.fetch("select number from outbox where number > 0 order by id")
    assert [row["number"] for row in told] == list(range(1, len(told) + 1))


@pytest.mark.parametrize("point", ["after-embed", "after-commit", "after-apply", "after-publish"])
async def test_killed_while_indexing_no_passage_comes_twice_and_none_is_missing(
    environment: Environment, tmp_path: Path, keys: Keys, nats_server: NatsServer, point: str
) -> None:
    talk = lecture(10)
    variables = {**environment("query"), "VIDMESH_LEASE": "PT2S", "VIDMESH_RECONCILE_EVERY": "PT1S"}
    process = Process(variables, tmp_path / "query.log")
    process.start(VIDMESH_CRASH_AT=point)
    await asyncio.sleep(1)
    async with stages(nats_server.url) as bus:
        await until(lambda: _streams_are_there(bus))
        await bus.whole(talk)
        assert await process.died() == -9
        process.start()
        fact = await bus.indexed(talk)
        connection = await asyncpg.connect(
            variables["VIDMESH_DATABASE_URL"], server_settings={"search_path": "query"}
        )
        texts = [row["text"] for row in await connection.fetch("select text from passage order by start_ms")]
        await connection.close()
        said = " ".join(text.strip() for window in talk.windows for text in window)
        assert " ".join(texts) == " ".join(said.split())
        assert len(texts) == fact.count
        async with client(process, keys) as query:
            hits = await search(query, "about the topic", page_size=100)
            assert len(hits) == fact.count
            assert len({hit.passage_id for hit in hits}) == fact.count
    assert await process.stop() == 0, process.log


async def _streams_are_there(bus: Stages) -> bool:
    with contextlib.suppress(Exception):
        return await bus.ready()
    return False


async def test_a_new_job_takes_the_place_of_the_old_one_at_once(
    query: QueryServiceStub, bus: Stages, rows: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    old = lecture(6)
    await bus.whole(old)
    await bus.indexed(old)
    before = {hit.passage_id for hit in await search(query, "topic", page_size=100)}
    new = replace(old, job=str(uuid.uuid4()), windows=(*old.windows[:3], *LIONS.windows, *old.windows[3:]))
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
    assert {row["job_id"] for row in await rows.fetch("select job_id from passage")} == {new.job}
    video = (await query.GetVideo(pb.GetVideoRequest(video_id=new.video))).video
    assert (video.job_id, video.passage_count, video.searchable) == (new.job, fact.count, True)


async def test_emptied_vectors_are_made_again_to_the_same_ids(
    environment: Environment, tmp_path: Path, keys: Keys, nats_server: NatsServer
) -> None:
    talk = lecture(8)
    variables = environment("query")
    process = Process(variables, tmp_path / "query.log")
    process.start()
    async with client(process, keys) as query, stages(nats_server.url) as bus:
        await bus.whole(talk)
        await bus.indexed(talk)
        before = [hit.passage_id for hit in await search(query, "a subject like item5", page_size=100)]
    assert await process.stop() == 0, process.log
    shutil.rmtree(Path(variables["VIDMESH_DATA_DIR"]) / "vectors")
    process.start()
    async with client(process, keys) as query:

        async def as_before() -> bool:
            found = await query.Search(pb.SearchRequest(query="a subject like item5", page_size=100))
            return not found.degraded and [hit.passage_id for hit in found.hits] == before

        await until(as_before)
    assert await process.stop() == 0, process.log


async def test_without_vectors_words_are_searched_and_indexing_goes_on(
    environment: Environment, tmp_path: Path, keys: Keys, nats_server: NatsServer, unused_tcp_port: int
) -> None:
    variables = environment("query")
    process = Process(
        {**variables, "VIDMESH_QDRANT_URL": f"http://127.0.0.1:{unused_tcp_port}"}, tmp_path / "query.log"
    )
    process.start()
    async with client(process, keys) as query, stages(nats_server.url) as bus:
        await bus.whole(LIONS)
        await bus.indexed(LIONS)
        found = await query.Search(pb.SearchRequest(query="lions"))
        assert found.degraded
        assert [hit.video_id for hit in found.hits] == [LIONS.video]
    assert await process.stop() == 0, process.log
    healed = Process(variables, tmp_path / "query.log")
    healed.start()
    async with client(healed, keys) as query:

        async def by_meaning() -> bool:
            return bool(await search(query, "big cats travelling"))

        await until(by_meaning)
    assert await healed.stop() == 0, healed.log


async def test_a_deleted_video_is_gone_and_late_facts_do_not_bring_it_back(
    query: QueryServiceStub, bus: Stages, rows: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await bus.whole(LIONS)
    await bus.indexed(LIONS)
    await bus.tell(LIONS, "ingest", VideoDeleted(video_id=LIONS.video))

    async def gone() -> bool:
        return not await search(query, "lions") and not await rows.fetchval("select count(*) from forgotten")

    await until(gone)
    await bus.tell(LIONS, "ingest", JobAccepted(video_id=LIONS.video, title="late"))
    await bus.tell(LIONS, "transcribe", LIONS.heard()[0])
    await asyncio.sleep(0.5)
    assert not (await query.ListVideos(pb.ListVideosRequest())).videos
    assert await rows.fetchval("select (select count(*) from passage) + (select count(*) from heard)") == 0


async def test_a_transcript_that_breaks_off_is_searched_to_its_last_word_and_goes_on_when_retried(
    query: QueryServiceStub, bus: Stages
) -> None:
    talk = lecture(6)
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


async def test_nothing_said_is_indexed_as_nothing(query: QueryServiceStub, bus: Stages) -> None:
    silence = Talk(title="Silence", windows=((), ()))
    await bus.whole(silence)
    assert (await bus.indexed(silence)).count == 0
    none = Talk(title="No windows", windows=())
    await bus.whole(none)
    assert (await bus.indexed(none)).count == 0
    videos = (await query.ListVideos(pb.ListVideosRequest(order=pb.VIDEO_ORDER_TITLE))).videos
    assert [(video.title, video.searchable) for video in videos] == [("No windows", True), ("Silence", True)]


async def test_facts_in_any_order_come_to_the_same(query: QueryServiceStub, bus: Stages) -> None:
    talk = lecture(4)
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


async def test_a_query_in_another_language_and_script(query: QueryServiceStub, bus: Stages) -> None:
    german = Talk(
        title="Löwen", windows=(("Die Löwen trugen sieben rote Kisten nach Paris.",),), language="de"
    )
    chinese = Talk(title="搜索", windows=(("我们今天谈谈全文搜索引擎。",),), language="zh-CN")
    for talk in (german, chinese, LIONS):
        await bus.whole(talk)
        await bus.indexed(talk)
    [hit, *_] = await search(query, "rotes Kistchen Kiste", scope=Scope(language="de"))
    assert (hit.video_id, marked(hit)) == (german.video, ["rote", "Kisten"])
    [hit, *_] = await search(query, "搜索")
    assert hit.video_id == chinese.video
    assert await search(query, "lions", scope=Scope(language="fr")) == []


async def test_operators_are_kept_to_by_both_searches(query: QueryServiceStub, bus: Stages) -> None:
    for talk in (LIONS, CAKE):
        await bus.whole(talk)
        await bus.indexed(talk)
    assert [hit.video_id for hit in await search(query, '"seven red boxes"')] == [LIONS.video]
    assert await search(query, '"red seven boxes"') == []
    assert [hit.video_id for hit in await search(query, "the -lions cake")] == [CAKE.video]
    assert {hit.video_id for hit in await search(query, "lions OR apples")} == {LIONS.video, CAKE.video}


@pytest.mark.parametrize(
    "hostile", ["'", '"', "\\", "a & | ! b:*", "((", "\x00x", "<b>", "%s :x", "-", '"unclosed', "ß" * 1000]
)
async def test_hostile_queries_are_only_words(query: QueryServiceStub, hostile: str) -> None:
    await search(query, hostile)


async def test_pages_hold_every_hit_once(query: QueryServiceStub, bus: Stages) -> None:
    talk = lecture(30)
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


async def refused(call: object) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call  # type: ignore[misc]
    return error.value.code()


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
async def test_a_malformed_search_is_refused(query: QueryServiceStub, request_: pb.SearchRequest) -> None:
    assert await refused(query.Search(request_)) == grpc.StatusCode.INVALID_ARGUMENT
