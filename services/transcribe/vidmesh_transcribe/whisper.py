"""Recognition by faster-whisper."""

import math
from collections.abc import Iterator
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.transcribe import restore_speech_timestamps
from numpy.typing import NDArray

from vidmesh_transcribe.audio import SAMPLE_RATE
from vidmesh_transcribe.language import Hearing, primary
from vidmesh_transcribe.models import Model
from vidmesh_transcribe.recognizer import Choice, Engine, ModelMissingError, Options, UnsupportedLanguageError
from vidmesh_transcribe.samples import samples
from vidmesh_transcribe.sentences import sentences
from vidmesh_transcribe.speech import SHORTEST_SPEECH_MS, speech
from vidmesh_transcribe.transcript import Segment, Word

# Whisper's own codes that differ from BCP 47's, and other tags of languages that it knows by another name.
WHISPER_CODES = {"jv": "jw", "nb": "no", "fil": "tl", "iw": "he", "cmn": "zh"}
TAGS = {"jw": "jv"}
CUDA_BATCH = 8
"""Stretches that a GPU decodes at once where nobody says how many."""


class FasterWhisper:
    """A Whisper in CTranslate2's form.

    Sound without speech is cut out beforehand (Silero VAD) and windows do not condition each other: what Whisper
    invents, it invents on silence and out of its own last words. Temperatures and thresholds are the library's.
    """

    def __init__(self, model: Model, options: Options, *, notice: str = "") -> None:
        """Load the model. Raises `ModelMissingError` where it, or the device, is not usable."""
        device = _device(options.device)
        try:
            self._model = _load(model, device, options)
        except (RuntimeError, ValueError) as error:
            if options.device != "auto" or device == "cpu":
                raise ModelMissingError(
                    f"The Whisper model {model.name} cannot be loaded: {error}"
                ) from error
            notice = f"Recognised on the CPU, because the GPU cannot be used: {error}"
            device = "cpu"
            self._model = _load(model, device, options)
        self._beam_size = options.beam_size
        self._mixed_languages = options.mixed_languages
        self._batch_size = options.batch_size or (CUDA_BATCH if device == "cuda" else 1)
        self._batched = self._batch_size > 1
        self._pipeline = BatchedInferencePipeline(self._model)
        self._engine = Engine(
            name=Choice.FASTER_WHISPER,
            model=model.name,
            revision=model.revision,
            languages=tuple(TAGS.get(code, code) for code in self._model.supported_languages),
            folder=model.folder,
            device=device,
            compute_type=self._model.model.compute_type,
            batch_size=self._batch_size,
            notice=notice,
        )

    @property
    def engine(self) -> Engine:
        """Who it is."""
        return self._engine

    def recognize(self, pcm: bytes, language: str) -> tuple[Hearing, Iterator[Segment]]:
        """See `Recognizer.recognize`."""
        code = self._code(language)
        signal = samples(pcm)
        heard, info = self._batch(signal, code) if self._batched else self._one_by_one(signal, code)
        if info is None or not info.duration_after_vad:
            return Hearing(speech=0.0), iter(())
        tag = TAGS.get(info.language, info.language)
        hearing = Hearing(
            speech=float(info.duration_after_vad), language=tag, probability=float(info.language_probability)
        )
        said = (_segment(segment, tag) for segment in heard)
        return hearing, (part for segment in said for part in sentences(segment)) if self._batched else said

    def _one_by_one(self, signal: NDArray[np.float32], code: str | None) -> tuple[Iterator[Any], Any]:
        """As `transcribe(vad_filter=True)` does it, save that nothing is done where nobody speaks."""
        spans = speech(signal)
        if not spans:
            return iter(()), None
        joined = np.concatenate([signal[span.start : span.end] for span in spans])
        heard, info = self._model.transcribe(joined, language=code, **self._told(code))
        chunks = [{"start": span.start, "end": span.end} for span in spans]
        return restore_speech_timestamps(heard, chunks, SAMPLE_RATE), info

    def _batch(self, signal: NDArray[np.float32], code: str | None) -> tuple[Iterator[Any], Any]:
        """Stretches of up to 30 s, cut at pauses, some of them at once."""
        heard, info = self._pipeline.transcribe(
            signal,
            language=code,
            batch_size=self._batch_size,
            vad_filter=True,
            vad_parameters={"min_speech_duration_ms": SHORTEST_SPEECH_MS, "min_silence_duration_ms": 160},
            **self._told(code),
        )
        return iter(heard), info

    def _told(self, code: str | None) -> dict[str, Any]:
        return {
            "beam_size": self._beam_size,
            "word_timestamps": True,
            "condition_on_previous_text": False,
            "multilingual": self._mixed_languages and code is None,
        }

    def _code(self, language: str) -> str | None:
        if not language:
            return None
        code = WHISPER_CODES.get(primary(language), primary(language))
        if code not in self._model.supported_languages:
            raise UnsupportedLanguageError(
                f"The Whisper model {self._engine.model} does not know “{language}”."
            )
        return code


def _device(asked: str) -> str:
    if asked != "auto":
        return asked
    return "cuda" if ctranslate2.get_cuda_device_count() > 0 else "cpu"


def _load(model: Model, device: str, options: Options) -> WhisperModel:
    compute_type = options.compute_type
    if compute_type == "auto":
        compute_type = "float16" if device == "cuda" else "int8"
    loaded = WhisperModel(
        model.folder,
        device=device,
        compute_type=compute_type,
        cpu_threads=options.threads,
        local_files_only=True,
    )
    if device == "cuda":
        # CUDA's libraries are looked for at the first step only: take one, so that their absence is told at the start.
        extractor = loaded.feature_extractor
        loaded.encode(np.zeros((extractor.mel_filters.shape[0], extractor.nb_max_frames), np.float32))
    return loaded


def _segment(segment: Any, language: str) -> Segment:
    words = tuple(
        Word(start=float(w.start), end=float(w.end), text=w.word.strip(), probability=float(w.probability))
        for w in segment.words or ()
        if w.word.strip()
    )
    return Segment(
        start=float(segment.start),
        end=float(segment.end),
        text=segment.text.strip(),
        words=words,
        language=language,
        confidence=min(1.0, math.exp(segment.avg_logprob)),
        no_speech=float(segment.no_speech_prob),
    )
