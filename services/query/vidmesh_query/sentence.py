"""Sentences of a text, and of a text that is still being written."""

import re

import sentencex

_CITED = re.compile(r"\s*[\[【]")
_WHITE = re.compile(r"\s*")


def split(text: str, language: str = "en") -> list[str]:
    """The sentences of `text`, every character kept: joined they are the text. A line's end ends a sentence."""
    parts: list[str] = []
    for line in text.splitlines(keepends=True):
        sentences: list[str] = sentencex.segment(language or "en", line)
        for sentence in sentences:
            white = _WHITE.match(sentence)
            lead = white.end() if white else 0
            if parts and lead:
                parts[-1] += sentence[:lead]
            parts.append(sentence[lead:] if parts else sentence)
    return _join_citations([part for part in parts if part])


class SentenceStream:
    """Gives the sentences of a text that comes in deltas, each as soon as the next one has begun."""

    def __init__(self, language: str = "en") -> None:
        self._language = language
        self._open = ""

    def feed(self, delta: str) -> list[str]:
        """The sentences that `delta` completes."""
        self._open += delta
        parts = split(self._open, self._language)
        if len(parts) < 2 or not _begun(parts[-1]):
            return []
        self._open = parts[-1]
        return parts[:-1]

    def rest(self) -> list[str]:
        """What is left when the text has ended."""
        parts, self._open = split(self._open, self._language), ""
        return parts


def _begun(part: str) -> bool:
    """Whether `part` surely starts a sentence of its own: a citation at its head would belong to the one before."""
    head = part.lstrip()
    return bool(head) and head[0] not in "[【"


def _join_citations(parts: list[str]) -> list[str]:
    """A citation written after the full stop belongs to the sentence before it."""
    joined: list[str] = []
    for part in parts:
        cited = _CITED.match(part)
        if joined and cited and (close := _closing(part)) > 0:
            joined[-1] += part[:close]
            if part[close:].strip():
                joined.append(part[close:])
            else:
                joined[-1] += part[close:]
        else:
            joined.append(part)
    return joined


def _closing(part: str) -> int:
    """One past the citations (and their full stop) at the head of `part`; 0 when there are none."""
    match = re.match(r"(?:\s*[\[【][^\]】\n]{0,40}[\]】])+[.!?]?\s*", part)
    return match.end() if match else 0
