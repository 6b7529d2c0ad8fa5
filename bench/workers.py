"""Measure 3: one video on two workers of one thread against one, and on 32 workers that sleep."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it publishes no types

from bench.grown_whisper import grow
from bench.hearing import spoken
from bench.job import JobRun, run_job
from bench.measurement import Bench, Figure, Finding, Size, figure
from bench.mesh import MODEL, Mesh, running
from bench.resident import MEGABYTE, pss, tree

ROOT = Path(__file__).parents[1]
MANY = 32
REAL = {"VIDMESH_RECOGNIZER_LANES": "1", "VIDMESH_WHISPER_THREADS": "1"}
WINDOWS = "[8, 15, 29]"
"""Small beside the video, so that the last one, which one worker hears alone, weighs little."""
SHAPE = "base"
"""Of the model of those that recognise: one whose work is recognition, not reading the file beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is heard."""

    real: float
    """Seconds of sound for the workers that recognise."""
    alone: float
    """For one that sleeps."""
    together: float
    """For 32 that sleep."""
    factor: float
    """What part of the sound's time they sleep."""


PLANS = {
    Size.FULL: Plan(real=1200.0, alone=240.0, together=9000.0, factor=0.3),
    Size.SMOKE: Plan(real=60.0, alone=30.0, together=120.0, factor=0.05),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """What workers cost that have nothing to do."""

    memory: float
    """Of each, in MB, its recogniser's process included."""
    cpu: float
    """Of each, in percent of a core."""


async def measure(bench: Bench) -> Finding:
    """One, two; one, many."""
    plan = PLANS[bench.size]
    many = MANY if bench.size is Size.FULL else 4
    talk = await asyncio.to_thread(_write, bench.folder, "real", plan.real)
    jobs = []
    model = str(await asyncio.to_thread(grow, SHAPE, bench.folder)) if bench.size is Size.FULL else str(MODEL)
    hearing = REAL | {"VIDMESH_WHISPER_MODEL": model, "VIDMESH_WINDOW_SECONDS": WINDOWS}
    for count in (1, 2):
        bench.say(f"{count} of one thread")
        async with running(bench.folder / f"real{count}", hearing, scale={"transcribe": count}) as mesh:
            await _warm(mesh, bench.folder, count)
            jobs.append(await run_job(mesh, talk))
    sleeping = REAL | {
        "VIDMESH_RECOGNIZER": "bench.sleeper:Sleeper",
        "VIDMESH_WHISPER_MODEL": str(plan.factor),
        "VIDMESH_WINDOW_SECONDS": WINDOWS,
        "PYTHONPATH": str(ROOT),
    }
    short = await asyncio.to_thread(_write, bench.folder, "short", plan.alone)
    bench.say("one that sleeps")
    async with running(bench.folder / "alone", sleeping) as mesh:
        alone = await run_job(mesh, short)
    long = await asyncio.to_thread(_write, bench.folder, "long", plan.together)
    bench.say(f"{many} that sleep")
    async with running(bench.folder / "together", sleeping, scale={"transcribe": many}) as mesh:
        idle = await _idle(mesh)
        together = await run_job(mesh, long)
    return Finding(
        number=3,
        title="Two workers of one thread, and 32",
        method=(
            f"Wall time from SubmitVideo to the whole transcript. Two transcribe processes of one thread and one lane each "
            f"against one, on {plan.real / 60:.0f} minutes of speech with the small Whisper of tests/data grown to {SHAPE}'s shape "
            "(bench/grown_whisper.py), each on a mesh that had a short job before. "
            f"{many} processes with a recogniser that sleeps {plan.factor:g} of the sound's time, on {plan.together / 60:.0f} "
            f"minutes; one such process was measured on {plan.alone / 60:.0f} minutes and its rate, with all that lies between "
            "its windows, carried over to the longer video. All windows are of up to 29 s (VIDMESH_WINDOW_SECONDS)."
        ),
        figures=tuple(_figures(many, jobs, alone, together, idle)),
        notes=tuple(_notes(plan, many, jobs, alone, together)),
        raw={
            name: {"transcribed": job.transcribed, "ingested": job.ingested, "windows": job.windows}
            for name, job in zip(("one", "two", "alone", "together"), (*jobs, alone, together), strict=True)
        },
    )


def _write(folder: Path, name: str, seconds: float) -> Path:
    return spoken(name, seconds, pauses=(0.3, 1.5)).write(folder)


async def _warm(mesh: Mesh, folder: Path, count: int) -> None:
    """Let every worker hear something."""
    sample = spoken(f"warm{count}", 20.0 * count, pauses=(0.3, 1.0), seed=90 + count)
    await run_job(mesh, sample.write(folder))


async def _idle(mesh: Mesh) -> Idle:
    roots = [mesh.stack.pid(part) for part in mesh.stack.parts if part.startswith("transcribe")]
    pids = [pid for root in roots if root is not None for pid in tree(root)]
    await asyncio.sleep(5)  # what a start still does is no cost of being idle
    before, began = _cpu(pids), time.monotonic()
    await asyncio.sleep(5)
    spent, passed = _cpu(pids) - before, time.monotonic() - began
    memory = await asyncio.to_thread(lambda: sum(map(pss, pids)))
    return Idle(memory=memory / len(roots) / MEGABYTE, cpu=100 * spent / passed / len(roots))


def _cpu(pids: list[int]) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def _rate(job: JobRun) -> float:
    """Seconds of sound a second."""
    return sum(job.windows) / job.transcribed


def _figures(many: int, jobs: list[JobRun], alone: JobRun, together: JobRun, idle: Idle) -> Iterator[Figure]:
    one, two = jobs
    yield figure(
        "two workers of one thread over one", one.transcribed / two.transcribed, "times", at_least=1.9
    )
    yield figure("one worker of one thread", one.transcribed, "s")
    yield figure("two workers of one thread", two.transcribed, "s")
    gained = _rate(together) / _rate(alone)
    yield figure(f"{many} workers that sleep over one", gained, "times", at_least=28 * many / MANY)
    yield figure("one that sleeps, carried over", sum(together.windows) / _rate(alone), "s")
    yield figure(f"{many} that sleep", together.transcribed, "s")
    yield figure("an idle worker, memory", idle.memory, "MB")
    yield figure("an idle worker, CPU", idle.cpu, "% of a core")


def _notes(plan: Plan, many: int, jobs: list[JobRun], alone: JobRun, together: JobRun) -> Iterator[str]:
    two = jobs[1]
    yield (
        f"The video of the two workers has {len(two.windows)} windows, the longest {max(two.windows):.0f} s: the last one is "
        "heard by one worker alone."
    )
    yield (
        f"One that sleeps takes {alone.transcribed:.1f} s for {sum(alone.windows):.0f} s of sound, of which it sleeps "
        f"{plan.factor * sum(alone.windows):.1f} s. The {many} together could at best take "
        f"{plan.factor * sum(together.windows) / many:.1f} s; the source was read at {together.ingested:.1f} s, and "
        f"{len(together.windows)} windows leave {-len(together.windows) % many} places empty in the last round."
    )
