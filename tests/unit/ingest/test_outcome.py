"""How a job ends, by how its stages stand."""

from itertools import product

import pytest

from vidmesh_ingest.outcome import ENDED, RETRIABLE, STAGES, JobState, StageState, outcome

W, R, S, F = StageState.WAITING, StageState.RUNNING, StageState.SUCCEEDED, StageState.FAILED


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((W, W, W, W), None),
        ((R, R, R, R), None),
        ((S, S, R, S), None),
        ((S, S, F, R), None),
        ((S, R, F, F), None),
        ((S, S, S, S), JobState.SUCCEEDED),
        ((S, S, F, S), JobState.PARTIAL),
        ((S, S, S, F), JobState.PARTIAL),
        ((S, S, F, F), JobState.PARTIAL),
        ((F, R, W, W), JobState.FAILED),
        ((S, F, R, S), JobState.FAILED),
        ((R, F, W, W), JobState.FAILED),
    ],
)
def test_outcomes(states: tuple[StageState, ...], expected: JobState | None) -> None:
    assert outcome(dict(zip(STAGES, states, strict=True))) == expected


def test_a_job_ends_once_nothing_can_change_its_outcome() -> None:
    for states in product((W, R, S, F), repeat=4):
        stages = dict(zip(STAGES, states, strict=True))
        ended = outcome(stages)
        if ended is not None:
            assert ended in ENDED
            assert ended is JobState.FAILED or not {W, R} & set(states)
        else:
            assert {W, R} & set(states)


def test_only_what_went_well_cannot_be_retried() -> None:
    assert {JobState.SUCCEEDED} == ENDED - RETRIABLE
