"""A loop that is busy lets more come together; one that is not does not wait."""

import asyncio

from vidmesh_runtime.gathering import FEW, Gathering


async def _waits(gathering: Gathering) -> bool:
    """Whether the loop gives way to what comes meanwhile."""
    task = asyncio.create_task(gathering.more())
    await asyncio.sleep(0)
    waits = not task.done()
    task.cancel()
    return waits


async def test_what_comes_alone_does_not_wait() -> None:
    gathering = Gathering()
    assert not await _waits(gathering)
    gathering.found(FEW - 1)
    assert not await _waits(gathering)


async def test_a_busy_loop_waits_and_goes_on_at_once_when_it_is_quiet_again() -> None:
    gathering = Gathering()
    gathering.found(FEW)
    assert await _waits(gathering)
    gathering.found(0)
    assert not await _waits(gathering)
