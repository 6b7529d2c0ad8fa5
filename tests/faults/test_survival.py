"""The work survives: processes are killed and crash in the middle, and the reckoning comes out even."""

import asyncio
from uuid import UUID

import pytest

from tests.conftest import SERVICES
from tests.faults.mesh import Mesh
from tests.faults.reckoning import Reckoning
from tests.faults.talks import Speaker, until_told

FINISHED = "select key, ended_at from work where state = 'done' and job_id = $1 order by key"


async def test_a_worker_killed_in_the_middle_does_no_window_twice(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh
) -> None:
    one = await speaker.speak(60)
    await until_told(one, "window_transcribed", 2)
    done = {row["key"]: row["ended_at"] for row in await mesh.rows("transcribe", FINISHED, one.job.id)}
    await mesh.kill("transcribe")
    assert await reckoning.reckon([one]) == []
    after = {row["key"]: row["ended_at"] for row in await mesh.rows("transcribe", FINISHED, one.job.id)}
    assert 2 <= len(done) < len(after)
    assert {key: after[key] for key in done} == done


@pytest.mark.parametrize(
    ("point", "services"),
    [
        ("before-publish", SERVICES),
        ("after-publish", SERVICES),
        ("after-apply", SERVICES),
        ("after-claim", SERVICES),
        ("after-commit", SERVICES),
        ("after-recognition", ("transcribe",)),
        ("after-embed", ("query",)),
    ],
)
async def test_a_crash_at_a_point_changes_nothing_in_the_end(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh, point: str, services: tuple[str, ...]
) -> None:
    for service in services:
        mesh.arm(service, point)
    one = await speaker.speak()
    assert await reckoning.reckon([one]) == []
    assert [service for service in services if not mesh.crashed(service, point)] == []


async def test_a_service_told_to_stop_under_load_ends_in_order(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh
) -> None:
    jobs = [await speaker.speak(40) for _ in range(2)]
    for service in SERVICES:
        process = mesh.process(service)
        await mesh.restart(service)
        assert process.returncode == 0, service
    assert await reckoning.reckon(jobs) == []


async def test_a_stopped_worker_that_goes_on_changes_nothing(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh
) -> None:
    """As one whose machine slept: it holds leases that ran out long ago and were given to another by then."""
    one = await speaker.speak(60)
    await until_told(one, "window_transcribed")
    with mesh.frozen("transcribe"):
        await mesh.restart("transcribe-2")
        await until_told(one, "transcript_completed")
        done = await mesh.rows("transcribe", FINISHED, one.job.id)
        taken_over = "select 1 from work where state = 'done' and attempt > 1 and job_id = $1"
        assert await mesh.rows("transcribe", taken_over, one.job.id)
    assert await reckoning.reckon([one]) == []
    assert await mesh.rows("transcribe", FINISHED, one.job.id) == done
    await mesh.stop("transcribe-2")


async def test_a_stopped_reader_of_a_source_that_goes_on_changes_nothing(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh
) -> None:
    async with speaker.held(120, share=0.3) as (one, let_go):
        await until_told(one, "window_ready")
        with mesh.frozen("ingest"):
            await mesh.restart("ingest-2")
            let_go()
            await mesh.until(
                "ingest", "select 1 from job where id = $1 and state = 'succeeded'", UUID(one.job.id)
            )
            await mesh.until("ingest", "select 1 where not exists (select from work where state <> 'done')")
        assert await reckoning.reckon([one]) == []
    await mesh.stop("ingest-2")


async def test_a_reader_that_has_lost_its_lease_without_knowing_leaves_nothing(
    speaker: Speaker, mesh: Mesh
) -> None:
    """As if another one had done its work and the windows had been tidied up by then."""
    async with speaker.held(120, share=0.3) as (one, let_go):
        await until_told(one, "window_transcribed")
        async with mesh.database("ingest") as connection:
            await connection.execute(
                "update work set state = 'done', lease_token = null where job_id = $1", one.job.id
            )
            await connection.execute(
                "update job set state = 'succeeded', ended_at = now() where id = $1", UUID(one.job.id)
            )
        let_go()
        async with asyncio.timeout(30):
            while list(mesh.data.glob(f"services/ingest/jobs/{one.job.id}")):
                await asyncio.sleep(0.05)
        assert list(mesh.media.glob(f"*/{one.job.video_id}/{one.job.id}/windows/*")) == []
        told = "select count(*) from outbox where job_id = $1 and kind = 'WindowReady'"
        before = await mesh.rows("ingest", told, one.job.id)
        await asyncio.sleep(0.5)
        assert await mesh.rows("ingest", told, one.job.id) == before
    assert one.watching is not None
    one.watching.cancel()
