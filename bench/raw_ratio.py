"""Measure 2: a whole job of the mesh against the raw library on the same file, and where the time goes."""

import asyncio
import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import raw
from bench.grown_whisper import grow
from bench.hearing import spoken
from bench.job import JobRun, run_job
from bench.measurement import Bench, Figure, Finding, Size, figure
from bench.mesh import MODEL, Mesh, running
from bench.raw import RawRun
from bench.resident import Memory, sampled

_TURN = re.compile(r"recogniser (\d+): ([\d.]+) s of sound in ([\d.]+) s, ([\d.]+) s after the last")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model and how much is heard with it."""

    name: str
    model: str
    """A shape of `grown_whisper`; empty for the small one as it is."""
    seconds: float
    repeats: int = 1
    memory: bool = False
    """Whether memory is asked for: from an hour up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A window's stay at a recogniser, in seconds."""

    recognizer: int
    sound: float
    busy: float
    idle: float
    """Between the window before it and this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Both ways, some times."""

    case: Case
    alone: list[RawRun]
    jobs: list[JobRun]
    memory: Memory
    turns: list[Turn]

    @property
    def alone_seconds(self) -> float:
        """The raw library's wall time."""
        return statistics.median(run.seconds for run in self.alone)

    @property
    def job_seconds(self) -> float:
        """The mesh's wall time, from the submission to the end of the job."""
        return statistics.median(run.ended for run in self.jobs)

    @property
    def transcript_seconds(self) -> float:
        """The mesh's wall time to the whole transcript."""
        return statistics.median(run.transcribed for run in self.jobs)


FULL = (
    Case(name="the small Whisper, an hour", model="", seconds=3600, memory=True),
    Case(name="of tiny's shape, 6 minutes", model="tiny", seconds=360, repeats=2),
    Case(name="of base's shape, 5 minutes", model="base", seconds=300),
)
SMOKE = (Case(name="the small Whisper, a minute", model="", seconds=60),)


async def measure(bench: Bench) -> Finding:
    """Let both do the same, in turns."""
    outcomes = [await _compare(bench, case) for case in (FULL if bench.size is Size.FULL else SMOKE)]
    return Finding(
        number=2,
        title="Whole job",
        method=(
            "The same FLAC of speech with pauses: by faster-whisper in a process of its own (model loaded, then decode_audio "
            "and transcribe, every core, voice detection, beam 5, word times), and as a job of a mesh with one transcribe "
            "process and its defaults, from SubmitVideo to job_ended: transcript, summary, chapters and index. Memory is the "
            "PSS of all processes, sampled. The models are the small Whisper of tests/data and the same grown to a published "
            "shape (bench/grown_whisper.py), so that words, steps and times are those of real recognition."
        ),
        figures=tuple(found for outcome in outcomes for found in _figures(outcome)),
        notes=tuple(note for outcome in outcomes for note in _notes(outcome)),
        raw={
            outcome.case.name: {
                "raw": [run.seconds for run in outcome.alone],
                "prepared": [run.prepared for run in outcome.alone],
                "mesh": [run.ended for run in outcome.jobs],
                "transcribed": [run.transcribed for run in outcome.jobs],
                "windows": [run.windows for run in outcome.jobs],
                "turns": [(turn.sound, turn.busy, turn.idle) for turn in outcome.turns],
            }
            for outcome in outcomes
        },
    )


async def _compare(bench: Bench, case: Case) -> Outcome:
    folder = bench.folder / (case.model or "small")
    folder.mkdir()
    model = await asyncio.to_thread(grow, case.model, folder) if case.model else MODEL
    sample = await asyncio.to_thread(spoken, "talk", case.seconds, pauses=(0.3, 1.5))
    file = await asyncio.to_thread(sample.write, folder)
    alone, jobs = [], []
    settings = {"VIDMESH_WHISPER_MODEL": str(model)}
    for number in range(case.repeats):
        bench.say(f"{case.name}: the raw library, {number + 1} of {case.repeats}")
        alone.append(await raw.transcribe(model, file, folder / "raw.json"))
        bench.say(f"{case.name}: the mesh, {number + 1} of {case.repeats}")
        # Each time a mesh of its own: to one that knows the file, it is nothing new.
        async with running(folder / f"mesh{number}", settings) as mesh:
            await _warm(mesh, folder)
            async with sampled(mesh.stack, every=0.5) as memory:
                jobs.append(await run_job(mesh, file))
            turns = _turns(mesh.stack.logs / "transcribe.log")
    return Outcome(case=case, alone=alone, jobs=jobs, memory=memory, turns=turns)


async def _warm(mesh: Mesh, folder: Path) -> None:
    """Take a mesh through a short job, as any that runs for a while has done many."""
    sample = spoken("warm", 20.0, pauses=(0.3, 1.0), seed=99)
    await run_job(mesh, sample.write(folder))


def _turns(log: Path) -> list[Turn]:
    """What the recognisers did since the warm-up's two windows."""
    found = [
        Turn(recognizer=int(pid), sound=float(sound), busy=float(busy), idle=float(idle))
        for pid, sound, busy, idle in _TURN.findall(log.read_text())
    ]
    return found[2:]


def _figures(outcome: Outcome) -> Iterator[Figure]:
    case = outcome.case
    yield figure(
        f"{case.name}: mesh over raw, wall", outcome.job_seconds / outcome.alone_seconds, at_most=1.05
    )
    yield figure(
        f"{case.name}: mesh over raw, to the transcript", outcome.transcript_seconds / outcome.alone_seconds
    )
    yield figure(f"{case.name}: raw, wall", outcome.alone_seconds, "s")
    yield figure(f"{case.name}: mesh, wall", outcome.job_seconds, "s")
    peak = max(run.peak for run in outcome.alone)
    yield figure(
        f"{case.name}: mesh over raw, peak memory",
        outcome.memory.peak / peak,
        at_most=1.0 if case.memory else None,
    )
    yield figure(f"{case.name}: raw, peak memory", peak, "MB")
    yield figure(f"{case.name}: mesh, peak memory", outcome.memory.peak, "MB")


def _notes(outcome: Outcome) -> Iterator[str]:
    turns = outcome.turns
    busy, job = sum(turn.busy for turn in turns), outcome.jobs[-1]
    lanes = len({turn.recognizer for turn in turns})
    gaps = sorted(1000 * turn.idle for turn in turns[lanes:]) or [0.0]
    yield (
        f"{outcome.case.name}: {len(turns)} windows took {busy:.1f} s of recognition in {lanes} processes "
        f"({100 * busy / lanes / job.transcribed:.0f} % of the time to the transcript); between two windows a recogniser "
        f"rests {gaps[len(gaps) // 2]:.0f} ms (median), {gaps[-1]:.0f} ms (most). The source was read at {job.ingested:.1f} s, "
        f"the transcript whole at {job.transcribed:.1f} s, the job at {job.ended:.1f} s. Raw: decoding the file and finding "
        f"voices took {outcome.alone[-1].prepared:.1f} s before the first step of the model."
    )
    held = sorted(outcome.memory.at_peak().items(), key=lambda part: -part[1])
    yield (
        f"{outcome.case.name}: at the peak " + ", ".join(f"{part} {size:.0f} MB" for part, size in held) + "."
    )
