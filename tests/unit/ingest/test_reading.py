"""Reading in a thread: windows as they are cut, from where an earlier run stopped, and stopped at once."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from tests import media as files
from vidmesh_ingest.growing import GrowingFile
from vidmesh_ingest.media import MediaLimits
from vidmesh_ingest.reading import MediaReader
from vidmesh_ingest.reason import SourceError
from vidmesh_ingest.windows import CutPlan, Window

LIMITS = MediaLimits(max_seconds=600)
PLAN = CutPlan(lengths=(2.0, 4.0, 8.0), tail=0.4, context=0.5)


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return files.write(tmp_path / "a.wav", files.speech(30))


def ignore(seconds: float) -> None:
    """Progress is of no interest here."""


async def read(path: Path, *, index: int = 0, start: int = 0, lead: int = 0) -> list[Window]:
    reader = MediaReader(GrowingFile.whole(path), LIMITS, ignore)
    await reader.opening()
    windows = [window async for window in reader.windows(PLAN, index=index, start=start, lead=lead)]
    await reader.close()
    return windows


async def test_the_windows_are_the_sound(talk: Path) -> None:
    seen: list[float] = []
    reader = MediaReader(GrowingFile.whole(talk), LIMITS, seen.append)
    opening = await reader.opening()
    assert (opening.type.name, opening.seconds, opening.has_subtitles) == ("audio/wav", 30, False)
    windows = [window async for window in reader.windows(PLAN)]
    assert np.array_equal(np.concatenate([w.samples for w in windows]), files.speech(30))
    assert (reader.result.seconds, reader.result.warning, reader.result.held_back) == (30, "", False)
    assert seen[-1] == 30
    assert seen == sorted(seen)
    await reader.close()


async def test_a_later_run_goes_on_with_the_same_windows(talk: Path) -> None:
    whole = await read(talk)
    for done in whole[:-1]:
        rest = await read(talk, index=done.index + 1, start=done.end, lead=len(done.trail))
        assert [(w.index, w.start, w.end) for w in rest] == [
            (w.index, w.start, w.end) for w in whole[done.index + 1 :]
        ]
        assert np.array_equal(rest[0].samples, whole[done.index + 1].samples)
    assert await read(talk, index=len(whole), start=whole[-1].end) == []


async def test_windows_can_be_held_back(talk: Path) -> None:
    reader = MediaReader(GrowingFile.whole(talk), LIMITS, ignore)
    await reader.opening()
    assert [window async for window in reader.windows(None)] == []
    assert (reader.result.seconds, reader.result.held_back) == (30, True)
    await reader.close()


async def test_reading_waits_for_whoever_stores_the_windows(talk: Path) -> None:
    seen: list[float] = []
    reader = MediaReader(GrowingFile.whole(talk), LIMITS, seen.append)
    await reader.opening()
    windows = reader.windows(PLAN)
    await anext(windows)
    await asyncio.sleep(0.3)
    assert seen[-1] < 29
    await reader.close()


async def test_it_stops_in_the_middle_of_waiting_for_bytes(talk: Path) -> None:
    file = GrowingFile(talk)
    file.grown(talk.stat().st_size // 2)
    reader = MediaReader(file, LIMITS, ignore)
    await reader.opening()
    windows = reader.windows(PLAN)
    await anext(windows)
    async with asyncio.timeout(60):
        await reader.close()


async def test_it_stops_before_it_was_opened(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    reader = MediaReader(GrowingFile(tmp_path / "a"), LIMITS, ignore)
    opening = asyncio.create_task(reader.opening())
    await asyncio.sleep(0.1)
    opening.cancel()
    async with asyncio.timeout(60):
        await reader.close()


async def test_what_cannot_be_read_is_told_to_whoever_opens_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no media" * 100)
    reader = MediaReader(GrowingFile.whole(tmp_path / "a"), LIMITS, ignore)
    with pytest.raises(SourceError):
        await reader.opening()
    await reader.close()
