"""The engine that asks a language model: parts are summarised, then the whole from its parts, whatever the length."""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.errors import Failure
from vidmesh_summarize import prompts
from vidmesh_summarize.chapter_marks import Mark, UnusableAnswerError, as_chapters, read_marks
from vidmesh_summarize.chapters import SHORTEST, Chapter, bounds
from vidmesh_summarize.chat import Chat, Message
from vidmesh_summarize.engine import Brief, Section, Source, Writing
from vidmesh_summarize.transcript import Segment, Sentence, clock

_T = TypeVar("_T")
_OVERHEAD = 700  # tokens of instructions and of what a server puts around messages
_SHOWN_AGAIN = 4000  # characters of an unusable answer that are shown to the model for repair


class LanguageModel:
    """Writes with a language model; an Engine."""

    extractive = False

    def __init__(self, chat: Chat, *, context_tokens: int, answer_tokens: int) -> None:
        """Take how many tokens a request with its answer may have, and how many of them the answer."""
        self.model = chat.model
        self._chat = chat
        self._answer = answer_tokens
        self._room = max(500, context_tokens - answer_tokens - _OVERHEAD)

    def check(self, brief: Brief, language: str) -> None:
        """Accept every brief: a language model can be asked for anything."""

    async def section(self, segments: Sequence[Segment], language: str, title: str) -> str:
        """Summarise some minutes; more than the context holds is summarised in pieces."""
        shown = [prompts.plain(line) for line in prompts.lines(segments, language)]
        pieces = [shown[begin:end] for begin, end in self._batches(shown)]
        texts = await _all(
            self._ask(prompts.SECTION_SYSTEM, prompts.section_request(piece, language, title))
            for piece in pieces
        )
        return "\n".join(text.strip() for text in texts)

    async def summary(self, source: Source, brief: Brief) -> Writing:
        """Write the summary from the sections', condensed level by level until they fit the context."""
        notes = list(source.sections)
        while len(batches := list(self._batches([note.text for note in notes]))) > 1:
            told = await _all(
                self._ask(prompts.SUMMARY_SYSTEM, prompts.condense_request(notes[begin:end], source.language))
                for begin, end in batches
            )
            condensed = [
                Section(start=notes[begin].start, end=notes[end - 1].end, text=text)
                for (begin, end), text in zip(batches, told, strict=True)
            ]
            if len(condensed) >= len(notes):
                break
            notes = condensed
        request = prompts.summary_request(notes, brief, source.language, source.title)
        conversation = [Message("system", prompts.SUMMARY_SYSTEM), Message("user", request)]
        async with aclosing(self._chat.write(conversation, answer_tokens=self._answer)) as pieces:
            async for piece in pieces:
                yield piece

    async def chapters(self, source: Source) -> list[Chapter]:
        """Have the model mark the lines where topics begin: part by part, then chosen for the whole."""
        lines = prompts.lines(source.segments, source.language)
        if not lines:
            return []
        end = max(source.duration, lines[-1].end)
        shown = [prompts.numbered(number, line) for number, line in enumerate(lines, 1)]
        batches = list(self._batches(shown))
        found = await _all(self._part(source, lines, shown, begin, stop) for begin, stop in batches)
        marks = [mark for part in found for mark in part]
        moments = {number: line.start for number, line in enumerate(lines, 1)}
        if len(batches) > 1:
            marks = await self._merged(source, marks, moments, end)
        return as_chapters(marks, moments, end)

    async def _part(
        self, source: Source, lines: Sequence[Sentence], shown: Sequence[str], begin: int, stop: int
    ) -> list[Mark]:
        fewest, most = bounds(lines[stop - 1].end - lines[begin].start)
        request = prompts.chapters_request(shown[begin:stop], fewest, most, source.language, source.title)
        return await self._marks(request, {place + 1: lines[place].start for place in range(begin, stop)})

    async def _merged(
        self, source: Source, marks: Sequence[Mark], moments: Mapping[int, float], end: float
    ) -> list[Mark]:
        fewest, most = bounds(end)
        told = [
            f"{mark.line} ({clock(moments[mark.line])}) {prompts.data(mark.title)}: {prompts.data(mark.gist)}"
            for mark in marks
        ]
        batches = list(self._batches(told))
        share = max(1, most // len(batches))
        chosen = await _all(
            self._marks(
                prompts.merge_request(told[begin:stop], min(fewest, share), share, source.language),
                {mark.line: moments[mark.line] for mark in marks[begin:stop]},
            )
            for begin, stop in batches
        )
        return _spaced([mark for part in chosen for mark in part], moments)

    async def _marks(self, request: str, moments: Mapping[int, float]) -> list[Mark]:
        """Ask for chapters, once more where the answer cannot be used. Raises Failure LANGUAGE_MODEL_GARBLED."""
        conversation = [Message("system", prompts.CHAPTERS_SYSTEM), Message("user", request)]
        answer = await self._chat.ask(conversation, answer_tokens=self._answer, json=True)
        try:
            return read_marks(answer, moments)
        except UnusableAnswerError as problem:
            conversation += [
                Message("assistant", answer[:_SHOWN_AGAIN]),
                Message("user", prompts.repair_request(str(problem))),
            ]
        answer = await self._chat.ask(conversation, answer_tokens=self._answer, json=True)
        try:
            return read_marks(answer, moments)
        except UnusableAnswerError as problem:
            raise Failure(
                ErrorReason.ERROR_REASON_LANGUAGE_MODEL_GARBLED,
                f"The language model's chapters cannot be used, and asking again did not help: {problem}",
            ) from problem

    async def _ask(self, system: str, request: str) -> str:
        return await self._chat.ask(
            [Message("system", system), Message("user", request)], answer_tokens=self._answer
        )

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Group texts, in order, into as few requests as the context allows: ranges of their places."""
        begin, used = 0, 0
        for place, text in enumerate(texts):
            needed = prompts.tokens_in(text) + 8
            if place > begin and used + needed > self._room:
                yield begin, place
                begin, used = place, 0
            used += needed
        if begin < len(texts):
            yield begin, len(texts)


async def _all(asked: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Wait for all answers; the first failure cancels the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in asked]
    except ExceptionGroup as failures:  # not except*, which would wrap what is raised in it once more
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _spaced(marks: Sequence[Mark], moments: Mapping[int, float]) -> list[Mark]:
    """Drop marks that follow another too closely where parts meet."""
    kept: list[Mark] = []
    for mark in marks:
        if not kept or moments[mark.line] - moments[kept[-1].line] >= SHORTEST:
            kept.append(mark)
    return kept
