"""Lanes: how many, and who gets which."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from vidmesh_transcribe.child import Limits, RecognizerChild
from vidmesh_transcribe.lanes import GPU, Lanes, lane_count, threads_each
from vidmesh_transcribe.recognizer import Options


async def test_each_recogniser_is_lent_to_one_at_a_time() -> None:
    children = [RecognizerChild(Options(), Limits()) for _ in range(2)]
    lanes = Lanes(children)
    async with AsyncExitStack() as held:
        one = await held.enter_async_context(lanes.free())
        async with lanes.free() as other:
            assert {one, other} == set(children)
            waiting = asyncio.create_task(anext(_lent(lanes)))
            await asyncio.sleep(0)
            assert not waiting.done()
        assert await waiting is other


async def _lent(lanes: Lanes):  # type: ignore[no-untyped-def]  # a generator is enough
    async with lanes.free() as child:
        yield child


@pytest.mark.parametrize(
    ("asked", "device", "cores", "count"),
    [(0, "cpu", 1, 1), (0, "cpu", 2, 2), (0, "cpu", 64, 2), (0, "cuda", 64, 1), (3, "cuda", 1, 3)],
)
def test_how_many_lanes(asked: int, device: str, cores: int, count: int) -> None:
    assert lane_count(asked, device=device, cores=cores) == count


def test_where_a_gpu_may_be_taken_there_is_one_lane() -> None:
    assert lane_count(0, device="auto", cores=8) == (1 if any(file.exists() for file in GPU) else 2)


@pytest.mark.parametrize(
    ("asked", "lanes", "cores", "each"), [(0, 2, 2, 1), (0, 2, 16, 4), (0, 3, 2, 1), (6, 2, 2, 6)]
)
def test_how_many_threads_each(asked: int, lanes: int, cores: int, each: int) -> None:
    assert threads_each(asked, lanes=lanes, cores=cores) == each
