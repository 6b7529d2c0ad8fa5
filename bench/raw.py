"""The raw library on a local file, in a process of its own: `python -m bench.raw MODEL AUDIO OUT JSON`.

JSON are more settings of `transcribe`, with "device", "threads" and "batch_size" among them. It does what a careful user
of faster-whisper does, with the settings that vidmesh uses: load the model, then decode the file and transcribe it whole.
OUT is told what it heard and how long each part took.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from bench.resident import MEGABYTE, pss, tree

SETTINGS: dict[str, Any] = {
    "language": "en",
    "beam_size": 5,
    "word_timestamps": True,
    "vad_filter": True,
    "vad_parameters": {"min_speech_duration_ms": 200},
    "condition_on_previous_text": False,
}
"""As vidmesh has them by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A word that somebody heard, and when, in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRun:
    """What the raw library did."""

    words: tuple[Spoken, ...]
    seconds: float
    """From the file to the last word, the model being loaded."""
    prepared: float
    """How much of it went by before the first step of the decoder was asked for: decoding, voices, features."""
    peak: float
    """The most memory that it held, in MB."""


async def transcribe(model: Path, audio: Path, out: Path, **settings: Any) -> RawRun:
    """Run the raw library and look at its memory meanwhile."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.raw", str(model), str(audio), str(out), json.dumps(settings)
    )
    waiting = asyncio.create_task(process.wait())
    peak = 0.0
    try:
        while not waiting.done():
            held = await asyncio.to_thread(lambda: sum(map(pss, tree(process.pid))))
            peak = max(peak, held / MEGABYTE)
            await asyncio.wait([waiting], timeout=0.2)
    finally:
        if not waiting.done():
            process.kill()
            await waiting
    if process.returncode:
        raise RuntimeError(f"the raw library ended with {process.returncode}")
    told = json.loads(await asyncio.to_thread(out.read_text))
    return RawRun(
        words=tuple(Spoken(text=text, start=start, end=end) for text, start, end in told["words"]),
        seconds=told["seconds"],
        prepared=told["prepared"],
        peak=peak,
    )


def _main(model: str, audio: str, out: str, told: Mapping[str, Any]) -> None:
    from faster_whisper import BatchedInferencePipeline, WhisperModel, decode_audio  # noqa: PLC0415 - not the parent

    settings = SETTINGS | dict(told)
    device = settings.pop("device", "cpu")
    batch = settings.pop("batch_size", 1)
    loaded = WhisperModel(
        model,
        device=device,
        compute_type="float16" if device == "cuda" else "int8",
        cpu_threads=settings.pop("threads", 0),
    )
    began = time.monotonic()
    if batch > 1:
        heard, _ = BatchedInferencePipeline(loaded).transcribe(
            decode_audio(audio), batch_size=batch, **settings
        )
    else:
        heard, _ = loaded.transcribe(decode_audio(audio), **settings)
    prepared = time.monotonic() - began
    segments = list(heard)
    seconds = time.monotonic() - began
    words = chain.from_iterable(segment.words or () for segment in segments)
    spoken = [(word.word.strip(), float(word.start), float(word.end)) for word in words]
    Path(out).write_text(json.dumps({"words": spoken, "seconds": seconds, "prepared": prepared}))


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
