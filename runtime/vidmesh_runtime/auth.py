"""Who is calling: JSON Web Tokens (RFC 7519), their keys, and the caller of the running request."""

import json
import re
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.scope import READ, WRITE

T = TypeVar("T")

ALGORITHM = "ES256"
TENANT = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a tenant may be called: it is a token of a bus subject and a folder of the media store."""

_caller: ContextVar["Caller"] = ContextVar("caller")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """On whose behalf a request runs."""

    tenant: str
    """The tenant, to whom all rows belong."""
    subject: str
    """The person or program."""
    scopes: frozenset[str]
    """What the token allows: of `scope.SCOPES`."""


def caller() -> Caller:
    """The caller of the request that is running."""
    return _caller.get()


def on_behalf_of() -> str | None:
    """The tenant of the request that is running; None outside of any request."""
    who = _caller.get(None)
    return who.tenant if who is not None else None


def enter(who: Caller) -> None:
    """Make `who` the caller for the rest of this task."""
    _caller.set(who)


class Reread(Generic[T]):
    """What a JSON file says, read again whenever it changes."""

    def __init__(self, path: Path, read: Callable[[Any], T]) -> None:
        self._path = path
        self._read = read
        self._known: tuple[tuple[int, int], T] | None = None

    def now(self) -> T:
        """What it says now. Raises OSError where it cannot be read."""
        status = self._path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if self._known is None or self._known[0] != stamp:
            self._known = (stamp, self._read(json.loads(self._path.read_text())))
        return self._known[1]


class Gatekeeper:
    """Checks tokens against the keys in a JWK set file, which is read again whenever it changes."""

    def __init__(self, jwks_path: Path, *, issuer: str, audience: str) -> None:
        self._keys = Reread(jwks_path, KeySet.import_key_set)
        self._claims = jwt.JWTClaimsRegistry(
            leeway=5,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    def admit(self, authorization: str | None) -> Caller:
        """The caller that an `authorization` header speaks for.

        Raises Failure UNAUTHENTICATED for anything but a valid bearer token.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Failure(ErrorReason.ERROR_REASON_UNAUTHENTICATED, "The request carries no bearer token.")
        try:
            decoded = jwt.decode(token.strip(), self._keys.now(), algorithms=[ALGORITHM])
            self._claims.validate(decoded.claims)
        except (JoseError, ValueError) as error:
            raise Failure(
                ErrorReason.ERROR_REASON_UNAUTHENTICATED, "The token is expired or not valid here."
            ) from error
        tenant = decoded.claims.get("tenant")
        if not isinstance(tenant, str) or not TENANT.fullmatch(tenant):
            raise Failure(ErrorReason.ERROR_REASON_UNAUTHENTICATED, "The token names no tenant.")
        scopes = str(decoded.claims.get("scope", "")).split()
        return Caller(tenant=tenant, subject=str(decoded.claims["sub"]), scopes=frozenset(scopes))


def make_key() -> ECKey:
    """A new private key for signing tokens."""
    return ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)


def mint(
    key: ECKey,
    *,
    tenant: str,
    subject: str,
    ttl: timedelta,
    scopes: Iterable[str] = (READ, WRITE),
    issuer: str = "vidmesh",
    audience: str = "vidmesh",
) -> str:
    """A signed token. Raises ValueError for a tenant that may not be called so."""
    if not TENANT.fullmatch(tenant):
        raise ValueError(f"a tenant is 1 to 64 letters, digits, '-' or '_', not {tenant!r}")
    now = int(time.time())
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "tenant": tenant,
        "scope": " ".join(scopes),
        "iat": now,
        "exp": now + int(ttl.total_seconds()),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid or ""}, claims, key)
