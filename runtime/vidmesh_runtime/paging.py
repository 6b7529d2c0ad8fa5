"""Page tokens: opaque, bound to the query that they continue, useless for any other."""

import base64
import binascii
import hashlib
import json
from datetime import datetime

from google.protobuf.message import Message

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.errors import Failure, invalid

_PLAIN = (str, int, float)


def page_size(asked: int, *, default: int = 50, most: int = 200) -> int:
    """The number of items on a page: `default` for 0, refused beyond `most`."""
    if asked < 0 or asked > most:
        raise invalid("page_size", f"page_size must be 0 to {most}, not {asked}.")
    return asked or default


def _digest(request: Message) -> str:
    """What a query asks for, whatever page of it."""
    query = type(request)()
    query.CopyFrom(request)
    for field in ("page_token", "page_size"):
        query.ClearField(field)
    return hashlib.sha256(query.SerializeToString(deterministic=True)).hexdigest()[:16]


def make_token(request: Message, *cursor: str | int | float | datetime) -> str:
    """The token of the page that follows `cursor`, the sort key of this page's last item."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in cursor]
    raw = json.dumps([_digest(request), *plain], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_token(request: Message, token: str, *kinds: type) -> list[str | int | float | datetime] | None:
    """The cursor in a request's page token, one value per kind; None for the first page.

    Raises Failure INVALID_PAGE_TOKEN for a token that `make_token` did not make for the same query.
    """
    if not token:
        return None
    refused = Failure(ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN)
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        digest, *values = json.loads(raw)
        if digest != _digest(request) or len(values) != len(kinds):
            raise refused
        return [_typed(kind, value) for kind, value in zip(kinds, values, strict=True)]
    except (binascii.Error, UnicodeDecodeError, ValueError, TypeError) as error:
        raise refused from error


def _typed(kind: type, value: object) -> str | int | float | datetime:
    if kind is datetime and isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, _PLAIN) and isinstance(value, kind):
        return value
    raise ValueError(f"not a {kind.__name__}")
