"""The library: videos, the folders that they are in, their tags."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_query.scope import Within
from vidmesh_query.wire import Row
from vidmesh_runtime.database import Connection, Pool, load_queries
from vidmesh_runtime.errors import Failure, invalid, not_found

sql = load_queries(Path(__file__).with_suffix(".sql"))

After = tuple[datetime | str | int, str]
"""The sort key of a page's last item, and its id."""


async def video(connection: "Connection | Pool", tenant: str, identifier: str) -> Row:
    """A video with its tags. Raises Failure NOT_FOUND."""
    row: Row | None = await sql.video(connection, id=identifier, tenant=tenant)
    if row is None:
        raise not_found("video", identifier)
    return row


async def videos(pool: Pool, within: Within, *, order: str, after: After | None, most: int) -> list[Row]:
    """A page of videos in an order: "newest", "title" or "longest"."""
    find = {"newest": sql.newest_videos, "title": sql.titled_videos, "longest": sql.longest_videos}[order]
    key, identifier = after if after is not None else (None, "")
    rows = find(
        pool,
        tenant=within.tenant,
        videos=None if within.videos is None else list(within.videos),
        language=within.language,
        after=key,
        after_id=identifier,
        most=most,
    )
    return [row async for row in rows]


async def change_video(
    connection: Connection,
    tenant: str,
    identifier: str,
    *,
    title: str | None,
    folder: uuid.UUID | None,
    refile: bool,
    tags: Sequence[str] | None,
) -> Row:
    """Changes what is given; `folder` only where `refile`. Raises Failure NOT_FOUND for a foreign video or folder."""
    await video(connection, tenant, identifier)
    if title is not None:
        await sql.retitle(connection, id=identifier, tenant=tenant, title=title)
    if refile:
        if folder is not None:
            await find_folder(connection, tenant, folder)
        await sql.file_video(connection, id=identifier, tenant=tenant, folder_id=folder)
    if tags is not None:
        await sql.untag(connection, id=identifier, tenant=tenant)
        await sql.tag(connection, id=identifier, tenant=tenant, names=list(tags))
    return await video(connection, tenant, identifier)


async def find_folder(connection: "Connection | Pool", tenant: str, identifier: uuid.UUID) -> Row:
    """A folder. Raises Failure NOT_FOUND."""
    row: Row | None = await sql.folder(connection, id=identifier, tenant=tenant)
    if row is None:
        raise not_found("folder", str(identifier))
    return row


async def folders(pool: Pool, tenant: str, *, after: tuple[str, uuid.UUID] | None, most: int) -> list[Row]:
    """A page of folders by name."""
    name, identifier = after if after is not None else (None, None)
    rows = sql.folders(pool, tenant=tenant, after=name, after_id=identifier, most=most)
    return [row async for row in rows]


async def add_folder(connection: Connection, tenant: str, name: str, parent: uuid.UUID | None) -> Row:
    """A new folder. Raises Failure ALREADY_EXISTS, NOT_FOUND for a foreign parent."""
    await sql.lock_folders(connection, tenant=tenant)
    if parent is not None:
        await find_folder(connection, tenant, parent)
    made = await sql.add_folder(connection, tenant=tenant, name=name, parent_id=parent)
    if made is None:
        raise _taken(name)
    return await find_folder(connection, tenant, made)


async def change_folder(
    connection: Connection,
    tenant: str,
    identifier: uuid.UUID,
    *,
    name: str | None,
    parent: uuid.UUID | None,
    move: bool,
) -> Row:
    """Renames a folder, moves it where `move`.

    Raises Failure NOT_FOUND, ALREADY_EXISTS, and INVALID_FIELD for a move into itself.
    """
    await sql.lock_folders(connection, tenant=tenant)
    folder = await find_folder(connection, tenant, identifier)
    to = parent if move else folder["parent_id"]
    if move and parent is not None:
        await find_folder(connection, tenant, parent)
        if await sql.is_inside(connection, id=parent, tenant=tenant, other=identifier):
            raise invalid("parent_id", "A folder cannot be moved into itself.")
    called = folder["name"] if name is None else name
    taken = await sql.named_folder(connection, tenant=tenant, name=called, parent_id=to)
    if taken is not None and taken != identifier:
        raise _taken(called)
    await sql.set_folder(connection, id=identifier, tenant=tenant, name=called, parent_id=to)
    return await find_folder(connection, tenant, identifier)


async def delete_folder(connection: Connection, tenant: str, identifier: uuid.UUID) -> None:
    """Deletes a folder; what is in it goes to the one that it is in. Raises Failure NOT_FOUND."""
    await sql.lock_folders(connection, tenant=tenant)
    folder = await find_folder(connection, tenant, identifier)
    parent = folder["parent_id"]
    await sql.empty_folder(connection, id=identifier, tenant=tenant, parent_id=parent)
    inner = [row async for row in sql.folders_in(connection, id=identifier, tenant=tenant)]
    for row in inner:
        name = await _free_name(connection, tenant, row["name"], parent, leaving=identifier)
        await sql.set_folder(connection, id=row["id"], tenant=tenant, name=name, parent_id=parent)
    await sql.delete_folder(connection, id=identifier, tenant=tenant)


async def tags(pool: Pool, tenant: str, *, after: str | None, most: int) -> list[Row]:
    """A page of tags by name."""
    return [row async for row in sql.tags(pool, tenant=tenant, after=after, most=most)]


async def _free_name(
    connection: Connection, tenant: str, name: str, parent: uuid.UUID | None, *, leaving: uuid.UUID
) -> str:
    """`name`, or with a number where another folder of `parent` is called so."""
    number, free = 1, name
    while True:
        taken = await sql.named_folder(connection, tenant=tenant, name=free, parent_id=parent)
        if taken is None or taken == leaving:
            return free
        number += 1
        free = f"{name} ({number})"


def _taken(name: str) -> Failure:
    return Failure(
        ErrorReason.ERROR_REASON_ALREADY_EXISTS, f'There is a folder "{name}" in this place already.'
    )
