"""Whether a passage holds what a sentence says of it: by words, by numbers and by meaning.

Words weigh by how rare they are among the passages retrieved, so that those which every passage has prove nothing, in any
language. Numbers must all be there. Where words alone do not decide, the nearness of the embeddings does.
"""

import math
from collections.abc import Callable, Sequence

from vidmesh_query import sentence
from vidmesh_query.terms import content, numbers, stem, tokens

Similarity = Callable[[str, Sequence[str]], Sequence[float]]
"""Cosine similarity of a text to each of some others, -1 to 1."""

BY_WORDS = 0.5
"""The weighted share of a sentence's words that proves it."""
BY_MEANING = 0.6
"""The similarity that proves a sentence of whose words fewer are there."""
AT_LEAST = 0.2
"""The share below which similarity proves nothing."""


class Evidence:
    """The passages that were retrieved for one question, numbered from 1."""

    def __init__(self, passages: Sequence[str], similarity: Similarity) -> None:
        self._texts = tuple(passages)
        self._stems = [{stem(token) for token in tokens(text)} for text in passages]
        self._numbers = [numbers(text) for text in passages]
        self._similarity = similarity

    def share(self, words: Sequence[str], number: int) -> float:
        """How much of `words` (stems) passage `number` holds, weighed by rarity: 0 to 1."""
        total = sum(self._weight(word) for word in words)
        held = sum(self._weight(word) for word in words if _holds(self._stems[number - 1], word))
        return held / total if total else 0.0

    def supports(self, claim: str, number: int) -> bool:
        """Whether passage `number` exists and holds what `claim`, a sentence without its citations, says."""
        if not 1 <= number <= len(self._texts):
            return False
        words = content(claim)
        if not words or not _counted(numbers(claim), self._numbers[number - 1]):
            return False
        share = self.share(words, number)
        if share >= BY_WORDS:
            return True
        return share >= AT_LEAST and self._nearness(claim, number) >= BY_MEANING

    def best(self, claim: str) -> int | None:
        """The passage that holds `claim` best, of those that hold it."""
        words = content(claim)
        holding = [number for number in range(1, len(self._texts) + 1) if self.supports(claim, number)]
        return max(holding, key=lambda number: (self.share(words, number), -number), default=None)

    def _nearness(self, claim: str, number: int) -> float:
        text = self._texts[number - 1]
        return max(self._similarity(claim, [text, *sentence.split(text)]), default=0.0)

    def _weight(self, word: str) -> float:
        holding = sum(1 for stems in self._stems if _holds(stems, word))
        return math.log(1 + len(self._texts) / max(1, holding))


def _holds(stems: set[str], word: str) -> bool:
    """Whether a stem is among `stems`, or one that begins as it does: "chemotherapy" and "chemo", "tumour" and "tumor"."""
    return word in stems or (len(word) >= 4 and any(_akin(word, other) for other in stems))


def _akin(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    needed = max(4, math.ceil(0.7 * shorter))
    return shorter >= needed and one[:needed] == other[:needed] and not one.isdigit()


def _counted(claimed: set[str], said: set[str]) -> bool:
    """Whether all numbers were said, a year perhaps by its last two digits."""
    return all(number in said or (len(number) == 4 and number[2:] in said) for number in claimed)
