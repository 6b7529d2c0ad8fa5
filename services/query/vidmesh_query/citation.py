"""Citations in a model's answer: read, checked against the passages, written back only where they hold."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from vidmesh_query.plaintext import plain
from vidmesh_query.support import Evidence

_MARK = re.compile(
    r"\s*[\[【]\s*(?:passages?|sources?)?\s*#?(\d{1,3}(?:\s*(?:,|;|-|–|and|&)\s*\d{1,3})*)[^\]】\d]{0,20}[\]】]",  # noqa: RUF001
    re.IGNORECASE,
)
_RANGE = re.compile(r"(\d{1,3})\s*[-–]\s*(\d{1,3})")  # noqa: RUF001
_LINKED = re.compile(r"([\[【]\d{1,3}[\]】])\([^)]*\)")
_LEFT_OVER = re.compile(r"\s*[\[【][^\]】]{0,40}\d[^\]】]{0,40}[\]】]")
"""Brackets that would look like a citation and are none that could be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One sentence of an answer after its citations were checked."""

    claim: str
    """Plain text without its citations."""
    citations: tuple[int, ...] = ()
    """The passages that hold it, counted from 1, in the order cited."""
    dropped: tuple[int, ...] = ()
    """Numbers the model cited that do not exist or do not hold it."""

    @property
    def supported(self) -> bool:
        """Whether any passage holds it."""
        return bool(self.citations)

    @property
    def text(self) -> str:
        """The claim with the citations that hold."""
        return marked(self.claim, self.citations)


def cited(text: str) -> list[int]:
    """The numbers that `text` cites, in order, without repeats."""
    found: list[int] = []
    for mark in _MARK.finditer(text):
        inner = _RANGE.sub(_spell_out, mark.group(1))
        found.extend(int(number) for number in re.findall(r"\d+", inner))
    return list(dict.fromkeys(found))


def check(written: str, evidence: Evidence) -> Checked:
    """Checks one sentence as the model wrote it; one that cites nothing is given the passage that holds it, if any."""
    written = _LINKED.sub(r"\1", written)
    marks = cited(written)
    claim = _LEFT_OVER.sub("", plain(_MARK.sub("", written)))
    held = [number for number in marks if evidence.supports(claim, number)]
    dropped = [number for number in marks if number not in held]
    if not held and (found := evidence.best(claim)) is not None:
        held = [found]
    return Checked(claim=claim, citations=tuple(held), dropped=tuple(dropped))


def marked(claim: str, numbers: Iterable[int]) -> str:
    """`claim` with citations, as " [1]" before its last mark."""
    marks = "".join(f"[{number}]" for number in numbers)
    if not marks or not claim:
        return claim
    end = re.search(r"[.!?…。！？:]*\s*$", claim)  # noqa: RUF001 - as in passage.py
    at = end.start() if end else len(claim)
    return f"{claim[:at]} {marks}{claim[at:]}"


def _spell_out(match: re.Match[str]) -> str:
    first, last = int(match.group(1)), int(match.group(2))
    return (
        ",".join(str(number) for number in range(first, last + 1))
        if first <= last <= first + 20
        else match.group()
    )
