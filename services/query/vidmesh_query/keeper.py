"""Keeps the index of vectors as Postgres says: embeds what waits, restores what is missing, forgets what is gone.

An index that was away, was emptied, or belongs to another model comes right by this, in the background, to the same ids.
"""

import asyncio
import contextlib
import logging
import uuid
from pathlib import Path

import asyncpg

from vidmesh_query.embedding import Embedder, EmbeddingUnavailableError
from vidmesh_query.vectors import Key, VectorIndex, VectorsUnavailableError
from vidmesh_runtime.database import UNREACHABLE, Pool, load_queries

log = logging.getLogger(__name__)
sql = load_queries(Path(__file__).with_suffix(".sql"))

BATCH = 64
"""Passages embedded at once: the engine holds the interpreter some 10 ms to take them."""
PAGE = 512
EVERY = 5.0
"""Seconds between looks."""


class Keeper:
    """One loop over the whole index."""

    def __init__(self, pool: Pool, embedder: Embedder, index: VectorIndex) -> None:
        self._pool = pool
        self._embedder = embedder
        self._index = index
        # Whether the index may have lost what it held: nobody knows before the first look, or while it was away.
        self._doubted = True
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Has the next look come now."""
        self._wanted.set()

    async def run(self) -> None:
        """Keeps for ever, through whatever is away."""
        away = False
        while True:
            try:
                await self.keep()
                if away:
                    log.info("search by meaning is to be had again")
                away = False
            except (EmbeddingUnavailableError, VectorsUnavailableError) as error:
                if not away:
                    log.warning("search by meaning is not to be had: %s", error)
                away = self._doubted = True
            except (*UNREACHABLE, asyncpg.PostgresError, TimeoutError) as error:
                log.warning("keeper: %s", error or type(error).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._wanted.wait()
            self._wanted.clear()

    async def keep(self) -> None:
        """Brings the index to what Postgres holds.

        Raises:
            VectorsUnavailableError: the index is away.
            EmbeddingUnavailableError: the model is away.
        """
        await self._index.ensure()
        await self._forget()
        if self._doubted or await self._index.count() < await sql.held(self._pool, name=self._embedder.name):
            await sql.unmark_others(self._pool, name=self._embedder.name)
            await self._find_missing()
            self._doubted = False
        await self._embed_pending()

    async def drop_strays(self, tenant: str) -> int:
        """Removes from the index what belongs to none of a tenant's passages; how many vectors that were.

        Raises:
            VectorsUnavailableError: the index is away.
        """
        dropped = 0
        async for ids in self._index.stored(tenant):
            known = {row["id"] async for row in sql.known(self._pool, ids=ids)}
            strays = [one for one in ids if one not in known]
            if strays:
                await self._index.forget(strays)
            dropped += len(strays)
        return dropped

    async def _find_missing(self) -> None:
        after = uuid.UUID(int=0)
        lost = 0
        while True:
            rows = sql.held_after(self._pool, name=self._embedder.name, after=after, most=PAGE)
            ids: list[uuid.UUID] = [uuid.UUID(str(row["id"])) async for row in rows]
            if not ids:
                break
            missing = await self._index.missing(ids)
            if missing:
                await sql.unmark(self._pool, ids=missing)
            lost += len(missing)
            after = ids[-1]
        if lost:
            log.warning("%d passages are not in the index of vectors: embedding them again", lost)

    async def _embed_pending(self) -> None:
        while rows := [row async for row in sql.pending(self._pool, most=BATCH)]:
            keys = [
                Key(
                    id=uuid.UUID(str(row["id"])),
                    tenant=row["tenant"],
                    video=row["video_id"],
                    job=row["job_id"],
                )
                for row in rows
            ]
            texts = [row["text"] for row in rows]
            await self._index.upsert(keys, await self._embedder.embed(texts))
            await sql.mark_embedded(
                self._pool, name=self._embedder.name, ids=[key.id for key in keys], texts=texts
            )

    async def _forget(self) -> None:
        async for row in sql.forgotten(self._pool):
            if row["job_id"]:
                await self._index.forget_job(row["tenant"], row["job_id"])
            else:
                await self._index.forget_video(row["tenant"], row["video_id"])
            await sql.forgot(self._pool, id=row["id"])


async def reindex(pool: Pool, tenant: str | None = None) -> int:
    """Has every passage, or a tenant's, embedded anew by the keeper that runs, or will; how many there are."""
    return int(await sql.unmark_all(pool, tenant=tenant))


async def progress(pool: Pool, tenant: str) -> tuple[int, int]:
    """How many passages a tenant has, and how many of them have their vectors."""
    row = await sql.progress(pool, tenant=tenant)
    return row["passages"], row["embedded"]
