"""Clocks are wrong by five minutes, in both directions, and leases are kept and given as ever."""

from pathlib import Path

from tests.faults.mesh import ROOT, Mesh
from tests.faults.reckoning import Reckoning
from tests.faults.talks import Speaker, until_told

SKEWED = Path(__file__).parent / "skewed"


async def test_wrong_clocks_take_no_work_from_anybody(
    speaker: Speaker, reckoning: Reckoning, mesh: Mesh
) -> None:
    """Two workers, ten minutes apart, would hold each other for dead if they told the time themselves."""
    path = f"{SKEWED}:{ROOT}"
    await mesh.restart("transcribe", PYTHONPATH=path, CLOCK_IS_OFF_BY="300")
    await mesh.restart("transcribe-2", PYTHONPATH=path, CLOCK_IS_OFF_BY="-300")
    await mesh.restart("query", PYTHONPATH=path, CLOCK_IS_OFF_BY="-300")
    jobs = [await speaker.speak(60) for _ in range(2)]
    for one in jobs:
        await until_told(one, "job_ended")
    pieces = await mesh.rows(
        "transcribe", "select attempt from work where job_id = any($1)", [one.job.id for one in jobs]
    )
    assert {row["attempt"] for row in pieces} == {1}, "nobody took a piece that another one had"
    # With clocks like that, tokens are refused: to one of the two they are not made yet.
    for part in ("transcribe", "query"):
        await mesh.restart(part)
    await mesh.stop("transcribe-2")
    assert await reckoning.reckon(jobs) == []
