"""API keys: opaque bearer secrets that stand for a tenant and its scopes, kept as hashes, ended at once."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.database import Connection, Pool, load_queries
from vidmesh_runtime.errors import Failure, invalid, not_found
from vidmesh_runtime.scope import READ, SCOPES, WRITE

sql: Any = load_queries(Path(__file__).with_suffix(".sql"))

FORM = re.compile(r"vmk_(?P<id>[0-9a-f]{16})_(?P<secret>[A-Za-z0-9_-]{43})")
"""A key as it is sent: a prefix that scanners of leaked secrets find, its id, 256 random bits."""
LONGEST_NAME = 100
MOST = 1000
"""How many keys a tenant has at most, those that have ended and are still listed among them."""
KEEP = timedelta(days=30)
"""How long a key is listed after its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is known of a key."""

    id: str
    tenant: str
    name: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> Self:
        """A key as the database has it."""
        return cls(**{name: row[name] for name in cls.__slots__})


async def create_key(
    connection: Connection, tenant: str, *, name: str, scopes: Sequence[str], ttl: timedelta | None
) -> tuple[ApiKey, str]:
    """A new key, and what to send to be taken for its holder.

    Raises Failure INVALID_FIELD, and RESOURCE_EXHAUSTED where the tenant has too many.
    """
    if not 1 <= len(name) <= LONGEST_NAME:
        raise invalid("name", f"A key's name has 1 to {LONGEST_NAME} characters.")
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise invalid("scopes", f"{unknown[0]!r} is no scope; there are {', '.join(SCOPES)}.")
    if await sql.count(connection, tenant=tenant) >= MOST:
        raise Failure(
            ErrorReason.ERROR_REASON_RESOURCE_EXHAUSTED,
            f"This tenant has {MOST} API keys, the most there are.",
        )
    identifier, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    row = await sql.create(
        connection,
        id=identifier,
        tenant=tenant,
        name=name,
        scopes=sorted(set(scopes)) or [READ, WRITE],
        digest=_digest(secret),
        ttl=ttl,
    )
    return ApiKey.of(row), f"vmk_{identifier}_{secret}"


async def list_keys(pool: Pool, tenant: str) -> list[ApiKey]:
    """A tenant's keys, newest first."""
    return [ApiKey.of(row) async for row in sql.list(pool, tenant=tenant)]


async def revoke_key(pool: Pool, tenant: str, key_id: str) -> ApiKey:
    """End a key. Raises Failure NOT_FOUND."""
    row = await sql.revoke(pool, tenant=tenant, id=key_id)
    if row is None:
        raise not_found("API key", key_id)
    return ApiKey.of(row)


async def key_of(pool: Pool, sent: str) -> ApiKey | None:
    """The key that somebody has sent, and its use noted; None for what is none, or no longer."""
    form = FORM.fullmatch(sent)
    if form is None:
        return None
    row = await sql.valid(pool, id=form["id"])
    if row is None or not hmac.compare_digest(row["digest"], _digest(form["secret"])):
        return None
    await sql.use(pool, id=form["id"])
    return ApiKey.of(row)


async def forget_keys(pool: Pool) -> None:
    """Drop what ended long ago."""
    await sql.forget(pool, keep=KEEP)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
