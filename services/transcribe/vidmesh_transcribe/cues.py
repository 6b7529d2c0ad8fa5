"""Subtitles that can be read: at most two lines of 42 columns each, on screen for at most seven seconds."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from vidmesh_transcribe.transcript import Segment

COLUMNS = 42
LONGEST = 7.0
"""Seconds that one cue may stand, where it is more than one word."""
SHORTEST = 0.8
"""Seconds that a cue should stand, where the next one leaves room."""

_SENTENCE_END = tuple(".!?…。！？؟")  # noqa: RUF001 - sentences end so in other scripts
_CLAUSE_END = tuple(",;:–、，；،")  # noqa: RUF001 - and clauses so
_UNSPACED = re.compile(r"\S[。、，．！？：；」』）】]*\s*")  # noqa: RUF001 - no line begins with these


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """What stands on the screen at once."""

    start: float
    end: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """The least that is never cut: mostly a word, with the space after it."""

    text: str
    start: float
    end: float


def cues(segments: Iterable[Segment]) -> Iterator[Cue]:
    """The cues of a transcript in order, none overlapping the next, each lasting at least a millisecond."""
    held: Cue | None = None
    for segment in segments:
        for pieces in _parts(_pieces(segment)):
            start = pieces[0].start if held is None else max(pieces[0].start, held.start + 0.001)
            if held is not None:
                yield _until(held, start)
            held = Cue(start=start, end=max(pieces[-1].end, start), lines=_lines(pieces))
    if held is not None:
        yield _until(held, held.end + SHORTEST)


def _until(cue: Cue, following: float) -> Cue:
    """Let a cue stand long enough to be read, but not into the next one."""
    return replace(cue, end=min(max(cue.end, cue.start + SHORTEST), following))


def _pieces(segment: Segment) -> list[Piece]:
    """A segment cut as finely as cues may be, with the words' own times where they are known."""
    text = " ".join(segment.text.split())
    bounds = _word_bounds(text, segment)
    if bounds is None:
        return _spread(text, segment.start, segment.end)
    pieces: list[Piece] = []
    for (begin, stop), word in zip(pairwise([*bounds, len(text)]), segment.words, strict=True):
        chunk = text[begin:stop]
        if _width(chunk.rstrip()) > COLUMNS:
            pieces += _spread(chunk, word.start, word.end)
        else:
            pieces.append(Piece(chunk, word.start, word.end))
    return pieces


def _word_bounds(text: str, segment: Segment) -> list[int] | None:
    """Where each word begins in the text; None where the words are not those of the text."""
    bounds: list[int] = []
    position = 0
    for word in segment.words:
        found = text.find(word.text, position)
        if found < 0:
            return None
        bounds.append(found)
        position = found + len(word.text)
    return [0, *bounds[1:]] if bounds else None


def _spread(text: str, start: float, end: float) -> list[Piece]:
    """Cut at spaces, and what is wider than a line anywhere; share the time out by width."""
    chunks: list[str] = []
    for token in re.findall(r"\S+\s*", text):
        chunks += _UNSPACED.findall(token) if _width(token.rstrip()) > COLUMNS else [token]
    reached = list(accumulate((max(1, _width(chunk)) for chunk in chunks), initial=0))
    scale = (end - start) / max(1, reached[-1])
    return [
        Piece(chunk, start + scale * begin, start + scale * stop)
        for chunk, (begin, stop) in zip(chunks, pairwise(reached), strict=True)
    ]


def _parts(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """Cut a segment into cues where it costs least: at the ends of sentences and clauses, and none nearly empty."""
    reached = list(accumulate((_width(piece.text) for piece in pieces), initial=0))
    ends = [0] + [reached[n + 1] - (piece.text != piece.text.rstrip()) for n, piece in enumerate(pieces)]
    upper_line = [_furthest(reached, ends, begin) for begin in range(len(pieces))]
    best: list[tuple[float, int]] = [(0.0, 0)]
    for stop in range(1, len(pieces) + 1):
        options = []
        for begin in range(stop - 1, -1, -1):
            lower = ends[stop] - reached[upper_line[begin]] if upper_line[begin] < stop else 0
            if begin < stop - 1 and (lower > COLUMNS or pieces[stop - 1].end - pieces[begin].start > LONGEST):
                break
            slack = 1 - min(1.0, (ends[stop] - reached[begin]) / (2 * COLUMNS))
            options.append((best[begin][0] + 0.3 + slack**2 + _cut_cost(pieces[stop - 1]), begin))
        best.append(min(options))
    cuts = [len(pieces)]
    while cuts[-1] > 0:
        cuts.append(best[cuts[-1]][1])
    for begin, stop in pairwise(reversed(cuts)):
        yield pieces[begin:stop]


def _furthest(reached: list[int], ends: list[int], begin: int) -> int:
    """One past the last piece that fits on a line with the piece `begin`, which always does."""
    stop = begin + 1
    while stop < len(reached) - 1 and ends[stop + 1] - reached[begin] <= COLUMNS:
        stop += 1
    return stop


def _cut_cost(piece: Piece) -> float:
    ending = piece.text.rstrip().rstrip("\"'”’»)")  # noqa: RUF001 - a quotation's end
    if ending.endswith(_SENTENCE_END):
        return 0.0
    return 0.2 if ending.endswith(_CLAUSE_END) else 1.2


def _lines(pieces: list[Piece]) -> tuple[str, ...]:
    """One line if it is short enough, else two of like width, cut after a comma or full stop where one is near."""
    whole = "".join(piece.text for piece in pieces).strip()
    if _width(whole) <= COLUMNS or len(pieces) == 1:
        return (whole,)
    best: tuple[float, str, str] | None = None
    for cut in range(1, len(pieces)):
        upper = "".join(piece.text for piece in pieces[:cut]).strip()
        lower = "".join(piece.text for piece in pieces[cut:]).strip()
        widths = _width(upper), _width(lower)
        cost = (
            abs(widths[0] - widths[1])
            + 15 * _cut_cost(pieces[cut - 1])
            + 1000 * max(0, max(widths) - COLUMNS)
        )
        if best is None or cost < best[0]:
            best = cost, upper, lower
    return (whole,) if best is None else best[1:]


def _width(text: str) -> int:
    """Columns on the screen: two for wide characters, none for those that stand on the one before."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
