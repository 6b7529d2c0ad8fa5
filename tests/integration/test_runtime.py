"""The runtime on a real PostgreSQL and a real NATS."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta

import asyncpg
import pytest
from google.protobuf.message import DecodeError

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.dead_letter_pb2 import DeadLetter, DeadLetterRetried
from vidmesh.events.v1.ingest_events_pb2 import JobAccepted, JobCancelled, StageProgress
from vidmesh.ingest.v1.ingest_service_pb2 import CancelJobRequest, CancelJobResponse
from vidmesh_runtime import idempotency, inbox, outbox, work
from vidmesh_runtime.bus import EVENTS, HEADER_DEDUPE, WORK
from vidmesh_runtime.database import UNREACHABLE, Connection, end_standstills
from vidmesh_runtime.ending import end
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.events import Event, event_headers
from vidmesh_runtime.inbox import Follower
from vidmesh_runtime.outbox import Relay
from vidmesh_runtime.service import Parts
from vidmesh_runtime.watch import Gap, Watchtower
from vidmesh_runtime.work import Lease
from vidmesh_runtime.worker import Handler, Worker


@contextlib.asynccontextmanager
async def running(*loops: object) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(loop()) for loop in loops]  # type: ignore[operator]
    try:
        yield
    finally:
        await end(tasks)


def relay(parts: Parts) -> Relay:
    return Relay(parts.pool, parts.bus, schema="ingest", keep=timedelta(days=7))


async def tell(parts: Parts, *indexes: int, job: str = "j1", tenant: str = "acme") -> None:
    for index in indexes:
        async with parts.pool.acquire() as connection, connection.transaction():
            await outbox.tell(
                connection, tenant=tenant, job_id=job, stage="ingest", fact=JobAccepted(video_id=str(index))
            )


async def take(stream: AsyncIterator[object], count: int) -> list[Event]:
    taken: list[Event] = []
    async with asyncio.timeout(30):
        async for item in stream:
            assert isinstance(item, Event), item
            taken.append(item)
            if len(taken) == count:
                break
    return taken


async def tell_again(parts: Parts) -> None:
    """As after a crash between publishing and marking, longer ago than the broker's memory for ids."""
    rows = await parts.pool.fetch(
        "select event_id, subject, kind, payload, created_at from outbox order by id"
    )
    for number, row in enumerate(rows, 1):
        headers = event_headers(
            identifier=str(row["event_id"]),
            time=row["created_at"],
            source="ingest",
            kind=row["kind"],
            job_id="j1",
            number=number,
        )
        headers.pop(HEADER_DEDUPE)
        await parts.bus.jetstream.publish(row["subject"], row["payload"], headers=headers)


def told(events: list[Event]) -> list[tuple[int, str]]:
    return [(event.number, event.message().video_id) for event in events]  # type: ignore[attr-defined]


async def test_a_fact_is_watched_once_and_in_order(parts: Parts) -> None:
    await tell(parts, 1, 2)
    async with running(relay(parts).run, parts.watchtower.run):
        watch = parts.watchtower.watch("acme", "j1")
        seen = await take(watch, 2)
        await tell(parts, 3, 4)
        seen += await take(watch, 2)
    assert told(seen) == [(1, "1"), (2, "2"), (3, "3"), (4, "4")]
    assert [event.sequence for event in seen] == sorted({event.sequence for event in seen})


async def test_a_watch_goes_on_after_a_sequence(parts: Parts) -> None:
    await tell(parts, 1, 2, 3)
    async with running(relay(parts).run, parts.watchtower.run):
        first = await take(parts.watchtower.watch("acme", "j1"), 2)
        rest = await take(parts.watchtower.watch("acme", "j1", after=first[-1].sequence), 1)
    assert told(rest) == [(3, "3")]


async def test_a_fact_published_twice_is_watched_once(parts: Parts) -> None:
    await tell(parts, 1, 2, 3)
    async with running(relay(parts).run, parts.watchtower.run):
        first = await take(parts.watchtower.watch("acme", "j1"), 2)
        await tell_again(parts)
        await tell(parts, 4)
        whole = await take(parts.watchtower.watch("acme", "j1"), 4)
        resumed = await take(parts.watchtower.watch("acme", "j1", after=first[-1].sequence), 2)
    assert told(whole) == [(1, "1"), (2, "2"), (3, "3"), (4, "4")]
    assert told(resumed) == [(3, "3"), (4, "4")]


async def test_facts_that_aged_out_leave_a_gap_that_is_told(parts: Parts) -> None:
    await tell(parts, 1, 2, 3)
    async with running(relay(parts).run, parts.watchtower.run):
        seen = await take(parts.watchtower.watch("acme", "j1"), 3)
        await parts.bus.jetstream.purge_stream("EVENTS", seq=seen[2].sequence)
        watch = parts.watchtower.watch("acme", "j1")
        assert isinstance(await anext(watch), Gap)
        assert told(await take(watch, 1)) == [(3, "3")]
        old = parts.watchtower.watch("acme", "j1", after=seen[0].sequence - 10)
        assert isinstance(await anext(old), Gap)


async def test_watchers_see_only_their_own(parts: Parts) -> None:
    async with running(relay(parts).run, parts.watchtower.run):
        watch = parts.watchtower.watch("acme", None)
        first = asyncio.create_task(take(watch, 2))
        await asyncio.sleep(0.2)
        await tell(parts, 1, tenant="other", job="theirs")
        await tell(parts, 2, job="a")
        await tell(parts, 3, job="b")
        assert told(await first) == [(1, "2"), (1, "3")]


async def test_a_slow_watcher_misses_nothing(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidmesh_runtime.watch.BACKLOG", 8)
    async with running(relay(parts).run, parts.watchtower.run):
        watch = parts.watchtower.watch("acme", "j1")
        await tell(parts, 1)
        seen = await take(watch, 1)
        await tell(parts, *range(2, 60))
        await asyncio.sleep(0.5)
        seen += await take(watch, 58)
    assert [event.number for event in seen] == list(range(1, 60))


def worker(parts: Parts, handler: Handler, *, concurrency: int = 2) -> tuple[Worker, list[Failure]]:
    failures: list[Failure] = []

    async def given_up(connection: Connection, lease: Lease, failure: Failure) -> None:
        failures.append(failure)

    made = Worker(
        parts.pool,
        parts.bus,
        stage="ingest",
        handlers={"test": handler},
        given_up=given_up,
        concurrency=concurrency,
        lease=timedelta(seconds=3),
        max_attempts=3,
        retry_delay=timedelta(milliseconds=50),
        reconcile_every=timedelta(milliseconds=300),
    )
    return made, failures


async def add(parts: Parts, key: str, *, job: str = "j1", priority: str = "normal") -> bool:
    async with parts.pool.acquire() as connection, connection.transaction():
        return await work.add(
            connection,
            stage="ingest",
            kind="test",
            key=key,
            tenant="acme",
            job_id=job,
            video_id="v",
            payload=JobAccepted(),
            priority=priority,
        )


async def claim(parts: Parts, *, seconds: float = 30) -> Lease | None:
    leases = await work.claim(parts.pool, lease=timedelta(seconds=seconds), attempts=3)
    return leases[0] if leases else None


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def states(parts: Parts) -> dict[str, str]:
    return {row["key"]: row["state"] for row in await parts.pool.fetch("select key, state from work")}


async def test_work_is_done_once(parts: Parts) -> None:
    done: list[str] = []

    async def handler(lease: Lease) -> None:
        async with parts.pool.acquire() as connection, connection.transaction():
            await lease.complete(connection)
        done.append(lease.key)

    made, _ = worker(parts, handler)
    async with running(relay(parts).run, made.run):
        assert await add(parts, "a")
        assert not await add(parts, "a")
        await add(parts, "b")
        for _ in range(10):  # the same trigger ten times
            await parts.bus.jetstream.publish("work.ingest.normal", b"again")
        await until(lambda: len(done) == 2)
        await asyncio.sleep(0.3)
    assert sorted(done) == ["a", "b"]
    assert await states(parts) == {"a": "done", "b": "done"}
    assert (await parts.bus.jetstream.stream_info(WORK)).state.messages == 0


async def test_retryable_failures_come_again_and_terminal_ones_do_not(parts: Parts) -> None:
    attempts: list[tuple[str, int]] = []

    async def handler(lease: Lease) -> None:
        attempts.append((lease.key, lease.attempt))
        if lease.key == "terminal":
            raise Failure(ErrorReason.ERROR_REASON_LIVE_VIDEO)
        if lease.key == "broken":
            raise ZeroDivisionError
        if lease.attempt < 2:
            raise Failure(ErrorReason.ERROR_REASON_SOURCE_UNREACHABLE)
        async with parts.pool.acquire() as connection, connection.transaction():
            await lease.complete(connection)

    made, failures = worker(parts, handler)
    async with running(relay(parts).run, made.run):
        for key in ("terminal", "broken", "flaky"):
            await add(parts, key)
        await until(lambda: len(failures) == 2 and ("flaky", 2) in attempts)
        await asyncio.sleep(0.2)
    assert sorted(attempts) == [
        ("broken", 1),
        ("broken", 2),
        ("broken", 3),
        ("flaky", 1),
        ("flaky", 2),
        ("terminal", 1),
    ]
    assert {failure.name for failure in failures} == {"LIVE_VIDEO", "INTERNAL"}
    assert await states(parts) == {"terminal": "failed", "broken": "failed", "flaky": "done"}
    assert (await parts.bus.jetstream.stream_info("DEAD")).state.messages == 2


async def test_work_that_cannot_be_read_is_given_up_at_once(parts: Parts) -> None:
    async def handler(lease: Lease) -> None:
        JobAccepted.FromString(b"\xff")

    made, failures = worker(parts, handler)
    async with running(relay(parts).run, made.run):
        await add(parts, "garbled")
        await until(lambda: failures)
        await until_buried(parts, 1)
    letter = DeadLetter.FromString(
        (await parts.bus.jetstream.get_last_msg("DEAD", "dead.ingest")).data or b""
    )
    assert (letter.key, letter.attempts, letter.message) == ("garbled", 1, False)
    assert letter.failure.reason == ErrorReason.ERROR_REASON_UNREADABLE_MESSAGE
    async with parts.pool.acquire() as connection, connection.transaction():
        assert not await work.retry_piece(connection, "ingest", kind="test", key="unknown")
        assert await work.retry_piece(connection, "ingest", kind="test", key="garbled")
    assert await states(parts) == {"garbled": "ready"}


async def until_buried(parts: Parts, count: int) -> None:
    async with asyncio.timeout(60):
        while (await parts.bus.jetstream.stream_info("DEAD")).state.messages < count:
            await asyncio.sleep(0.05)


async def test_a_message_that_was_given_up_is_applied_when_it_is_retried(parts: Parts) -> None:
    """As after an upgrade to a version that can read it."""
    seen: list[str] = []
    able = False

    async def apply(connection: Connection, event: Event) -> None:
        if not able:
            raise DecodeError
        seen.append(event.message().video_id)  # type: ignore[attr-defined]

    reader = Follower(
        parts.pool, parts.bus, service="test", work_stage="index", follows={"ingest.job_accepted": apply}
    )
    async with running(relay(parts).run, reader.run):
        await tell(parts, 1)
        await until_buried(parts, 1)
        data = (await parts.bus.jetstream.get_last_msg("DEAD", "dead.index")).data
        letter = DeadLetter.FromString(data or b"")
        assert (letter.message, letter.kind, letter.tenant, letter.job_id) == (
            True,
            "job_accepted",
            "acme",
            "j1",
        )
        able = True
        for _ in range(2):
            async with parts.pool.acquire() as connection, connection.transaction():
                fact = DeadLetterRetried(letter=letter)
                await outbox.tell(connection, tenant="acme", job_id="j1", stage="ingest", fact=fact)
        await tell(parts, 2)
        await until(lambda: len(seen) == 2)
    assert seen == ["1", "2"]


async def test_attempts_count_from_the_last_progress(parts: Parts) -> None:
    """What takes hours, and comes on, is not given up for the fourth thing that goes wrong meanwhile."""
    attempts: list[int] = []

    async def handler(lease: Lease) -> None:
        attempts.append(lease.attempt)
        async with parts.pool.acquire() as connection, connection.transaction():
            if len(attempts) in (2, 4):
                await lease.progress(connection)
            if len(attempts) == 6:
                await lease.complete(connection)
        if len(attempts) < 6:
            raise Failure(ErrorReason.ERROR_REASON_SOURCE_UNREACHABLE)

    made, failures = worker(parts, handler)
    async with running(relay(parts).run, made.run):
        await add(parts, "long")
        await until(lambda: len(attempts) == 6 or failures)
        await asyncio.sleep(0.2)
    assert attempts == [1, 2, 2, 3, 2, 3]
    assert await states(parts) == {"long": "done"}


async def test_a_stale_worker_cannot_complete(parts: Parts) -> None:
    await add(parts, "a")
    stale = await claim(parts, seconds=0)
    fresh = await claim(parts)
    assert stale is not None
    assert fresh is not None
    assert (stale.key, stale.attempt, fresh.attempt) == ("a", 1, 2)
    async with parts.pool.acquire() as connection:
        for act in (stale.progress, stale.complete):
            with pytest.raises(work.LeaseLostError):
                await act(connection)
        await fresh.complete(connection)


async def test_urgent_work_comes_first(parts: Parts) -> None:
    for key, priority in (("l", "low"), ("n1", "normal"), ("n2", "normal"), ("h", "high")):
        await add(parts, key, priority=priority)
    claimed = [await claim(parts) for _ in range(5)]
    assert [lease and lease.key for lease in claimed] == ["h", "n1", "n2", "l", None]


async def test_lost_triggers_are_made_up_for(parts: Parts) -> None:
    done: list[str] = []

    async def handler(lease: Lease) -> None:
        async with parts.pool.acquire() as connection, connection.transaction():
            await lease.complete(connection)
        done.append(lease.key)

    for key in "abc":
        await add(parts, key)
    await parts.pool.execute("update outbox set published_at = now()")  # as if the broker had lost them
    await parts.pool.execute("update work set due_at = now() - interval '1 minute'")
    made, _ = worker(parts, handler)
    async with running(relay(parts).run, made.run):
        await until(lambda: len(done) == 3)


async def test_a_full_work_queue_holds_up_no_facts(parts: Parts) -> None:
    full = (await parts.bus.jetstream.stream_info(WORK)).config
    full.max_bytes = 1
    await parts.bus.jetstream.update_stream(full)
    await add(parts, "a")
    await tell(parts, 1)
    async with running(relay(parts).run, parts.watchtower.run):
        assert told(await take(parts.watchtower.watch("acme", "j1"), 1)) == [(1, "1")]


async def test_work_that_kills_its_worker_is_given_up(parts: Parts) -> None:
    await add(parts, "poison")
    await lose_all_but_the_last_attempt(parts, "poison")
    assert await work.claim_alone(parts.pool, lease=timedelta(0))

    async def handler(lease: Lease) -> None:
        raise AssertionError

    made, failures = worker(parts, handler)
    async with running(relay(parts).run, made.run):
        await until(lambda: failures)
    assert failures[0].name == "ATTEMPTS_EXHAUSTED"


async def lose_all_but_the_last_attempt(parts: Parts, *keys: str) -> None:
    """As workers do that die with them in hand."""
    for _ in range(2):
        leases = await work.claim(parts.pool, lease=timedelta(0), attempts=3, most=len(keys))
        assert {lease.key for lease in leases} == set(keys)
    assert await claim(parts) is None


async def test_the_last_attempt_of_work_that_workers_died_with_is_made_alone(parts: Parts) -> None:
    for key in ("poison", "neighbour"):
        await add(parts, key, job="0")
    await lose_all_but_the_last_attempt(parts, "poison", "neighbour")
    in_hand: set[str] = set()
    beside: dict[str, set[str]] = {}

    async def handler(lease: Lease) -> None:
        for key in in_hand:
            beside[key].add(lease.key)
        beside[lease.key] = set(in_hand)
        in_hand.add(lease.key)
        # They do not end together, or there would be a moment with nothing in hand by chance.
        await asyncio.sleep(0.3 + 0.2 * (int(lease.job_id) % 2))
        in_hand.remove(lease.key)
        async with parts.pool.acquire() as connection, connection.transaction():
            await lease.complete(connection)

    made, failures = worker(parts, handler)
    async with running(relay(parts).run, made.run):
        for number in range(8):
            await add(parts, f"long-{number}", job=str(number))
        await until(lambda: len(beside) == 10 and not in_hand)
        await asyncio.sleep(0.2)
    assert not beside["poison"]
    assert not beside["neighbour"]
    assert any(beside.values())
    assert set((await states(parts)).values()) == {"done"}
    assert failures == []


async def test_attempts_that_end_while_the_database_is_away_do_not_count(parts: Parts) -> None:
    attempts: list[int] = []

    async def handler(lease: Lease) -> None:
        attempts.append(lease.attempt)
        if len(attempts) < 6:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        async with parts.pool.acquire() as connection, connection.transaction():
            await lease.complete(connection)

    made, failures = worker(parts, handler)
    async with running(relay(parts).run, made.run):
        await add(parts, "a")
        await until(lambda: len(attempts) == 6 or failures)
        await asyncio.sleep(0.2)
    assert attempts == [1] * 6
    assert await states(parts) == {"a": "done"}


async def test_work_that_the_database_does_not_survive_is_given_up(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidmesh_runtime.worker.MOST_SPARED", 2)
    attempts: list[int] = []

    async def handler(lease: Lease) -> None:
        attempts.append(lease.attempt)
        raise asyncpg.CrashShutdownError("terminating connection because of crash of another server process")

    made, failures = worker(parts, handler)
    async with running(relay(parts).run, made.run):
        await add(parts, "a")
        await until(lambda: failures)
    assert attempts == [1, 1, 1, 2, 3]
    assert failures[0].name == "UNAVAILABLE"


async def test_cancelling_stops_work_in_hand(parts: Parts) -> None:
    begun = asyncio.Event()
    cancelled: asyncio.Future[tuple[object, ...]] = asyncio.get_running_loop().create_future()

    async def handler(lease: Lease) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as reason:
            cancelled.set_result(reason.args)
            raise

    made, _ = worker(parts, handler)
    async with running(relay(parts).run, made.run):
        await add(parts, "a")
        await asyncio.wait_for(begun.wait(), 60)
        await parts.bus.client.publish("control.cancel.j1", b"")
        # By the message, not by the next renewal of its lease.
        assert await asyncio.wait_for(cancelled, 60) == ("job cancelled",)
        await asyncio.sleep(0.3)
    assert await states(parts) == {"a": "cancelled"}


async def test_stopping_hands_work_back(parts: Parts) -> None:
    begun = asyncio.Event()

    async def handler(lease: Lease) -> None:
        begun.set()
        await asyncio.sleep(60)

    made, _ = worker(parts, handler)
    async with running(relay(parts).run, made.run):
        await add(parts, "a")
        await asyncio.wait_for(begun.wait(), 60)
        await made.stop(timedelta(milliseconds=100))
    row = await parts.pool.fetchrow("select state, attempt from work")
    assert row is not None
    assert dict(row) == {"state": "ready", "attempt": 0}


def follower(parts: Parts, seen: list[str]) -> Follower:
    async def apply(connection: Connection, event: Event) -> None:
        seen.append(event.message().video_id)  # type: ignore[attr-defined]

    return Follower(
        parts.pool, parts.bus, service="test", work_stage="ingest", follows={"ingest.job_accepted": apply}
    )


async def test_a_fact_is_applied_once(parts: Parts) -> None:
    seen: list[str] = []
    async with running(relay(parts).run, follower(parts, seen).run):
        await tell(parts, 1, 2)
        await until(lambda: len(seen) == 2)
        await tell_again(parts)
        await tell(parts, 3)
        await until(lambda: len(seen) == 3)
    assert seen == ["1", "2", "3"]


async def test_facts_that_the_database_gave_up_for_a_deadlock_are_applied_again_together(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "DEADLOCKS", 2)
    transactions: list[list[str]] = []

    async def gather(connection: Connection, events: Sequence[Event]) -> None:
        transactions.append([event.message().video_id for event in events])  # type: ignore[attr-defined]
        if len(transactions) <= 2:
            raise asyncpg.DeadlockDetectedError

    reader = Follower(
        parts.pool,
        parts.bus,
        service="test",
        work_stage="ingest",
        follows={},
        gathers={"ingest.job_accepted": gather},
    )
    await tell(parts, 1, 2, 3)
    async with running(relay(parts).run), asyncio.timeout(60):
        while (await parts.bus.jetstream.stream_info(EVENTS)).state.messages < 3:
            await asyncio.sleep(0.05)
    async with running(reader.run):
        await until(lambda: len(transactions) == 3)
    assert transactions == [["1", "2", "3"]] * 3


async def test_a_cancelled_job_gets_no_new_work_and_a_retried_one_does(parts: Parts) -> None:
    await add(parts, "before")
    async with running(relay(parts).run, follower(parts, []).run):
        async with parts.pool.acquire() as connection, connection.transaction():
            await outbox.tell(
                connection, tenant="acme", job_id="j1", stage="ingest", fact=JobCancelled(video_id="v")
            )
        async with asyncio.timeout(60):
            while (await states(parts))["before"] != "cancelled":
                await asyncio.sleep(0.02)
        await add(parts, "after")
    assert await states(parts) == {"before": "cancelled", "after": "cancelled"}
    async with parts.pool.acquire() as connection, connection.transaction():
        assert await work.retry_job(connection, "ingest", "j1") == 2
    assert await states(parts) == {"before": "ready", "after": "ready"}


async def test_work_added_while_its_job_is_cancelled_is_not_begun(parts: Parts) -> None:
    """Each in a transaction of its own, neither of which sees the other."""
    async with parts.pool.acquire() as connection, connection.transaction():
        await connection.execute("insert into job_control (job_id, cancelled, number) values ('j1', true, 1)")
        await add(parts, "a")
    assert await states(parts) == {"a": "ready"}
    assert await claim(parts) is None
    assert await states(parts) == {"a": "cancelled"}


async def test_a_lease_is_not_kept_when_the_job_is_cancelled(parts: Parts) -> None:
    await add(parts, "a")
    held = await claim(parts)
    assert held is not None
    await parts.pool.execute("insert into job_control (job_id, cancelled, number) values ('j1', true, 1)")
    assert not await work.renew(parts.pool, held, lease=timedelta(seconds=30))


async def test_a_new_and_empty_bus_is_refilled(parts: Parts, nats_server: object) -> None:
    async with running(relay(parts).run, parts.watchtower.run):
        await tell(parts, 1, 2)
        seen = await take(parts.watchtower.watch("acme", "j1"), 2)
        async with asyncio.timeout(60):
            while await parts.pool.fetchval("select count(*) from outbox where published_at is null"):
                await asyncio.sleep(0.02)
    await parts.bus.jetstream.delete_stream("EVENTS")
    await asyncio.sleep(1)
    tower = Watchtower(parts.bus)
    async with running(relay(parts).run, tower.run):
        again = await take(tower.watch("acme", "j1"), 2)
    assert told(again) == told(seen)
    assert again[0].sequence > seen[-1].sequence


async def test_ticks_reach_watchers_in_the_same_order(parts: Parts) -> None:
    async with running(relay(parts).run, parts.watchtower.run):
        watch = parts.watchtower.watch("acme", "j1")
        first = asyncio.create_task(take(watch, 2))
        await asyncio.sleep(0.2)
        await parts.ticker.tick(tenant="acme", job_id="j1", stage="ingest", event=StageProgress(done=1))
        await tell(parts, 7)
        seen = await first
    assert [event.kind for event in seen] == ["stage_progress", "job_accepted"]
    assert seen[0].number == 0


async def test_a_mutation_that_a_deadlock_ends_is_begun_again(parts: Parts) -> None:
    both_hold_one = asyncio.Barrier(2)
    begun: list[int] = []

    async def mutate(first: int, second: int) -> None:
        async def act(connection: Connection) -> CancelJobResponse:
            begun.append(first)
            await connection.execute("select pg_advisory_xact_lock($1)", first)
            if begun.count(first) == 1:
                await both_hold_one.wait()
            await connection.execute("select pg_advisory_xact_lock($1)", second)
            return CancelJobResponse()

        await idempotency.once(parts.pool, CancelJobRequest(), CancelJobResponse, act)

    async with asyncio.timeout(30):
        await asyncio.gather(mutate(1, 2), mutate(2, 1))
    assert len(begun) == 3


async def test_a_connection_that_stands_still_within_a_command_keeps_no_lock(parts: Parts) -> None:
    """As of a process that was stopped after it had a statement described, and before it ran it."""
    async with parts.pool.acquire() as one:
        standing = one.transaction()
        await standing.start()
        await one.execute("create table held (number int)")
        await one.prepare("select number from held where number = $1")
        async with (
            running(lambda: end_standstills(parts.pool, after=timedelta(seconds=0.3))),
            asyncio.timeout(30),
        ):
            await parts.pool.execute("create table if not exists held (number int)")
        with pytest.raises(UNREACHABLE):
            await standing.rollback()
