"""Measure 1: how long until the first words of a video that is still being downloaded, against downloading all of it first."""

import asyncio
import statistics
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from faster_whisper import WhisperModel, decode_audio

from bench import site, sound
from bench.measurement import Bench, Figure, Finding, Size, figure
from bench.mesh import MODEL, Mesh, running
from bench.site import Site
from bench.timeline import STEPS, Timeline, finish
from vidmesh.ingest.v1.ingest_service_pb2 import CancelJobRequest
from vidmesh_summarize.transcript import Segment

TITLE = "A 20-minute talk whose download lasts a minute"


@dataclass(slots=True, kw_only=True)
class Run:
    """One video on its way, by one way or the other. Times are seconds since it was submitted."""

    marks: dict[str, float] = field(default_factory=dict)
    """When what happened first."""
    timeline: Timeline = field(default_factory=Timeline)

    def mark(self, name: str, at: float) -> None:
        """Note the first time of something."""
        self.marks.setdefault(name, at)

    @property
    def first(self) -> float:
        """When the first segment was there."""
        return self.marks["first segment"]


async def measure(bench: Bench) -> Finding:
    """Serve a file slowly and see when its first words come."""
    full = bench.size is Size.FULL
    lasts, takes, repeats = (1200.0, 60.0, 3) if full else (120.0, 6.0, 1)
    file = bench.folder / "talk.mp3"
    seconds = await asyncio.to_thread(sound.write_speech, file, lasts)
    async with site.serving(file, seconds=takes) as served:
        bench.say(f"sequential: all is downloaded first ({takes:.0f} s)")
        sequential = await _sequential(served, bench.folder / "copy.mp3", seconds)
        async with running(bench.folder / "mesh") as mesh:
            bench.say("streamed, from a mesh that has just started")
            cold = await _streamed(mesh, served, "cold", seconds, to_the_end=False)
            warm = []
            for number in range(repeats):
                bench.say(f"streamed, {number + 1} of {repeats}")
                last = number == repeats - 1
                warm.append(await _streamed(mesh, served, f"warm{number}", seconds, to_the_end=last))
    until = max(sequential.timeline.end, warm[-1].timeline.end)
    return Finding(
        number=1,
        title="Time to first segment",
        method=(
            f"An MP3 of {seconds / 60:.0f} minutes of speech is served over HTTP on loopback so that its download lasts "
            f"{takes:.0f} s. Sequential: urllib downloads all of it, faster-whisper's own decode_audio and transcribe do the "
            "rest, with the model loaded before the clock starts. Streamed: from the call of SubmitVideo to the first segment at "
            "a client of WatchJob behind Envoy. Both with the small Whisper of tests/data, beam 5, word times, and the "
            f"language given; streamed is the median of {repeats} on a mesh that had one job before."
        ),
        figures=tuple(_figures(sequential, cold, warm)),
        notes=tuple(_notes(sequential, warm)),
        plots=(
            sequential.timeline.plot(
                "timeline-sequential", "Sequential: each step after the one before", until=until
            ),
            warm[-1].timeline.plot("timeline-streamed", "Streamed: all steps at once", until=until),
        ),
        raw={"sequential": sequential.marks, "cold": cold.marks, "warm": [run.marks for run in warm]},
    )


def _figures(sequential: Run, cold: Run, warm: list[Run]) -> Iterator[Figure]:
    streamed = statistics.median(run.first for run in warm)
    yield figure("sequential over streamed", sequential.first / streamed, "times", at_least=10)
    yield figure("sequential, first segment", sequential.first, "s")
    yield figure("streamed, first segment", streamed, "s")
    yield figure("streamed, first job of a new mesh", cold.first, "s")
    yield figure("sequential, whole transcript", sequential.marks["transcript"], "s")
    yield figure("streamed, whole transcript", warm[-1].marks["transcript"], "s")
    yield figure("sequential, all searchable", sequential.timeline.points[STEPS[4]][-1][0], "s")
    yield figure("streamed, all searchable", warm[-1].timeline.points[STEPS[4]][-1][0], "s")


def _notes(sequential: Run, warm: list[Run]) -> Iterator[str]:
    def median(name: str) -> float:
        return statistics.median(run.marks[name] for run in warm)

    bytes_for_it = statistics.median(run.marks["bytes for first window"] for run in warm)
    yield (
        f"Where the streamed time goes: source opened at {median('opened'):.2f} s; the bytes of the first window and of the "
        f"two seconds after it, which the cut needs, are there at {bytes_for_it:.2f} s; the window is told at "
        f"{median('window'):.2f} s; its first segment is at the client at {median('first segment'):.2f} s."
    )
    marks = sequential.marks
    yield (
        f"Where the sequential time goes: download until {marks['downloaded']:.1f} s, decoded at {marks['decoded']:.1f} s, "
        f"then features of the whole and the voices in it until the first segment at {sequential.first:.1f} s."
    )


async def _streamed(mesh: Mesh, served: Site, name: str, seconds: float, *, to_the_end: bool) -> Run:
    run = Run()
    began = time.monotonic()
    job = await mesh.submit(served.url(name))
    async for event in mesh.events(job):
        at = time.monotonic() - began
        run.timeline.hear(event, at)
        kind = event.WhichOneof("event")
        if kind == "source_opened":
            run.mark("opened", at)
        elif kind == "window_ready":
            run.mark("window", at)
            run.mark("cut at", event.window_ready.end.ToTimedelta().total_seconds())
        elif kind == "segment_heard" or (kind == "window_transcribed" and event.window_transcribed.segments):
            run.mark("first segment", at)
            if not to_the_end:
                break
        elif kind == "transcript_completed":
            run.mark("transcript", at)
        elif kind == "job_ended" and event.job_ended.HasField("failure"):
            raise RuntimeError(f"the job failed: {event.job_ended.failure.message}")
    if not to_the_end:
        await mesh.client.ingest.CancelJob(CancelJobRequest(job_id=job.id))
    sent = served.sent[f"/{name}.mp3"]
    needed = served.size * _FIRST / seconds
    run.mark("bytes for first window", next(at for at, count in sent if count >= needed) - began)
    if to_the_end:
        run.timeline.download(sent, began=began, size=served.size, seconds=seconds)
    return run


_FIRST = 10.0
"""Seconds of sound that the first cut waits for: the longest first window and the shortest last one."""


async def _sequential(served: Site, copy: Path, seconds: float) -> Run:
    run, segments = Run(), []
    model = await asyncio.to_thread(WhisperModel, str(MODEL), device="cpu", compute_type="int8")
    began = time.monotonic()

    def act() -> None:
        urllib.request.urlretrieve(served.url("sequential"), copy)
        run.mark("downloaded", time.monotonic() - began)
        signal = decode_audio(str(copy))
        run.mark("decoded", time.monotonic() - began)
        run.timeline.reach(STEPS[1], time.monotonic() - began, seconds)
        heard, _ = model.transcribe(
            signal,
            language="en",
            beam_size=5,
            word_timestamps=True,
            vad_filter=True,
            condition_on_previous_text=False,
        )
        for segment in heard:
            at = time.monotonic() - began
            run.mark("first segment", at)
            run.timeline.reach(STEPS[2], at, segment.end)
            segments.append(Segment(start=segment.start, end=segment.end, text=segment.text))
        run.mark("transcript", time.monotonic() - began)

    await asyncio.to_thread(act)
    sent = served.sent["/sequential.mp3"]
    run.timeline.download(sent, began=began, size=served.size, seconds=seconds)
    await finish(run.timeline, segments, began)
    return run
