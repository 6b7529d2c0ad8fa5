"""Row-level security: a query that forgets its tenant shows and changes nothing of another's."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest

from tests.conftest import SERVICES, Keys
from vidmesh.ingest.v1 import ingest_service_pb2 as pb
from vidmesh.ingest.v1.ingest_service_pb2_grpc import (
    IngestServiceServicer,
    IngestServiceStub,
    add_IngestServiceServicer_to_server,
)
from vidmesh_runtime.auth import Gatekeeper
from vidmesh_runtime.database import RUNTIME_MIGRATIONS, Pool, migrate, open_pool
from vidmesh_runtime.server import open_server
from vidmesh_runtime.service import FILES

SHARED = {
    # The order of what waits is one for all tenants.
    "work",
    # Search could not use its indices; what it finds is joined with `video`, which is kept apart.
    "passage",
}
APART = """
select c.relname, c.relrowsecurity and c.relforcerowsecurity as apart
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant'
where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
"""


async def migrated(pool: Pool, service: str) -> None:
    own = Path(f"services/{service}/vidmesh_{service}/migrations")
    await migrate(pool, schema=service, folders=[RUNTIME_MIGRATIONS, own])


@pytest.fixture
async def pool(database: Callable[[str], str]) -> AsyncIterator[Pool]:
    """One connection, which all requests share."""
    async with open_pool(database("vidmesh_ingest"), schema="ingest", most=1) as opened:
        await migrated(opened, "ingest")
        await opened.executemany("insert into video (tenant) values ($1)", [["acme"], ["acme"], ["other"]])
        yield opened


class Forgetful(IngestServiceServicer):
    """Knows of no tenants."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def GetJob(self, request: pb.GetJobRequest, context: Any) -> pb.GetJobResponse:
        response = pb.GetJobResponse()
        response.job.title = str(await self._pool.fetchval("select count(*) from video"))
        return response

    async def WatchJob(self, request: pb.WatchJobRequest, context: Any) -> AsyncIterator[pb.WatchJobResponse]:
        response = pb.WatchJobResponse()
        response.snapshot.job.title = str(await self._pool.fetchval("select count(*) from video"))
        yield response

    async def CancelJob(self, request: pb.CancelJobRequest, context: Any) -> pb.CancelJobResponse:
        await self._pool.execute("delete from video")
        return pb.CancelJobResponse()

    async def SubmitVideo(self, request: pb.SubmitVideoRequest, context: Any) -> pb.SubmitVideoResponse:
        await self._pool.execute("insert into video (tenant) values ('other')")
        return pb.SubmitVideoResponse()


@pytest.fixture
async def stub(pool: Pool, keys: Keys) -> AsyncIterator[Any]:
    async with (
        open_server(
            "127.0.0.1:0",
            Gatekeeper(keys.jwks_path, issuer="vidmesh", audience="vidmesh"),
            version="1.2.3",
            register=[lambda server: add_IngestServiceServicer_to_server(Forgetful(pool), server)],  # type: ignore[abstract] # four methods are enough here
            serves=["vidmesh.ingest.v1.IngestService"],
            files=FILES,
            grace=0.1,
        ) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield IngestServiceStub(channel)


async def test_a_request_sees_the_rows_of_its_tenant_alone(stub: Any, pool: Pool, keys: Keys) -> None:
    for tenant, count in (("acme", "2"), ("other", "1"), ("nobody", "0"), ("acme", "2")):
        bearer = (("authorization", f"Bearer {keys.token(tenant)}"),)
        assert (await stub.GetJob(pb.GetJobRequest(), metadata=bearer)).job.title == count
        watch = stub.WatchJob(pb.WatchJobRequest(), metadata=bearer)
        assert [message.snapshot.job.title async for message in watch] == [count]
        # And what the service does by itself sees all.
        assert await pool.fetchval("select count(*) from video") == 3


async def test_a_request_changes_the_rows_of_its_tenant_alone(stub: Any, pool: Pool, keys: Keys) -> None:
    bearer = (("authorization", f"Bearer {keys.token('acme')}"),)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.SubmitVideo(pb.SubmitVideoRequest(), metadata=bearer)
    assert refused.value.code() is grpc.StatusCode.INTERNAL
    await stub.CancelJob(pb.CancelJobRequest(), metadata=bearer)
    assert [row["tenant"] for row in await pool.fetch("select tenant from video")] == ["other"]


async def test_a_connection_that_says_nothing_sees_nothing(
    pool: Pool, database: Callable[[str], str]
) -> None:
    """As the tables' owner, whom row-level security binds only where it is forced."""
    connection = await asyncpg.connect(database("vidmesh_ingest"), server_settings={"search_path": "ingest"})
    assert await connection.fetchval("select count(*) from video") == 0
    await connection.close()
    assert await pool.fetchval("select count(*) from video") == 3


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_with_tenants_keeps_them_apart(
    database: Callable[[str], str], service: str
) -> None:
    async with open_pool(database(f"vidmesh_{service}"), schema=service, most=1) as pool:
        await migrated(pool, service)
        apart = {row["relname"]: row["apart"] for row in await pool.fetch(APART)}
    assert len(apart) > len(SHARED & set(apart))
    assert {name for name, kept in apart.items() if not kept} == SHARED & set(apart)
