"""Measurement 8: search by words, by meaning and by both, as the passages grow from ten thousand to a million."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.corpus import SPEECH, Corpus, Said
from bench.measurement import Bench, Figure, Finding, Plot, Series, Size, figure
from bench.number import percentile
from bench.resident import MEGABYTE, pss
from vidmesh_query.__main__ import MIGRATIONS
from vidmesh_query.edge_index import EdgeIndex
from vidmesh_query.scope import Within, sql
from vidmesh_query.search import DEPTH, Searcher
from vidmesh_query.vectors import Key, Scope
from vidmesh_query.wordllama_embedder import WordLlamaEmbedder
from vidmesh_runtime.database import RUNTIME_MIGRATIONS, Pool, migrate, open_pool
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack

COUNTS = {Size.FULL: (10_000, 100_000, 1_000_000), Size.SMOKE: (1_000, 4_000)}
QUERIES = {Size.FULL: 120, Size.SMOKE: 20}
LOADING = {Size.FULL: 600.0, Size.SMOKE: 60.0}
"""Seconds after which no more passages are loaded: what there is by then is measured, and said."""
BATCH = 5_000
TENANT = "library"
"""Whose passages are searched: seven of ten are theirs."""
BEST = 10


@dataclass(slots=True, kw_only=True)
class Loaded:
    """What is in the indexes, and what it cost."""

    count: int = 0
    own: list[int] = field(default_factory=list)
    """The places of the tenant's passages among all."""
    embedding: float = 0.0
    """Seconds, as the next two."""
    vectors: float = 0.0
    text: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How one way to search did."""

    latencies: tuple[float, ...]
    """Milliseconds, in rising order."""
    found: tuple[frozenset[int], ...]
    """The best passages for each query, by number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What was measured at one size."""

    count: int
    tenant: int
    """Passages of the tenant that searches."""
    vectors: Way
    words: Way
    both: Way
    recall: float
    """The share of the ten nearest by exact search that the search by vectors finds."""
    held: float
    """The longest that the event loop stood still in a search by both, median over queries, in ms."""
    loaded: Loaded
    memory: float
    """MB that the process holds more than before it had vectors."""
    disk: dict[str, float]
    """MB by what is stored."""


async def measure(bench: Bench) -> Finding:
    """Load passages and search, at each size."""
    embedder = WordLlamaEmbedder.load()
    corpus = Corpus()
    queries = Corpus(seed=0).queries(QUERIES[bench.size])
    grown: list[Grown] = []
    async with _database(bench.folder / "mesh") as pool, _index(bench.folder, embedder) as index:
        empty = pss(os.getpid())
        load = Load(pool, embedder, index, corpus, bench.folder / "embeddings.f32")
        until = time.monotonic() + LOADING[bench.size]
        for count in COUNTS[bench.size]:
            await load.to(count, until=until, say=bench.say)
            bench.say(f"{load.loaded.count:,} passages: searching")
            memory = (pss(os.getpid()) - empty) / MEGABYTE
            search = Search(pool, embedder, index, load)
            grown.append(await search.measured(queries, memory=memory, folder=bench.folder))
            if load.loaded.count < count:
                break
    return Finding(
        number=8,
        title="Search",
        method=(
            f"Passages of 40 to 70 real words with Zipf frequencies about {400} topics, in videos of three tenants, through the "
            "query service's own parts: its embedder (WordLlama, 256 dimensions), its index (Qdrant Edge), its SQL on the "
            f"embedded PostgreSQL and its fusion. {len(queries)} queries of three to six words, of which one or two are common, by the "
            "tenant with 70 % of the passages, one after another, best ten, in a process that does nothing else. Recall is "
            "of the search by vectors, against the ten nearest by exact arithmetic over the same embeddings."
        ),
        figures=tuple(one for each in grown for one in _figures(each)),
        notes=(*(_note(each) for each in grown), *_growth(grown, COUNTS[bench.size][-1])),
        plots=(
            Plot(
                name="search",
                title="Search as passages grow",
                x="passages",
                y="p50, ms",
                series=tuple(
                    Series(
                        name=name,
                        x=tuple(float(each.count) for each in grown),
                        y=tuple(percentile(getattr(each, way).latencies, 50) for each in grown),
                    )
                    for way, name in (("vectors", "by meaning"), ("words", "by words"), ("both", "both"))
                ),
                log_x=True,
                log_y=True,
            ),
        ),
        raw={str(each.count): {"disk_mb": each.disk, "recall": each.recall} for each in grown},
    )


class Load:
    """Fills the indexes, in bulk, as an import would."""

    def __init__(
        self, pool: Pool, embedder: WordLlamaEmbedder, index: EdgeIndex, corpus: Corpus, file: Path
    ) -> None:
        self.loaded = Loaded()
        self.file = file
        self._pool = pool
        self._embedder = embedder
        self._index = index
        self._corpus = corpus

    async def to(self, count: int, *, until: float, say: Callable[[str], None]) -> None:
        """Load until there are `count` passages, or it is `until` by the monotonic clock."""
        with self.file.open("ab") as file:
            while self.loaded.count < count and time.monotonic() < until:
                batch = list(self._corpus.passages(min(BATCH, count - self.loaded.count)))
                text = asyncio.create_task(self._store(batch))
                begun = time.perf_counter()
                embeddings = await self._embedder.embed([one.text for one in batch])
                self.loaded.embedding += time.perf_counter() - begun
                embeddings.tofile(file)
                begun = time.perf_counter()
                keys = [Key(id=one.id, tenant=one.tenant, video=one.video, job=one.video) for one in batch]
                for at in range(0, len(keys), 500):
                    await self._index.upsert(keys[at : at + 500], embeddings[at : at + 500])
                self.loaded.vectors += time.perf_counter() - begun
                await text
                self.loaded.own += [
                    place for place, one in enumerate(batch, self.loaded.count) if one.tenant == TENANT
                ]
                self.loaded.count += len(batch)
                if self.loaded.count % 100_000 == 0:
                    say(f"{self.loaded.count:,} passages are loaded")
        async with self._pool.acquire() as connection:
            begun = time.perf_counter()
            await connection.execute("vacuum analyze passage")
            await connection.execute("vacuum analyze video")
            self.loaded.text += time.perf_counter() - begun

    async def _store(self, batch: Sequence[Said]) -> None:
        begun = time.perf_counter()
        now = datetime.now(UTC)
        videos = {one.video: (one.video, one.tenant, one.video, now, one.video, one.video) for one in batch}
        async with self._pool.acquire() as connection, connection.transaction():
            for tenant in {one.tenant for one in batch}:
                await connection.execute(
                    "insert into spoken values ($1, 'en') on conflict do nothing", tenant
                )
            await connection.executemany(
                "insert into video (id, tenant, title, created_at, job_id, shown_job, passage_count) "
                "values ($1, $2, $3, $4, $5, $6, 30) on conflict do nothing",
                list(videos.values()),
            )
            await connection.copy_records_to_table(
                "passage",
                columns=[
                    *("id", "tenant", "video_id", "job_id", "start_ms", "end_ms", "language", "text"),
                    *("segments", "embedded_by"),
                ],
                records=(
                    (
                        *(one.id, one.tenant, one.video, one.video, one.start, one.start + SPEECH, "en"),
                        *(one.text, one.segments, self._embedder.name),
                    )
                    for one in batch
                ),
                schema_name="query",
            )
        self.loaded.text += time.perf_counter() - begun


class Search:
    """Searches what was loaded, each way."""

    def __init__(self, pool: Pool, embedder: WordLlamaEmbedder, index: EdgeIndex, load: Load) -> None:
        self._pool = pool
        self._embedder = embedder
        self._index = index
        self._load = load
        self._searcher = Searcher(pool, embedder, index, embedder.similarity)
        self._within = Within(tenant=TENANT, videos=None, language="")

    async def measured(self, queries: Sequence[str], *, memory: float, folder: Path) -> Grown:
        """Search each way, and look at what there is."""
        vectors = await _timed(queries, self._by_vectors)
        words = await _timed(queries, self._by_words)
        async with _beats() as gaps:
            both = await _timed(queries, lambda query: self._by_both(query, gaps))
        exact = await asyncio.to_thread(self._exact, await self._embedder.embed(list(queries)))
        loaded = self._load.loaded
        return Grown(
            count=loaded.count,
            tenant=len(loaded.own),
            vectors=vectors,
            words=words,
            both=both,
            recall=float(
                np.mean([len(found & best) / BEST for found, best in zip(vectors.found, exact, strict=True)])
            ),
            held=float(np.median([1000 * max(each) for each in gaps.by_query])),
            loaded=Loaded(
                count=loaded.count, embedding=loaded.embedding, vectors=loaded.vectors, text=loaded.text
            ),
            memory=memory,
            disk=await self._disk(folder),
        )

    async def _by_vectors(self, query: str) -> list[int]:
        vector = (await self._embedder.embed([query]))[0]
        near = await self._index.search(vector, Scope(tenant=TENANT), 2 * DEPTH)
        return [one.id.int - 1 for one in near]

    async def _by_words(self, query: str) -> list[int]:
        rows = sql.by_words(
            self._pool, tenant=TENANT, query=query, keys=[TENANT], language="", most=DEPTH, sparing=True
        )
        return [row["id"].int - 1 async for row in rows]

    async def _by_both(self, query: str, gaps: "Gaps") -> list[int]:
        gaps.by_query.append([0.0])
        found = await self._searcher.search(query, self._within, limit=BEST)
        return [hit.passage.segments[0].start for hit in found.hits]

    def _exact(self, queries: NDArray[np.float32]) -> list[frozenset[int]]:
        """The numbers of the tenant's ten nearest passages for each query, by arithmetic."""
        own = np.array(self._load.loaded.own)
        scores = np.empty((len(queries), len(own)), np.float32)
        embeddings = np.memmap(self._load.file, np.float32, "r").reshape(-1, queries.shape[1])
        for at in range(0, len(own), 50_000):
            scores[:, at : at + 50_000] = queries @ embeddings[own[at : at + 50_000]].T
        nearest = np.argpartition(scores, -BEST, axis=1)[:, -BEST:]
        return [frozenset(int(number) for number in own[row]) for row in nearest]

    async def _disk(self, folder: Path) -> dict[str, float]:
        sizes = await self._pool.fetchrow(
            "select pg_table_size('passage') as table, pg_relation_size('passage_search') as words"
        )
        assert sizes is not None
        vectors = sum(
            file.stat().st_blocks * 512 for file in (folder / "vectors").rglob("*") if file.is_file()
        )
        return {
            "vectors": vectors / MEGABYTE,
            "passages": sizes["table"] / MEGABYTE,
            "full text index": sizes["words"] / MEGABYTE,
        }


@dataclass(frozen=True, slots=True)
class Gaps:
    """How long the event loop stood still, in seconds, by query."""

    by_query: list[list[float]] = field(default_factory=list)


@asynccontextmanager
async def _beats() -> AsyncIterator[Gaps]:
    """Notes how late the event loop comes back from waiting for a millisecond."""
    gaps = Gaps()

    async def beat() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            if gaps.by_query:
                gaps.by_query[-1].append(now - last - 0.001)
            last = now

    beating = asyncio.create_task(beat())
    try:
        yield gaps
    finally:
        beating.cancel()


async def _timed(queries: Sequence[str], search: Callable[[str], Awaitable[list[int]]]) -> Way:
    for query in queries[:5]:
        await search(query)
    latencies: list[float] = []
    found: list[frozenset[int]] = []
    for query in queries:
        begun = time.perf_counter()
        best = await search(query)
        latencies.append(1000 * (time.perf_counter() - begun))
        found.append(frozenset(best[:BEST]))
    return Way(latencies=tuple(sorted(latencies)), found=tuple(found))


@asynccontextmanager
async def _database(data: Path) -> AsyncIterator[Pool]:
    """The query service's schema in an embedded PostgreSQL, without services."""
    async with (
        Stack(StackSettings(data=data, services={})) as stack,
        open_pool(stack.postgres_dsn("vidmesh_query"), schema="query") as pool,
    ):
        await migrate(pool, schema="query", folders=[RUNTIME_MIGRATIONS, MIGRATIONS])
        yield pool


@asynccontextmanager
async def _index(folder: Path, embedder: WordLlamaEmbedder) -> AsyncIterator[EdgeIndex]:
    index = EdgeIndex(folder / "vectors", embedder.dimensions)
    try:
        await index.ensure()
        yield index
    finally:
        await index.close()


def _figures(grown: Grown) -> Sequence[Figure]:
    count = f"{grown.count:,}"
    ways = (("by meaning", grown.vectors), ("by words", grown.words), ("both", grown.both))
    return (
        *(
            figure(f"{count}, {name}, p{percent}", percentile(way.latencies, percent), "ms")
            for name, way in ways
            for percent in (50, 99)
        ),
        figure(f"{count}, recall@10", grown.recall),
    )


def _note(grown: Grown) -> str:
    loaded = grown.loaded
    disk = ", ".join(f"{name} {size:,.0f}" for name, size in grown.disk.items())
    return (
        f"{grown.count:,} passages ({grown.tenant:,} of the tenant): embedded in {loaded.embedding:.0f} s, vectors stored in "
        f"{loaded.vectors:.0f} s, text in {loaded.text:.0f} s, in all so far; the process holds {grown.memory:,.0f} MB more; on "
        f"disk, MB: {disk}. The event loop stood still for {grown.held:.0f} ms in a search (median of each one's longest)."
    )


def _growth(grown: Sequence[Grown], wanted: int) -> Sequence[str]:
    first, last = grown[0], grown[-1]
    times = last.count / first.count
    told = [
        f"{times:.0f} times the passages take "
        + ", ".join(
            f"{percentile(after.latencies, 50) / percentile(before.latencies, 50):.1f} times as long {name}"
            for name, before, after in (
                ("by meaning", first.vectors, last.vectors),
                ("by words", first.words, last.words),
                ("by both", first.both, last.both),
            )
        )
        + "."
    ]
    if last.count < wanted:
        told.append(f"{wanted:,} passages were not reached in the time given to loading.")
    return told
