"""The bus: its streams and subjects, declared here and nowhere else."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from vidmesh_runtime.identity import Identity

log = logging.getLogger(__name__)

WORK = "WORK"
EVENTS = "EVENTS"
DEAD = "DEAD"

PRIORITIES = ("high", "normal", "low")
"""The priorities of work, the most urgent first; a piece of work's rank is its place here."""

SEQUENCES_A_SECOND = 1000
"""The EVENTS stream begins at this many sequences for each second since 1970, so that a stream made anew after a lost
disk goes on above every sequence that a watcher has seen."""

HEADER_ID = "ce-id"
HEADER_TIME = "ce-time"
HEADER_TYPE = "ce-type"
HEADER_SOURCE = "ce-source"
HEADER_SUBJECT = "ce-subject"
HEADER_VERSION = "ce-specversion"
HEADER_CONTENT = "ce-datacontenttype"
HEADER_NUMBER = "vidmesh-number"
HEADER_DEDUPE = "Nats-Msg-Id"


def event_subject(tenant: str, job_id: str, stage: str, kind: str) -> str:
    """Where an event of a job is published; "*" stands for any of a part."""
    return f"events.{tenant}.{job_id}.{stage}.{kind}"


HEARD = event_subject("*", "*", "transcribe", "segment_heard")
"""Where segments are told as soon as they are heard, before they are facts."""


def work_subject(stage: str, priority: str) -> str:
    """Where a trigger is published; "*" stands for any of a part."""
    return f"work.{stage}.{priority}"


def work_consumer(stage: str) -> str:
    """The durable consumer of a stage's triggers, whose depth tells how many pieces wait or are being done."""
    return f"{stage}-work"


def inbox_consumer(service: str) -> str:
    """The durable consumer of the facts that a service follows."""
    return f"{service}-inbox"


def control_consumer(service: str) -> str:
    """The durable consumer of what overtakes all other facts."""
    return f"{service}-control"


LETTERS_CONSUMER = "ingest-letters"
"""The durable consumer of what was given up."""


def dead_subject(stage: str) -> str:
    """Where a piece of work goes that was given up."""
    return f"dead.{stage}"


def cancel_subject(job_id: str) -> str:
    """Where workers hear at once that a job was cancelled (core NATS: nothing is kept)."""
    return f"control.cancel.{job_id}"


def inbox_prefix(name: str) -> str:
    """Where whoever connects by a name is answered: nobody else need hear it."""
    return f"_INBOX.{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How large the streams may grow."""

    events_max_bytes: int = 1 << 30
    events_max_age: timedelta = timedelta(days=7)
    work_max_bytes: int = 64 << 20
    replicas: int = 1


class Bus:
    """A connection to NATS with JetStream, its streams made sure of."""

    def __init__(self, client: Client, bounds: Bounds) -> None:
        self.client = client
        self.jetstream: JetStreamContext = client.jetstream(timeout=10)
        self.refuses = ""
        """Why JetStream stores nothing at present although it is there, such as for a full disk; empty while it does."""
        self._bounds = bounds

    async def ensure(self) -> None:
        """Make the streams that are not there, also where the broker has lost its disk. Several services may do so at once.

        Waits until a server is there.
        """
        for config in _streams(self._bounds):
            await _ensure_stream(self, config)

    @property
    def takes(self) -> bool:
        """Whether it is there and stores what it is told."""
        return self.client.is_connected and not self.refuses

    async def born(self) -> str:
        """When the EVENTS stream was made: another answer than before means a new and empty bus."""
        info = await self.jetstream.stream_info(EVENTS)
        return str(info.created)

    async def ask(self, subject: str, request: dict[str, object], within: float = 5) -> dict[str, object]:
        """A request to JetStream's own API that the client library has no method for."""
        answer = await self.client.request(f"$JS.API.{subject}", json.dumps(request).encode(), timeout=within)
        decoded: dict[str, object] = json.loads(answer.data)
        return decoded


@asynccontextmanager
async def open_bus(
    url: str, *, name: str, password: str = "", bounds: Bounds = Bounds(), identity: Identity | None = None
) -> AsyncIterator[Bus]:
    """A bus that reconnects for ever; waits until a server is there. With a password, the user is called as the client is.

    With an `identity`, TLS begins before anything is said, so that nobody on the way can talk the client out of it.
    """
    client = await nats.connect(
        servers=url.split(","),
        name=name,
        user=name if password else None,
        password=password or None,
        inbox_prefix=inbox_prefix(name),
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.25,
        connect_timeout=5,
        ping_interval=10,
        max_outstanding_pings=3,
        pending_size=16 << 20,
        tls=identity.for_socket() if identity else None,
        tls_handshake_first=identity is not None,
        error_cb=_on_error,
        disconnected_cb=_on_disconnected,
        reconnected_cb=_on_reconnected,
    )
    bus = Bus(client, bounds)
    try:
        await bus.ensure()
        yield bus
    finally:
        await client.close()


def _streams(bounds: Bounds) -> tuple[StreamConfig, ...]:
    """The streams as they are made now."""
    return (
        StreamConfig(
            name=EVENTS,
            subjects=["events.>"],
            max_bytes=bounds.events_max_bytes,
            max_age=bounds.events_max_age.total_seconds(),
            discard=DiscardPolicy.OLD,
            storage=StorageType.FILE,
            num_replicas=bounds.replicas,
            duplicate_window=120,
            allow_direct=True,
            first_seq=int(time.time()) * SEQUENCES_A_SECOND,
        ),
        StreamConfig(
            name=WORK,
            subjects=["work.>"],
            retention=RetentionPolicy.WORK_QUEUE,
            max_bytes=bounds.work_max_bytes,
            discard=DiscardPolicy.NEW,
            storage=StorageType.FILE,
            num_replicas=bounds.replicas,
            duplicate_window=120,
        ),
        StreamConfig(
            name=DEAD,
            subjects=["dead.>"],
            max_bytes=bounds.work_max_bytes,
            max_age=timedelta(days=30).total_seconds(),
            discard=DiscardPolicy.OLD,
            storage=StorageType.FILE,
            num_replicas=bounds.replicas,
            allow_direct=True,
        ),
    )


async def _ensure_stream(bus: Bus, config: StreamConfig) -> None:
    while True:
        try:
            await bus.jetstream.stream_info(str(config.name))
        except NotFoundError:
            try:
                await bus.jetstream.add_stream(config)
            except APIError as error:  # another service made it in between: look again
                log.info("stream %s: %s", config.name, error.description)
                await asyncio.sleep(0.1)
            else:
                return
        except (NatsError, APIError, OSError) as error:
            log.warning("waiting for JetStream: %s", error or type(error).__name__)
            await asyncio.sleep(0.5)
        else:
            return


async def _on_error(error: Exception) -> None:
    log.warning("bus: %s", error or type(error).__name__)


async def _on_disconnected() -> None:
    log.warning("bus: disconnected")


async def _on_reconnected() -> None:
    log.info("bus: connected again")
