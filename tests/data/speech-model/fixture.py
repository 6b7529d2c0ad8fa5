"""Speak the tests' recording of about 50 s: python fixture.py FOLDER

Writes FOLDER/grammar.flac (16 kHz mono, 16 bit) and FOLDER/grammar.json: a list of sentences, each with its
`text`, `voice`, `start` and `end` in seconds. Pauses of 0.4 to 1.2 s lie between them.
"""

import json
import random
import sys
from pathlib import Path

import av
import numpy as np
from corpus import RATE, VOICES, speak
from grammar import sentence, written

SEED = 2026
SENTENCES = 15


def sentences(rng: random.Random) -> list[str]:
    """Distinct whole sentences, none of them a mere list of words."""
    chosen: list[str] = []
    while len(chosen) < SENTENCES:
        said = sentence(rng)
        if "the " in said and said not in chosen:
            chosen.append(said)
    return chosen


def main(folder: Path) -> None:
    """Write the recording and its description."""
    rng = random.Random(SEED)
    audio, told, length = [], [], 0
    for index, said in enumerate(sentences(rng)):
        voice = VOICES[index % len(VOICES)]
        pause = np.zeros(int(RATE * rng.uniform(0.4, 1.2)), np.int16)
        speech = speak(said, voice)
        start = length + len(pause)
        length = start + len(speech)
        audio += [pause, speech]
        told.append(
            {
                "text": written(said),
                "voice": voice,
                "start": round((start + 800) / RATE, 2),
                "end": round((length - 800) / RATE, 2),
            }
        )
    audio.append(np.zeros(RATE // 2, np.int16))
    with av.open(str(folder / "grammar.flac"), "w") as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono", format="s16")
        frame = av.AudioFrame.from_ndarray(np.concatenate(audio)[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    lines = ",\n".join(f"  {json.dumps(sentence)}" for sentence in told)
    (folder / "grammar.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
