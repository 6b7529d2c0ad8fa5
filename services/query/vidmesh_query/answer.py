"""An answer to a question from the passages found for it: by a language model and checked, or by the passages alone.

Nothing that a model writes is shown before it is checked. Its words are gathered to sentences; a sentence goes out once a
passage is known to hold it, with the citations that stand. What no passage holds is left out and counted.
"""

import logging
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum

from vidmesh_query import prompt
from vidmesh_query.citation import Checked, check, marked
from vidmesh_query.extract import extract, nearest
from vidmesh_query.hit import Hit
from vidmesh_query.language_model import LanguageModel, LanguageModelError, Message, Trouble
from vidmesh_query.moment import Moment, Span, moment_of
from vidmesh_query.prompt import NOT_FOUND, Turn
from vidmesh_query.sentence import SentenceStream
from vidmesh_query.support import Evidence, Similarity

log = logging.getLogger(__name__)

_DENIES = re.compile(
    r"\b(passages?|transcripts?|videos?)\b.{0,40}\b(do|does|did)(n't| not)\b.{0,20}\b(answer|contain|hold|mention|provide|say)"
    r"|\bno (information|mention|answer)\b|\b(cannot|can't|could not|unable to) (find|answer|be answered)\b",
    re.IGNORECASE,
)


class Kind(StrEnum):
    """How an answer came about."""

    WRITTEN = "written"
    """A model wrote it; every sentence was checked."""
    EXTRACTED = "extracted"
    """It is sentences of the passages, as they were said."""
    NOTHING = "nothing"
    """The videos hold no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A sentence more of the answer, with the blank or line break before it."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A passage that the answer rests on."""

    number: int
    """As the answer cites it: [1] is what it cites first."""
    hit: Hit
    quote: Span
    """The sentence of the passage that holds what is said."""
    moment: Moment
    """When that sentence is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The end of an answer."""

    kind: Kind
    text: str
    """The whole, as its deltas gave it."""
    citations: tuple[Citation, ...] = ()
    model: str = ""
    """The language model that wrote it; empty where none did."""
    trouble: Trouble | None = None
    """Why the model's own answer is not, or not all, here."""
    withheld: int = 0
    """Sentences of the model's that no passage holds, and that were left out."""


@dataclass(slots=True, kw_only=True)
class _Progress:
    """What has been written so far."""

    text: str = ""
    citations: dict[int, Citation] = field(default_factory=dict)
    """By the number that the passage was given to the model under, in the order in which the answer cites them."""
    withheld: int = 0
    denied: bool = False
    separator: str = ""


class Answerer:
    """Answers questions from passages. `model` is None where there is no language model."""

    def __init__(self, similarity: Similarity, model: LanguageModel | None) -> None:
        self._similarity = similarity
        self._model = model

    async def answer(
        self, question: str, hits: Sequence[Hit], history: Sequence[Turn] = (), language: str = ""
    ) -> AsyncGenerator[Delta | Answered]:
        """Yields the answer's sentences, and how it ended last. `language`: a BCP 47 tag, empty for the question's own."""
        if not hits or self._model is None:
            for event in self._extracted(question, hits, trouble=None, withheld=0):
                yield event
            return
        progress = _Progress()
        trouble: Trouble | None = None
        try:
            messages = prompt.answering(question, _quoted(hits), history, language)
            async with aclosing(self._written(self._model, messages, hits, progress)) as deltas:
                async for delta in deltas:
                    yield delta
        except LanguageModelError as error:
            log.warning("the language model failed: %s", error)
            trouble = error.trouble
        if progress.text:
            yield Answered(
                kind=Kind.WRITTEN,
                text=progress.text,
                citations=tuple(progress.citations.values()),
                model=self._model.name,
                trouble=trouble,
                withheld=progress.withheld,
            )
        elif progress.denied:
            yield Answered(kind=Kind.NOTHING, text="", model=self._model.name, withheld=progress.withheld)
        else:
            for event in self._extracted(question, hits, trouble=trouble, withheld=progress.withheld):
                yield event

    async def _written(
        self, model: LanguageModel, messages: Sequence[Message], hits: Sequence[Hit], progress: _Progress
    ) -> AsyncGenerator[Delta]:
        evidence = Evidence([hit.passage.text for hit in hits], self._similarity)
        sentences = SentenceStream()
        async with aclosing(model.stream(messages)) as pieces:
            async for piece in pieces:
                for delta in self._checked(sentences.feed(piece), evidence, hits, progress):
                    yield delta
                if progress.denied and not progress.text:
                    return
        for delta in self._checked(sentences.rest(), evidence, hits, progress):
            yield delta

    def _checked(
        self, written: Sequence[str], evidence: Evidence, hits: Sequence[Hit], progress: _Progress
    ) -> list[Delta]:
        deltas: list[Delta] = []
        for sentence in written:
            if not sentence.strip():
                continue
            checked = check(sentence, evidence)
            if checked.supported:
                deltas.append(self._shown(checked, hits, progress))
                progress.separator = "\n" if sentence.endswith("\n") else " "
            elif NOT_FOUND in sentence or _DENIES.search(sentence):
                progress.denied = True
            else:
                progress.withheld += 1
        return deltas

    def _shown(self, checked: Checked, hits: Sequence[Hit], progress: _Progress) -> Delta:
        for number in checked.citations:
            if number not in progress.citations:
                passage = hits[number - 1].passage
                quote, _ = nearest(checked.text, passage, self._similarity)
                progress.citations[number] = Citation(
                    number=len(progress.citations) + 1,
                    hit=hits[number - 1],
                    quote=quote,
                    moment=moment_of(passage, quote),
                )
        numbers = [progress.citations[number].number for number in checked.citations]
        text = (progress.separator if progress.text else "") + marked(checked.claim, numbers)
        progress.text += text
        return Delta(text=text)

    def _extracted(
        self, question: str, hits: Sequence[Hit], *, trouble: Trouble | None, withheld: int
    ) -> list[Delta | Answered]:
        found = extract(question, [hit.passage for hit in hits], self._similarity)
        texts = [f"“{one.text}” [{number}]" for number, one in enumerate(found, start=1)]
        deltas: list[Delta | Answered] = [
            Delta(text=text if place == 0 else f"\n{text}") for place, text in enumerate(texts)
        ]
        citations = tuple(
            Citation(
                number=number,
                hit=hits[one.number - 1],
                quote=one.span,
                moment=moment_of(hits[one.number - 1].passage, one.span),
            )
            for number, one in enumerate(found, start=1)
        )
        end = Answered(
            kind=Kind.EXTRACTED if found else Kind.NOTHING,
            text="\n".join(texts),
            citations=citations,
            trouble=trouble,
            withheld=withheld,
        )
        return [*deltas, end]


def _quoted(hits: Sequence[Hit]) -> list[prompt.Quoted]:
    return [prompt.Quoted(title=hit.title, at=hit.passage.start, text=hit.passage.text) for hit in hits]
