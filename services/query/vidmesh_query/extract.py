"""An answer without a language model: the sentences of the passages that come nearest to the question, as they were said."""

from collections.abc import Sequence
from dataclasses import dataclass

from vidmesh_query import sentence
from vidmesh_query.moment import Span
from vidmesh_query.passage import Passage
from vidmesh_query.support import Evidence, Similarity
from vidmesh_query.terms import content, names, share

MOST_SENTENCES = 3
LONG_SENTENCE = 45
"""Words beyond which a "sentence" is taken for speech without punctuation, and its segments for the sentences."""
NEAR_WORDS = 0.34
"""The weighted share of the question's words that a sentence must have to answer it,"""
NEAR_MEANING = 0.5
"""or the similarity."""
ECHO = 0.75
"""The share of a sentence's words from which on it only repeats the question: what follows it is the answer."""
FOLLOWING = 2
"""How many sentences that is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A sentence of a passage."""

    number: int
    """The passage, counted from 1."""
    span: Span
    """Where it stands in the passage's text."""
    text: str
    score: float
    """0 to 1."""


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
    texts = [passage.text[span.begin : span.end] for span in spans]
    wanted = content(question)
    near = similarity(question, texts)
    scores = [
        0.5 * share(wanted, text) + 0.5 * max(0.0, float(meaning))
        for text, meaning in zip(texts, near, strict=True)
    ]
    best = max(range(len(spans)), key=lambda place: scores[place])
    return spans[best], scores[best]


def extract(question: str, passages: Sequence[Passage], similarity: Similarity) -> list[Extract]:
    """At most `MOST_SENTENCES` stretches that answer `question`, nearest first; none when no passage comes near.

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
        span, score = nearest(question, passage, similarity)
        span = _answering(question, passage, span)
        text = passage.text[span.begin : span.end]
        if evidence.share(wanted, number) >= NEAR_WORDS or max(similarity(question, [text])) >= NEAR_MEANING:
            found.append(Extract(number=number, span=span, text=text, score=score))
    found.sort(key=lambda one: -one.score)
    return [one for one in found[:MOST_SENTENCES] if one.score >= found[0].score / 2]


def _answering(question: str, passage: Passage, span: Span) -> Span:
    """`span`, with what follows it where it does but ask the same."""
    text = passage.text[span.begin : span.end]
    if not text.rstrip().endswith("?") and share(content(text), question) < ECHO:
        return span
    following = [one for one in sentences(passage) if one.begin >= span.end][:FOLLOWING]
    return Span(begin=span.begin, end=following[-1].end) if following else span
