"""Dead letters: what was given up, as it is told to whoever keeps it."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from vidmesh.events.v1.dead_letter_pb2 import DeadLetter, DeadLetterRetried
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.events import Event, stage_number

RETRIED = "dead_letter_retried"
"""The kind of the fact that a message is to be applied after all."""


def of_work(
    *,
    stage: str,
    kind: str,
    key: str,
    tenant: str,
    job_id: str,
    video_id: str,
    payload: bytes,
    attempts: int,
    failure: Failure,
) -> DeadLetter:
    """The letter of a piece of work that a stage has given up."""
    letter = DeadLetter(
        kind=kind,
        key=key,
        tenant=tenant,
        job_id=job_id,
        video_id=video_id,
        payload=payload,
        attempts=attempts,
    )
    return _dated(letter, stage, failure)


def of_message(
    *, stage: str, subject: str, headers: Mapping[str, str], payload: bytes, attempts: int, failure: Failure
) -> DeadLetter:
    """The letter of a message that a stage cannot apply."""
    _, tenant, job_id, _, kind = [*subject.split("."), *([""] * 5)][:5]
    letter = DeadLetter(
        kind=kind,
        key=subject,
        tenant=tenant,
        job_id=job_id,
        message=True,
        headers=headers,
        payload=payload,
        attempts=attempts,
    )
    return _dated(letter, stage, failure)


def again(event: Event | None, *, stage: str, failure: Failure) -> DeadLetter | None:
    """The letter of a message that was retried and still cannot be applied; None where that is not what happened."""
    if event is None or event.kind != RETRIED:
        return None
    try:
        letter = DeadLetterRetried.FromString(event.payload).letter
    except DecodeError:
        return None
    letter.attempts += 1
    return _dated(letter, stage, failure)


def _dated(letter: DeadLetter, stage: str, failure: Failure) -> DeadLetter:
    letter.id = str(uuid.uuid4())
    letter.stage = stage_number(stage)
    letter.failure.CopyFrom(failure.to_proto())
    letter.time.FromDatetime(datetime.now(UTC))
    return letter
