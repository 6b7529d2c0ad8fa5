"""What a search or a question is about: which of the caller's videos, which language."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from vidmesh.query.v1.search_pb2 import Scope as ScopeMessage
from vidmesh_runtime.database import Connection, Pool, load_queries
from vidmesh_runtime.errors import invalid, not_found

sql = load_queries(Path(__file__).with_name("search.sql"))

MOST_VIDEOS = 1000
MOST_TAGS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """A scope that was looked up."""

    tenant: str
    videos: tuple[str, ...] | None
    """None: all of the tenant's."""
    language: str
    """The first part of a BCP 47 tag. Empty: all."""


def to_uuid(kind: str, identifier: str) -> uuid.UUID:
    """An id that a caller gave. Raises Failure NOT_FOUND for what is no id at all."""
    try:
        return uuid.UUID(identifier)
    except ValueError as error:
        raise not_found(kind, identifier) from error


async def look_up(connection: "Connection | Pool", tenant: str, scope: ScopeMessage) -> Within:
    """The videos of a scope.

    Raises Failure NOT_FOUND for a video or a folder that the tenant does not have, INVALID_FIELD for too many conditions.
    """
    if len(scope.video_ids) > MOST_VIDEOS:
        raise invalid("scope.video_ids", f"A scope names at most {MOST_VIDEOS} videos.")
    if len(scope.tags) > MOST_TAGS:
        raise invalid("scope.tags", f"A scope names at most {MOST_TAGS} tags.")
    language = scope.language.split("-")[0].lower()
    ids = list(dict.fromkeys(scope.video_ids))
    if ids:
        unknown = await sql.unknown_video(connection, tenant=tenant, ids=ids)
        if unknown is not None:
            raise not_found("video", unknown)
    folder = to_uuid("folder", scope.folder_id) if scope.folder_id else None
    if folder is not None and await sql.folder(connection, id=folder, tenant=tenant) is None:
        raise not_found("folder", scope.folder_id)
    if not ids and folder is None and not scope.tags:
        return Within(tenant=tenant, videos=None, language=language)
    rows = sql.in_scope(connection, tenant=tenant, ids=ids, folder_id=folder, tags=sorted(set(scope.tags)))
    videos = tuple([row["id"] async for row in rows])
    return Within(tenant=tenant, videos=videos, language=language)
