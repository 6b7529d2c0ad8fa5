import pytest

from vidmesh_transcribe.whole import Captions, Standing, State, is_whole


@pytest.mark.parametrize(
    ("window_count", "done", "captions", "whole"),
    [
        (None, 5, Captions.NONE, False),  # the source is still being read
        (3, 2, Captions.NONE, False),
        (3, 3, Captions.NONE, True),
        (0, 0, Captions.NONE, True),  # nothing to hear
        (0, 0, Captions.WAITING, False),
        (0, 7, Captions.DONE, True),
        (None, 7, Captions.DONE, False),
    ],
)
def test_when_a_transcript_is_whole(
    window_count: int | None, done: int, captions: Captions, whole: bool
) -> None:
    assert is_whole(window_count=window_count, done=done, captions=captions) is whole


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, State.WAITING),
        ({"begun"}, State.RUNNING),
        ({"begun", "failed"}, State.FAILED),
        ({"begun", "job_ended"}, State.FAILED),
        ({"begun", "cancelled", "job_ended"}, State.CANCELLED),
        ({"begun", "completed", "job_ended"}, State.SUCCEEDED),
        ({"begun", "completed", "cancelled"}, State.SUCCEEDED),  # a later stage was cancelled
    ],
)
def test_the_state_of_a_transcript(facts: set[str], state: State) -> None:
    known = {name: name in facts for name in ("completed", "failed", "cancelled", "job_ended", "begun")}
    standing = Standing(**known)
    assert standing.state is state
    assert state.is_final is (state not in {State.WAITING, State.RUNNING})
