"""How far videos can be searched whose jobs still run."""

from collections.abc import Sequence
from dataclasses import dataclass

from vidmesh_query.scope import Within, sql
from vidmesh_runtime.database import Connection, Pool

MOST = 50
"""How many videos are told of: the last added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How far one video has come."""

    video: str
    title: str
    through: int
    """Milliseconds from the start of the video up to where it can be searched by now."""
    begun: bool
    """Whether any of it can be: a later window may be heard before the first."""
    duration: int | None
    """Milliseconds; None until it is known."""


async def coverage(connection: "Connection | Pool", within: Within) -> Sequence[Coverage]:
    """The videos of a scope of which more is to come, the last added first."""
    rows = sql.running(
        connection,
        tenant=within.tenant,
        videos=None if within.videos is None else list(within.videos),
        language=within.language,
        most=MOST,
    )
    return [
        Coverage(
            video=row["id"],
            title=row["title"],
            through=row["through_ms"],
            begun=row["begun"],
            duration=row["duration_ms"],
        )
        async for row in rows
    ]
