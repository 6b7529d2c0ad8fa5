"""The engine that needs no model: the speakers' own sentences, and key phrases for titles."""

import asyncio
import math
from collections.abc import Sequence

from vidmesh_runtime.errors import invalid
from vidmesh_summarize.chapters import Chapter, chapters
from vidmesh_summarize.engine import Brief, Length, Source, Style, Writing
from vidmesh_summarize.highlights import highlights
from vidmesh_summarize.transcript import Segment, Sentence, clock, sentences, shown
from vidmesh_summarize.words import primary

_SECTION_SENTENCES = 3
_PARAGRAPH_SENTENCES = 4


class Extractive:
    """Chooses sentences rather than writing any; an Engine."""

    model = "extractive"
    extractive = True

    def check(self, brief: Brief, language: str) -> None:
        """Raise Failure INVALID_FIELD for a prompt or another language: sentences are taken as they were said."""
        if brief.prompt:
            raise invalid(
                "prompt", "A prompt needs a language model, and none is set (VIDMESH_LLM_BASE_URL)."
            )
        if brief.language and language and primary(brief.language) != primary(language):
            raise invalid(
                "language",
                f"The video is in {language!r}; a summary in {brief.language!r} needs a language model, "
                "and none is set (VIDMESH_LLM_BASE_URL).",
            )

    async def section(self, segments: Sequence[Segment], language: str, title: str) -> str:
        """Take the sentences that tell most of some minutes."""
        chosen = await asyncio.to_thread(_chosen, segments, language, _SECTION_SENTENCES)
        return " ".join(shown(one.text, language) for one in chosen)

    async def summary(self, source: Source, brief: Brief) -> Writing:
        """Give the chosen sentences one by one, each with its moment."""
        self.check(brief, source.language)
        end = max((segment.end for segment in source.segments), default=0.0)
        count = sentence_count(end, brief.length)
        chosen = await asyncio.to_thread(_chosen, source.segments, source.language, count)
        for place, one in enumerate(chosen):
            told = f"{shown(one.text, source.language)} ({clock(one.start)})"
            if brief.style is Style.PARAGRAPHS:
                before = "\n\n" if place % _PARAGRAPH_SENTENCES == 0 else " "
                yield before * bool(place) + told
            else:
                yield "\n" * bool(place) + f"- {told}"

    async def chapters(self, source: Source) -> list[Chapter]:
        """Cut where the vocabulary turns, titled by key phrases."""
        return await asyncio.to_thread(chapters, source.segments, source.language, source.duration)


def sentence_count(duration: float, length: Length) -> int:
    """Say how many sentences a summary has: for 3 min, 1 h and 10 h about 3-3-3, 6-12-16 or 12-25-40."""
    root = math.sqrt(duration / 60)
    if length is Length.SHORT:
        return 3
    if length is Length.MEDIUM:
        return min(16, round(4.5 + root))
    return min(40, round(9 + 2 * root))


def _chosen(segments: Sequence[Segment], language: str, count: int) -> list[Sentence]:
    said = sentences(segments, language)
    chosen = [one.sentence for one in highlights(said, language, count)]
    return chosen or said[:count]
