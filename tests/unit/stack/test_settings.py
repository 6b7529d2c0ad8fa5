"""What the stack refuses to be told."""

import pytest

from vidmesh_stack.settings import StackSettings


@pytest.mark.parametrize(
    ("scale", "says"),
    [
        ({"transcriber": 2}, "no service 'transcriber'.*ingest, transcribe, summarize, query"),
        ({"transcribe": 0}, "transcribe needs at least one process"),
        ({"query": 2}, "query runs as one process"),
    ],
)
def test_a_scale_that_cannot_be_is_refused(scale: dict[str, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        StackSettings(scale=scale)
