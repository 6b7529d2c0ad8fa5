"""Requests, checked: what a caller wants taken on."""

import re
from collections.abc import Sequence
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from vidmesh.events.v1.ingest_events_pb2 import CaptionMode, Priority
from vidmesh.ingest.v1 import ingest_service_pb2 as api
from vidmesh.ingest.v1.job_pb2 import JobState as JobStateMessage
from vidmesh_ingest.identity import Link, LinkError, parse_link, upload_key
from vidmesh_ingest.outcome import JobState
from vidmesh_ingest.store import get_upload, parse_id
from vidmesh_ingest.submission import Submission
from vidmesh_ingest.text import printable
from vidmesh_ingest.wire import state_of
from vidmesh_runtime.database import Connection
from vidmesh_runtime.errors import invalid

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_TITLE = 500
SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=36500)
"""How long a key is valid that ends by itself."""
PIECE = 1 << 20
"""The most bytes of a file that one answer has."""


async def submission(connection: Connection, tenant: str, request: api.SubmitVideoRequest) -> Submission:
    """What a request asks for. Raises Failure INVALID_FIELD or NOT_FOUND."""
    if request.language and not _LANGUAGE.fullmatch(request.language):
        raise invalid("language", "The language must be a BCP 47 tag such as en or pt-BR.")
    key, source, name = await _source(connection, tenant, request)
    return Submission(
        tenant=tenant,
        key=key,
        source=source,
        title=_title(request.title),
        name=name,
        captions=_captions(request.captions),
        language=request.language,
        priority=_priority(request.priority),
        force=request.force,
    )


def link(field: str, url: str) -> Link:
    """A link that a caller gave. Raises Failure INVALID_FIELD."""
    try:
        return parse_link(url)
    except LinkError as error:
        raise invalid(field, str(error)) from error


def sequence(after: int) -> int:
    """A sequence to go on after. Raises Failure INVALID_FIELD."""
    if after < 0:
        raise invalid("after_sequence", "A sequence is no less than 0.")
    return after


def time_to_live(asked: Duration) -> timedelta:
    """How long a key is to be valid. Raises Failure INVALID_FIELD."""
    if not SHORTEST.total_seconds() <= asked.seconds <= LONGEST.total_seconds():
        raise invalid("ttl", "A key is valid for a minute to a hundred years.")
    return timedelta(seconds=asked.seconds)


def piece(request: api.GetMediaRequest) -> tuple[int, int]:
    """Where a piece of a file begins and how long it may be, in bytes. Raises Failure INVALID_FIELD."""
    if request.offset < 0:
        raise invalid("offset", "An offset is no less than 0.")
    if not 0 <= request.length <= PIECE:
        raise invalid("length", f"A piece has at most {PIECE} bytes.")
    return request.offset, request.length or PIECE


def states(numbers: Sequence[JobStateMessage.ValueType]) -> list[JobState]:
    """States that a caller gave. Raises Failure INVALID_FIELD."""
    try:
        return [state_of(number) for number in numbers]
    except ValueError as error:
        raise invalid("states", "A state is none that a job can have.") from error


async def _source(
    connection: Connection, tenant: str, request: api.SubmitVideoRequest
) -> tuple[str, str, str]:
    """The key, the source and the name to show of what was given."""
    match request.source.WhichOneof("source"):
        case "url":
            given = link("source.url", request.source.url)
            return given.key, given.url, ""
        case "upload_id":
            upload_id = parse_id("upload", request.source.upload_id)
            upload = await get_upload(connection, tenant, upload_id)
            source = f"upload:{upload.id}"
            # While bytes are still to come, it is known by itself alone.
            return upload_key(upload.sha256) if upload.complete else source, source, upload.filename
        case _:
            raise invalid("source", "A source is needed: a url or an upload_id.")


def _title(text: str) -> str:
    title = printable(text, _TITLE + 1)
    if len(title) > _TITLE:
        raise invalid("title", f"A title has at most {_TITLE} characters.")
    return title


def _captions(number: CaptionMode.ValueType) -> CaptionMode.ValueType:
    if number not in CaptionMode.values():
        raise invalid("captions", f"There is no way {number} to treat captions.")
    return number or CaptionMode.CAPTION_MODE_NEVER


def _priority(number: Priority.ValueType) -> Priority.ValueType:
    if number not in Priority.values():
        raise invalid("priority", f"There is no priority {number}.")
    return number or Priority.PRIORITY_INTERACTIVE
