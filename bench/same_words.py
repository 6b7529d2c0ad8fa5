"""Measure 5: the words and their times, of the mesh and of the raw library on the whole file."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench import raw, raw_sphinx
from bench.hearing import Sample, spoken
from bench.job import run_job
from bench.measurement import Bench, Figure, Finding, Size, figure
from bench.mesh import MODEL, running
from bench.sound import RATE
from bench.wording import alignment, error_rate, plain, time_differences

HELD = 95
"""The percentile of the differences in time that is asked for."""
SHIFT = int(7.3 * RATE)
"""Samples of silence before the same sound: what changes then is the model's own unsteadiness."""


def samples(seconds: float) -> list[Sample]:
    """What is heard."""
    return [
        spoken("short pauses", seconds, pauses=(0.3, 1.0), seed=1),
        spoken("long pauses", seconds, pauses=(1.0, 6.0), seed=2),
        spoken("noise at 20 dB", seconds, pauses=(0.3, 1.0), seed=3, noise=0.1),
        spoken("music at 14 dB", seconds, pauses=(0.3, 1.0), seed=4, music=0.2),
        spoken("no pauses", seconds, pauses=(0.0, 0.04), seed=5, noise=0.02),
    ]


STEADY = 60.0
"""Seconds of each sample that PocketSphinx hears: it is no faster than that."""


async def measure(bench: Bench) -> Finding:
    """Let both hear the same files."""
    full = bench.size is Size.FULL
    figures: list[Figure] = []
    notes: list[str] = []
    told: dict[str, object] = {}
    async with running(bench.folder / "mesh") as mesh:
        for sample in samples(240.0 if full else 40.0)[: None if full else 2]:
            bench.say(f"{sample.name}, {sample.seconds:.0f} s")
            file = await asyncio.to_thread(sample.write, bench.folder)
            alone = await raw.transcribe(MODEL, file, bench.folder / "raw.json")
            later = Sample(
                name=f"{sample.name} later", sound=np.pad(sample.sound, (SHIFT, 0)), said=sample.said
            )
            shifted = await raw.transcribe(MODEL, later.write(bench.folder), bench.folder / "raw.json")
            job = await run_job(mesh, file)
            ours, theirs, again = (
                error_rate(sample.said, words) for words in (job.words, alone.words, shifted.words)
            )
            apart = time_differences(job.words, alone.words)
            own = time_differences(
                [replace(w, start=w.start - SHIFT / RATE, end=w.end - SHIFT / RATE) for w in shifted.words],
                alone.words,
            )
            late, own_late = _held(apart), _held(own)
            figures.append(
                figure(f"{sample.name}: word errors, mesh less raw", ours - theirs, "points", at_most=0.5)
            )
            figures.append(figure(f"{sample.name}: word times apart, p{HELD}", late, "ms", at_most=80))
            changed, _ = alignment([plain(w.text) for w in job.words], [plain(w.text) for w in alone.words])
            notes.append(
                f"{sample.name}: {len(sample.said)} words, {ours:.1f} % wrong through the mesh in "
                f"{len(job.windows)} windows, {theirs:.1f} % by the raw library; {changed} words differ between the two. "
                f"The raw library on the same sound {SHIFT / RATE:.1f} s later: {again:.1f} % wrong, word times p{HELD} "
                f"{own_late:.0f} ms apart from its own."
            )
            told[sample.name] = {
                "mesh": ours,
                "raw": theirs,
                "later": again,
                "apart": apart,
                "windows": job.windows,
            }
    figures += await _steady(bench, samples(STEADY if full else 30.0)[: 3 if full else 1])
    return Finding(
        number=5,
        title="Same words",
        method=(
            "Sentences of tests/data/grammar.flac in other orders, four minutes a sample, through the mesh and by the raw "
            "library on the whole file, both with the small Whisper of tests/data, beam 5, voice detection and word times. "
            "Errors are Levenshtein's against what was said; times are those of the words that both heard. The test's Whisper "
            "does not know to a second when it heard a word, so what the mesh itself does to the times is measured with "
            "PocketSphinx as well, which does: through the mesh, and alone on the whole file with its own segmenter, "
            "a minute of each of three samples."
        ),
        figures=tuple(figures),
        notes=tuple(notes),
        raw=told,
    )


async def _steady(bench: Bench, heard: Sequence[Sample]) -> list[Figure]:
    """How far the mesh moves words, by a recogniser that knows when it heard them."""
    figures = []
    async with running(bench.folder / "steady", {"VIDMESH_RECOGNIZER": "pocketsphinx"}) as mesh:
        for sample in heard:
            bench.say(f"{sample.name}, {sample.seconds:.0f} s, PocketSphinx")
            file = await asyncio.to_thread(sample.write, bench.folder)
            alone = await asyncio.to_thread(raw_sphinx.transcribe, sample.sound)
            job = await run_job(mesh, file)
            late = _held(time_differences(job.words, alone))
            name = f"{sample.name}: PocketSphinx's word times apart, p{HELD}"
            figures.append(figure(name, late, "ms", at_most=80))
    return figures


def _held(found: Sequence[float]) -> float:
    """The percentile that is asked for, of values in growing order."""
    return found[min(len(found) * HELD // 100, len(found) - 1)]
