"""Workers: woken by the bus, told by Postgres what to do."""

import asyncio
import contextlib
import logging
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, TypeVar

import asyncpg
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime import bus as topology
from vidmesh_runtime import work
from vidmesh_runtime.bus import Bus
from vidmesh_runtime.crash import crash_point
from vidmesh_runtime.database import UNREACHABLE, Connection, Pool
from vidmesh_runtime.ending import end
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.gathering import Gathering
from vidmesh_runtime.pull import Consumer, quietly
from vidmesh_runtime.work import Lease, LeaseLostError

log = logging.getLogger(__name__)
T = TypeVar("T")

Handler = Callable[[Lease], Awaitable[None]]
"""Does a piece of work and calls `lease.complete` in the transaction that holds its results.

It raises Failure where the work cannot be done: by the failure's reason it is tried again later or given up. It is
cancelled (asyncio.CancelledError) when the job is cancelled or the lease is lost.
"""

Together = Callable[[Sequence[Lease]], Awaitable[None]]
"""Does several pieces of work of one kind in one transaction: what `work.complete_all` gives back is to be written.

For work that takes no longer than its transaction. Where it raises, each piece is done on its own.
"""

GivenUp = Callable[[Connection, Lease, Failure], Awaitable[None]]
"""Told in the transaction that gives a piece of work up; writes what follows from it, such as the stage's failure."""

MOST_OVERDUE = 1000
MOST_SPARED = 30
"""How many attempts of a piece of work do not count, where they ended because the database or the bus was away."""
MOST_DOUBLED = 4
"""How often the wait before another attempt doubles."""
ALONE = timedelta(minutes=1)
"""How long a worker waits for what it has in hand before it does a piece of work that is to be done alone, and how long it does
that one before it takes others again."""


class _Trigger:
    """What woke a worker; a message is answered when all work that was begun with it has ended."""

    def __init__(self, message: Msg | None, begun: int) -> None:
        self._message = message
        self._left = begun
        self._delay: timedelta | None = None

    async def answer(self, delay: timedelta | None) -> None:
        """A piece of work has ended, for good or to be tried again after a delay."""
        self._left -= 1
        if delay is not None:
            self._delay = max(delay, self._delay or delay)
        if self._left or self._message is None:
            return
        if self._delay is None:
            await quietly(self._message.ack())
        else:
            await quietly(self._message.nak(delay=self._delay.total_seconds()))

    async def hold(self) -> None:
        """The work goes on."""
        if self._message is not None:
            await quietly(self._message.in_progress())


def _pieces(message: Msg) -> int:
    """How many pieces of work were added with a trigger."""
    return max(1, int(message.data)) if message.data.isdigit() else 1


class Worker:
    """Does the work of one stage, `concurrency` pieces at a time.

    A trigger is a wake-up, not an order: whichever arrives, the most urgent work is claimed. One for more pieces than there
    is room for is passed on with the rest. One that finds nothing to do
    is spent; one that is missing is made up for by `reconcile`.
    """

    def __init__(
        self,
        pool: Pool,
        bus: Bus,
        *,
        stage: str,
        handlers: Mapping[str, Handler],
        together: Mapping[str, Together] | None = None,
        given_up: GivenUp,
        concurrency: int,
        lease: timedelta,
        max_attempts: int,
        retry_delay: timedelta,
        reconcile_every: timedelta,
    ) -> None:
        self._pool = pool
        self._bus = bus
        self._stage = stage
        self._handlers = handlers
        self._together = together or {}
        self._given_up = given_up
        self._lease = lease
        self._attempts = max_attempts
        self._retry_delay = retry_delay
        self._reconcile_every = reconcile_every
        self._concurrency = concurrency
        self._stopping = asyncio.Event()
        self._running: dict[asyncio.Task[None], Sequence[Lease]] = {}
        self._room = asyncio.Event()
        self._alone = False
        """Whether work waits that is to be done with nothing else in hand."""
        self._gathering = Gathering()
        self._consumer = Consumer(
            bus,
            stream=topology.WORK,
            durable=topology.work_consumer(stage),
            subjects=[topology.work_subject(stage, "*")],
            ack_wait=lease,
            unacknowledged=10_000,
        )

    @property
    def busy(self) -> int:
        """How many pieces of work are in hand."""
        return sum(len(leases) for leases in self._running.values())

    async def run(self) -> None:
        """Work until `stop`, through restarts of the database and of the bus."""
        cancels = await self._bus.client.subscribe(topology.cancel_subject("*"), cb=self._job_cancelled)
        reconciling = asyncio.create_task(self._reconcile())
        try:
            while not self._stopping.is_set():
                self._room.clear()
                if self._alone:
                    await self._do_alone()
                    continue
                if self.busy >= self._concurrency:
                    await self._room.wait()
                    continue
                if self._together:
                    await self._gathering.more()
                messages = await self._consumer.take(self._concurrency - self.busy)
                if self._stopping.is_set():
                    for message in messages:
                        await quietly(message.nak())
                elif messages:
                    await asyncio.wait([self._launch(self._spend(messages), ())])
        finally:
            await end([reconciling])
            with contextlib.suppress(NatsError, OSError):
                await cancels.unsubscribe()

    async def stop(self, grace: timedelta) -> None:
        """Ask for no more; let work in hand go on for `grace`, then hand it back."""
        self._stopping.set()
        self._room.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace.total_seconds()):
                while self._running:
                    await asyncio.wait(list(self._running), return_when=asyncio.FIRST_COMPLETED)
        await end(list(self._running))
        await self._consumer.close()

    def _launch(self, work: Coroutine[Any, Any, None], leases: Sequence[Lease]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._running[task] = leases
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._room.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("a trigger was not spent", exc_info=task.exception())

    async def _job_cancelled(self, message: Msg) -> None:
        job_id = message.subject.rsplit(".", 1)[-1]
        # The row first, or work that is handed back is claimed again before the fact of its cancelling arrives.
        with contextlib.suppress(*UNREACHABLE):
            async with self._pool.acquire() as connection:
                await work.cancel_job(connection, job_id)
        for task, leases in list(self._running.items()):
            if any(lease.job_id == job_id for lease in leases):
                task.cancel("job cancelled")

    async def _spend(self, messages: Sequence[Msg]) -> None:
        """Spend triggers: begin as much work, the most urgent there is, and acknowledge those that find none."""
        counts = [_pieces(message) for message in messages]
        most = min(sum(counts), self._concurrency - self.busy)
        try:
            leases = await work.claim(self._pool, lease=self._lease, attempts=self._attempts, most=most)
        except (*UNREACHABLE, asyncpg.PostgresError, TimeoutError) as error:
            log.warning("%s: no work can be claimed: %s", self._stage, error or type(error).__name__)
            await asyncio.sleep(0.5)
            for message in messages:
                await quietly(message.nak(delay=1))
            return
        self._gathering.found(len(leases))
        if leases:
            crash_point("after-claim")
        if len(leases) == most < sum(counts):
            # Others may have room for the rest.
            await quietly(self._bus.client.publish(messages[-1].subject, str(sum(counts) - most).encode()))
        groups: defaultdict[str, list[tuple[Lease, _Trigger]]] = defaultdict(list)
        unbegun = iter(leases)
        for message, count in zip(messages, counts, strict=True):
            begun = list(islice(unbegun, count))
            trigger = _Trigger(message, len(begun))
            for lease in begun:
                name = lease.kind if lease.kind in self._together else str(lease.id)
                groups[name].append((lease, trigger))
            if not begun:
                await quietly(message.ack())
        for group in groups.values():
            held = [lease for lease, _ in group]
            self._launch(self._do(held, [trigger for _, trigger in group]), held)

    async def _do_alone(self) -> None:
        """Let what is in hand end, and do a piece of work that its neighbours' workers did not survive, or that killed them."""
        self._alone = False
        await self._idle(ALONE)
        if self._stopping.is_set():
            return
        try:
            leases = await work.claim_alone(self._pool, lease=self._lease)
        except (*UNREACHABLE, asyncpg.PostgresError, TimeoutError) as error:
            log.warning("%s: no work can be claimed: %s", self._stage, error or type(error).__name__)
            return
        for lease in leases:
            log.info("%s %s, attempt %d: alone", lease.kind, lease.key, lease.attempt)
            self._launch(self._do([lease], [_Trigger(None, 1)]), [lease])
            await self._idle(ALONE)

    async def _idle(self, most: timedelta) -> None:
        """Wait until nothing is in hand, or the worker is to stop, or so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most.total_seconds()):
                while self._running and not self._stopping.is_set():
                    self._room.clear()
                    await self._room.wait()

    async def _do(self, leases: Sequence[Lease], triggers: Sequence[_Trigger]) -> None:
        """Do work that was claimed and answer its triggers."""
        task = asyncio.current_task()
        assert task is not None
        heart = asyncio.create_task(self._beat(task, leases, triggers))
        try:
            delays = await self._handle(leases)
        except asyncio.CancelledError:
            # Whoever cancelled did so for the job's sake, the lease's or the process's; the row says which.
            heart.cancel()
            for lease, trigger in zip(leases, triggers, strict=True):
                with contextlib.suppress(*UNREACHABLE):
                    await work.hand_back(self._pool, lease)
                await trigger.answer(timedelta(0))
            if self._stopping.is_set():
                raise
            return
        finally:
            heart.cancel()
        crash_point("after-commit")
        for trigger, delay in zip(triggers, delays, strict=True):
            await trigger.answer(delay)

    async def _handle(self, leases: Sequence[Lease]) -> list[timedelta | None]:
        """Do the work; for each piece, a delay where it is to be tried again after it."""
        if len(leases) > 1:
            try:
                await self._together[leases[0].kind](leases)
            except Exception:
                log.info("%d of %s are done one by one", len(leases), leases[0].kind, exc_info=True)
            else:
                return [None] * len(leases)
        return [await self._handle_one(lease) for lease in leases]

    async def _handle_one(self, lease: Lease) -> timedelta | None:
        try:
            if lease.kind in self._together:
                await self._together[lease.kind]([lease])
            elif lease.kind in self._handlers:
                await self._handlers[lease.kind](lease)
            else:
                raise Failure(ErrorReason.ERROR_REASON_INTERNAL, f"No handler for work of kind {lease.kind}.")
        except LeaseLostError:
            log.warning("%s %s: the lease is lost, its results are dropped", lease.kind, lease.key)
        except DecodeError:
            log.exception("%s %s cannot be read", lease.kind, lease.key)
            return await self._failed(lease, Failure(ErrorReason.ERROR_REASON_UNREADABLE_MESSAGE))
        except Failure as failure:
            return await self._failed(lease, failure)
        except (*UNREACHABLE, NatsError) as error:
            log.warning("%s %s: %s", lease.kind, lease.key, error or type(error).__name__)
            return await self._unreachable(lease, error)
        except Exception:
            log.exception("%s %s failed on attempt %d", lease.kind, lease.key, lease.attempt)
            return await self._failed(lease, Failure(ErrorReason.ERROR_REASON_INTERNAL), retryable=True)
        return None

    async def _unreachable(self, lease: Lease, error: Exception) -> timedelta | None:
        """The database or the bus went away: that is not the work's fault. What only takes too long may be."""
        delay = self._backoff(lease.spared)
        if not isinstance(error, TimeoutError) and await self._until_reachable(
            lambda: work.spare(self._pool, lease, delay=delay, most=MOST_SPARED)
        ):
            return delay
        return await self._failed(lease, Failure(ErrorReason.ERROR_REASON_UNAVAILABLE))

    async def _failed(self, lease: Lease, failure: Failure, *, retryable: bool = False) -> timedelta | None:
        log.info("%s %s, attempt %d: %s", lease.kind, lease.key, lease.attempt, failure)
        if failure.retryable or retryable:
            delay = self._backoff(lease.attempt - 1)
            if failure.retry_after is not None:
                delay = max(delay, failure.retry_after)
            if await self._until_reachable(
                lambda: work.postpone(
                    self._pool, lease, delay=delay, failure=failure, attempts=self._attempts
                )
            ):
                return delay
        await self._until_reachable(lambda: self._give_up(lease, failure))
        return None

    def _backoff(self, times: int) -> timedelta:
        """How long work waits that was tried so often before."""
        return self._retry_delay * float(2 ** min(times, MOST_DOUBLED)) * random.uniform(0.8, 1.2)

    async def _give_up(self, lease: Lease, failure: Failure) -> None:
        with contextlib.suppress(LeaseLostError):
            async with self._pool.acquire() as connection, connection.transaction():
                await work.give_up(connection, lease, stage=self._stage, failure=failure)
                await self._given_up(connection, lease, failure)

    async def _until_reachable(self, act: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await act()
            except UNREACHABLE as error:
                log.warning("%s: waiting for the database: %s", self._stage, error or type(error).__name__)
                await asyncio.sleep(1)

    async def _beat(
        self, task: asyncio.Task[None], leases: Sequence[Lease], triggers: Sequence[_Trigger]
    ) -> None:
        """Keep the leases and the messages while the work goes on; stop the work where a lease is lost."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            for lease, trigger in zip(leases, triggers, strict=True):
                try:
                    if not await work.renew(self._pool, lease, lease=self._lease):
                        task.cancel("lease lost")
                        return
                except (*UNREACHABLE, asyncpg.PostgresError, TimeoutError) as error:
                    log.warning(
                        "%s %s: lease not renewed: %s", lease.kind, lease.key, error or type(error).__name__
                    )
                await trigger.hold()

    async def _reconcile(self) -> None:
        """Now and then: give up what no worker survived, and see to work that no trigger is left for or that none is sent for."""
        while True:
            await asyncio.sleep(self._reconcile_every.total_seconds() * random.uniform(0.8, 1.2))
            try:
                for lease in await work.abandoned(self._pool, attempts=self._attempts):
                    await self._give_up(lease, Failure(ErrorReason.ERROR_REASON_ATTEMPTS_EXHAUSTED))
                self._alone = await work.any_alone(self._pool)
                overdue = await work.overdue(self._pool, most=MOST_OVERDUE, attempts=self._attempts)
                if overdue and not await self._consumer.pending():
                    await self._bus.client.publish(
                        topology.work_subject(self._stage, "normal"), str(overdue).encode()
                    )
            except (*UNREACHABLE, asyncpg.PostgresError, NatsError, TimeoutError) as error:
                log.warning("%s: not reconciled: %s", self._stage, error or type(error).__name__)
