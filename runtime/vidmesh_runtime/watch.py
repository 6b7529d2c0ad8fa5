"""Watching events: what there was, then what comes, every fact once and in order, whatever restarts in between."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError

from vidmesh_runtime.bus import EVENTS, Bus, event_subject
from vidmesh_runtime.events import Event, read_event
from vidmesh_runtime.history import History, HistoryGoneError

log = logging.getLogger(__name__)
T = TypeVar("T")

HEARTBEAT = timedelta(seconds=20)
BACKLOG = 1000
"""How many events wait for a slow watcher before it is sent back to read them from the stream instead."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Facts up to `sequence` are no longer kept: tell the watcher how things stand; what comes after it follows."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing happened for a while."""


class _Watcher:
    """One watcher's backlog of live events."""

    def __init__(self, tenant: str, job_id: str | None) -> None:
        self.tenant = tenant
        self.job_id = job_id
        self.backlog: asyncio.Queue[Event] = asyncio.Queue(BACKLOG)
        self.overrun = False

    def offer(self, event: Event) -> None:
        if self.overrun or event.tenant != self.tenant:
            return
        if self.job_id is not None and event.job_id != self.job_id:
            return
        try:
            self.backlog.put_nowait(event)
        except asyncio.QueueFull:
            self.overrun = True


class Watchtower:
    """Reads the stream once for all watchers of this process."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._history = History(bus)
        self._watchers: set[_Watcher] = set()
        self._read = 0
        self._reading = asyncio.Event()

    async def run(self) -> None:
        """Read for ever, through restarts of the bus."""
        while True:
            try:
                await self._read_on()
            except (NatsError, APIError, HistoryGoneError, TimeoutError, OSError) as error:
                log.warning("watch: %s; reading on after %d", error or type(error).__name__, self._read)
                await asyncio.sleep(0.25)

    async def watch(
        self, tenant: str, job_id: str | None, *, after: int | None = 0
    ) -> AsyncGenerator[Event | Gap | Heartbeat, None]:
        """The events of a tenant's job, or of all its jobs, after a sequence (None: from now on). Never ends by itself.

        A fact that was published twice comes once. Where facts are missing, a Gap comes in their place.
        """
        await self._reading.wait()
        subject = event_subject(tenant, job_id or "*", "*", "*")
        ledger = _Ledger(whole=job_id is not None and not after)
        position = self._read if after is None else after
        if after:
            bounds = await self._settled(self._history.bounds)
            if position > bounds.last or position + 1 < bounds.first:
                position = bounds.last
                yield Gap(position)
            else:
                ledger.resume(
                    await self._settled(lambda: self._history.last_numbers(subject, through=position))
                )
        while True:
            with self._joined(tenant, job_id) as watcher:
                async for event in self._missed(subject, position):
                    position = event.sequence
                    for told in ledger.enter(event):
                        yield told
                while not (watcher.overrun and watcher.backlog.empty()):
                    try:
                        event = await asyncio.wait_for(watcher.backlog.get(), HEARTBEAT.total_seconds())
                    except TimeoutError:
                        yield Heartbeat()
                        continue
                    if event.sequence <= position:
                        continue
                    position = event.sequence
                    for told in ledger.enter(event):
                        yield told

    async def _missed(self, subject: str, position: int) -> AsyncIterator[Event]:
        """The stored events after a position, up to what this process has read by now."""
        through = self._read
        while position < through:
            try:
                async for event in self._history.after(position, subject, through=through):
                    position = event.sequence
                    yield event
            except HistoryGoneError as error:
                log.info("watch: %s; asking again", error)
                await asyncio.sleep(0.25)
            else:
                return

    async def _settled(self, ask: Callable[[], Awaitable[T]]) -> T:
        """An answer of the stream, however long the broker is away."""
        while True:
            try:
                return await ask()
            except HistoryGoneError:
                await asyncio.sleep(0.25)

    @contextmanager
    def _joined(self, tenant: str, job_id: str | None) -> Iterator[_Watcher]:
        watcher = _Watcher(tenant, job_id)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def _read_on(self) -> None:
        """Read the stream from where it was left, until the broker or the consumer is gone."""
        bounds = await self._history.bounds()
        if not self._reading.is_set() or bounds.last < self._read:
            self._read = bounds.last
        config = ConsumerConfig(
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._read + 1,
            inactive_threshold=30,
            mem_storage=True,
            num_replicas=1,
        )
        info = await self._bus.jetstream.add_consumer(EVENTS, config)
        subscription = await self._bus.jetstream.pull_subscribe_bind(info.name, EVENTS)
        try:
            self._reading.set()
            while True:
                try:
                    messages = await subscription.fetch(BACKLOG // 4, timeout=5)
                except TimeoutError:
                    await self._bus.jetstream.consumer_info(EVENTS, info.name)
                    continue
                for message in messages:
                    sequence = message.metadata.sequence.stream
                    self._read = sequence
                    event = read_event(message.subject, message.headers or {}, sequence, message.data)
                    if event is not None:
                        for watcher in self._watchers:
                            watcher.offer(event)
        finally:
            with contextlib.suppress(NatsError, APIError, OSError):
                await subscription.unsubscribe()


class _Ledger:
    """Which facts a watcher has seen, by their numbers."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._numbers: dict[tuple[str, str], int] = {}

    def resume(self, numbers: dict[tuple[str, str], int]) -> None:
        """Begin after the facts with these numbers."""
        self._whole = True
        self._numbers.update(numbers)

    def enter(self, event: Event) -> Iterator[Event | Gap]:
        """What the watcher is to be told for an event: nothing for a repeat, a Gap first where facts are missing."""
        if event.number:
            of = (event.job_id, event.stage)
            last = self._numbers.get(of, 0 if self._whole else event.number - 1)
            if event.number <= last:
                return
            self._numbers[of] = event.number
            if event.number > last + 1:
                yield Gap(event.sequence - 1)
        yield event
