"""Media files for tests: sound and pictures in the containers that people upload, and broken ones.

Sound is an array of int16 samples, mono, at 16 kHz. What writes a file takes its path and returns it:
`media.write(tmp_path / "talk.mp4", media.speech(), picture=True)`. The suffix decides container and codecs.
"""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

RATE = 16_000
PICTURES_PER_SECOND = 5
WIDTH, HEIGHT = 160, 90
DATA = Path(__file__).parent / "data"

SOUND_CODECS = {
    ".mp4": "aac",
    ".m4a": "aac",
    ".mkv": "aac",
    ".webm": "libopus",
    ".ogg": "libopus",
    ".mp3": "libmp3lame",
    ".flac": "flac",
    ".wav": "pcm_s16le",
}
PICTURE_CODECS = {".mp4": "libx264", ".mkv": "libx264", ".webm": "libvpx-vp9"}

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Something said or shown, in seconds from the start of the file."""

    start: float
    end: float
    text: str


def speech(seconds: float | None = None) -> Samples:
    """The first `seconds`, or all 57 s, of tests/data/grammar.flac, which the small Whisper understands."""
    with av.open(str(DATA / "grammar.flac")) as container:
        frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    samples: Samples = np.concatenate(frames).astype(np.int16)
    return samples if seconds is None else samples[: int(seconds * RATE)]


def said() -> list[Line]:
    """The sentences of `speech()`."""
    told = json.loads((DATA / "grammar.json").read_text())
    return [Line(start=entry["start"], end=entry["end"], text=entry["text"]) for entry in told]


def silence(seconds: float) -> Samples:
    """Digital silence."""
    return np.zeros(int(seconds * RATE), np.int16)


def noise(seconds: float, *, level: float = 0.05) -> Samples:
    """White noise, the same each time; `level` is its deviation as a share of full scale."""
    hiss = np.random.default_rng(0).standard_normal(int(seconds * RATE)) * level * 32767
    return np.clip(hiss, -32768, 32767).astype(np.int16)


def write(
    path: Path,
    sound: Samples | None,
    *,
    picture: bool = False,
    seconds: float = 0.0,
    index_first: bool = False,
    captions: Sequence[Line] = (),
    language: str = "eng",
) -> Path:
    """Write a sound or video file.

    `sound` None makes a video without a sound stream, `seconds` long. `index_first` moves an mp4's index to its
    start. `captions` go into a Matroska file as a SubRip stream in `language` (ISO 639-2).
    """
    length = seconds if sound is None else len(sound) / RATE
    options = {"movflags": "faststart"} if index_first else {}
    with av.open(str(path), "w", options=options) as container:
        audible = None if sound is None else _sound_stream(container, path.suffix)
        visible = _picture_stream(container, path.suffix) if picture or sound is None else None
        shown = list(_caption_packets(container, captions, language)) if captions else []
        for second in range(int(np.ceil(length))):
            if audible is not None and sound is not None:
                _hear(container, audible, sound, second)
            if visible is not None:
                _show(container, visible, second, min(1.0, length - second))
            for packet in [packet for start, packet in shown if int(start) == second]:
                container.mux(packet)
        for stream in (audible, visible):
            if stream is not None:
                container.mux(stream.encode(None))
    return path


def _sound_stream(container: OutputContainer, suffix: str) -> AudioStream:
    codec = SOUND_CODECS[suffix]
    stream = container.add_stream(codec, rate=48_000 if codec == "libopus" else RATE, layout="mono")
    assert isinstance(stream, AudioStream)
    return stream


def _picture_stream(container: OutputContainer, suffix: str) -> VideoStream:
    stream = container.add_stream(PICTURE_CODECS[suffix], rate=PICTURES_PER_SECOND)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    return stream


def _hear(container: OutputContainer, stream: AudioStream, sound: Samples, second: int) -> None:
    """Encode one second of the sound."""
    samples = sound[second * RATE : (second + 1) * RATE]
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), second * RATE
    container.mux(stream.encode(frame))


def _show(container: OutputContainer, stream: VideoStream, second: int, share: float) -> None:
    """Encode the pictures of one second, or of its first `share`: a white bar that moves on a dark ground."""
    for index in range(max(1, round(share * PICTURES_PER_SECOND))):
        number = second * PICTURES_PER_SECOND + index
        picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
        picture[:, number % WIDTH : number % WIDTH + 8] = 255
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.time_base, frame.pts = Fraction(1, PICTURES_PER_SECOND), number
        container.mux(stream.encode(frame))


def _caption_packets(
    container: OutputContainer, captions: Sequence[Line], language: str
) -> Iterator[tuple[float, "av.Packet[SubtitleStream]"]]:
    """A SubRip stream in the container: the start of each caption in seconds, and its packet."""
    with av.open(io.BytesIO(subrip(captions).encode()), "r", format="srt") as source:
        template = source.streams.subtitles[0]
        stream = container.add_stream_from_template(template)
        stream.metadata["language"] = language
        for packet in source.demux(template):
            if packet.pts is not None and packet.time_base is not None:
                start = float(packet.pts * packet.time_base)
                packet.stream = stream
                yield start, packet


def subrip(lines: Sequence[Line]) -> str:
    """The lines as a SubRip file."""

    def clock(seconds: float) -> str:
        whole, thousandths = divmod(round(seconds * 1000), 1000)
        return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{thousandths:03}"

    cues = (f"{n}\n{clock(x.start)} --> {clock(x.end)}\n{x.text}\n" for n, x in enumerate(lines, 1))
    return "\n".join(cues)


def truncated(path: Path, source: Path, *, share: float = 0.5) -> Path:
    """The first `share` of another file's bytes, as an upload that broke off leaves them."""
    content = source.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def empty(path: Path) -> Path:
    """A file of no bytes."""
    path.touch()
    return path


def impostor(path: Path) -> Path:
    """A text that calls itself a video."""
    path.write_text("This is a letter to a friend and no video at all.\n" * 100)
    return path
