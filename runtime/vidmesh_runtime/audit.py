"""The audit log: who asked for which change, noted before it is made, never what was in it."""

import json
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import Message

from vidmesh_runtime import scope
from vidmesh_runtime.auth import Caller
from vidmesh_runtime.database import Pool, load_queries

sql = load_queries(Path(__file__).with_suffix(".sql"))

ASKED = "asked"
LONGEST = 200
"""Characters of an id, and ids of a list, that are written down: a caller may send anything."""
PARTS = ("WriteUpload", "Recognize")
"""Methods that are called again and again for one thing: what begins and ends an upload is noted."""


def noted(method: str) -> bool:
    """Whether calls of a method, by its full name, are written down: those that may change something."""
    return scope.needed(method) != scope.READ and not method.endswith(PARTS)


class Audit:
    """A service's audit log."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def note(self, who: Caller, method: str, request: object, *, outcome: str = ASKED) -> None:
        """Write a call down. `request` is its message; a stream of messages is noted by its method alone."""
        about = dict(_ids(request)) if isinstance(request, Message) else {}
        await sql.note(
            self._pool,
            tenant=who.tenant,
            subject=_plain(who.subject),
            method=method.removeprefix("/"),
            about=json.dumps(about),
            outcome=outcome,
        )


def _plain(value: object) -> str:
    """No more of a value than an id has, and none of what Postgres keeps no text with."""
    return str(value)[:LONGEST].replace("\0", "")


def _ids(message: Message, path: str = "") -> Iterator[tuple[str, object]]:
    """The fields that hold ids, by their paths."""
    for field, value in message.ListFields():
        name = f"{path}{field.name}"
        if field.name.endswith(("_id", "_ids")):
            yield name, [_plain(one) for one in value[:LONGEST]] if field.is_repeated else _plain(value)
        elif field.message_type is not None and not field.is_repeated:
            yield from _ids(value, f"{name}.")
