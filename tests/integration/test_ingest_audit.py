"""The audit log of a running service: what was asked for is noted, and no note is ever taken back."""

import json
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from tests.conftest import Keys
from tests.integration.ingest_service import Ingest, Refusal
from vidmesh.ingest.v1 import ingest_service_pb2 as api
from vidmesh_runtime.scope import READ


@pytest.fixture
async def ingest(environment: Callable[[str], dict[str, str]], keys: Keys) -> AsyncIterator[Ingest]:
    service = Ingest(environment("ingest"), keys)
    await service.start()
    yield service
    assert service.stop() == 0
    await service.channel.close()


@pytest.fixture
async def schema(
    ingest: Ingest, environment: Callable[[str], dict[str, str]]
) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(
        environment("ingest")["VIDMESH_DATABASE_URL"],
        server_settings={"search_path": "ingest", "vidmesh.tenant": "*"},
    )
    yield connection
    await connection.close()


async def test_changes_are_noted_with_who_asked_and_reading_is_not(
    ingest: Ingest, keys: Keys, schema: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    job = (await ingest.submit(url="http://127.0.0.1:9/secret?key=hidden")).job
    await ingest.job(job.id)
    ingest.token = keys.token("acme", scopes=[READ])
    with pytest.raises(Refusal) as refused:
        await ingest.call("CancelJob", api.CancelJobRequest(job_id=job.id))
    assert (refused.value.reason, refused.value.metadata["scope"]) == ("SCOPE_MISSING", "write")
    odd = "a\0" + 500 * "b"
    with pytest.raises(Refusal):
        await ingest.call("CancelJob", api.CancelJobRequest(job_id=odd))

    rows = await schema.fetch("select * from audit order by id")
    service = "vidmesh.ingest.v1.IngestService"
    told = [(row["tenant"], row["subject"], row["method"], row["outcome"]) for row in rows]
    assert told == [
        ("acme", "tester", f"{service}/SubmitVideo", "asked"),
        ("acme", "tester", f"{service}/CancelJob", "SCOPE_MISSING"),
        ("acme", "tester", f"{service}/CancelJob", "SCOPE_MISSING"),
    ]
    about = [json.loads(row["about"]) for row in rows]
    assert about[1] == {"job_id": job.id}
    assert about[2]["job_id"].startswith("ab")
    assert len(about[2]["job_id"]) < 201
    assert "hidden" not in str(rows)


@pytest.mark.parametrize(
    "change", ["update audit set subject = 'nobody'", "delete from audit", "truncate audit"]
)
async def test_no_note_is_taken_back(
    ingest: Ingest, schema: "asyncpg.Connection[asyncpg.Record]", change: str
) -> None:
    await ingest.submit(url="http://127.0.0.1:9/a.mp3")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="the audit log only grows"):
        await schema.execute(change)
    assert await schema.fetchval("select count(*) from audit where subject = 'tester'") == 1
