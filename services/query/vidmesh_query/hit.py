"""What a search finds: a passage, the moment in it, and what to show of it."""

from dataclasses import dataclass

from vidmesh_query.highlight import Marked
from vidmesh_query.moment import Moment
from vidmesh_query.passage import Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One passage that a search found."""

    passage: Passage
    video: str
    title: str
    """The video's."""
    score: float
    """Of the fusion: only its order means something."""
    moment: Moment
    """Where in the passage to start playing."""
    snippet: Marked
