"""Chapters: titled stretches of a video, cut where its topic turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vidmesh_summarize.highlights import highlights
from vidmesh_summarize.phrases import Phrase, key_phrases
from vidmesh_summarize.segmentation import change_points
from vidmesh_summarize.transcript import Segment, Sentence, sentences, shown
from vidmesh_summarize.vectors import tfidf, unit
from vidmesh_summarize.words import Lexicon, tokens

SHORTEST = 10.0  # seconds: players that read chapter marks ignore shorter ones
_ATOM = 8.0  # seconds: sentences are taken together up to so long
_ATOMS = 500  # and in a long video so that no more than so many remain
_REACH = 25.0  # seconds either way within which a cut is moved to the best sentence
_PAUSE_WEIGHT = 0.4  # what a second of pause adds for moving a cut there
_OPENING_WEIGHT = 0.5  # what a second of pause more than usual adds for cutting there at all
_LONGEST_PAUSE = 2.0  # seconds: a longer pause counts as this
_OPENING = 60  # sentences of a chapter among which its gist is sought
_SECOND = 0.35  # a title's second phrase marks its chapter at least so well as the first, as a share


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A titled stretch of a video; times are seconds, the first chapter starts at 0."""

    start: float
    end: float
    title: str
    gist: str = ""
    """A sentence on what it holds; empty where none says it."""


def chapters(segments: Sequence[Segment], language: str, duration: float = 0.0) -> list[Chapter]:
    """Cut a transcript into chapters and title them with their own key phrases.

    `duration` is the video's length in seconds where known. A transcript without words has no chapters.
    """
    said = sentences(segments, language)
    if not said:
        return []
    found = [tokens(sentence.text) for sentence in said]
    lexicon = Lexicon(language, found)
    terms = [lexicon.terms(words) for words in found]
    end = max(duration, said[-1].end)
    begins = _begins(said, terms, end)
    parts = [said[i:j] for i, j in pairwise([*begins, len(said)])]
    words = [found[i:j] for i, j in pairwise([*begins, len(said)])]
    ranked = key_phrases([[sentence.text for sentence in part] for part in parts], words, lexicon)
    starts = [0.0, *(part[0].start for part in parts[1:])]
    titles = _titles(ranked)
    return [
        Chapter(start=start, end=stop, title=title, gist=_gist(part, language))
        for start, stop, title, part in zip(starts, [*starts[1:], end], titles, parts, strict=True)
    ]


def bounds(duration: float) -> tuple[int, int]:
    """Give the fewest and the most chapters for a length in seconds: 2-5 for 3 min, 6-15 for 1 h, 16-34 for 10 h."""
    minutes = duration / 60
    if duration < 4 * SHORTEST:
        return 1, 1
    return max(1, round(1.1 * minutes**0.42)), max(2, round(3.4 * minutes**0.36))


def _begins(said: Sequence[Sentence], terms: Sequence[Sequence[str]], end: float) -> list[int]:
    """Choose the sentences at which chapters begin, the first included."""
    fewest, most = bounds(end)
    length = max(_ATOM, end / _ATOMS)
    atoms: list[int] = []
    for index, sentence in enumerate(said):
        if not atoms or sentence.end - said[atoms[-1]].start > length:
            atoms.append(index)
    edges = [*atoms, len(said)]
    joined = [[term for t in terms[i:j] for term in t] for i, j in pairwise(edges)]
    shortest = max(SHORTEST, end / most / 5)
    rows = max(1, round(shortest / (end / len(atoms))))
    cuts = change_points(tfidf(joined), _openings(atoms, said), fewest=fewest, most=most, shortest=rows)
    return _settled([atoms[cut] for cut in cuts], said, terms, end)


def _openings(atoms: Sequence[int], said: Sequence[Sentence]) -> NDArray[np.float64]:
    """Weigh how much longer than usual the speaker paused before each atom."""
    pauses = [max(0.0, right.start - left.end) for left, right in pairwise(said)]
    usual = float(np.median(pauses)) if pauses else 0.0
    excess = [0.0, *(pauses[atom - 1] - usual for atom in atoms[1:])]
    return _OPENING_WEIGHT * np.clip(excess, 0.0, _LONGEST_PAUSE)


def _settled(
    cuts: Sequence[int], said: Sequence[Sentence], terms: Sequence[Sequence[str]], end: float
) -> list[int]:
    """Move each cut to the near sentence where the words before fit what precedes best, and a pause speaks for it."""
    rows = unit(tfidf(terms))
    edges = [0, *cuts, len(said)]
    begins = [0]
    for before, cut, after in zip(edges, edges[1:], edges[2:], strict=False):
        left = rows[max(begins[-1], before) : cut].sum(0)
        right = rows[cut:after].sum(0)
        lean = (rows @ right) / (np.linalg.norm(right) or 1) - (rows @ left) / (np.linalg.norm(left) or 1)
        best, choice = -np.inf, None
        for place in range(begins[-1] + 1, after):
            start = said[place].start
            if abs(start - said[cut].start) > _REACH or start - said[begins[-1]].start < SHORTEST:
                continue
            if start < SHORTEST or end - start < SHORTEST:
                continue
            low, high = min(place, cut), max(place, cut)
            moved = float(lean[low:high].sum()) * (1 if place < cut else -1)
            pause = min(_LONGEST_PAUSE, max(0.0, start - said[place - 1].end))
            score = moved + _PAUSE_WEIGHT * pause
            if score > best:
                best, choice = score, place
        if choice is not None:
            begins.append(choice)
    return begins


def _gist(part: Sequence[Sentence], language: str) -> str:
    best = highlights(part[:_OPENING], language, 1)
    return shown(best[0].sentence.text, language) if best else ""


def _titles(ranked: Sequence[Sequence[Phrase]]) -> list[str]:
    titles: list[str] = []
    for number, phrases in enumerate(ranked, 1):
        told = [phrase.text for phrase in phrases[:2] if phrase.score > _SECOND * phrases[0].score]
        title = ", ".join(told)
        titles.append(title[:1].upper() + title[1:] if title else f"Part {number}")
    return titles
