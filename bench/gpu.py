"""Measure 10: the mesh against the raw library on a GPU, where one is at hand."""

import asyncio
import statistics
from pathlib import Path

import ctranslate2

from bench import raw
from bench.grown_whisper import grow
from bench.hearing import spoken
from bench.job import run_job
from bench.measurement import Bench, Figure, Finding, Size, figure
from bench.mesh import running

BATCHES = (1, 8, 16)
TITLE = "On a GPU"
METHOD = (
    "A Whisper of large-v3's width and depth (the small one of tests/data, grown), float16, beam 5, word times: the raw "
    "library (one by one, and its BatchedInferencePipeline) on a file of {minutes:.0f} minutes of speech, and a job of a mesh "
    "with one transcribe process, to the whole transcript, both with the model loaded."
)


async def measure(bench: Bench) -> Finding:
    """Both, at each size of batch. Says so where there is no GPU."""
    seconds = 900.0 if bench.size is Size.FULL else 60.0
    method = METHOD.format(minutes=seconds / 60)
    if not ctranslate2.get_cuda_device_count():
        note = "There is no GPU here that CTranslate2 can use: nothing was measured."
        return Finding(number=10, title=TITLE, method=method, figures=(), notes=(note,))
    model = await asyncio.to_thread(grow, "large-v3", bench.folder)
    sample = spoken("talk", seconds, pauses=(0.3, 1.5))
    file = await asyncio.to_thread(sample.write, bench.folder)
    figures: list[Figure] = []
    told: dict[str, list[float]] = {}
    for batch in BATCHES if bench.size is Size.FULL else BATCHES[:2]:
        bench.say(f"{batch} at once")
        alone, through = await _compare(bench, model, file, batch)
        figures.append(figure(f"batch {batch}: mesh over raw, throughput", alone / through, at_least=0.95))
        figures.append(figure(f"batch {batch}: raw", sample.seconds / alone, "s of sound a second"))
        figures.append(figure(f"batch {batch}: mesh", sample.seconds / through, "s of sound a second"))
        told[str(batch)] = [alone, through]
    return Finding(number=10, title=TITLE, method=method, figures=tuple(figures), raw=told)


async def _compare(bench: Bench, model: Path, file: Path, batch: int) -> tuple[float, float]:
    """Seconds by the raw library, and through the mesh."""
    settings = {
        "VIDMESH_WHISPER_MODEL": str(model),
        "VIDMESH_WHISPER_DEVICE": "cuda",
        "VIDMESH_WHISPER_BATCH_SIZE": str(batch),
    }
    if batch > 1:
        # A window should fill the batch: a stretch is up to half a minute.
        settings["VIDMESH_WINDOW_SECONDS"] = f"[8, 30, 120, {30 * batch}]"
    alone = [
        (
            await raw.transcribe(model, file, bench.folder / "raw.json", device="cuda", batch_size=batch)
        ).seconds
        for _ in range(2)
    ]
    async with running(bench.folder / f"mesh{batch}", settings) as mesh:
        warm = spoken("warm", 20.0, pauses=(0.3, 1.0), seed=99)
        await run_job(mesh, await asyncio.to_thread(warm.write, bench.folder))
        job = await run_job(mesh, file)
    return statistics.median(alone), job.transcribed
