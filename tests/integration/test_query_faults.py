"""The query service killed, without its index of vectors, with that emptied."""

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import Keys, NatsServer
from tests.integration.qdrant_server import QdrantServer
from tests.integration.query_service import (
    CAKE,
    LIONS,
    Process,
    Stages,
    client,
    lecture,
    search,
    stages,
    until,
)
from vidmesh.query.v1 import query_service_pb2 as pb

Environment = Callable[[str], dict[str, str]]


async def _streams_are_there(bus: Stages) -> bool:
    with contextlib.suppress(Exception):
        return await bus.ready()
    return False


@pytest.mark.parametrize("point", ["after-embed", "after-commit"])
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


async def test_a_qdrant_server_that_is_away_is_done_without_and_caught_up_with(
    environment: Environment, tmp_path: Path, keys: Keys, nats_server: NatsServer
) -> None:
    async with QdrantServer() as server, stages(nats_server.url) as bus:
        process = Process(environment("query") | {"VIDMESH_QDRANT_URL": server.url}, tmp_path / "query.log")
        process.start()
        async with client(process, keys) as query:

            async def found(words: str) -> list[str] | None:
                """What is found by words and by meaning; None while by words alone."""
                answer = await query.Search(pb.SearchRequest(query=words))
                return None if answer.degraded else [hit.passage_id for hit in answer.hits]

            async def by_meaning(words: str) -> bool:
                return bool(await found(words))

            await bus.whole(LIONS)
            await bus.indexed(LIONS)
            await until(lambda: by_meaning("big cats travelling"))
            before = await found("big cats travelling")
            server.leave()
            await bus.whole(CAKE)
            await bus.indexed(CAKE)
            alone = await query.Search(pb.SearchRequest(query="apples"))
            assert alone.degraded
            assert [hit.video_id for hit in alone.hits] == [CAKE.video]
            server.come_back()
            await until(lambda: by_meaning("baking a fruit dessert"))
            (collection,) = server.engine.get_collections().collections
            server.engine.delete_collection(collection.name)
            await until(lambda: by_meaning("baking a fruit dessert"))
            assert await found("big cats travelling") == before, "the same ids again"
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
