"""What the transcribe service must be told."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from vidmesh_runtime.settings import ServiceSettings
from vidmesh_transcribe.recognizer import Choice


class Settings(ServiceSettings):
    """Read once at start from `VIDMESH_*` environment variables."""

    recognizer: Choice | Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] = Choice.AUTO
    """What recognises speech: `faster-whisper`, `pocketsphinx`, or `auto`: a Whisper if one can be had, else PocketSphinx.
    Your own is named `module:attribute`: it is called with `vidmesh_transcribe.recognizer.Options` and gives an object as
    `Recognizer` there describes it."""

    recognizer_lanes: Annotated[int, Field(ge=0)] = 0
    """How many windows a worker recognises at once, each in a process with a model of its own; 0: two on a CPU with two
    cores, one on CUDA."""

    whisper_model: str = "small"
    """The Whisper model: a size that faster-whisper knows, a hub's `owner/name`, or a folder with a CTranslate2 model."""

    whisper_device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where Whisper runs."""

    whisper_compute_type: str = "auto"
    """The numbers that Whisper reckons in, as CTranslate2 names them; `auto`: int8 on a CPU, float16 on CUDA."""

    whisper_threads: Annotated[int, Field(ge=0)] = 0
    """Threads of the CPU for each Whisper; 0: its part of the cores, at most four."""

    whisper_beam_size: Annotated[int, Field(ge=1, le=20)] = 5
    """How many readings Whisper weighs at once: fewer are faster, more are a little better."""

    whisper_batch_size: Annotated[int, Field(ge=0, le=64)] = 0
    """How many stretches of up to 30 s of a window Whisper decodes at once; 0: one on a CPU, eight on CUDA. One at a time,
    each begins where the last sentence ended: the reference for quality. More at once begin at pauses: far faster on CUDA.
    Where the device's memory is short, half as many are tried."""

    whisper_download: bool = True
    """Whether a Whisper model that is not in the hub's cache may be downloaded."""

    hub_patience: timedelta = timedelta(seconds=8)
    """How long the model hub may take to answer at all."""

    mixed_languages: bool = False
    """Whether the language is detected again for every window and every 30 s, for videos that mix languages."""

    recognizer_idle: timedelta = timedelta(minutes=5)
    """After how long without work the recogniser's memory is given back."""

    recognizer_max_bytes: int = 4 << 30
    """Memory of the recogniser's process, in bytes, beyond which a fresh one takes the next window."""

    recognizer_silence: timedelta = timedelta(minutes=15)
    """How long the recogniser may say nothing in the middle of a window before it is taken for hung."""

    live_streams: Annotated[int, Field(ge=0)] = 2
    """How many streams of live sound are recognised at once."""
