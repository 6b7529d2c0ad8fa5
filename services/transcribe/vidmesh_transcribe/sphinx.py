"""Recognition by PocketSphinx, whose wheel brings a model: the last resort where no Whisper can be had."""

import importlib.metadata
import re
from collections.abc import Iterator
from typing import Any

from pocketsphinx import Decoder

from vidmesh_transcribe.audio import SAMPLE_RATE
from vidmesh_transcribe.language import Hearing, primary
from vidmesh_transcribe.recognizer import Choice, Engine, UnsupportedLanguageError
from vidmesh_transcribe.samples import samples
from vidmesh_transcribe.speech import Span, utterances
from vidmesh_transcribe.transcript import Segment, Word

MODEL = "en-us"
FRAMES_PER_SECOND = 100

HONEST_LABEL = (
    "Recognised by PocketSphinx: it knows US English only, writes in lower case without punctuation, "
    "and mishears about one word in four."
)


class PocketSphinx:
    """PocketSphinx with the US English model of its own wheel."""

    def __init__(self, *, notice: str = "") -> None:
        self._decoder = Decoder(loglevel="FATAL")
        self._engine = Engine(
            name=Choice.POCKETSPHINX,
            model=MODEL,
            revision=importlib.metadata.version("pocketsphinx"),
            languages=("en",),
            notice=notice or HONEST_LABEL,
        )

    @property
    def engine(self) -> Engine:
        """Who it is."""
        return self._engine

    def recognize(self, pcm: bytes, language: str) -> tuple[Hearing, Iterator[Segment]]:
        """See `Recognizer.recognize`. Each utterance is a segment."""
        if language and primary(language) != "en":
            raise UnsupportedLanguageError(f"PocketSphinx knows English only, not “{language}”.")
        spans = utterances(samples(pcm))
        speech = sum(span.seconds for span in spans)
        hearing = Hearing(speech=speech, language="en" if spans else "", probability=1.0 if spans else 0.0)
        return hearing, self._segments(pcm, spans)

    def _segments(self, pcm: bytes, spans: list[Span]) -> Iterator[Segment]:
        for span in spans:
            self._decoder.start_utt()
            self._decoder.process_raw(pcm[2 * span.start : 2 * span.end], full_utt=True)
            self._decoder.end_utt()
            words = tuple(_words(self._decoder.seg(), span.start / SAMPLE_RATE))
            if words:
                yield Segment(
                    start=words[0].start,
                    end=words[-1].end,
                    text=" ".join(word.text for word in words),
                    words=words,
                    language="en",
                    confidence=sum(word.probability for word in words) / len(words),
                )


def _words(entries: Any, offset: float) -> Iterator[Word]:
    """The spoken words among a decoder's entries, which hold silences, noises and numbered pronunciations too."""
    for entry in entries or ():
        if entry.word.startswith(("<", "[", "+")):
            continue
        yield Word(
            start=offset + entry.start_frame / FRAMES_PER_SECOND,
            end=offset + (entry.end_frame + 1) / FRAMES_PER_SECOND,
            text=re.sub(r"\(\d+\)$", "", entry.word),
            probability=min(1.0, max(0.0, entry.prob)),
        )
