"""Sentences for a recogniser to hear, with what was said in them: those of tests/data/grammar.flac in ever other orders."""

import json
import random
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from bench.sound import RATE, SPEECH, Samples, speech


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Some speech."""

    name: str
    sound: Samples
    said: tuple[str, ...]
    """Its words in lower case, without punctuation."""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.sound) / RATE

    def write(self, folder: Path) -> Path:
        """Write it as a FLAC file."""
        path = folder / f"{self.name.replace(' ', '-')}.flac"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("flac", rate=RATE, layout="mono", format="s16")
            for at in range(0, len(self.sound), RATE):
                block = np.ascontiguousarray(self.sound[at : at + RATE][None])
                frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
                frame.sample_rate = RATE
                frame.pts = at
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path


def spoken(
    name: str,
    seconds: float,
    *,
    pauses: tuple[float, float],
    seed: int = 7,
    noise: float = 0.0,
    music: float = 0.0,
) -> Sample:
    """So many seconds of sentences with pauses between them of a chance length within these bounds, in seconds.

    `noise` and `music` are how loud these are against the speech, as a ratio of their root mean squares.
    """
    dice = random.Random(seed)
    recorded = speech()
    told = json.loads(SPEECH.with_suffix(".json").read_text())
    parts: list[Samples] = []
    said: list[str] = []
    length = 0
    while length < seconds * RATE:
        for sentence in dice.sample(told, len(told)):
            begin, end = int(sentence["start"] * RATE), int(sentence["end"] * RATE)
            pause = np.zeros(int(dice.uniform(*pauses) * RATE), np.int16)
            parts += [recorded[begin:end], pause]
            length += end - begin + len(pause)
            said += sentence["text"].lower().rstrip(".").split()
            if length >= seconds * RATE:
                break
    clean = np.concatenate(parts).astype(np.float64)
    loud = float(np.sqrt((recorded.astype(np.float64) ** 2).mean()))
    numbers = np.random.default_rng(seed)
    mixed = clean + noise * loud * numbers.standard_normal(len(clean))
    if music:
        mixed += music * loud * _music(len(clean), numbers)
    return Sample(name=name, sound=mixed.clip(-32768, 32767).astype(np.int16), said=tuple(said))


def _music(count: int, numbers: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Chords of four notes, two a second, each struck and fading, with a root mean square of one."""
    beat = RATE // 2
    time = np.arange(beat) / RATE
    made = []
    for _ in range(count // beat + 1):
        notes = 110 * 2 ** (numbers.choice([0, 3, 5, 7, 10, 12, 15, 19, 24], 4) / 12)
        made.append(np.sin(2 * np.pi * np.outer(notes, time)).sum(axis=0) * np.exp(-3 * time))
    whole = np.concatenate(made)[:count]
    return np.asarray(whole / np.sqrt((whole**2).mean()))
