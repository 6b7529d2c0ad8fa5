"""Speech that can be checked word by word: each second of a talk says one number, and a recogniser that reads them.

A second holds two bursts of a square wave, whose heights are the number's digits, and then a pause. What is lost, doubled
or out of order anywhere between the file and its transcript is seen in the words. As the mesh's recogniser:
`VIDMESH_RECOGNIZER=tests.faults.counted:Counter`, with the seconds it takes for each second of sound as its model's name.
"""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests import media
from vidmesh_transcribe.audio import seconds
from vidmesh_transcribe.language import Hearing
from vidmesh_transcribe.recognizer import Engine, Options
from vidmesh_transcribe.transcript import Segment

RATE = media.RATE
BASE = 4096
"""How many digits there are."""
FLOOR = 4000
"""The height of the digit 0; each further one is 6 higher."""
STEP = 6
PERIOD = 40
"""Samples of one square wave."""
BEGIN, BURST = 1600, 4000
"""Samples of silence before the first burst of a second, and of each burst."""
LETTERS = "bcdfghjkmnpqrtvw"
POISON = BASE * BASE - 1
"""The number that kills the service which has it recognised."""

Samples = NDArray[np.int16]


def talk(first: int, length: int) -> Samples:
    """`length` seconds of sound that say the numbers from `first` on."""
    return say(range(first, first + length))


def say(numbers: Sequence[int]) -> Samples:
    """One second of sound for each number."""
    sound = np.zeros((len(numbers), RATE), np.int16)
    sign = np.where(np.arange(BURST) // (PERIOD // 2) % 2, -1, 1)
    for second, number in enumerate(numbers):
        for place, digit in enumerate(divmod(number, BASE)):
            at = BEGIN + place * BURST
            sound[second, at : at + BURST] = sign * (FLOOR + STEP * digit)
    return sound.reshape(-1)


def write(path: Path, first: int, length: int) -> Path:
    """A file, without loss, of `length` seconds that say the numbers from `first` on."""
    return media.write(path, talk(first, length))


def heard(sound: Samples) -> list[tuple[float, int]]:
    """The numbers that are said in a stretch of sound, each with the second at which it begins."""
    loud = np.concatenate(([False], np.abs(sound.astype(np.int32)) >= FLOOR, [False]))
    begins, ends = np.flatnonzero(loud[1:] & ~loud[:-1]), np.flatnonzero(~loud[1:] & loud[:-1])
    found = []
    for begin, end in zip(begins, ends, strict=True):
        if end - begin != 2 * BURST:
            raise ValueError(f"{end - begin} samples are no number")
        digits = [
            (int(np.median(np.abs(sound[at : at + BURST].astype(np.int32)))) - FLOOR) // STEP
            for at in (begin, begin + BURST)
        ]
        found.append((float(begin / RATE), digits[0] * BASE + digits[1]))
    return found


def word(number: int) -> str:
    """A number as a word of its own, which no stemmer touches and no other number shares."""
    letters = ""
    for _ in range(6):
        number, letter = divmod(number, len(LETTERS))
        letters = LETTERS[letter] + letters
    return f"z{letters}z"


def sentence(number: int) -> str:
    """What is said where a number is."""
    return f"And so they counted {word(number)} by the river."


def text(first: int, length: int) -> str:
    """The whole transcript of a talk."""
    return " ".join(sentence(number) for number in range(first, first + length))


class Counter:
    """The recogniser."""

    def __init__(self, options: Options) -> None:
        self._pace = float(options.model)

    @property
    def engine(self) -> Engine:
        return Engine(name="counter", model=str(self._pace), revision="1", languages=("en",))

    def recognize(self, pcm: bytes, language: str) -> tuple[Hearing, Iterator[Segment]]:
        numbers = heard(np.frombuffer(pcm, "<i2"))
        said = seconds(len(pcm)) if numbers else 0.0
        return Hearing(speech=said, language="en" if numbers else "", probability=1.0), self._tell(numbers)

    def _tell(self, numbers: list[tuple[float, int]]) -> Iterator[Segment]:
        for at, number in numbers:
            if number == POISON:
                os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(self._pace)
            yield Segment(start=at, end=at + 0.9, text=f" {sentence(number)}", language="en")
