"""What measurements are made of: sound of any length, a slow site, a timeline, memory that is held."""

import asyncio
import os
import subprocess
import urllib.request
from pathlib import Path

import av
import numpy as np

from bench import site, sound
from bench.resident import Memory, pss, tree
from bench.timeline import STEPS, Timeline
from vidmesh.events.v1.ingest_events_pb2 import WindowReady
from vidmesh.events.v1.job_event_pb2 import JobEvent


def test_speech_of_any_length_is_one_file_that_can_be_read(tmp_path: Path) -> None:
    path, again = tmp_path / "a.mp3", tmp_path / "b.mp3"
    seconds = sound.write_speech(path, 100, pauses=(1.0, 2.0))
    assert 100 <= seconds < 160
    assert sound.write_speech(again, 100, pauses=(1.0, 2.0)) == seconds
    assert path.read_bytes() == again.read_bytes()
    with av.open(str(path)) as container:
        samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])
        rate = container.streams.audio[0].rate
    assert abs(len(samples) / rate - seconds) < 1


async def test_a_site_gives_a_file_or_the_rest_of_it_and_notes_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(os.urandom(100_000))
    async with site.serving(path, seconds=0.2) as served:
        fetched = await asyncio.to_thread(_get, served.url("one"))
        rest = await asyncio.to_thread(_get, served.url("two"), Range="bytes=60000-")
    assert fetched == path.read_bytes()
    assert rest == path.read_bytes()[60_000:]
    assert [served.sent[name][-1][1] for name in ("/one.mp3", "/two.mp3")] == [100_000, 100_000]
    assert len(served.sent["/one.mp3"]) > 2


def _get(url: str, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        body: bytes = answer.read()
        return body


def test_a_timeline_is_stairs_that_never_fall_and_end_together() -> None:
    timeline = Timeline()
    for at, end in ((1.0, 8), (3.0, 30), (2.0, 20)):
        event = JobEvent(window_ready=WindowReady())
        event.window_ready.end.FromSeconds(end)
        timeline.hear(event, at)
    timeline.hear(JobEvent(), 9.0)
    timeline.download([(100.0, 10), (104.0, 1000)], began=100.0, size=1000, seconds=60)
    assert timeline.end == 4.0
    drawn = {series.name: series for series in timeline.plot("t", "T", until=5.0).series}
    assert list(drawn) == list(STEPS)
    assert drawn[STEPS[1]].x == (0.0, 1.0, 1.0, 3.0, 3.0, 5.0)
    assert drawn[STEPS[1]].y == (0.0, 0.0, 8.0, 8.0, 30.0, 30.0)
    assert drawn[STEPS[0]].y[-1] == 60
    assert {series.x[-1] for series in drawn.values()} == {5.0}


def test_the_peak_is_of_the_sum_not_of_the_parts() -> None:
    memory = Memory(samples=[(0.0, {"a": 10.0, "b": 1.0}), (1.0, {"a": 6.0, "b": 6.0}), (2.0, {"a": 1.0})])
    assert (memory.peak, memory.peak_of("a"), memory.peak_of("b")) == (12.0, 10.0, 6.0)
    assert memory.at_peak() == {"a": 6.0, "b": 6.0}


def test_memory_is_read_of_processes_that_are_there() -> None:
    assert pss(os.getpid()) > 1_000_000
    assert os.getpid() in tree(os.getpid())
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert (pss(gone.pid), tree(gone.pid)) == (0, [])
