"""Measure a converted model's word errors through faster-whisper: python evaluate.py MODEL CORPUS.npz [WINDOWS]

The corpus should be spoken from another seed than the one trained on. Its sentences are laid into windows of up
to 30 s with pauses of 0.2 to 1.2 s, as they come, and each window is recognised as vidmesh does it: time stamps
and word times on, nothing carried over from window to window.
"""

# ruff: noqa: T201 -- a script that reports to its terminal

import json
import random
import re
import sys
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

RATE = 16_000


def windows(path: Path, most: int) -> list[tuple[np.ndarray, list[str]]]:
    """float32 audio of at most 30 s and the words said in it."""
    stored, rng = np.load(path), random.Random(0)
    texts = json.loads(path.with_suffix(".json").read_text())["texts"]
    speech = np.split(stored["audio"], np.cumsum(stored["lens"])[:-1])
    result, audio, words = [], np.zeros(0, np.float32), []
    for samples, text in zip(speech, texts, strict=True):
        pause = np.zeros(int(RATE * rng.uniform(0.2, 1.2)), np.float32)
        if len(audio) + len(pause) + len(samples) > 30 * RATE:
            result.append((audio, words))
            audio, words = np.zeros(0, np.float32), []
        audio = np.concatenate([audio, pause, samples.astype(np.float32) / 32768])
        words = [*words, *text.split()]
        if len(result) == most:
            break
    return result


def errors(said: list[str], heard: list[str]) -> int:
    """Words to insert, delete or replace to make one from the other (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def main(model: Path, corpus: Path, most: int) -> None:
    """Print the word error rate over all windows."""
    recogniser = WhisperModel(str(model), device="cpu", compute_type="int8", cpu_threads=1)
    wrong = total = exact = 0
    tried = windows(corpus, most)
    for audio, said in tried:
        segments, _ = recogniser.transcribe(
            audio, language="en", word_timestamps=True, condition_on_previous_text=False
        )
        heard = re.findall(r"[a-z]+", " ".join(segment.text for segment in segments).lower())
        missed = errors(said, heard)
        wrong, total, exact = wrong + missed, total + len(said), exact + (missed == 0)
    print(f"{wrong / total:.1%} of {total} words wrong; {exact} of {len(tried)} windows without an error")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int((sys.argv[3:] or ["40"])[0]))
