"""An answer without a language model: a few sentences of the best passage or two, as they were said.

A passage counts by its best stretch of sentences and by the whole of it, so that one that only touches on the question, as a
greeting lists what is to come, falls behind the one that is about it. What explains (why, how) is looked for in the sentence
that matches and brings something new, and in those that follow it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vidmesh_query import sentence
from vidmesh_query.moment import Span
from vidmesh_query.passage import Passage
from vidmesh_query.support import Evidence, Similarity
from vidmesh_query.terms import content, names, share

MOST_PASSAGES = 2
MOST_SENTENCES = 3
"""Of one passage."""
LONG_SENTENCE = 45
"""Words beyond which a "sentence" is taken for speech without punctuation, and its segments for the sentences."""
NEAR_WORDS = 0.34
"""The weighted share of the question's words that a passage must have to answer it,"""
NEAR_MEANING = 0.5
"""or the similarity that what is quoted of it must have."""
NEAR_BEST = 0.9
"""The part of the best passage's score that another must have to be quoted beside it."""
FURTHER = 0.15
"""What a further sentence must add to the score of a stretch to be worth quoting."""
ECHO = 0.75
"""The share of a sentence's words from which on it only repeats the question: what follows it is the answer."""

_EXPLAIN = re.compile(
    r"\W*(?:(?:and|but|so)\s+)?(?:why|how\s+(?:come|to|do|does|did|is|are|was|were|has|have|had|can|could|will|would|should))\b",
    re.IGNORECASE,
)
"""Questions for a reason or a way, not for an amount ("how long")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """One to three neighbouring sentences of a passage."""

    number: int
    """The passage, counted from 1."""
    span: Span
    """Where they stand in the passage's text."""
    text: str
    score: float
    """The passage's, 0 to 2."""


def sentences(passage: Passage) -> list[Span]:
    """The sentences of a passage's text; where it has no punctuation, its segments."""
    spans: list[Span] = []
    at = 0
    for part in sentence.split(passage.text, passage.language or "en"):
        spans.append(Span(begin=at, end=at + len(part.rstrip())))
        at += len(part)
    if any(len(passage.text[span.begin : span.end].split()) > LONG_SENTENCE for span in spans):
        spans = []
        at = 0
        for segment in passage.segments:
            spans.append(Span(begin=at, end=at + len(segment.text)))
            at += len(segment.text) + 1
    return [span for span in spans if span.end > span.begin]


def nearest(question: str, passage: Passage, similarity: Similarity) -> tuple[Span, float]:
    """The sentence of `passage` nearest to `question`, and how near: half by words, half by meaning, 0 to 1."""
    spans = sentences(passage)
    scores = _scores(question, [passage.text[span.begin : span.end] for span in spans], similarity)
    best = max(range(len(spans)), key=lambda place: scores[place])
    return spans[best], scores[best]


def extract(question: str, passages: Sequence[Passage], similarity: Similarity) -> list[Extract]:
    """What answers `question` in at most `MOST_PASSAGES` passages, the best first; none when no passage comes near.

    A question that names somebody or something is answered by nothing where no passage has any of the names.
    """
    evidence = Evidence([passage.text for passage in passages], similarity)
    wanted = content(question)
    named = names(question)
    if named and not any(
        evidence.share([name], number + 1) for name in named for number in range(len(passages))
    ):
        return []
    found: list[Extract] = []
    for number, passage in enumerate(passages, start=1):
        span, score = _stretch(question, passage, similarity)
        text = passage.text[span.begin : span.end]
        if evidence.share(wanted, number) >= NEAR_WORDS or max(similarity(question, [text])) >= NEAR_MEANING:
            [whole] = _scores(question, [passage.text], similarity)
            found.append(Extract(number=number, span=span, text=text, score=score + whole))
    found.sort(key=lambda one: -one.score)
    return [one for one in found[:MOST_PASSAGES] if one.score >= NEAR_BEST * found[0].score]


def _scores(question: str, texts: Sequence[str], similarity: Similarity) -> list[float]:
    wanted = content(question)
    near = similarity(question, texts)
    return [
        0.5 * share(wanted, text) + 0.5 * max(0.0, float(meaning))
        for text, meaning in zip(texts, near, strict=True)
    ]


def _stretch(question: str, passage: Passage, similarity: Similarity) -> tuple[Span, float]:
    """The neighbouring sentences of `passage` that answer `question` best, and how near they come: 0 to 1."""
    spans = sentences(passage)
    texts = [passage.text[span.begin : span.end] for span in spans]
    scores = _scores(question, texts, similarity)
    if _EXPLAIN.match(question):
        scores = [score * _news(question, text) for score, text in zip(scores, texts, strict=True)]
        first = max(range(len(spans)), key=lambda place: scores[place])
        last, score = _explained(texts, first), scores[first]
    else:
        first, last, score = _covering(content(question), texts, scores)
        if _asks(question, texts[last]):
            last = min(last + MOST_SENTENCES - 1, len(spans) - 1)
    return Span(begin=spans[first].begin, end=spans[last].end), score


def _asks(question: str, text: str) -> bool:
    """Whether `text` does but ask the same."""
    return text.rstrip().endswith("?") or share(content(text), question) >= ECHO


def _news(question: str, text: str) -> float:
    """The share of a sentence's words that the question does not have; all where it asks the same, for what follows counts."""
    return 1.0 if _asks(question, text) else 1.0 - share(content(text), question)


def _explained(texts: Sequence[str], first: int) -> int:
    """The last sentence of an explanation that begins with `first`: the next one, and those that take up its words."""
    last = min(first + 1, len(texts) - 1)
    end = min(first + MOST_SENTENCES, len(texts)) - 1
    while last < end and share(content(texts[last]), texts[last + 1]):
        last += 1
    return last


def _covering(wanted: Sequence[str], texts: Sequence[str], scores: Sequence[float]) -> tuple[int, int, float]:
    """First, last and score of the stretch that has most of the question's words, further sentences where they add some."""
    best = (0, 0, -1.0)
    worth = -1.0
    for first in range(len(texts)):
        for last in range(first, min(first + MOST_SENTENCES, len(texts))):
            added = share(wanted, " ".join(texts[first : last + 1])) - max(
                share(wanted, text) for text in texts[first : last + 1]
            )
            score = max(scores[first : last + 1]) + 0.5 * added
            if score - FURTHER * (last - first) > worth:
                worth = score - FURTHER * (last - first)
                best = (first, last, min(1.0, score))
    return best
