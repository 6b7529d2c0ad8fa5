"""The keeper on a real PostgreSQL: what the index of vectors lost, never had, or should forget."""

import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from qdrant_client import AsyncQdrantClient

from tests.unit.query.embedding_server import embedding_server
from tests.unit.query.speech import sentence_of, spoken
from vidmesh_query.edge_index import EdgeIndex
from vidmesh_query.follower import sql
from vidmesh_query.keeper import Keeper, reindex
from vidmesh_query.openai_embedder import OpenAiEmbedder
from vidmesh_query.passage import Passage, cut, pieces
from vidmesh_query.qdrant_index import QdrantIndex
from vidmesh_query.vectors import Scope, VectorsUnavailableError
from vidmesh_query.wire import to_row
from vidmesh_query.wordllama_embedder import WordLlamaEmbedder
from vidmesh_runtime.database import RUNTIME_MIGRATIONS, Pool, migrate, open_pool

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")
MIGRATIONS = Path("services/query/vidmesh_query/migrations")


@pytest.fixture(scope="module")
def embedder() -> WordLlamaEmbedder:
    return WordLlamaEmbedder.load()


@pytest.fixture
async def pool(database: Callable[[str], str]) -> AsyncIterator[Pool]:
    async with open_pool(database("vidmesh_query"), schema="query") as opened:
        await migrate(opened, schema="query", folders=[RUNTIME_MIGRATIONS, MIGRATIONS])
        yield opened


@pytest.fixture
async def passages(pool: Pool) -> list[Passage]:
    """Passages of one video that no index holds yet."""
    said = spoken(*(sentence_of(20, f"s{number}") for number in range(40)))
    made = cut("job", list(pieces(said)), final=True)
    await pool.execute(
        "insert into video (id, tenant, created_at, shown_job) values ('v', 'acme', now(), 'job')"
    )
    async with pool.acquire() as connection:
        rows = [to_row(one, tenant="acme", video_id="v", embedded_by=None) for one in made]
        await sql.add_passages(connection, rows)
    return made


async def ids(index: EdgeIndex | QdrantIndex, embedder: WordLlamaEmbedder) -> set[uuid.UUID]:
    vectors = await embedder.embed(["anything"])
    return {near.id for near in await index.search(vectors[0], Scope(tenant="acme"), 1000)}


async def test_a_collection_that_was_emptied_is_filled_to_the_same_ids(
    pool: Pool, passages: list[Passage], embedder: WordLlamaEmbedder
) -> None:
    client = AsyncQdrantClient(location=":memory:")
    index = QdrantIndex(client, "passages", embedder.dimensions)
    keeper = Keeper(pool, embedder, index)
    await keeper.keep()
    assert await ids(index, embedder) == {passage.id for passage in passages}
    await client.delete_collection("passages")
    with pytest.raises(VectorsUnavailableError):
        await ids(index, embedder)
    await keeper.keep()
    assert await ids(index, embedder) == {passage.id for passage in passages}
    await index.close()


async def test_only_what_is_missing_is_embedded_again(pool: Pool, passages: list[Passage]) -> None:
    client = AsyncQdrantClient(location=":memory:")
    async with embedding_server() as (openai_client, asked):
        embedder = await OpenAiEmbedder.connect(openai_client, "m")
        index = QdrantIndex(client, "passages", embedder.dimensions)
        keeper = Keeper(pool, embedder, index)
        await keeper.keep()
        await client.delete("passages", [str(passage.id) for passage in passages[2:5]])
        before = len(asked)
        await keeper.keep()
        assert await index.count() == len(passages)
        assert sorted(text for batch in asked[before:] for text in batch) == sorted(
            one.text for one in passages[2:5]
        )
        await index.close()


async def test_another_model_has_its_own_collection(
    pool: Pool, passages: list[Passage], embedder: WordLlamaEmbedder, tmp_path: Path
) -> None:
    first = EdgeIndex(tmp_path / embedder.name, embedder.dimensions)
    await Keeper(pool, embedder, first).keep()
    async with embedding_server() as (client, asked):
        other = await OpenAiEmbedder.connect(client, "m")
        second = EdgeIndex(tmp_path / other.name, other.dimensions)
        await Keeper(pool, other, second).keep()
        assert await second.count() == len(passages)
        assert sum(len(batch) for batch in asked[1:]) == len(passages)
        await Keeper(pool, other, second).keep()
        assert sum(len(batch) for batch in asked[1:]) == len(passages)
        await second.close()
    names = await pool.fetch("select distinct embedded_by from passage")
    assert [row["embedded_by"] for row in names] == [other.name]
    await first.close()


async def test_reindexing_embeds_everything_anew(pool: Pool, passages: list[Passage], tmp_path: Path) -> None:
    async with embedding_server() as (client, asked):
        embedder = await OpenAiEmbedder.connect(client, "m")
        index = EdgeIndex(tmp_path / "vectors", embedder.dimensions)
        keeper = Keeper(pool, embedder, index)
        await keeper.keep()
        assert await reindex(pool) == len(passages)
        await keeper.keep()
        assert sum(len(batch) for batch in asked[1:]) == 2 * len(passages)
        assert await index.count() == len(passages)
        await index.close()


async def test_what_is_forgotten_leaves_the_index(
    pool: Pool, passages: list[Passage], embedder: WordLlamaEmbedder, tmp_path: Path
) -> None:
    index = EdgeIndex(tmp_path / "vectors", embedder.dimensions)
    keeper = Keeper(pool, embedder, index)
    await keeper.keep()
    assert await index.count() == len(passages)
    await pool.execute("delete from video")
    await sql.forget_video(pool, tenant="acme", video_id="v")
    await keeper.keep()
    assert await index.count() == 0
    assert await pool.fetchval("select count(*) from forgotten") == 0
    await index.close()
