"""The port to the index of vectors. What it holds can always be rebuilt from Postgres."""

import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from vidmesh_query.embedding import Vectors

NEAR_BEST = 0.5
"""The part of the best score that a passage found by its vector alone must have."""


class VectorsUnavailableError(Exception):
    """The index did not answer. Trying again later may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What an indexed passage is found and filtered by."""

    id: uuid.UUID
    """The passage's."""
    tenant: str
    video: str
    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose passages to search, and in which videos."""

    tenant: str
    videos: tuple[str, ...] | None = None
    """None: all of the tenant's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A passage found by its vector."""

    id: uuid.UUID
    score: float
    """Cosine similarity, -1 to 1."""


def near_enough(near: Sequence[Near], floor: float) -> list[Near]:
    """Those of `near` that reach `floor` and `NEAR_BEST` of the best one's score, in order."""
    best = max((one.score for one in near), default=0.0)
    return [one for one in near if one.score >= max(floor, NEAR_BEST * best)]


class VectorIndex(Protocol):
    """One collection of vectors, bound to one embedding model. Every method may raise `VectorsUnavailableError`."""

    async def ensure(self) -> None:
        """Makes the collection and its payload indexes where they are missing."""

    async def upsert(self, keys: Sequence[Key], vectors: Vectors) -> None:
        """Stores row n of `vectors` under `keys[n]`, in place of what was there; durable when it returns."""

    async def search(self, vector: Vectors, scope: Scope, limit: int) -> list[Near]:
        """The passages of `scope` nearest to `vector`, shape (dimensions,), nearest first."""

    async def missing(self, ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
        """Those of `ids` that the index does not hold, in order."""

    def stored(self, tenant: str) -> AsyncIterator[list[uuid.UUID]]:
        """The ids of all that a tenant has in it, some at a time."""

    async def forget(self, ids: Sequence[uuid.UUID]) -> None:
        """Removes these."""

    async def forget_video(self, tenant: str, video: str) -> None:
        """Removes what belongs to a video."""

    async def forget_job(self, tenant: str, job: str) -> None:
        """Removes what belongs to a job."""

    async def count(self) -> int:
        """How many passages it holds, of all tenants."""

    async def close(self) -> None:
        """Gives its resources back."""
