"""What turns sound into text: the port, what it is told, and how it fails."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

from vidmesh_transcribe.language import Hearing
from vidmesh_transcribe.transcript import Segment


class Choice(StrEnum):
    """Which recogniser to take."""

    AUTO = "auto"
    """A Whisper if one can be had, else PocketSphinx, saying so."""
    FASTER_WHISPER = "faster-whisper"
    POCKETSPHINX = "pocketsphinx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The recogniser that was taken: enough to say who wrote a transcript, and to load the same one again."""

    name: str
    """One of `Choice`, never "auto"; that of one's own recogniser is as it says."""
    model: str
    """The model's name, or the last part of its folder's path."""
    revision: str
    """A hub's commit, "sha256:" and the digest of the weights, or the version of the wheel that brings the model."""
    languages: tuple[str, ...]
    """What it understands, as BCP 47 tags."""
    folder: str = ""
    """Where the model lies. Empty where it is part of a wheel."""
    device: str = "cpu"
    compute_type: str = ""
    """The numbers it reckons in, such as "int8"."""
    batch_size: int = 1
    """How many stretches of sound it decodes at once."""
    notice: str = ""
    """What the reader of its text should know. Empty where all is as asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """A model that a recogniser could take."""

    name: str
    engine: str
    available: bool
    """Whether it is at hand, without a download."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags. Empty: those of Whisper's multilingual models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to choose and load a recogniser."""

    choice: str = Choice.AUTO
    """One of `Choice`, or "module:attribute" of one's own."""
    model: str = "small"
    """A folder, a size that faster-whisper knows, or a hub's "owner/name"."""
    device: str = "auto"
    """"auto", "cpu" or "cuda"."""
    compute_type: str = "auto"
    """"auto": int8 on a CPU, float16 on CUDA; else one of CTranslate2's."""
    threads: int = 0
    """Of the CPU; 0 leaves it to CTranslate2."""
    beam_size: int = 5
    batch_size: int = 0
    """How many stretches of up to 30 s are decoded at once; 0: one on a CPU, eight on CUDA."""
    mixed_languages: bool = False
    """Detect the language again every 30 s where none is given."""
    download: bool = True
    """Whether a model that is not in the hub's cache may be fetched."""
    hub_patience: float = 8.0
    """Seconds that the hub may take to answer at all."""
    settled: Engine | None = None
    """An engine that was chosen before: load just that."""


class Recognizer(Protocol):
    """A loaded recogniser. Not for use by two threads at once.

    One's own is named by "module:attribute", where the attribute is called with `Options` and gives such an object. It
    runs in a process of its own, which imports the module.
    """

    @property
    def engine(self) -> Engine:
        """Who it is."""
        ...

    def recognize(self, pcm: bytes, language: str) -> tuple[Hearing, Iterator[Segment]]:
        """Say what a stretch of sound is as a whole, and its segments as they are recognised, timed from its start.

        `pcm` is as in `audio`. `language` is a BCP 47 tag, empty to detect it. On sound without speech there are no
        segments. Raises `UnsupportedLanguageError`.
        """
        ...


class RecognizerError(Exception):
    """A recogniser failed. The text is a sentence for people."""

    kind: ClassVar[str] = "failed"


class ModelMissingError(RecognizerError):
    """No model can be loaded as asked."""

    kind = "model_missing"


class UnsupportedLanguageError(RecognizerError):
    """The model does not know the language."""

    kind = "unsupported_language"


class RecognizerCrashedError(RecognizerError):
    """The recogniser's process died, ran out of memory or stopped answering."""

    kind = "crashed"


class OutOfMemoryError(RecognizerCrashedError):
    """There was not enough memory, of the machine or of its GPU. A fresh process tries again, with smaller batches."""

    kind = "out_of_memory"


ERRORS: dict[str, type[RecognizerError]] = {
    error.kind: error
    for error in (
        RecognizerError,
        ModelMissingError,
        UnsupportedLanguageError,
        RecognizerCrashedError,
        OutOfMemoryError,
    )
}
