"""Speak sentences of the grammar with flite's voices: python corpus.py SEED COUNT OUT.npz

OUT.npz holds `audio` (all samples, int16, mono, 16 kHz, end to end) and `lens` (samples of each sentence);
OUT.json the `texts` and `voices`.
"""

# ruff: noqa: T201 -- a script that reports to its terminal

import json
import os
import random
import subprocess
import sys
import tempfile
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from grammar import sentence

RATE = 16_000
VOICES = ("slt", "rms", "awb", "kal16")


def speak(text: str, voice: str, stretch: float = 1.0) -> np.ndarray:
    """The spoken text, int16 mono at 16 kHz, trimmed to 50 ms around the speech; `stretch` > 1 is slower."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        pace = f"duration_stretch={stretch:.2f}"
        subprocess.run(
            ["flite", "-voice", voice, "--setf", pace, "-t", f"{text}.", "-o", file.name],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with wave.open(file.name) as sound:
            if sound.getframerate() != RATE:
                raise ValueError(f"flite's voice {voice} speaks at {sound.getframerate()} Hz, not {RATE}")
            samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 300)
    return samples[max(0, loud[0] - 800) : loud[-1] + 800] if len(loud) else samples


def main(seed: int, count: int, out: Path) -> None:
    """Speak `count` sentences, the same ones for the same seed."""
    rng = random.Random(seed)
    items = [(sentence(rng), rng.choice(VOICES), rng.uniform(0.85, 1.2)) for _ in range(count)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        audio = list(pool.map(lambda item: speak(*item), items))
    np.savez(out, audio=np.concatenate(audio), lens=np.array([len(samples) for samples in audio]))
    texts, voices, _ = zip(*items, strict=True)
    out.with_suffix(".json").write_text(json.dumps({"texts": texts, "voices": voices}))
    print(f"{count} sentences, {sum(map(len, audio)) / RATE / 3600:.2f} hours")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
