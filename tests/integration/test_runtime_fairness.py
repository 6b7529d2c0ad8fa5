"""Whose work comes next: by priority, then tenants and their jobs in turn, on a real PostgreSQL."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.ingest_events_pb2 import JobAccepted
from vidmesh_runtime import work
from vidmesh_runtime.bus import PRIORITIES
from vidmesh_runtime.database import RUNTIME_MIGRATIONS, Pool, migrate, open_pool
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.work import Lease, Piece

TERM = timedelta(minutes=5)


@pytest.fixture
async def pool(database: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Pool]:
    async with open_pool(database("vidmesh_ingest"), schema="ingest", most=12) as opened:
        await migrate(opened, schema="ingest", folders=[RUNTIME_MIGRATIONS])
        yield opened


def pieces(tenant: str, job: str, numbers: Sequence[int], priority: str = "normal") -> list[Piece]:
    return [
        Piece(
            kind="test",
            key=f"{tenant}/{job}/{number:03}",
            tenant=tenant,
            job_id=f"{tenant}/{job}",
            video_id="v",
            payload=JobAccepted(),
            priority=priority,
        )
        for number in numbers
    ]


async def add(pool: Pool, given: Sequence[Piece]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await work.add_all(connection, stage="ingest", pieces=given)


async def claim(pool: Pool, most: int = 1) -> list[Lease]:
    return await work.claim(pool, lease=TERM, attempts=4, most=most)


async def drained(pool: Pool) -> list[str]:
    keys: list[str] = []
    while leases := await claim(pool, 7):
        keys += [lease.key for lease in leases]
    return keys


async def test_a_long_lecture_does_not_hold_a_short_clip(pool: Pool) -> None:
    await add(pool, pieces("a", "lecture", range(400)))
    await claim(pool, 57)
    await add(pool, pieces("b", "clip", range(3)))
    await add(pool, pieces("a", "clip", range(2)))
    keys = [lease.key for lease in await claim(pool, 10)]
    assert keys == [
        "a/lecture/057",
        "b/clip/000",
        "a/clip/000",
        "b/clip/001",
        "a/lecture/058",
        "b/clip/002",
        "a/clip/001",
        "a/lecture/059",
        "a/lecture/060",
        "a/lecture/061",
    ]


async def test_many_jobs_of_one_tenant_do_not_hold_another_tenant(pool: Pool) -> None:
    await add(pool, [piece for job in range(50) for piece in pieces("a", f"{job:02}", range(4))])
    await add(pool, pieces("b", "one", range(10)))
    tenants = [lease.tenant for lease in await claim(pool, 20)]
    assert Counter(tenants) == {"a": 10, "b": 10}
    assert all({*tenants[place : place + 2]} == {"a", "b"} for place in range(0, 20, 2))


async def test_what_comes_back_joins_its_tenants_present_round(pool: Pool) -> None:
    await add(pool, pieces("a", "x", range(4)) + pieces("a", "y", range(4)) + pieces("b", "z", range(4)))
    first, second, third = await claim(pool, 3)
    assert [first.key, second.key, third.key] == ["a/x/000", "b/z/000", "a/y/000"]
    assert await work.hand_back(pool, first)
    away = Failure(ErrorReason.ERROR_REASON_UNAVAILABLE)
    assert await work.postpone(pool, third, delay=timedelta(0), failure=away, attempts=9)
    assert await drained(pool) == [
        "b/z/001",
        "a/x/000",
        "b/z/002",
        "a/x/001",
        "b/z/003",
        "a/y/000",
        "a/y/001",
        "a/x/002",
        "a/y/002",
        "a/x/003",
        "a/y/003",
    ]


async def test_work_that_waits_for_its_time_is_in_nobodys_way(pool: Pool) -> None:
    await add(pool, pieces("a", "x", range(3)))
    (first,) = await claim(pool)
    away = Failure(ErrorReason.ERROR_REASON_UNAVAILABLE)
    assert await work.postpone(pool, first, delay=timedelta(hours=1), failure=away, attempts=9)
    assert await drained(pool) == ["a/x/001", "a/x/002"]
    await pool.execute("update work set due_at = now() where state = 'ready'")
    (again,) = await claim(pool)
    assert (again.key, again.attempt) == ("a/x/000", 2)


async def test_work_made_ready_again_keeps_its_order(pool: Pool) -> None:
    await add(pool, pieces("a", "x", range(12)))
    await claim(pool, 5)
    async with pool.acquire() as connection, connection.transaction():
        await work.cancel_job(connection, "a/x")
    assert await claim(pool) == []
    async with pool.acquire() as connection, connection.transaction():
        assert await work.retry_job(connection, "ingest", "a/x") == 12
    assert await drained(pool) == [f"a/x/{number:03}" for number in range(12)]


async def test_tenants_who_add_side_by_side_are_served_alike(pool: Pool) -> None:
    """Transactions that do not see each other's rows take the same slots: no tenant may win by opening many."""
    async with contextlib.AsyncExitStack() as open_ones:
        for number in range(12):
            connection = await open_ones.enter_async_context(pool.acquire())
            await open_ones.enter_async_context(connection.transaction())
            await work.add_all(connection, stage="ingest", pieces=pieces("a", f"{number:02}", range(2)))
    await add(pool, pieces("b", "one", range(12)))
    tenants = [lease.tenant for lease in await claim(pool, 24)]
    assert all(abs(tenants[:n].count("a") - tenants[:n].count("b")) <= 1 for n in range(25)), tenants


async def test_many_workers_at_once_take_each_piece_once(pool: Pool) -> None:
    await add(pool, [piece for t in "abc" for job in "xy" for piece in pieces(t, job, range(20))])
    taken: list[str] = []
    handed_back: set[str] = set()

    async def worker(most: int) -> None:
        while leases := await claim(pool, most):
            taken.extend(lease.key for lease in leases)
            if len(taken) % 3 == 0:
                await add(pool, pieces("d", f"{len(taken):03}", range(1)))
            for lease in leases:
                if lease.key.endswith("/000") and lease.key not in handed_back:
                    handed_back.add(lease.key)
                    taken.remove(lease.key)
                    assert await work.hand_back(pool, lease)
                    continue
                async with pool.acquire() as connection:
                    await lease.complete(connection)

    # More than one pass: a worker that finds nothing may stop while another is about to hand something back.
    for _ in range(3):
        async with asyncio.timeout(60):
            await asyncio.gather(*(worker(1 + number % 3) for number in range(8)))
    states = await pool.fetch("select key, state from work")
    assert {row["state"] for row in states} == {"done"}
    assert sorted(taken) == sorted(row["key"] for row in states)


Step = tuple[str, str, str, int] | int

steps = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from(PRIORITIES), st.integers(1, 6)
        ),
        st.integers(1, 5),
    ),
    min_size=4,
    max_size=30,
)


class Model:
    """Who waits, and how often each was served while another waited too."""

    def __init__(self) -> None:
        self.waiting: defaultdict[tuple[int, str, str], list[str]] = defaultdict(list)
        self.served: defaultdict[tuple[object, ...], Counter[str]] = defaultdict(Counter)

    def add(self, rank: int, tenant: str, job: str, keys: Sequence[str]) -> None:
        self.waiting[rank, tenant, job] += keys

    def take(self, lease: Lease) -> None:
        """Check that this piece may come now."""
        rank = PRIORITIES.index(lease.priority)
        job = lease.job_id.rpartition("/")[2]
        waiting = {of: keys for of, keys in self.waiting.items() if keys}
        assert rank == min(of[0] for of in waiting), "more urgent work waits"
        assert waiting[rank, lease.tenant, job][0] == lease.key, "earlier work of the job waits"
        tenants = {of[1] for of in waiting if of[0] == rank}
        self._serve(("tenant", rank), lease.tenant, tenants)
        self._serve(
            ("job", rank, lease.tenant), job, {of[2] for of in waiting if of[:2] == (rank, lease.tenant)}
        )
        self.waiting[rank, lease.tenant, job].pop(0)

    def _serve(self, among: tuple[object, ...], one: str, waiting: set[str]) -> None:
        """Between two turns of one that waits, each other has at most two: the end of one round and the start of the next."""
        since = self.served[among]
        for other in waiting - {one}:
            since[f"{other}<{one}"] += 1
            assert since[f"{other}<{one}"] <= 2, f"{one} was served three times while {other} waited"
        for other in [key for key in since if key.startswith(f"{one}<")]:
            del since[other]


async def test_any_arrivals_are_served_in_turn(database: Callable[[str], str]) -> None:
    async with open_pool(database("vidmesh_ingest"), schema="ingest", most=2) as pool:
        await migrate(pool, schema="ingest", folders=[RUNTIME_MIGRATIONS])
        runner = asyncio.get_running_loop()

        async def play(given: Sequence[Step]) -> None:
            await pool.execute("truncate work")
            model = Model()
            added = 0
            for step in given:
                if isinstance(step, int):
                    for lease in await claim(pool, step):
                        model.take(lease)
                    continue
                tenant, job, priority, count = step
                # A job's work is of one urgency here, as its order is kept within one.
                some = pieces(tenant, f"{job}-{priority}", range(added, added + count), priority)
                added += count
                await add(pool, some)
                model.add(
                    PRIORITIES.index(priority), tenant, f"{job}-{priority}", [piece.key for piece in some]
                )
            for lease in await claim(pool, 1000):
                model.take(lease)
            assert not any(model.waiting.values())

        @settings(
            max_examples=60,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        )
        @given(steps)
        def property_holds(given: Sequence[Step]) -> None:
            asyncio.run_coroutine_threadsafe(play(given), runner).result(60)

        await asyncio.to_thread(property_holds)
