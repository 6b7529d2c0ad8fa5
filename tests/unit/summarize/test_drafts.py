"""When chapters are drafted."""

from itertools import pairwise

from vidmesh_summarize.drafts import is_due


def test_drafts_grow_rarer_as_the_video_grows() -> None:
    due = [count for count in range(1, 1000) if is_due(count)]
    assert due[:5] == [1, 2, 3, 4, 5]
    assert all(later - earlier <= max(1, earlier / 5) for earlier, later in pairwise(due))
    assert len(due) < 40
