"""Spoken text with its times, and the sentences in it."""

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import sentencex

from vidmesh_summarize.words import is_spaceless, primary

_TERMINAL = re.compile(
    r"[.!?\u2026\u3002\uff01\uff1f\u0964\u061f\u06d4](?=[\s\"')\]\u201d\u2019\u300d]|$|[^\x00-\x7f])"
)
_LONE_I = re.compile(r"\bi(?=\b(?!\.))")
_LONG_PAUSE = 4.0  # seconds: what is said after it begins anew, full stop or not
_LONG_SENTENCE = 420  # characters: beyond it, a recogniser forgot its full stops
_SHORT_SENTENCE = 24  # characters: below it, an utterance without punctuation is joined to the next
_BREATH = 0.8  # seconds: a pause shorter than this does not end a short utterance
_CHARACTERS_PER_MARK = 300  # text with fewer full stops than one in so many has no punctuation


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of recognised speech; times are seconds from the start of the video."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence, or one utterance where nobody wrote full stops; times are seconds."""

    start: float
    end: float
    text: str


def sentences(segments: Sequence[Segment], language: str) -> list[Sentence]:
    """Split segments, given in time order, into sentences.

    Punctuated text is split by the rules of `language` (a BCP 47 tag, empty when unknown), across segments:
    a sentence's times are interpolated within the segments where it begins and ends. Text without punctuation
    keeps its segments, for a recogniser cuts those at pauses.
    """
    spoken = [Segment(start=s.start, end=s.end, text=" ".join(s.text.split())) for s in segments]
    spoken = [segment for segment in spoken if segment.text]
    characters = sum(len(segment.text) for segment in spoken)
    marks = sum(len(_TERMINAL.findall(segment.text)) for segment in spoken)
    if marks * _CHARACTERS_PER_MARK >= characters:
        return [sentence for run in _runs(spoken) for sentence in _punctuated(run, language)]
    return list(_utterances(spoken))


def ends_sentence(text: str) -> bool:
    """Whether a text ends with the mark that ends a sentence."""
    return bool(_TERMINAL.search(text.rstrip()[-2:]))


def shown(sentence: str, language: str) -> str:
    """Write a sentence as a reader expects it: a capital first and a mark last."""
    text = " ".join(sentence.split())
    if primary(language) == "en" and text == text.lower():
        text = _LONE_I.sub("I", text)
    if text and text[-1].isalnum():
        text += "\u3002" if is_spaceless(text[-1]) else "."
    return text[:1].upper() + text[1:]


def clock(seconds: float) -> str:
    """Write a moment as players do: `4:05`, `1:04:05`."""
    hours, rest = divmod(max(0, int(seconds)), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def _runs(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    run: list[Segment] = []
    for segment in segments:
        if run and segment.start - run[-1].end >= _LONG_PAUSE:
            yield run
            run = []
        run.append(segment)
    if run:
        yield run


def _punctuated(run: Sequence[Segment], language: str) -> Iterator[Sentence]:
    text, offsets = "", []
    for segment in run:
        if text and not is_spaceless(text[-1]):
            text += " "
        offsets.append(len(text))
        text += segment.text

    def moment(offset: int) -> float:
        index = bisect.bisect_right(offsets, offset) - 1
        segment = run[index]
        share = min(1.0, (offset - offsets[index]) / len(segment.text))
        return segment.start + (segment.end - segment.start) * share

    begin = 0
    for piece in sentencex.segment(primary(language) or "en", text):
        end = begin + len(piece)
        for first, last in _bounded(begin, end, offsets):
            sentence = text[first:last].strip()
            if sentence:
                at = text.index(sentence, first)
                yield Sentence(start=moment(at), end=moment(at + len(sentence)), text=sentence)
        begin = end


def _bounded(begin: int, end: int, offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut an overlong sentence where segments meet, so that no piece is longer than need be."""
    if end - begin <= _LONG_SENTENCE:
        yield begin, end
        return
    cuts = [begin]
    inner = [o for o in offsets if begin < o < end]
    for here, following in pairwise([*inner, end]):
        if following - cuts[-1] > _LONG_SENTENCE:
            cuts.append(here)
    yield from pairwise([*cuts, end])


def _utterances(segments: Sequence[Segment]) -> Iterator[Sentence]:
    held: Sentence | None = None
    for segment in segments:
        if held and len(held.text) < _SHORT_SENTENCE and segment.start - held.end < _BREATH:
            held = Sentence(start=held.start, end=segment.end, text=f"{held.text} {segment.text}")
            continue
        if held:
            yield held
        held = Sentence(start=segment.start, end=segment.end, text=segment.text)
    if held:
        yield held
