"""Marks that full text search sets around what it found, turned into ranges of characters."""

import re
from dataclasses import dataclass

from vidmesh_query.moment import Span

OPEN = "\x02"
CLOSE = "\x03"
"""Control characters that no stored text holds: they are cleaned from transcripts before these are set."""

_MARK = re.compile(f"([{OPEN}{CLOSE}])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A text and what is highlighted in it."""

    text: str
    spans: tuple[Span, ...] = ()
    """In order, none overlap."""


def unmark(headline: str) -> Marked:
    """The text without its marks, and where they were. An unclosed mark ends with the text."""
    text: list[str] = []
    spans: list[Span] = []
    length = 0
    opened: int | None = None
    for part in _MARK.split(headline):
        if part == OPEN:
            opened = length if opened is None else opened
        elif part == CLOSE:
            if opened is not None and opened < length:
                spans.append(Span(begin=opened, end=length))
            opened = None
        else:
            text.append(part)
            length += len(part)
    if opened is not None and opened < length:
        spans.append(Span(begin=opened, end=length))
    return Marked(text="".join(text), spans=tuple(spans))


def excerpt(marked: Marked, around: Span, width: int) -> Marked:
    """At most about `width` characters around `around`, cut between words, with an ellipsis where text is left out."""
    if len(marked.text) <= width:
        return marked
    spare = max(0, width - (around.end - around.begin))
    begin = max(0, min(around.begin - spare // 2, len(marked.text) - width))
    end = min(len(marked.text), begin + width)
    if begin > 0:
        blank = marked.text.find(" ", begin, max(begin, around.begin))
        begin = blank + 1 if blank >= 0 else begin
    if end < len(marked.text):
        blank = marked.text.rfind(" ", min(end, around.end), end)
        end = blank if blank > begin else end
    head = "… " if begin > 0 else ""
    tail = " …" if end < len(marked.text) else ""
    shift = len(head) - begin
    kept = tuple(
        Span(begin=max(span.begin, begin) + shift, end=min(span.end, end) + shift)
        for span in marked.spans
        if span.end > begin and span.begin < end
    )
    return Marked(text=f"{head}{marked.text[begin:end]}{tail}", spans=kept)
