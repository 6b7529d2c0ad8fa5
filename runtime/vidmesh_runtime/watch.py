"""Watching events: what there was, then what comes, every fact once and in order, whatever restarts in between."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from vidmesh_runtime.bus import Bus, event_subject
from vidmesh_runtime.ending import end
from vidmesh_runtime.events import Event, read_event
from vidmesh_runtime.history import History, HistoryGoneError
from vidmesh_runtime.reading import Reading, ReadingLostError

log = logging.getLogger(__name__)
T = TypeVar("T")

HEARTBEAT = timedelta(seconds=20)
BACKLOG = 256
"""How many events wait for a slow watcher before it is sent back to read them from the stream instead."""
LINGER = 30.0
"""Seconds for which the stream is read on after its last watcher left."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Facts up to `sequence` are no longer kept: tell the watcher how things stand; what comes after it follows."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing happened for a while: all facts up to `sequence` are told."""

    sequence: int


class _Watcher:
    """One watcher's backlog of live events. A Heartbeat is in it only alone."""

    __slots__ = ("_waiter", "backlog", "overrun", "since")

    def __init__(self) -> None:
        self.backlog: deque[Event | Heartbeat] = deque()
        self.overrun = False
        self.since = 0.0
        self._waiter: asyncio.Future[None] | None = None

    def offer(self, item: Event | Heartbeat, now: float) -> None:
        """Add an item, unless there are too many: then no more come until all is read again from the stream."""
        self.since = now
        if self.overrun or len(self.backlog) >= BACKLOG:
            self.overrun = True
            return
        self.backlog.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> Event | Heartbeat:
        """The next item, when it is there."""
        while not self.backlog:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self.backlog.popleft()


class Watchtower:
    """Reads the stream once for all watchers of this process, while it has any."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._history = History(bus)
        self._watchers: dict[tuple[str, str | None], set[_Watcher]] = {}
        self._watching = 0
        self._left = 0.0
        self._wanted = asyncio.Event()
        self._read = 0
        self._reading = asyncio.Event()

    async def run(self) -> None:
        """Read for ever, through restarts of the bus."""
        beating = asyncio.create_task(self._beat())
        try:
            while True:
                await self._wanted.wait()
                try:
                    await self._read_on()
                except (
                    ReadingLostError,
                    HistoryGoneError,
                    NatsError,
                    APIError,
                    TimeoutError,
                    OSError,
                ) as error:
                    log.warning("watch: %s; reading on after %d", error or type(error).__name__, self._read)
                    await asyncio.sleep(0.25)
        finally:
            await end([beating])

    async def watch(
        self, tenant: str, job_id: str | None, *, after: int | None = 0
    ) -> AsyncGenerator[Event | Gap | Heartbeat, None]:
        """The events of a tenant's job, or of all its jobs, after a sequence. Never ends by itself.

        A fact that was published twice comes once. Where facts are missing, a Gap comes in their place. `after` None: from
        now on, which a first Heartbeat says: nothing that happens after it is missed.
        """
        with self._entered():
            await self._reading.wait()
            subject = event_subject(tenant, job_id or "*", "*", "*")
            ledger = _Ledger(whole=job_id is not None and not after)
            position = self._read if after is None else after
            if after is None:
                yield Heartbeat(position)
            elif after and (gap := await self._resume(ledger, subject, after)):
                position = gap.sequence
                yield gap
            while True:
                with self._joined(tenant, job_id) as watcher:
                    async for event in self._missed(subject, position):
                        position = event.sequence
                        for told in ledger.enter(event):
                            yield told
                    while watcher.backlog or not watcher.overrun:
                        item = await watcher.next()
                        if isinstance(item, Heartbeat):
                            position = max(position, item.sequence)
                            yield item
                        elif item.sequence > position:
                            position = item.sequence
                            for told in ledger.enter(item):
                                yield told

    async def _resume(self, ledger: "_Ledger", subject: str, after: int) -> Gap | None:
        """Have a ledger begin after a sequence; a Gap where what follows on it is no longer kept, or never was."""
        bounds = await self._settled(self._history.bounds)
        if after > bounds.last or after + 1 < bounds.first:
            return Gap(bounds.last)
        ledger.resume(await self._settled(lambda: self._history.last_numbers(subject, through=after)))
        return None

    async def _missed(self, subject: str, position: int) -> AsyncIterator[Event]:
        """The stored events after a position, up to what this process has read by now, without progress that is past."""
        through = self._read
        while position < through:
            try:
                async for event in self._history.after(position, subject, through=through, thinned=True):
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
    def _entered(self) -> Iterator[None]:
        """While a watcher is here, the stream is read."""
        self._watching += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._watching -= 1
            self._left = asyncio.get_running_loop().time()

    @contextmanager
    def _joined(self, tenant: str, job_id: str | None) -> Iterator[_Watcher]:
        watcher = _Watcher()
        watcher.since = asyncio.get_running_loop().time()
        together = self._watchers.setdefault((tenant, job_id), set())
        together.add(watcher)
        try:
            yield watcher
        finally:
            together.discard(watcher)
            if not together and self._watchers.get((tenant, job_id)) is together:
                del self._watchers[tenant, job_id]

    async def _beat(self) -> None:
        """Offer a heartbeat to watchers that have heard nothing for a while."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(HEARTBEAT.total_seconds() / 20)
            now = clock()
            for together in self._watchers.values():
                for watcher in together:
                    if not watcher.backlog and now - watcher.since >= HEARTBEAT.total_seconds():
                        watcher.offer(Heartbeat(self._read), now)

    async def _read_on(self) -> None:
        """Read the stream from where it was left, until nobody watches. Raises when the broker or the consumer is gone."""
        bounds = await self._history.bounds()
        if not self._reading.is_set() or bounds.last < self._read:
            self._read = bounds.last
        reading = Reading(self._bus, after=self._read, take=self._take)
        await reading.run(opened=self._reading.set, wanted=self._is_wanted)

    def _is_wanted(self) -> bool:
        """Whether anybody watches, or did until just now; where not, the reading is over from here on."""
        if self._watching or asyncio.get_running_loop().time() - self._left < LINGER:
            return True
        self._wanted.clear()
        self._reading.clear()
        return False

    def _take(self, message: Msg, sequence: int) -> None:
        """Offer a message to those who watch its job."""
        self._read = sequence
        parts = message.subject.split(".")
        if len(parts) != 5:
            return
        _, tenant, job_id, _, _ = parts
        audiences = [
            watchers
            for key in ((tenant, job_id), (tenant, None))
            if (watchers := self._watchers.get(key)) is not None
        ]
        if not audiences:
            return
        event = read_event(message.subject, message.headers or {}, sequence, message.data)
        if event is None:
            return
        now = asyncio.get_running_loop().time()
        for watchers in audiences:
            for watcher in watchers:
                watcher.offer(event, now)


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
