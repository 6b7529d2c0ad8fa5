"""The sentences that carry a text's content."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidmesh_summarize.transcript import Sentence
from vidmesh_summarize.vectors import tfidf, unit
from vidmesh_summarize.words import Lexicon, Token, tokens

_DAMPING = 0.85
_ITERATIONS = 60
_REDUNDANCY = 0.5  # weight of being unlike what is chosen already, against a sentence's own worth
_CROWDING = 0.7  # how alike two sentences count for being said at one moment
_POOL = 900  # sentences compared with each other at once
_BLOCK = 120  # sentences of which the best go into the pool where a text has more
_LEAST = 0.33  # a sentence of less worth, the best being 1, is not told
_READABLE = (8, 32)  # words: shorter sentences say too little, longer ones too much at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """A sentence worth telling; `score` compares within one text, more is better."""

    sentence: Sentence
    score: float


def highlights(said: Sequence[Sentence], language: str, count: int) -> list[Highlight]:
    """Choose up to `count` sentences that tell what all of them are about, in the order of time.

    Sentences are ranked by LexRank (Erkan and Radev 2004) over cosines of TF-IDF rows and chosen one after another
    by maximal marginal relevance (Carbonell and Goldstein 1998), where being said close together counts as being
    alike, so that the choice covers the whole length. A long text is ranked block by block first.
    """
    if not said:
        return []
    found = [tokens(sentence.text) for sentence in said]
    lexicon = Lexicon(language, found)
    terms = [lexicon.terms(words) for words in found]
    readable = np.array([_readability(words, own) for words, own in zip(found, terms, strict=True)])
    pool = list(range(len(said)))
    if len(pool) > _POOL:
        blocks = [pool[begin : begin + _BLOCK] for begin in range(0, len(pool), _BLOCK)]
        best = max(1, _POOL // len(blocks))
        pool = sorted(index for block in blocks for index in _strongest(block, terms, readable, best))
    rows = unit(tfidf([terms[index] for index in pool]))
    worth = _worth(rows, readable[pool])
    middles = np.array([(said[index].start + said[index].end) / 2 for index in pool])
    chosen = _diverse(worth, rows, middles, count)
    return [Highlight(sentence=said[pool[place]], score=float(worth[place])) for place in sorted(chosen)]


def _strongest(
    block: Sequence[int], terms: Sequence[Sequence[str]], readable: NDArray[np.float64], count: int
) -> list[int]:
    worth = _worth(unit(tfidf([terms[index] for index in block])), readable[list(block)])
    return [block[place] for place in np.argsort(-worth, kind="stable")[:count] if worth[place] > 0]


def _worth(rows: NDArray[np.float32], readable: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank sentences by LexRank times readability, the best being 1."""
    likeness = np.asarray(rows @ rows.T, dtype=np.float64)
    np.fill_diagonal(likeness, 0)
    degree = likeness.sum(1)
    size = len(likeness)
    flow = np.divide(
        likeness, degree[:, None], out=np.full_like(likeness, 1 / size), where=degree[:, None] > 0
    )
    rank = np.full(size, 1 / size)
    for _ in range(_ITERATIONS):
        rank = (1 - _DAMPING) / size + _DAMPING * (rank @ flow)
    worth = rank * readable
    return worth / (worth.max() if worth.max() > 0 else 1)


def _diverse(
    worth: NDArray[np.float64], rows: NDArray[np.float32], middles: NDArray[np.float64], count: int
) -> list[int]:
    spacing = max(1.0, (middles[-1] - middles[0]) / max(1, 2 * count))
    alike = np.zeros(len(worth))
    left = worth > _LEAST
    chosen: list[int] = []
    while len(chosen) < count and left.any():
        gain = np.where(left, (1 - _REDUNDANCY) * worth - _REDUNDANCY * alike, -np.inf)
        place = int(gain.argmax())
        chosen.append(place)
        left[place] = False
        near = _CROWDING * np.exp(-(((middles - middles[place]) / spacing) ** 2))
        alike = np.maximum(alike, np.maximum(rows @ rows[place], near))
    return chosen


def _readability(words: Sequence[Token], terms: Sequence[str]) -> float:
    """Weigh a sentence between 0 and 1 by its length and by how much of it is content."""
    length = len(words) / (2 if words and words[0].spaceless else 1)
    if not terms or length < 3:
        return 0.0
    least, most = _READABLE
    fits = min(1.0, length / least) * min(1.0, most / length)
    content = min(1.0, len(set(terms)) / (0.35 * length))
    return float(fits * content)
