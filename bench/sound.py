"""Speech of any length as an MP3, made in no time: frames of MP3 need not know their neighbours, so pieces are strung together."""

import io
import random
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

RATE = 16_000
SPEECH = Path(__file__).parents[1] / "tests" / "data" / "grammar.flac"
"""57 s that the small Whisper understands."""

Samples = NDArray[np.int16]


def speech() -> Samples:
    """The 57 s as samples."""
    with av.open(str(SPEECH)) as container:
        frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    samples: Samples = np.concatenate(frames).astype(np.int16)
    return samples


def mp3(samples: Samples) -> bytes:
    """The samples as frames of MP3 without any header, each complete in itself."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout="mono", options={"reservoir": "0"})
        assert isinstance(stream, AudioStream)
        stream.bit_rate = 32_000
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def write_speech(path: Path, seconds: float, *, pauses: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)) -> float:
    """Write the 57 s again and again, a pause of chance length between, always the same chance. Gives how long it is, in seconds."""
    sound = speech()
    talk = mp3(sound)
    gaps = [(pause, mp3(np.zeros(int(pause * RATE), np.int16))) for pause in pauses]
    chance = random.Random(0)
    written = 0.0
    with path.open("wb") as file:
        while written < seconds:
            pause, gap = chance.choice(gaps)
            file.write(talk)
            file.write(gap)
            written += len(sound) / RATE + pause
    return written
