"""Answering a repeated mutation with the answer it had."""

import contextlib
import hashlib
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

import asyncpg
from google.protobuf.message import Message

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.auth import caller
from vidmesh_runtime.database import Connection, Pool, load_queries
from vidmesh_runtime.errors import Failure, invalid

sql = load_queries(Path(__file__).with_suffix(".sql"))
Answer = TypeVar("Answer", bound=Message)
_TRIES = 3
"""How often a transaction is begun that the database ends as one of a deadlock."""


class Repeatable(Protocol):
    """A request with a request_id."""

    request_id: str

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes:  # noqa: D102, N802 - protobuf's own
        ...


async def once(
    pool: Pool, request: Repeatable, answer: type[Answer], act: Callable[[Connection], Awaitable[Answer]]
) -> Answer:
    """Act in a transaction and keep the answer under the caller's request_id; give the kept one on a repeat.

    Where the database ends the transaction because it and another one wait for each other, it is begun again: `act` must
    do nothing outside of it before its last statement.

    Raises Failure INVALID_FIELD for a request_id that is no UUID, REQUEST_ID_REUSED for one with other contents.
    """
    for _ in range(_TRIES - 1):
        with contextlib.suppress(asyncpg.DeadlockDetectedError):
            return await _once(pool, request, answer, act)
    return await _once(pool, request, answer, act)


async def _once(
    pool: Pool, request: Repeatable, answer: type[Answer], act: Callable[[Connection], Awaitable[Answer]]
) -> Answer:
    if not request.request_id:
        async with pool.acquire() as connection, connection.transaction():
            return await act(connection)
    try:
        uuid.UUID(request.request_id)
    except ValueError as error:
        raise invalid("request_id", "request_id must be a UUID.") from error
    method = answer.DESCRIPTOR.full_name
    tenant = caller().tenant
    digest = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
    async with pool.acquire() as connection, connection.transaction():
        # Two repeats at once: the second waits here and then finds the first one's answer.
        await sql.lock(connection, name=f"{tenant}/{method}/{request.request_id}")
        kept = await sql.kept(connection, tenant=tenant, method=method, request_id=request.request_id)
        if kept is not None:
            if kept["digest"] != digest:
                raise Failure(ErrorReason.ERROR_REASON_REQUEST_ID_REUSED)
            return answer.FromString(kept["response"])
        made = await act(connection)
        await sql.keep(
            connection,
            tenant=tenant,
            method=method,
            request_id=request.request_id,
            digest=digest,
            response=made.SerializeToString(),
        )
        return made
