"""Jobs that are cancelled wherever they are, and jobs that kill who works on them."""

import asyncio

import pytest

from tests.faults import counted
from tests.faults.mesh import LEASE, Mesh
from tests.faults.reckoning import Accepted, Reckoning, kind
from tests.faults.talks import Speaker, until_told
from vidmesh.client import AsyncClient
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.stage_pb2 import STAGE_INGEST
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_CANCELLED, JOB_STATE_FAILED

AT_WORK = "select 1 from work where state = 'leased' and job_id = $1"
LANES = 2


def told_after_the_end(one: Accepted) -> list[str]:
    """What other stages told of a job after it was cancelled."""
    kinds = [(event.stage, kind(event)) for event in one.watched if event.number]
    end = kinds.index((STAGE_INGEST, "job_cancelled"))
    return [name for stage, name in kinds[end:] if stage != STAGE_INGEST]


@pytest.mark.parametrize("stage", ["ingest", "transcribe", "summarize", "index"])
async def test_a_job_is_cancelled_in_any_stage(
    speaker: Speaker, client: AsyncClient, reckoning: Reckoning, mesh: Mesh, stage: str
) -> None:
    async with speaker.held(60, share=0.5) as (one, let_go):
        await until_told(one, "window_transcribed", 2)
        service = {"index": "query"}.get(stage, stage)
        if stage == "ingest":
            await client.cancel(one.job.id)
        elif stage == "transcribe":
            let_go()
            await mesh.until("transcribe", AT_WORK, one.job.id)
            await client.cancel(one.job.id)
        else:
            # It stands still while all others end, so the job is in its stage and in no other.
            with mesh.frozen(service):
                let_go()
                others = {"summarize": "index", "index": "summarize"}
                await mesh.until(
                    "ingest",
                    "select 1 from job_stage where job_id = $1::uuid and stage = $2 and state = 'succeeded'",
                    one.job.id,
                    others[stage],
                )
                await client.cancel(one.job.id)
        one.outcome = JOB_STATE_CANCELLED
        assert await reckoning.reckon([one]) == []
        let_go()
        await asyncio.sleep(LEASE / 3)
    told = [event async for event in client.watch(one.job.id)]
    one.watched[:] = [message.event for message in told]
    late = told_after_the_end(one)
    assert len(late) <= LANES, late
    assert not {"transcript_completed", "summary_completed", "chapters_completed", "index_completed"} & set(
        late
    )
    for name in ("ingest", "transcribe", "summarize", "query"):
        left = await mesh.rows(
            name, "select state from work where job_id = $1 and state <> 'done'", one.job.id
        )
        assert {row["state"] for row in left} <= {"cancelled"}


async def test_a_file_that_kills_its_worker_is_given_up_and_the_others_are_done(
    speaker: Speaker, client: AsyncClient, reckoning: Reckoning
) -> None:
    poisoned = await speaker.say([1, 2, counted.POISON, 3])
    poisoned.outcome = JOB_STATE_FAILED
    others = [await speaker.speak(20) for _ in range(3)]
    assert await reckoning.reckon([poisoned, *others], within=90) == []
    assert poisoned.job.failure.reason == ErrorReason.ERROR_REASON_ATTEMPTS_EXHAUSTED
    (letter,) = [letter async for letter in client.dead_letters()]
    assert (letter.kind, letter.job_id) == ("window", poisoned.job.id)
