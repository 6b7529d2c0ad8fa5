"""Vectors in a Qdrant server or cluster."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException

from vidmesh_query.embedding import Vectors
from vidmesh_query.vectors import Key, Near, Scope, VectorsUnavailableError

_FILTERED = ("tenant", "video", "job")
_PAGE = 1000
_BATCH = 512
"""Points in one request: at 256 dimensions, some 3 MB of JSON."""


class QdrantIndex:
    """One collection of a server. Importing this module takes almost two seconds: do so only where there is a server."""

    def __init__(self, client: AsyncQdrantClient, collection: str, dimensions: int) -> None:
        self._client = client
        self._collection = collection
        self._dimensions = dimensions

    async def ensure(self) -> None:
        """Makes the collection and its payload indexes where they are missing."""
        async with _translated():
            if await self._client.collection_exists(self._collection):
                return
            await self._client.create_collection(
                self._collection,
                vectors_config=models.VectorParams(size=self._dimensions, distance=models.Distance.COSINE),
            )
            for field in _FILTERED:
                await self._client.create_payload_index(
                    self._collection,
                    field,
                    models.KeywordIndexParams(
                        type=models.KeywordIndexType.KEYWORD, is_tenant=field == "tenant"
                    ),
                )

    async def upsert(self, keys: Sequence[Key], vectors: Vectors) -> None:
        """Stores row n of `vectors` under `keys[n]`; applied on the server when it returns."""
        points = [
            models.PointStruct(
                id=str(key.id),
                vector=vector.tolist(),
                payload={"tenant": key.tenant, "video": key.video, "job": key.job},
            )
            for key, vector in zip(keys, vectors, strict=True)
        ]
        async with _translated():
            for at in range(0, len(points), _BATCH):
                await self._client.upsert(self._collection, points[at : at + _BATCH], wait=True)

    async def search(self, vector: Vectors, scope: Scope, limit: int) -> list[Near]:
        """The passages of `scope` nearest to `vector`, nearest first."""
        must: list[models.Condition] = [_is("tenant", scope.tenant)]
        if scope.videos is not None:
            must.append(models.FieldCondition(key="video", match=models.MatchAny(any=list(scope.videos))))
        async with _translated():
            found = await self._client.query_points(
                self._collection,
                query=vector.tolist(),
                query_filter=models.Filter(must=must),
                limit=limit,
                with_payload=False,
            )
        return [Near(id=uuid.UUID(str(point.id)), score=point.score) for point in found.points]

    async def missing(self, ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
        """Those of `ids` that the collection does not hold, in order."""
        async with _translated():
            records = await self._client.retrieve(
                self._collection, [str(one) for one in ids], with_payload=False, with_vectors=False
            )
        held = {uuid.UUID(str(record.id)) for record in records}
        return [one for one in ids if one not in held]

    async def stored(self, tenant: str) -> AsyncIterator[list[uuid.UUID]]:
        """The ids of all that a tenant has in it, some at a time."""
        after: Any = None
        while True:
            async with _translated():
                records, after = await self._client.scroll(
                    self._collection,
                    scroll_filter=models.Filter(must=[_is("tenant", tenant)]),
                    limit=_PAGE,
                    offset=after,
                    with_payload=False,
                    with_vectors=False,
                )
            if records:
                yield [uuid.UUID(str(record.id)) for record in records]
            if after is None:
                return

    async def forget(self, ids: Sequence[uuid.UUID]) -> None:
        """Removes these."""
        async with _translated():
            await self._client.delete(
                self._collection, models.PointIdsList(points=[str(one) for one in ids]), wait=True
            )

    async def forget_video(self, tenant: str, video: str) -> None:
        """Removes what belongs to a video."""
        await self._forget([_is("tenant", tenant), _is("video", video)])

    async def forget_job(self, tenant: str, job: str) -> None:
        """Removes what belongs to a job."""
        await self._forget([_is("tenant", tenant), _is("job", job)])

    async def count(self) -> int:
        """How many passages it holds, of all tenants."""
        async with _translated():
            return (await self._client.count(self._collection, exact=True)).count

    async def close(self) -> None:
        """Closes the client."""
        await self._client.close()

    async def _forget(self, conditions: list[models.Condition]) -> None:
        selector = models.FilterSelector(filter=models.Filter(must=conditions))
        async with _translated():
            await self._client.delete(self._collection, selector, wait=True)


def _is(key: str, value: str) -> models.Condition:
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Turns what the client raises for a server that is away, or lacks the collection, into the port's own error."""
    try:
        yield
    except (ApiException, ResponseHandlingException) as error:
        raise VectorsUnavailableError(f"Qdrant: {error}") from error
    except ValueError as error:
        if "not found" not in str(error):
            raise
        raise VectorsUnavailableError(f"Qdrant: {error}") from error
