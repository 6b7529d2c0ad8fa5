"""A person's words in the place of those that were heard."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from vidmesh_transcribe.transcript import Segment, Word

SURE = 1.0
"""How sure a person is."""


def corrected(segment: Segment, text: str) -> Segment:
    """The segment with another text, which is in one line.

    A word that stays keeps its time, and one that stands for one other takes that one's. Where their numbers differ, new
    words share the time of those that they replace, by their letters; words that replace none share the pause that they
    are put into. A segment that nobody measured the words of has none afterwards either.
    """
    if not segment.words:
        return replace(segment, text=text)
    said = text.split()
    matcher = SequenceMatcher(
        a=[_bare(word.text) for word in segment.words], b=[_bare(word) for word in said], autojunk=False
    )
    words: list[Word] = []
    for kind, first, last, begin, end in matcher.get_opcodes():
        old, new = segment.words[first:last], said[begin:end]
        if len(old) == len(new):
            words.extend(
                replace(word, text=now, probability=word.probability if kind == "equal" else SURE)
                for word, now in zip(old, new, strict=True)
            )
        elif old:
            words.extend(_shared(new, old[0].start, old[-1].end))
        else:
            before = segment.words[first - 1].end if first else segment.start
            after = segment.words[first].start if first < len(segment.words) else segment.end
            words.extend(_shared(new, before, max(before, after)))
    return replace(segment, text=text, words=tuple(words))


def _bare(word: str) -> str:
    """What of a word is heard: its capitals and punctuation are not."""
    return "".join(letter for letter in word.casefold() if letter.isalnum()) or word


def _shared(texts: Sequence[str], start: float, end: float) -> Iterator[Word]:
    """Words that follow one another from `start` to `end`, each as long as it is written."""
    total = sum(len(text) for text in texts)
    reached = 0
    for text in texts:
        begin = start + (end - start) * reached / total
        reached += len(text)
        yield Word(
            start=round(begin, 3),
            end=round(start + (end - start) * reached / total, 3),
            text=text,
            probability=SURE,
        )
