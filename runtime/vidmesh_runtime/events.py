"""Events: how a message of `vidmesh.events.v1` is named on the bus, and what is known of one that was delivered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.events.v1.stage_pb2 import Stage
from vidmesh_runtime import bus

_TYPES = {
    field.name: field.message_type
    for field in JobEvent.DESCRIPTOR.oneofs_by_name["event"].fields
    if field.message_type is not None
}
_KINDS: Mapping[str, str] = {kind.full_name: name for name, kind in _TYPES.items()}
_CARRIED: Mapping[str, type[Message]] = {name: GetMessageClass(kind) for name, kind in _TYPES.items()}


def kind_of(message: Message) -> str:
    """The kind of an event: the name of its field in JobEvent, the last token of its subject."""
    return _KINDS[message.DESCRIPTOR.full_name]


def stage_number(stage: str) -> Stage.ValueType:
    """The stage with this subject token, such as "ingest"."""
    return Stage.Value(f"STAGE_{stage.upper()}")


def stage_token(stage: Stage.ValueType) -> str:
    """The subject token of a stage."""
    return Stage.Name(stage).removeprefix("STAGE_").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as it came from the bus."""

    sequence: int
    """Its place in the EVENTS stream."""
    id: str
    """The same when it is delivered twice."""
    time: datetime
    """When it happened."""
    tenant: str
    job_id: str
    stage: str
    """The subject token of the stage that tells it."""
    kind: str
    """The name of its field in JobEvent."""
    number: int
    """Its number among the facts of this job and stage, from 1; 0 for ticks."""
    payload: bytes
    """The message of that kind, serialised."""

    def to_job_event(self) -> JobEvent:
        """The event as watchers see it."""
        event = JobEvent(
            sequence=self.sequence,
            id=self.id,
            job_id=self.job_id,
            stage=stage_number(self.stage),
            number=self.number,
        )
        event.time.FromDatetime(self.time)
        message: Message = getattr(event, self.kind)
        message.SetInParent()
        message.MergeFromString(self.payload)
        return event

    def message(self) -> Message:
        """The message that the event carries."""
        carried: Message = getattr(self.to_job_event(), self.kind)
        return carried


def read_event(subject: str, headers: Mapping[str, str], sequence: int, payload: bytes) -> Event | None:
    """The event in a message of the EVENTS stream; None for what is none of ours, or cannot be read."""
    parts = subject.split(".")
    carried = _CARRIED.get(parts[-1])
    if len(parts) != 5 or carried is None:
        return None
    told = {name.lower(): value for name, value in headers.items()}
    try:
        time = datetime.fromisoformat(told[bus.HEADER_TIME])
        number = int(told.get(bus.HEADER_NUMBER, "0"))
        identifier = told[bus.HEADER_ID]
        carried.FromString(payload)
    except (KeyError, ValueError, DecodeError):
        return None
    _, tenant, job_id, stage, kind = parts
    return Event(
        sequence=sequence,
        id=identifier,
        time=time,
        tenant=tenant,
        job_id=job_id,
        stage=stage,
        kind=kind,
        number=number,
        payload=payload,
    )


def event_headers(
    *, identifier: str, time: datetime, source: str, kind: str, job_id: str, number: int
) -> dict[str, str]:
    """The headers of an event, named as the CloudEvents NATS protocol binding 1.0 names them."""
    headers = {
        bus.HEADER_VERSION: "1.0",
        bus.HEADER_ID: identifier,
        bus.HEADER_TIME: time.astimezone(UTC).isoformat(),
        bus.HEADER_SOURCE: f"/vidmesh/{source}",
        bus.HEADER_TYPE: f"vidmesh.events.v1.{kind}",
        bus.HEADER_SUBJECT: job_id,
        bus.HEADER_CONTENT: "application/protobuf",
    }
    if number:
        headers[bus.HEADER_NUMBER] = str(number)
        headers[bus.HEADER_DEDUPE] = identifier
    return headers
