"""Conversations: questions, what was found for them, answers."""

import hashlib
import uuid
from datetime import datetime
from pathlib import Path

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.query.v1.query_service_pb2 import AskRequest, Retrieved
from vidmesh.query.v1.search_pb2 import Answer, Scope
from vidmesh_query.dialogue import MOST_TURNS
from vidmesh_query.prompt import Turn
from vidmesh_query.wire import Row
from vidmesh_runtime.database import Connection, Pool, load_queries
from vidmesh_runtime.errors import Failure, invalid, not_found

sql = load_queries(Path(__file__).with_suffix(".sql"))

TITLE = 80
"""Characters of the first question that make the title."""
MOST_EXCHANGES = 200


async def begin(pool: Pool, tenant: str, question: str, scope: Scope) -> Row:
    """A new conversation, named after its first question."""
    title = question if len(question) <= TITLE else question[: TITLE - 1].rstrip() + "…"
    row: Row = await sql.begin(pool, tenant=tenant, title=title, scope=scope.SerializeToString())
    return row


async def find(connection: "Connection | Pool", tenant: str, identifier: uuid.UUID) -> Row:
    """A conversation. Raises Failure NOT_FOUND."""
    row: Row | None = await sql.conversation(connection, id=identifier, tenant=tenant)
    if row is None:
        raise not_found("conversation", str(identifier))
    return row


async def recent(
    pool: Pool, tenant: str, *, after: tuple[datetime, uuid.UUID] | None, most: int
) -> list[Row]:
    """A page of conversations, the last used first."""
    time, identifier = after if after is not None else (None, None)
    rows = sql.conversations(pool, tenant=tenant, after=time, after_id=identifier, most=most)
    return [row async for row in rows]


async def exchanges(
    pool: Pool, tenant: str, identifier: uuid.UUID, *, most: int = MOST_EXCHANGES
) -> list[Row]:
    """The last questions and answers of a conversation, in order."""
    return [row async for row in sql.last_exchanges(pool, id=identifier, tenant=tenant, most=most)]


async def turns(pool: Pool, tenant: str, identifier: uuid.UUID) -> list[Turn]:
    """The last questions and answers as a language model is shown them."""
    rows = await exchanges(pool, tenant, identifier, most=MOST_TURNS)
    return [Turn(question=row["question"], answer=Answer.FromString(row["answer"]).text) for row in rows]


async def keep(
    pool: Pool,
    tenant: str,
    request: AskRequest,
    *,
    retrieved: Retrieved,
    answer: Answer,
) -> None:
    """Keeps a question with its answer."""
    await sql.add_exchange(
        pool,
        id=uuid.UUID(retrieved.conversation_id),
        tenant=tenant,
        question=request.question,
        retrieved=retrieved.SerializeToString(),
        answer=answer.SerializeToString(),
        request_id=request.request_id,
        digest=_digest(request),
    )


async def kept(pool: Pool, tenant: str, request: AskRequest) -> tuple[Retrieved, Answer] | None:
    """What the same request was answered before.

    Raises Failure INVALID_FIELD for a request_id that is no UUID, REQUEST_ID_REUSED for one with another question.
    """
    if not request.request_id:
        return None
    try:
        uuid.UUID(request.request_id)
    except ValueError as error:
        raise invalid("request_id", "request_id must be a UUID.") from error
    row = await sql.answered(pool, tenant=tenant, request_id=request.request_id)
    if row is None:
        return None
    if row["digest"] != _digest(request):
        raise Failure(ErrorReason.ERROR_REASON_REQUEST_ID_REUSED)
    return Retrieved.FromString(row["retrieved"]), Answer.FromString(row["answer"])


async def delete(connection: Connection, tenant: str, identifier: uuid.UUID) -> None:
    """Deletes a conversation. Raises Failure NOT_FOUND."""
    if not await sql.delete(connection, id=identifier, tenant=tenant):
        raise not_found("conversation", str(identifier))


def _digest(request: AskRequest) -> bytes:
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
