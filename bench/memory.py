"""Measure 4: the memory of all services for ten hours of speech, against ten minutes."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from bench import site, sound
from bench.measurement import Bench, Figure, Finding, Plot, Series, Size, figure
from bench.mesh import Mesh, running
from bench.resident import Memory, sampled

_SETTINGS = {"VIDMESH_WHISPER_BEAM_SIZE": "1"}
"""One reading at once: ten hours must be heard within minutes."""

_PAUSES = (5.0, 10.0, 20.0, 40.0)
_WITHIN = 480.0
"""Seconds that a job may take; where the machine is too slow for all of it, what was heard by then counts."""

_TIMES = 3
"""How often the short job runs: the peaks of several recognisers fall together by chance, which needs some windows."""

_POINTS = 240
"""As many points of each line are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One job of one length on a mesh of its own."""

    seconds: float
    """How much of the video was heard: all of it, unless time ran out."""
    took: float
    before: float
    """MB that all parts held after the warm-up."""
    memory: Memory


async def measure(bench: Bench) -> Finding:
    """Run a short and a long job, each on a mesh of its own after the same warm-up."""
    full = bench.size is Size.FULL
    warm, short, long = (3600.0, 600.0, 36_000.0) if full else (60.0, 60.0, 300.0)
    files = {}
    for name, seconds in (("warm", warm), ("short", short), ("long", long)):
        files[name] = bench.folder / f"{name}.mp3"
        await asyncio.to_thread(sound.write_speech, files[name], seconds, pauses=_PAUSES)
    few = await _run(bench, files["warm"], files["short"], times=_TIMES)
    many = await _run(bench, files["warm"], files["long"])
    return Finding(
        number=4,
        title="Memory",
        method=(
            f"The proportional shares (PSS) of every process of the mesh (services, recogniser, NATS, PostgreSQL, Envoy), sampled "
            f"four times a second, their greatest sum. Two meshes, each with the same warm-up (a job of {warm / 60:.0f} min, after "
            f"which recognisers hold what they will, and PostgreSQL's shared buffers all touched), then jobs of {short / 60:.0f} min on the one, "
            f"{_TIMES} one after the other, and one of {long / 3600:.3g} h on the other, from the submission to the end. Speech is "
            "tests/data/grammar.flac again and again with pauses of 5 to 40 s, as MP3 over HTTP; the small Whisper, beam 1."
        ),
        figures=tuple(_figures(few, many)),
        notes=tuple(_notes(few, many)),
        plots=(_plot(many),),
        raw={
            name: {"took": run.took, "before": run.before, "at peak": dict(run.memory.at_peak())}
            for name, run in (("short", few), ("long", many))
        },
    )


async def _run(bench: Bench, warm: Path, file: Path, *, times: int = 1) -> Run:
    async with running(bench.folder / file.stem, _SETTINGS) as mesh:
        bench.say(f"{file.stem}: warm-up")
        await _touch_buffers(mesh)
        await _job(mesh, warm)
        async with sampled(mesh.stack, every=0.25) as before:
            await asyncio.sleep(1)
        began = time.monotonic()
        async with sampled(mesh.stack, every=0.25) as memory:
            for _ in range(times):
                seconds = await _job(mesh, file, bench)
        return Run(seconds=seconds, took=time.monotonic() - began, before=before.peak, memory=memory)


async def _job(mesh: Mesh, file: Path, bench: Bench | None = None) -> float:
    """Run a job to its end, or as far as it comes in time. Gives how many seconds of the video were heard."""
    began = told = time.monotonic()
    heard = 0.0
    async with site.serving(file, seconds=1) as served:
        job = await mesh.submit(served.url(file.stem))
        async for event in mesh.events(job):
            now = time.monotonic()
            match event.WhichOneof("event"):
                case "window_transcribed":
                    heard = max(heard, event.window_transcribed.end.ToTimedelta().total_seconds())
                    if bench is not None and now > told + 5:
                        told = now
                        bench.say(f"{file.stem}: heard {heard / 60:.0f} min in {now - began:.0f} s")
                    if now > began + _WITHIN:
                        break
                case "job_ended" if event.job_ended.HasField("failure"):
                    raise RuntimeError(f"the job failed: {event.job_ended.failure.message}")
                case _:
                    pass
    return heard


async def _touch_buffers(mesh: Mesh) -> None:
    """Fill PostgreSQL's shared buffers once: later it fills them with whatever comes, and that is no growth."""
    connection = await asyncpg.connect(mesh.stack.postgres_dsn())
    try:
        await connection.execute(
            "create table touched as select 1 as number, repeat('x', 1000) as text limit 0"
        )
        await connection.execute(
            "insert into touched select n, repeat('x', 1000) from generate_series(1, 100000) as n"
        )
        await connection.execute("drop table touched")
        await connection.execute("checkpoint")
    finally:
        await connection.close()


def _figures(few: Run, many: Run) -> Iterator[Figure]:
    yield figure(
        f"{_length(many)} over {_length(few)}, peak of the sum",
        many.memory.peak / few.memory.peak,
        at_most=1.1,
    )
    for run in (few, many):
        yield figure(f"{_length(run)}, peak of the sum", run.memory.peak, "MB")
    for part in few.memory.at_peak():
        for run in (few, many):
            yield figure(f"{part}, its own peak, {_length(run)}", run.memory.peak_of(part), "MB")
    yield figure(f"{_length(many)}, wall time", many.took, "s")


def _notes(few: Run, many: Run) -> Iterator[str]:
    growth = {
        part: held - few.memory.at_peak().get(part, 0.0) for part, held in many.memory.at_peak().items()
    }
    told = ", ".join(
        f"{part} {more:+.0f} MB" for part, more in sorted(growth.items(), key=lambda one: -one[1])
    )
    yield f"What each part held more at the peak of the long job than at that of the short one: {told}."
    yield f"Before the jobs, after the warm-up: {few.before:.0f} and {many.before:.0f} MB."
    yield f"The long job ran at {many.seconds / many.took:.0f} times real time."
    if many.took >= _WITHIN:
        yield f"The machine was too slow for all of it: after {_WITHIN / 60:.0f} min, what was heard by then counts."


def _plot(run: Run) -> Plot:
    samples = run.memory.samples
    kept = samples[:: max(1, len(samples) // _POINTS)]
    x = tuple(round((at - samples[0][0]) / 60, 3) for at, _ in kept)
    parts: Sequence[str] = sorted(run.memory.at_peak(), key=lambda part: -run.memory.peak_of(part))
    series = [Series(name="all", x=x, y=tuple(round(sum(held.values()), 1) for _, held in kept))]
    series += [
        Series(name=part, x=x, y=tuple(round(held.get(part, 0.0), 1) for _, held in kept)) for part in parts
    ]
    return Plot(
        name="memory",
        title=f"Memory over a job of {_length(run)}",
        x="minutes since the video was submitted",
        y="MB (PSS)",
        series=tuple(series),
    )


def _length(run: Run) -> str:
    hours = run.seconds / 3600
    return f"{hours:.1f} h".replace(".0 ", " ") if hours >= 1 else f"{run.seconds / 60:.0f} min"
