"""Ids as people type them: whole, or only so much of the beginning as is unique."""

import uuid
from collections.abc import AsyncIterator, Collection

from vidmesh import AsyncClient
from vidmesh_cli.asked import MisuseError

SHORTEST = 8
MOST = 2000
"""How many of the newest jobs are looked through for a shortened id."""

LISTED = 10
"""How many ids are named where a beginning fits several."""


def short(whole: str) -> str:
    """Give the beginning of an id that is enough to type: its time to the millisecond, for ids are UUIDs of version 7."""
    return whole[:13]


def shortened(ids: Collection[str]) -> dict[str, str]:
    """Give each id the beginning that tells it from the others: all of one length, at least eight characters."""
    distinct = set(ids)
    length = SHORTEST
    while len({one[:length] for one in distinct}) < len(distinct):
        length += 1
    return {one: one[:length].rstrip("-") for one in distinct}


async def job_id(client: AsyncClient, typed: str) -> str:
    """Give the whole id of a job. Raises MisuseError where the beginning fits more than one."""
    if _is_whole(typed):
        return typed
    return await only(typed, "job", (job.id async for job in client.jobs()))


async def video_id(client: AsyncClient, typed: str) -> str:
    """Give the whole id of a video. Raises as job_id does."""
    if _is_whole(typed):
        return typed
    return await only(typed, "video", (job.video_id async for job in client.jobs()))


async def only(typed: str, kind: str, known: AsyncIterator[str]) -> str:
    """Give the one known id that begins as typed, or what is typed where none does. Raises MisuseError for several."""
    found: list[str] = []
    seen = 0
    async for whole in known:
        seen += 1
        if whole.startswith(typed.lower()) and whole not in found:
            found.append(whole)
        if seen >= MOST:
            break
    match found:
        case [only]:
            return only
        case []:
            return typed  # the service tells that there is none
        case _:
            listed = ", ".join(found[:LISTED]) + (", ..." if len(found) > LISTED else "")
            raise MisuseError(
                f"{len(found)} {kind}s have ids that begin with {typed!r}: {listed}; type more of it"
            )


def _is_whole(typed: str) -> bool:
    try:
        return str(uuid.UUID(typed)) == typed.lower()
    except ValueError:
        return False
