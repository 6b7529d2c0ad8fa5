"""The watchtower on a real NATS: one reading for all watchers of a process, whatever they do."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest

from tests.integration.test_runtime import relay, running, take, tell, told
from vidmesh.events.v1.ingest_events_pb2 import StageProgress
from vidmesh_runtime import watch as watching
from vidmesh_runtime.bus import EVENTS
from vidmesh_runtime.events import Event
from vidmesh_runtime.history import History
from vidmesh_runtime.service import Parts
from vidmesh_runtime.watch import Heartbeat


async def tick(parts: Parts, *amounts: int, stage: str = "ingest") -> None:
    for amount in amounts:
        await parts.ticker.tick(
            tenant="acme", job_id="j1", stage=stage, event=StageProgress(done=amount, total=100)
        )


async def readings(parts: Parts) -> list[str]:
    """The consumers of the stream that are there."""
    return [info.name for info in await parts.bus.jetstream.consumers_info(EVENTS)]


async def test_one_who_does_not_read_is_bounded_and_the_others_get_everything(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "BACKLOG", 16)
    tower = parts.watchtower
    async with running(relay(parts).run, tower.run):
        idle = tower.watch("acme", "j1")
        assert isinstance(await begun(tower, "j2"), Heartbeat)
        await tell(parts, 1)
        assert told(await take(idle, 1)) == [(1, "1")]
        readers = [asyncio.create_task(take(tower.watch("acme", "j1"), 200)) for _ in range(3)]
        await tell(parts, *range(2, 201))
        everything = [(number, str(number)) for number in range(1, 201)]
        for reader in readers:
            assert told(await reader) == everything
        (left,) = [one for together in tower._watchers.values() for one in together if one.backlog]
        assert left.overrun
        assert len(left.backlog) == 16
        assert told(await take(idle, 199)) == everything[1:], "it has missed nothing for all that"


async def begun(tower: watching.Watchtower, job: str) -> object:
    """The first thing that a watch from now on is told."""
    async with aclosing(tower.watch("acme", job, after=None)) as watch:
        return await anext(watch)


async def test_a_watch_from_now_on_says_when_it_has_begun(parts: Parts) -> None:
    async with running(relay(parts).run, parts.watchtower.run):
        await tell(parts, 1)
        [first] = await take(parts.watchtower.watch("acme", "j1"), 1)
        async with aclosing(parts.watchtower.watch("acme", None, after=None)) as watch:
            assert await anext(watch) == Heartbeat(first.sequence)
            await tell(parts, 2)
            assert told(await take(watch, 1)) == [(2, "2")]


async def test_who_hears_nothing_hears_a_heartbeat(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "HEARTBEAT", timedelta(seconds=0.2))
    async with (
        running(parts.watchtower.run),
        aclosing(parts.watchtower.watch("acme", "j1")) as watch,
        asyncio.timeout(30),
    ):
        last = (await parts.bus.jetstream.stream_info(EVENTS)).state.last_seq
        assert [await anext(watch) for _ in range(3)] == [Heartbeat(last)] * 3


async def test_nothing_is_read_while_nobody_watches(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LINGER", 0.0)
    tower = parts.watchtower
    async with running(relay(parts).run, tower.run):
        await tell(parts, 1)
        assert await readings(parts) == []
        for expected in range(1, 4):
            async with aclosing(tower.watch("acme", "j1")) as watch:
                seen = await take(watch, expected)
                assert len(await readings(parts)) == 1
            assert told(seen)[-1] == (expected, str(expected))
            assert not tower._watchers
            async with asyncio.timeout(30):
                while await readings(parts):
                    await asyncio.sleep(0.05)
            await tell(parts, expected + 1)


async def test_a_reading_that_is_lost_begins_again_where_it_was(parts: Parts) -> None:
    async with (
        running(relay(parts).run, parts.watchtower.run),
        aclosing(parts.watchtower.watch("acme", "j1")) as watch,
    ):
        for number in range(1, 4):
            await tell(parts, number)
            assert told(await take(watch, 1)) == [(number, str(number))]
            (reading,) = await readings(parts)
            await parts.bus.jetstream.delete_consumer(EVENTS, reading)


async def test_who_comes_late_is_told_the_facts_and_the_last_progress(parts: Parts) -> None:
    async with (
        running(relay(parts).run, parts.watchtower.run),
        aclosing(parts.watchtower.watch("acme", "j1")) as early,
    ):
        await tell(parts, 1)
        await take(early, 1)
        await tick(parts, *range(50))
        await tick(parts, *range(30), stage="index")
        ticked = await take(early, 80)
        await tell(parts, 2)
        last = (await take(early, 1))[0]
        late = await take(parts.watchtower.watch("acme", "j1"), 4)
    assert len({event.sequence for event in ticked}) == 80
    progress = [(event.stage, event.message().done) for event in late if event.kind == "stage_progress"]  # type: ignore[attr-defined]
    assert progress == [("ingest", 49), ("index", 29)]
    assert [event.number for event in late if event.number] == [1, 2]
    assert late[-1].sequence == last.sequence


async def test_a_crowd_that_comes_at_once_reads_what_was_once(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    ask = History._get

    async def counted(self: History, request: dict[str, object]) -> tuple[list[Event], int]:
        asked.append(request)
        return await ask(self, request)

    monkeypatch.setattr(History, "_get", counted)
    monkeypatch.setattr("vidmesh_runtime.history.BATCH", 10)
    monkeypatch.setattr("vidmesh_runtime.history.SHARED", 30.0)
    async with running(relay(parts).run, parts.watchtower.run):
        await tell(parts, *range(1, 26))
        assert len(await take(parts.watchtower.watch("acme", "j1"), 25)) == 25
        asked.clear()
        crowd = await asyncio.gather(*(take(parts.watchtower.watch("acme", "j1"), 25) for _ in range(20)))
    assert [told(one) for one in crowd] == [[(number, str(number)) for number in range(1, 26)]] * 20
    assert len(asked) <= 3
