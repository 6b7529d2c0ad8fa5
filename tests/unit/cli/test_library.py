"""What is suggested below a list of jobs, and what is told of ids that fit several."""

from collections.abc import AsyncIterator, Sequence

import pytest

from vidmesh.ingest.v1.job_pb2 import JOB_STATE_FAILED, JOB_STATE_SUCCEEDED, Job
from vidmesh_cli.asked import MisuseError
from vidmesh_cli.ids import only
from vidmesh_cli.library import next_steps


def test_a_summary_is_offered_of_what_has_one() -> None:
    failed = Job(id="job-1", video_id="video-1", state=JOB_STATE_FAILED)
    done = Job(id="job-2", video_id="video-2", state=JOB_STATE_SUCCEEDED)
    assert [command for command, _ in next_steps([failed, done])] == [
        "vidmesh watch job-1",
        "vidmesh summary video-2",
    ]
    assert [command for command, _ in next_steps([failed])] == ["vidmesh watch job-1"]


async def known(ids: Sequence[str]) -> AsyncIterator[str]:
    for one in ids:
        yield one


@pytest.mark.parametrize(("count", "end"), [(6, "ab5; type"), (11, "ab9, ...; type")])
async def test_ids_that_fit_are_all_named_or_told_to_be_more(count: int, end: str) -> None:
    with pytest.raises(MisuseError, match=f"{count} jobs have ids .*{end}"):
        await only("ab", "job", known([f"ab{number}" for number in range(count)]))
