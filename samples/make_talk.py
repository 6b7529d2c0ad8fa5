"""Make talk.mp4 from talk.txt: python make_talk.py

A voice of flite reads the text, a drawn slide stands beside each section. Needs flite on the PATH, and av, numpy
and Pillow.
"""

import math
import random
import subprocess
import tempfile
import wave
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
VOICE = "rms"
RATE = 16_000
PACE = 1.08
"""How much slower than flite speaks by itself."""
BEFORE_SECTION = 1.5
"""Silence before a section, in seconds; a pause between sentences takes 0.5 to 0.9."""
WIDTH, HEIGHT, SCALE = 1280, 720, 2
PICTURES_PER_SECOND = 5

SKY, GRASS, EARTH, WHITE, INK = "#cfe8f5", "#8cb369", "#7f5539", "#fffdf7", "#22333b"
SUN, RED, BROWN, CRUST, WATER, GREY = "#f6bd60", "#c8553d", "#5e3c23", "#d9a05b", "#4d9de0", "#8d99ae"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the talk under a title of its own."""

    title: str
    sentences: tuple[str, ...]


def sections(text: str) -> list[Section]:
    """The script's sections: a line `# title`, then a sentence a line."""
    parts = [part.strip().splitlines() for part in text.split("# ")[1:]]
    return [Section(title=lines[0], sentences=tuple(filter(None, lines[1:]))) for lines in parts]


def speak(sentence: str) -> np.ndarray:
    """The sentence as int16 samples, trimmed to 50 ms around the speech."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(  # noqa: S603 -- the script's own text
            ["flite", "-voice", VOICE, "--setf", f"duration_stretch={PACE}", "-t", sentence, "-o", file.name],  # noqa: S607 -- flite, wherever it is installed
            check=True,
        )
        with wave.open(file.name) as sound:
            if sound.getframerate() != RATE:
                raise ValueError(f"flite's voice {VOICE} speaks at {sound.getframerate()} Hz, not {RATE}")
            samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 300)
    return samples[max(0, loud[0] - 800) : loud[-1] + 800]


def read(talk: list[Section]) -> tuple[np.ndarray, list[float]]:
    """The whole talk as samples, and the second at which each section's slide appears."""
    rng, parts, starts, length = random.Random(1), [], [], 0
    for section in talk:
        starts.append(length / RATE)
        for index, sentence in enumerate(section.sentences):
            pause = BEFORE_SECTION if index == 0 else rng.uniform(0.5, 0.9)
            parts += [np.zeros(int(pause * RATE), np.int16), speak(sentence)]
            length += len(parts[-2]) + len(parts[-1])
    return np.concatenate([*parts, np.zeros(RATE, np.int16)]), starts


class Board:
    """A slide to draw on, in units of 1/1280 of its width."""

    def __init__(self) -> None:
        self._image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), SKY)
        self._pen = ImageDraw.Draw(self._image)
        self.box(0, 560, 1280, 720, GRASS)

    def box(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        """A rectangle."""
        self._pen.rectangle([x * SCALE for x in (left, top, right, bottom)], fill=colour)

    def oval(self, x: float, y: float, across: float, down: float, colour: str) -> None:
        """An ellipse about (x, y) with its two radii."""
        bounds = (x - across, y - down, x + across, y + down)
        self._pen.ellipse([v * SCALE for v in bounds], fill=colour)

    def shape(self, *points: tuple[float, float], colour: str) -> None:
        """A polygon."""
        self._pen.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=colour)

    def line(self, *points: tuple[float, float], colour: str, width: int) -> None:
        """A line through the points."""
        places = [(x * SCALE, y * SCALE) for x, y in points]
        self._pen.line(places, fill=colour, width=width * SCALE, joint="curve")

    def write(self, text: str) -> None:
        """The slide's title."""
        font = ImageFont.load_default(64 * SCALE)
        self._pen.text((WIDTH * SCALE / 2, 70 * SCALE), text, INK, font, anchor="mm")

    def pixels(self) -> np.ndarray:
        """The finished slide, (720, 1280, 3) uint8."""
        return np.asarray(self._image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))


def farm(board: Board) -> None:
    """A barn in the sun."""
    board.oval(1080, 220, 70, 70, SUN)
    board.box(420, 340, 820, 600, RED)
    board.shape((390, 350), (620, 190), (850, 350), colour=BROWN)
    board.box(550, 430, 690, 600, WHITE)
    board.line((550, 430), (690, 600), colour=RED, width=10)
    board.line((690, 430), (550, 600), colour=RED, width=10)


def bees(board: Board) -> None:
    """A flower and two bees on their way."""
    board.line((420, 620), (430, 380), colour="#588157", width=18)
    for turn in range(8):
        angle = turn * math.pi / 4
        board.oval(430 + 85 * math.cos(angle), 360 + 85 * math.sin(angle), 48, 48, "#f28482")
    board.oval(430, 360, 62, 62, SUN)
    for x, y in ((760, 260), (960, 400)):
        board.oval(x - 20, y - 55, 28, 45, WHITE)
        board.oval(x + 30, y - 55, 28, 45, WHITE)
        board.oval(x, y, 85, 50, SUN)
        for stripe in (-35, 0, 35):
            board.box(x + stripe - 8, y - 42, x + stripe + 8, y + 42, INK)
        board.oval(x - 85, y - 5, 28, 28, INK)


def bread(board: Board) -> None:
    """A loaf on a table."""
    board.oval(640, 420, 300, 150, CRUST)
    board.box(340, 420, 940, 560, CRUST)
    board.box(0, 560, 1280, 720, EARTH)
    for x in (480, 620, 760):
        board.line((x - 40, 370), (x + 60, 310), colour=WHITE, width=16)
    for x, y, size in ((420, 470, 12), (540, 500, 18), (660, 450, 14), (780, 490, 20), (880, 460, 12)):
        board.oval(x, y, size, size, "#f3d9b1")


def windmill(board: Board) -> None:
    """A windmill on a hill."""
    board.oval(640, 700, 620, 220, GRASS)
    board.shape((585, 520), (625, 250), (655, 250), (695, 520), colour=WHITE)
    for turn in range(4):
        angle = math.pi / 5 + turn * math.pi / 2
        tip = (640 + 180 * math.cos(angle), 260 + 130 * math.sin(angle))
        side = (640 + 175 * math.cos(angle + 0.25), 260 + 125 * math.sin(angle + 0.25))
        board.shape((640, 260), tip, side, colour=BROWN)
    board.oval(640, 260, 18, 18, INK)


def river(board: Board) -> None:
    """A river that comes down from a mountain with snow."""
    board.shape((250, 560), (560, 170), (870, 560), colour=GREY)
    board.shape((467, 287), (560, 170), (653, 287), (600, 260), (560, 300), (515, 260), colour=WHITE)
    board.line((560, 330), (530, 410), (600, 480), (560, 560), colour=WATER, width=16)
    board.shape((552, 556), (568, 556), (700, 620), (1000, 720), (640, 720), (580, 630), colour=WATER)
    for x in (960, 1080, 1190):
        board.box(x - 10, 480, x + 10, 580, BROWN)
        board.oval(x, 440, 55, 60, "#588157")
        board.oval(x - 15, 430, 9, 9, RED)
        board.oval(x + 20, 455, 9, 9, RED)


def evening(board: Board) -> None:
    """The barn again as the sun goes down."""
    board.oval(1080, 560, 110, 110, SUN)
    farm(board)
    board.oval(1080, 220, 72, 72, SKY)
    board.box(860, 560, 1280, 720, GRASS)


PICTURES: tuple[Callable[[Board], None], ...] = (farm, bees, bread, windmill, river, evening)


def slide(title: str, picture: Callable[[Board], None]) -> av.VideoFrame:
    """A picture under its title."""
    board = Board()
    picture(board)
    board.write(title)
    return av.VideoFrame.from_ndarray(board.pixels(), format="rgb24")


def film(talk: list[Section], path: Path) -> None:
    """Write the talk as H.264 and AAC, its index first so that it plays while it loads."""
    sound, starts = read(talk)
    slides = [slide(part.title, picture) for part, picture in zip(talk, PICTURES, strict=True)]
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        container.metadata["title"] = talk[0].title
        video = container.add_stream("libx264", rate=PICTURES_PER_SECOND)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {
            "crf": "26",
            "preset": "slow",
            "tune": "stillimage",
            "g": str(PICTURES_PER_SECOND * 10),
        }
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        audio.bit_rate = 48_000
        for second in range(math.ceil(len(sound) / RATE)):
            for index in range(PICTURES_PER_SECOND):
                number = second * PICTURES_PER_SECOND + index
                shown = sum(start <= number / PICTURES_PER_SECOND for start in starts) - 1
                slides[shown].time_base = Fraction(1, PICTURES_PER_SECOND)
                slides[shown].pts = number
                container.mux(video.encode(slides[shown]))
            samples = sound[second * RATE : (second + 1) * RATE]
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), second * RATE
            container.mux(audio.encode(frame))
        for stream in (video, audio):
            container.mux(stream.encode(None))


if __name__ == "__main__":
    film(sections((HERE / "talk.txt").read_text()), HERE / "talk.mp4")
