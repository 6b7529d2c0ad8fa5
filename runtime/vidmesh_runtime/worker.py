"""Workers: woken by the bus, told by Postgres what to do."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import asyncpg
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
from vidmesh_runtime.pull import Consumer
from vidmesh_runtime.work import Lease, LeaseLostError

log = logging.getLogger(__name__)

Handler = Callable[[Lease], Awaitable[None]]
"""Does a piece of work and calls `lease.complete` in the transaction that holds its results.

It raises Failure where the work cannot be done: by the failure's reason it is tried again later or given up. It is
cancelled (asyncio.CancelledError) when the job is cancelled or the lease is lost.
"""

GivenUp = Callable[[Connection, Lease, Failure], Awaitable[None]]
"""Told in the transaction that gives a piece of work up; writes what follows from it, such as the stage's failure."""

MOST_TRIGGERS = 1000


class Worker:
    """Does the work of one stage, `concurrency` pieces at a time.

    A trigger is a wake-up, not an order: whichever arrives, the most urgent work is claimed. One that finds nothing to do
    is spent; one that is missing is made up for by `reconcile`.
    """

    def __init__(
        self,
        pool: Pool,
        bus: Bus,
        *,
        stage: str,
        handlers: Mapping[str, Handler],
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
        self._given_up = given_up
        self._lease = lease
        self._attempts = max_attempts
        self._retry_delay = retry_delay
        self._reconcile_every = reconcile_every
        self._slots = asyncio.Semaphore(concurrency)
        self._stopping = asyncio.Event()
        self._running: dict[asyncio.Task[None], Lease | None] = {}
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
        return sum(1 for lease in self._running.values() if lease is not None)

    async def run(self) -> None:
        """Work until `stop`, through restarts of the database and of the bus."""
        cancels = await self._bus.client.subscribe(topology.cancel_subject("*"), cb=self._job_cancelled)
        reconciling = asyncio.create_task(self._reconcile())
        try:
            while not self._stopping.is_set():
                await self._slots.acquire()
                if self._stopping.is_set():
                    break
                messages = await self._consumer.fetch(1)
                if not messages:
                    self._slots.release()
                for message in messages:
                    task = asyncio.create_task(self._spend(message))
                    self._running[task] = None
                    task.add_done_callback(self._done)
        finally:
            await end([reconciling])
            with contextlib.suppress(NatsError, OSError):
                await cancels.unsubscribe()

    async def stop(self, grace: timedelta) -> None:
        """Ask for no more; let work in hand go on for `grace`, then hand it back."""
        self._stopping.set()
        if self._running:
            await asyncio.wait(list(self._running), timeout=grace.total_seconds())
        await end(list(self._running))
        await self._consumer.close()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._slots.release()
        if not task.cancelled() and task.exception() is not None:
            log.error("a trigger was not spent", exc_info=task.exception())

    async def _job_cancelled(self, message: Msg) -> None:
        job_id = message.subject.rsplit(".", 1)[-1]
        # The row first, or work that is handed back is claimed again before the fact of its cancelling arrives.
        with contextlib.suppress(*UNREACHABLE):
            async with self._pool.acquire() as connection:
                await work.cancel_job(connection, job_id)
        for task, lease in list(self._running.items()):
            if lease is not None and lease.job_id == job_id:
                task.cancel("job cancelled")

    async def _spend(self, message: Msg) -> None:
        """Spend a trigger: do the most urgent work, if there is any, and acknowledge."""
        try:
            lease = await work.claim(self._pool, lease=self._lease, attempts=self._attempts)
        except (*UNREACHABLE, asyncpg.PostgresError, TimeoutError) as error:
            log.warning("%s: no work can be claimed: %s", self._stage, error or type(error).__name__)
            await asyncio.sleep(0.5)
            await _quietly(message.nak(delay=1))
            return
        if lease is None:
            await _quietly(message.ack())
            return
        task = asyncio.current_task()
        assert task is not None
        self._running[task] = lease
        crash_point("after-claim")
        heart = asyncio.create_task(self._beat(task, lease, message))
        delay: timedelta | None = None
        try:
            delay = await self._handle(lease)
        except asyncio.CancelledError:
            # Whoever cancelled did so for the job's sake, the lease's or the process's; the row says which.
            heart.cancel()
            with contextlib.suppress(*UNREACHABLE):
                await work.hand_back(self._pool, lease)
            await _quietly(message.nak())
            if self._stopping.is_set():
                raise
            return
        finally:
            heart.cancel()
        crash_point("after-commit")
        if delay is not None:
            await _quietly(message.nak(delay=delay.total_seconds()))
        else:
            await _quietly(message.ack_sync(timeout=5))

    async def _handle(self, lease: Lease) -> timedelta | None:
        """Do the work; a delay where it is to be tried again after it."""
        try:
            handler = self._handlers.get(lease.kind)
            if handler is None:
                raise Failure(ErrorReason.ERROR_REASON_INTERNAL, f"No handler for work of kind {lease.kind}.")
            await handler(lease)
        except LeaseLostError:
            log.warning("%s %s: the lease is lost, its results are dropped", lease.kind, lease.key)
        except Failure as failure:
            return await self._failed(lease, failure)
        except (*UNREACHABLE, NatsError, TimeoutError) as error:
            log.warning("%s %s: %s", lease.kind, lease.key, error or type(error).__name__)
            return await self._failed(lease, Failure(ErrorReason.ERROR_REASON_UNAVAILABLE))
        except Exception:
            log.exception("%s %s failed on attempt %d", lease.kind, lease.key, lease.attempt)
            return await self._failed(lease, Failure(ErrorReason.ERROR_REASON_INTERNAL), retryable=True)
        return None

    async def _failed(self, lease: Lease, failure: Failure, *, retryable: bool = False) -> timedelta | None:
        log.info("%s %s, attempt %d: %s", lease.kind, lease.key, lease.attempt, failure)
        if (failure.retryable or retryable) and lease.attempt < self._attempts:
            delay: timedelta = self._retry_delay * float(2 ** (lease.attempt - 1)) * random.uniform(0.8, 1.2)
            if failure.retry_after is not None:
                delay = max(delay, failure.retry_after)
            await self._until_reachable(
                lambda: work.postpone(self._pool, lease, delay=delay, failure=failure)
            )
            return delay
        await self._until_reachable(lambda: self._give_up(lease, failure))
        return None

    async def _give_up(self, lease: Lease, failure: Failure) -> None:
        with contextlib.suppress(LeaseLostError):
            async with self._pool.acquire() as connection, connection.transaction():
                await work.give_up(connection, lease, stage=self._stage, failure=failure)
                await self._given_up(connection, lease, failure)

    async def _until_reachable(self, act: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await act()
            except UNREACHABLE as error:
                log.warning("%s: waiting for the database: %s", self._stage, error or type(error).__name__)
                await asyncio.sleep(1)
            else:
                return

    async def _beat(self, task: asyncio.Task[None], lease: Lease, message: Msg) -> None:
        """Keep the lease and the message while the work goes on; stop the work where the lease is lost."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            try:
                if not await work.renew(self._pool, lease, lease=self._lease):
                    task.cancel("lease lost")
                    return
            except (*UNREACHABLE, asyncpg.PostgresError, TimeoutError) as error:
                log.warning(
                    "%s %s: lease not renewed: %s", lease.kind, lease.key, error or type(error).__name__
                )
            await _quietly(message.in_progress())

    async def _reconcile(self) -> None:
        """Now and then: give up what no worker survived, and send triggers for work that none is left for."""
        while True:
            await asyncio.sleep(self._reconcile_every.total_seconds() * random.uniform(0.8, 1.2))
            try:
                for lease in await work.abandoned(self._pool, attempts=self._attempts):
                    await self._give_up(lease, Failure(ErrorReason.ERROR_REASON_ATTEMPTS_EXHAUSTED))
                due = await work.due(self._pool, most=MOST_TRIGGERS)
                missing = due - await self._consumer.waiting() if due else 0
                for _ in range(missing):
                    await self._bus.client.publish(
                        topology.work_subject(self._stage, "normal"), b"reconciled"
                    )
            except (*UNREACHABLE, asyncpg.PostgresError, NatsError, TimeoutError) as error:
                log.warning("%s: not reconciled: %s", self._stage, error or type(error).__name__)


async def _quietly(answer: Awaitable[object]) -> None:
    """Tell the broker something that it can do without: a message that is not acknowledged comes again and finds nothing."""
    try:
        await answer
    except (NatsError, TimeoutError, OSError) as error:
        log.debug("bus: %s", error or type(error).__name__)
