"""asyncapi.json: the bus as AsyncAPI 3.0, from the events of proto/ and the runtime's subjects."""

import tomllib

from docs.reference.described import ROOT, Protos
from docs.reference.schema import Schema, Schemas
from vidmesh_runtime import bus

ABOUT = """vidmesh's bus: NATS with JetStream. What passes between the stages is an event; clients see the same events by `WatchJob`.

Made from `proto/vidmesh/events` by `make docs`. Payloads are Protocol Buffers, each the one message type that its subject's
last part names; the schemas here show them in their JSON form. Identity, time and type are in headers, named as the
CloudEvents NATS protocol binding names them.

- Stream `EVENTS` (`events.>`): facts, which go through the transactional outbox and are numbered for each job and stage, and
  ticks (progress, text deltas), of which a loss loses nothing: the fact that ends the stage carries the whole.
- Stream `WORK` (`work.>`): triggers. Postgres decides what is worked on; a trigger says that there is something to claim.
- Stream `DEAD` (`dead.>`): dead letters.
- `control.cancel.JOB` is core NATS: nothing is kept.
"""

_EVENT = "vidmesh.events.v1.JobEvent"
_OF_ANY_STAGE = frozenset({"stage_failed", "stage_progress"})
_STAGES = {
    "ingest": "ingest_events.proto",
    "transcribe": "transcribe_events.proto",
    "summarize": "summarize_events.proto",
    "index": "index_events.proto",
}
_PARAMETERS: dict[str, dict[str, object]] = {
    "tenant": {"description": "Whose job it is: 1 to 64 letters, digits, `-` or `_`."},
    "job": {"description": "The job's id, a UUID."},
}


def document(protos: Protos) -> dict[str, object]:
    """The document."""
    schemas = Schemas(protos)
    messages: dict[str, object] = {}
    channels: dict[str, object] = {}
    operations: dict[str, object] = {}
    kinds = {
        field.name: field.type_name.removeprefix(".")
        for field in protos.messages[_EVENT].field
        if field.HasField("oneof_index")
    }
    files = {
        f"{file.package}.{message.name}": file.name.rpartition("/")[2]
        for file in protos.files
        for message in file.message_type
    }
    for kind, message in kinds.items():
        messages[kind] = {
            "name": message,
            "title": message.rpartition(".")[2],
            "summary": protos.brief(message),
            "contentType": "application/protobuf",
            "headers": {"$ref": "#/components/schemas/EventHeaders"},
            "payload": schemas.reference(message),
        }
    for stage, file in _STAGES.items():
        told = [kind for kind, message in kinds.items() if files[message] == file or kind in _OF_ANY_STAGE]
        channels[f"{stage}Events"] = {
            "address": bus.event_subject("{tenant}", "{job}", stage, "{kind}"),
            "title": f"Events of the {stage} stage",
            "parameters": {
                **_PARAMETERS,
                "kind": {"description": "The event: the name of its field in JobEvent.", "enum": told},
            },
            "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in told},
        }
        operations[f"tell{stage.capitalize()}Events"] = _operation(
            "send", f"{stage}Events", f"The {stage} stage tells what has happened."
        )
    _add_work(schemas, channels, operations, messages)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "vidmesh's bus",
            "version": project["version"],
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "servers": {"nats": {"host": "127.0.0.1:4222", "protocol": "nats"}},
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": {"EventHeaders": _headers(), **dict(sorted(schemas.found.items()))},
        },
    }


def _add_work(
    schemas: Schemas,
    channels: dict[str, object],
    operations: dict[str, object],
    messages: dict[str, object],
) -> None:
    """Add what is no event: triggers, dead letters and the word that a job was cancelled."""
    stage: dict[str, object] = {"description": "The stage.", "enum": list(_STAGES)}
    priority: dict[str, object] = {
        "description": "How urgent it is, the most urgent first.",
        "enum": list(bus.PRIORITIES),
    }
    messages["trigger"] = {
        "title": "Trigger",
        "summary": "There is work to claim. Any trigger makes a worker claim what is most urgent.",
        "contentType": "text/plain",
        "payload": {
            "type": "string",
            "pattern": "^[0-9]*$",
            "description": "How many pieces, in decimal. Empty: one.",
        },
    }
    messages["deadLetter"] = {
        "name": "vidmesh.events.v1.DeadLetter",
        "title": "Dead letter",
        "summary": "A piece of work was given up, or a message cannot be applied, and why.",
        "contentType": "application/protobuf",
        "payload": schemas.reference("vidmesh.events.v1.DeadLetter"),
    }
    messages["cancel"] = {
        "title": "Cancel",
        "summary": "A job was cancelled: workers stop what they do for it. The fact `job_cancelled` says so for good.",
        "payload": {"type": "string", "maxLength": 0, "description": "Nothing."},
    }
    for name, address, title, parameters, message, act in (
        (
            "work",
            bus.work_subject("{stage}", "{priority}"),
            "Triggers of work",
            {"stage": stage, "priority": priority},
            "trigger",
            ("receive", "claimWork", "A stage's workers claim work."),
        ),
        (
            "dead",
            bus.dead_subject("{stage}"),
            "Dead letters",
            {"stage": stage},
            "deadLetter",
            ("send", "buryWork", "A stage gives up."),
        ),
        (
            "cancel",
            bus.cancel_subject("{job}"),
            "Jobs that were cancelled",
            {"job": _PARAMETERS["job"]},
            "cancel",
            ("receive", "stopWork", "A stage's workers stop what they do for a job."),
        ),
    ):
        channels[name] = {
            "address": address,
            "title": title,
            "parameters": parameters,
            "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        }
        action, operation, summary = act
        operations[operation] = _operation(action, name, summary)


def _operation(action: str, channel: str, summary: str) -> dict[str, object]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}


def _headers() -> Schema:
    """The headers of an event."""
    text: Schema = {"type": "string"}
    described = {
        bus.HEADER_VERSION: {"type": "string", "const": "1.0"},
        bus.HEADER_ID: {**text, "description": "The event's id: the same when it is delivered twice."},
        bus.HEADER_TIME: {**text, "format": "date-time", "description": "When it happened."},
        bus.HEADER_SOURCE: {**text, "description": "Who tells it, such as `/vidmesh/ingest`."},
        bus.HEADER_TYPE: {
            **text,
            "description": "The payload's type, such as `vidmesh.events.v1.WindowReady`.",
        },
        bus.HEADER_SUBJECT: {**text, "description": "The job."},
        bus.HEADER_CONTENT: {"type": "string", "const": "application/protobuf"},
    }
    numbered = {
        bus.HEADER_NUMBER: {
            **text,
            "pattern": "^[1-9][0-9]*$",
            "description": "Its number among the facts of this job and stage, from 1 without gaps. Absent on ticks.",
        },
        bus.HEADER_DEDUPE: {
            **text,
            "description": "Its id, by which JetStream drops a repeat. Absent on ticks.",
        },
    }
    return {"type": "object", "required": list(described), "properties": {**described, **numbered}}
