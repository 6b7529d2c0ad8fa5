"""One step of indexing: what can be made of the windows that were heard by now."""

from collections.abc import Sequence
from dataclasses import dataclass

from vidmesh_query.passage import Passage, cut, pieces
from vidmesh_query.transcript import Window

Key = tuple[int, int, int]
"""A segment's place: window, place in it, piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a job's transcript is cut, and what is known of its end."""

    next: Key
    """The first segment that no passage has yet."""
    window_count: int | None
    """How many windows there are in all; None until that is known."""
    cut_short: bool
    """Whether no more windows are to be expected, missing ones or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is new."""

    passages: Sequence[Passage]
    next: Key
    """The first segment that no passage has then."""
    through: int
    """Milliseconds up to where the video can be searched then; 0 where that is not new."""
    completed: bool
    """Whether that is the whole transcript."""


def step(job: str, position: Position, heard: Sequence[Window], *, last: bool) -> Step:
    """What follows from `heard`: windows in order, from the position's on. `last`: they are all that were heard.

    Windows after a missing one wait for it, unless the transcript was cut short.
    """
    run: list[Window] = []
    for window in heard:
        expected = run[-1].index + 1 if run else position.next[0]
        if window.index != expected and not position.cut_short:
            last = True
            break
        run.append(window)
    after = run[-1].index + 1 if run else position.next[0]
    completed = position.window_count is not None and after >= position.window_count and last
    segments = [piece for window in run for piece in pieces(window.segments) if piece.key >= position.next]
    passages = cut(job, segments, final=completed or (position.cut_short and last))
    used = sum(len(passage.segments) for passage in passages)
    if used < len(segments):
        return Step(passages=passages, next=segments[used].key, through=segments[used].start, completed=False)
    return Step(
        passages=passages,
        next=max(position.next, (after, 0, 0)),
        through=run[-1].end if run else 0,
        completed=completed,
    )
