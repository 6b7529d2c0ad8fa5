"""Chapters as a language model answers them: checked against a schema and against the lines it was shown."""

import json
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vidmesh_summarize.chapters import SHORTEST, Chapter


class UnusableAnswerError(Exception):
    """An answer that is not what was asked for; the message says why, in words for the model."""


class Mark(BaseModel):
    """Where a chapter begins, and what it is called."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    line: int
    title: str = Field(min_length=1, max_length=120)
    gist: str = Field(default="", max_length=600)


class _Answer(BaseModel):
    chapters: list[Mark] = Field(min_length=1, max_length=200)


def read_marks(answer: str, moments: Mapping[int, float]) -> list[Mark]:
    """Read an answer; `moments` are the numbers of the lines that were shown, with their times in seconds.

    What is left is in order, begins at the first line and is at least ten seconds apart. Raises UnusableAnswerError.
    """
    begin, end = answer.find("{"), answer.rfind("}")
    if begin < 0 or end < begin:
        raise UnusableAnswerError("it holds no JSON object.")
    try:
        marks = _Answer.model_validate(json.loads(answer[begin : end + 1])).chapters
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the object"
        raise UnusableAnswerError(f"{place}: {first['msg']}.") from error
    except (ValueError, RecursionError) as error:
        raise UnusableAnswerError("it is not valid JSON.") from error
    unknown = [mark.line for mark in marks if mark.line not in moments]
    if unknown:
        raise UnusableAnswerError(f"there is no line {unknown[0]}.")
    first_line = min(moments)
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: mark.line):
        placed = mark if kept else mark.model_copy(update={"line": first_line})
        if not kept or moments[placed.line] - moments[kept[-1].line] >= SHORTEST:
            kept.append(placed)
    return kept


def as_chapters(marks: list[Mark], moments: Mapping[int, float], end: float) -> list[Chapter]:
    """Make chapters of checked marks; `end` is where the last one ends, in seconds."""
    while len(marks) > 1 and end - moments[marks[-1].line] < SHORTEST:
        marks = marks[:-1]
    starts = [0.0, *(moments[mark.line] for mark in marks[1:])]
    return [
        Chapter(start=start, end=stop, title=mark.title, gist=mark.gist)
        for start, stop, mark in zip(starts, [*starts[1:], end], marks, strict=True)
    ]
