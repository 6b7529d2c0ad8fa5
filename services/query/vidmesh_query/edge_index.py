"""Vectors in Qdrant Edge: Qdrant's engine inside this process, which alone holds its folder.

All calls go through one thread: the engine holds the interpreter's lock while it searches, so more threads gain nothing, and
one keeps updates in order. Vectors are scanned exactly: for 50,000 of them that takes 3 ms, for 200,000 14 ms, and it finds every one. An HNSW graph would
save some of that and freeze the process for the minute that it takes to build; who has more passages runs a Qdrant server.
"""

import asyncio
import logging
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import qdrant_edge as edge

from vidmesh_query.embedding import Vectors
from vidmesh_query.vectors import Key, Near, Scope, VectorsUnavailableError

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

_FILTERED = ("tenant", "video", "job")
_PAGE = 1000


class EdgeIndex:
    """One collection in one folder."""

    def __init__(self, folder: Path, dimensions: int) -> None:
        self._folder = folder
        self._dimensions = dimensions
        self._shard: edge.EdgeShard | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="vectors")

    async def ensure(self) -> None:
        """Opens the folder, or makes it. Raises VectorsUnavailableError where another process holds it."""
        await self._run(self._open)

    async def upsert(self, keys: Sequence[Key], vectors: Vectors) -> None:
        """Stores row n of `vectors` under `keys[n]`; written ahead, so that it outlives the process."""
        points = [
            edge.Point(key.id, vector.tolist(), {"tenant": key.tenant, "video": key.video, "job": key.job})
            for key, vector in zip(keys, vectors, strict=True)
        ]
        if points:
            await self._update(edge.UpdateOperation.upsert_points(points))

    async def search(self, vector: Vectors, scope: Scope, limit: int) -> list[Near]:
        """The passages of `scope` nearest to `vector`, nearest first."""
        must: list[edge.FieldCondition] = [_is("tenant", scope.tenant)]
        if scope.videos is not None:
            must.append(edge.FieldCondition("video", match=edge.MatchAny(list(scope.videos))))
        request = edge.QueryRequest(
            limit=limit, query=edge.Query.Nearest(vector.tolist()), filter=edge.Filter(must=[*must])
        )
        found = await self._with_shard(lambda shard: shard.query(request))
        return [Near(id=_uuid(point.id), score=point.score) for point in found]

    async def missing(self, ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
        """Those of `ids` that the index does not hold, in order."""
        records = await self._with_shard(
            lambda shard: shard.retrieve(list(ids), with_payload=False, with_vector=False)
        )
        held = {_uuid(record.id) for record in records}
        return [one for one in ids if one not in held]

    async def stored(self, tenant: str) -> AsyncIterator[list[uuid.UUID]]:
        """The ids of all that a tenant has in it, some at a time."""
        after: uuid.UUID | None = None
        while True:
            request = edge.ScrollRequest(
                offset=after,
                limit=_PAGE,
                filter=edge.Filter(must=[_is("tenant", tenant)]),
                with_payload=False,
                with_vector=False,
            )
            records, after = await self._with_shard(partial(_scroll, request=request))
            if records:
                yield records
            if after is None:
                return

    async def forget(self, ids: Sequence[uuid.UUID]) -> None:
        """Removes these."""
        await self._update(edge.UpdateOperation.delete_points(list(ids)))

    async def forget_video(self, tenant: str, video: str) -> None:
        """Removes what belongs to a video."""
        await self._forget([_is("tenant", tenant), _is("video", video)])

    async def forget_job(self, tenant: str, job: str) -> None:
        """Removes what belongs to a job."""
        await self._forget([_is("tenant", tenant), _is("job", job)])

    async def count(self) -> int:
        """How many passages it holds, of all tenants."""
        return await self._with_shard(lambda shard: shard.count(edge.CountRequest(exact=True)))

    async def close(self) -> None:
        """Writes what is pending and gives the folder back."""
        await self._run(self._close)
        self._thread.shutdown()

    async def _forget(self, conditions: list[edge.FieldCondition]) -> None:
        await self._update(edge.UpdateOperation.delete_points_by_filter(edge.Filter(must=[*conditions])))

    async def _update(self, operation: edge.UpdateOperation) -> None:
        await self._with_shard(lambda shard: shard.update(operation))

    async def _with_shard(self, call: Callable[[edge.EdgeShard], T]) -> T:
        return await self._run(lambda: call(self._opened()))

    async def _run(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except Exception as error:
            if type(error) is not Exception:
                raise
            raise VectorsUnavailableError(f"Qdrant Edge: {error}") from error

    def _opened(self) -> edge.EdgeShard:
        if self._shard is None:
            raise VectorsUnavailableError(f"the vectors in {self._folder.name} are not open")
        return self._shard

    def _open(self) -> None:
        if self._shard is not None:
            return
        shard = self._loaded() or self._created()
        for field in set(_FILTERED) - set(shard.info().payload_schema):
            shard.update(edge.UpdateOperation.create_field_index(field, edge.PayloadSchemaType.Keyword))
        self._shard = shard

    def _loaded(self) -> edge.EdgeShard | None:
        """The shard in the folder; None where there is none, or it cannot be read: then it is set aside."""
        if not self._folder.is_dir() or not any(self._folder.iterdir()):
            return None
        try:
            return edge.EdgeShard.load(str(self._folder))
        except Exception as error:
            if type(error) is not Exception:
                raise
            if "WouldBlock" in str(error):
                raise VectorsUnavailableError(
                    f"another process holds the vectors in {self._folder}"
                ) from error
            aside = self._folder.with_name(f"{self._folder.name}.damaged")
            shutil.rmtree(aside, ignore_errors=True)
            self._folder.rename(aside)
            _LOG.warning("the vectors in %s cannot be read (%s): rebuilding them", self._folder, error)
            return None

    def _created(self) -> edge.EdgeShard:
        self._folder.mkdir(parents=True, exist_ok=True)
        vectors = edge.EdgeVectorParams(size=self._dimensions, distance=edge.Distance.Cosine)
        return edge.EdgeShard.create(str(self._folder), edge.EdgeConfig(vectors=vectors))

    def _close(self) -> None:
        if self._shard is not None:
            self._shard.flush()
            self._shard.close()
            self._shard = None


def _scroll(shard: edge.EdgeShard, request: edge.ScrollRequest) -> tuple[list[uuid.UUID], uuid.UUID | None]:
    records, after = shard.scroll(request)
    return [_uuid(record.id) for record in records], None if after is None else _uuid(after)


def _is(key: str, value: str) -> edge.FieldCondition:
    return edge.FieldCondition(key, match=edge.MatchValue(value))


def _uuid(point: object) -> uuid.UUID:
    return point if isinstance(point, uuid.UUID) else uuid.UUID(str(point))
