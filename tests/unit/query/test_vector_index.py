"""One suite for every implementation of the port: Qdrant Edge, and the server's client in its local mode."""

import multiprocessing
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient

from vidmesh_query.edge_index import EdgeIndex
from vidmesh_query.embedding import Vectors
from vidmesh_query.qdrant_index import QdrantIndex
from vidmesh_query.vectors import Key, Scope, VectorIndex, VectorsUnavailableError

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")


@pytest.fixture(params=["edge", "server"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorIndex]:
    made: VectorIndex
    if request.param == "edge":
        made = EdgeIndex(tmp_path / "vectors", 4)
    else:
        made = QdrantIndex(AsyncQdrantClient(location=":memory:"), "passages", 4)
    await made.ensure()
    yield made
    await made.close()


def axis(place: int, lean: float = 0.0) -> Vectors:
    vector = np.zeros(4, dtype=np.float32)
    vector[place] = 1.0
    vector[(place + 1) % 4] = lean
    return vector


def key(name: str, *, tenant: str = "acme", video: str = "v1", job: str = "j1") -> Key:
    return Key(id=uuid.uuid5(uuid.NAMESPACE_URL, name), tenant=tenant, video=video, job=job)


async def names(index: VectorIndex, scope: Scope, place: int = 0, limit: int = 10) -> list[uuid.UUID]:
    return [near.id for near in await index.search(axis(place), scope, limit)]


async def test_the_nearest_come_first_with_their_cosine(index: VectorIndex) -> None:
    keys = [key("exact"), key("near"), key("far")]
    await index.upsert(keys, np.stack([axis(0), axis(0, 0.75), axis(2)]))
    found = await index.search(axis(0), Scope(tenant="acme"), 2)
    assert [near.id for near in found] == [keys[0].id, keys[1].id]
    assert [near.score for near in found] == pytest.approx([1.0, 0.8], abs=1e-5)


async def test_a_tenant_finds_only_its_own(index: VectorIndex) -> None:
    await index.upsert([key("ours"), key("theirs", tenant="other")], np.stack([axis(0), axis(0)]))
    assert await names(index, Scope(tenant="acme")) == [key("ours").id]
    assert await names(index, Scope(tenant="nobody")) == []


async def test_a_search_keeps_to_the_videos_given(index: VectorIndex) -> None:
    keys = [key(f"in-{video}", video=video) for video in ("v1", "v2", "v3")]
    await index.upsert(keys, np.stack([axis(0)] * 3))
    found = await names(index, Scope(tenant="acme", videos=("v1", "v3")))
    assert set(found) == {keys[0].id, keys[2].id}
    assert await names(index, Scope(tenant="acme", videos=())) == []


async def test_the_same_id_again_is_one_point(index: VectorIndex) -> None:
    await index.upsert([key("one")], axis(0)[None])
    await index.upsert([key("one")], axis(1)[None])
    assert await index.count() == 1
    found = await index.search(axis(1), Scope(tenant="acme"), 5)
    assert [near.score for near in found] == pytest.approx([1.0])


async def test_it_tells_what_it_lacks(index: VectorIndex) -> None:
    await index.upsert([key("held")], axis(0)[None])
    asked = [key("x").id, key("held").id, key("y").id]
    assert await index.missing(asked) == [asked[0], asked[2]]
    assert await index.missing([]) == []


async def test_a_video_or_a_job_is_forgotten_and_nothing_else(index: VectorIndex) -> None:
    keys = [
        key("a", video="v1", job="j1"),
        key("b", video="v1", job="j2"),
        key("c", video="v2", job="j3"),
        key("d", tenant="other", video="v1", job="j1"),
    ]
    await index.upsert(keys, np.stack([axis(0)] * 4))
    await index.forget_job("acme", "j1")
    assert await index.missing([one.id for one in keys]) == [keys[0].id]
    await index.forget_video("acme", "v1")
    assert await index.missing([one.id for one in keys]) == [keys[0].id, keys[1].id]


async def test_nothing_to_store_is_no_error(index: VectorIndex) -> None:
    await index.upsert([], np.zeros((0, 4), dtype=np.float32))
    assert await index.count() == 0


async def test_ensuring_twice_keeps_what_is_there(index: VectorIndex) -> None:
    await index.upsert([key("one")], axis(0)[None])
    await index.ensure()
    assert await index.count() == 1


def _upsert_and_die(folder: Path) -> None:
    import asyncio
    import os
    import signal

    async def work() -> None:
        index = EdgeIndex(folder, 4)
        await index.ensure()
        await index.upsert([key(f"n{number}") for number in range(50)], np.stack([axis(0)] * 50))
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(work())


async def test_edge_loses_nothing_when_its_process_is_killed(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=_upsert_and_die, args=(tmp_path / "vectors",)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -9
    index = EdgeIndex(tmp_path / "vectors", 4)
    await index.ensure()
    assert await index.count() == 50
    assert len(await names(index, Scope(tenant="acme"), limit=100)) == 50
    await index.close()


async def test_edge_says_so_when_another_holds_its_folder(tmp_path: Path) -> None:
    first, second = EdgeIndex(tmp_path / "vectors", 4), EdgeIndex(tmp_path / "vectors", 4)
    await first.ensure()
    with pytest.raises(VectorsUnavailableError, match="another process"):
        await second.ensure()
    with pytest.raises(VectorsUnavailableError, match="not open"):
        await second.count()
    await first.close()
    await second.ensure()
    await second.close()


async def test_edge_sets_aside_a_folder_that_it_cannot_read(tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    first = EdgeIndex(folder, 4)
    await first.ensure()
    await first.upsert([key("one")], axis(0)[None])
    await first.close()
    (folder / "edge_config.json").write_text("damaged")
    second = EdgeIndex(folder, 4)
    await second.ensure()
    assert await second.count() == 0
    assert (tmp_path / "vectors.damaged").is_dir()
    await second.close()


async def test_a_server_that_is_away_is_unavailable(unused_tcp_port: int) -> None:
    index = QdrantIndex(
        AsyncQdrantClient(url=f"http://127.0.0.1:{unused_tcp_port}", check_compatibility=False), "passages", 4
    )
    with pytest.raises(VectorsUnavailableError):
        await index.ensure()
    with pytest.raises(VectorsUnavailableError):
        await index.search(axis(0), Scope(tenant="acme"), 5)
    await index.close()


async def test_a_collection_that_was_emptied_is_made_again() -> None:
    client = AsyncQdrantClient(location=":memory:")
    index = QdrantIndex(client, "passages", 4)
    await index.ensure()
    await index.upsert([key("one")], axis(0)[None])
    await client.delete_collection("passages")
    with pytest.raises(VectorsUnavailableError):
        await index.search(axis(0), Scope(tenant="acme"), 5)
    await index.ensure()
    assert await index.count() == 0
    await index.close()
