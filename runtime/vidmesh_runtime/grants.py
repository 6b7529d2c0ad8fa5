"""What each service may say and hear on the bus: one that was broken into speaks for itself alone.

All of them may read every event, as each serves every tenant; none may tell another's facts, take or answer for another's
messages, hear what another was answered, or change a stream.
"""

from collections.abc import Iterator, Mapping, Sequence

from vidmesh_runtime.bus import (
    DEAD,
    EVENTS,
    HEARD,
    LETTERS_CONSUMER,
    WORK,
    cancel_subject,
    control_consumer,
    dead_subject,
    event_subject,
    inbox_consumer,
    inbox_prefix,
    work_consumer,
    work_subject,
)

STAGES = {"ingest": "ingest", "transcribe": "transcribe", "summarize": "summarize", "query": "index"}
"""The stage of each service."""

Grants = Mapping[str, Mapping[str, Sequence[str]]]
"""Permissions as NATS' configuration has them: "publish" and "subscribe", each with "allow" and, where needed, "deny"."""


def grants(service: str) -> Grants:
    """The permissions of a service's user."""
    stage = STAGES[service]
    own = list(_consumers(service))
    said = [event_subject("*", "*", stage, "*"), work_subject(stage, "*"), dead_subject(stage)]
    heard = [f"{inbox_prefix(service)}.>", cancel_subject("*")]
    if service == "ingest":
        said.append(cancel_subject("*"))
    if service == "query":
        heard.append(HEARD)
    asked = [
        *(f"STREAM.{verb}.{stream}" for verb in ("INFO", "CREATE") for stream in (EVENTS, WORK, DEAD)),
        *(f"CONSUMER.DURABLE.CREATE.{one}" for one in own),
        *(f"CONSUMER.INFO.{one}" for one in own),
        *(f"CONSUMER.MSG.NEXT.{one}" for one in own),
        # Readings: the broker names their consumers.
        f"CONSUMER.CREATE.{EVENTS}",
        f"CONSUMER.MSG.NEXT.{EVENTS}.*",
        f"CONSUMER.DELETE.{EVENTS}.*",
        f"DIRECT.GET.{EVENTS}",
    ]
    others = [one for other in STAGES if other != service for one in _consumers(other)]
    kept = [f"CONSUMER.MSG.NEXT.{one}" for one in others if one.startswith(f"{EVENTS}.")]
    kept += [f"CONSUMER.DELETE.{one}" for one in (*own, *others) if one.startswith(f"{EVENTS}.")]
    return {
        "publish": {
            "allow": [*said, *(f"$JS.API.{one}" for one in asked), *(f"$JS.ACK.{one}.>" for one in own)],
            "deny": [f"$JS.API.{one}" for one in kept],
        },
        "subscribe": {"allow": heard},
    }


def _consumers(service: str) -> Iterator[str]:
    """The durable consumers of a service, `STREAM.name`."""
    yield f"{EVENTS}.{inbox_consumer(service)}"
    yield f"{EVENTS}.{control_consumer(service)}"
    yield f"{WORK}.{work_consumer(STAGES[service])}"
    if service == "ingest":
        yield f"{DEAD}.{LETTERS_CONSUMER}"
