"""API keys through the gateway: made once, kept as hashes, scoped, and ended at once."""

import asyncio
import re
from datetime import timedelta

import asyncpg
import pytest

from tests.e2e.conftest import Mesh
from vidmesh.client import AsyncClient
from vidmesh.error import VidmeshError
from vidmesh.ingest.v1.ingest_service_pb2 import CreateApiKeyResponse


async def refused(client: AsyncClient) -> str:
    """With which reason a listing of jobs is refused; empty where it is answered."""
    try:
        [_ async for _ in client.jobs()]
    except VidmeshError as error:
        return error.reason
    return ""


async def test_a_key_opens_what_its_scopes_allow_and_nothing_once_it_is_revoked(
    mesh: Mesh, client: AsyncClient
) -> None:
    made = await client.create_api_key("nightly", scopes=["read"])
    async with AsyncClient(mesh.endpoint, made.secret) as program:
        assert await refused(program) == ""
        with pytest.raises(VidmeshError) as caught:
            await program.submit("https://example.org/talk.mp4")
        assert caught.value.reason == "SCOPE_MISSING"
        with pytest.raises(VidmeshError) as caught:
            await program.api_keys()
        assert caught.value.reason == "SCOPE_MISSING"
        [listed] = await client.api_keys()
        assert (listed.id, listed.name, list(listed.scopes)) == (made.key.id, "nightly", ["read"])
        assert listed.HasField("used_at")
        await client.revoke_api_key(made.key.id)
        assert await refused(program) == "UNAUTHENTICATED"
    [ended] = await client.api_keys()
    assert ended.HasField("revoked_at")


async def test_a_key_belongs_to_its_tenant(mesh: Mesh, client: AsyncClient, tenant: str) -> None:
    made = await client.create_api_key("ours")
    async with AsyncClient(mesh.endpoint, mesh.token(f"{tenant}x")) as stranger:
        assert list(await stranger.api_keys()) == []
        with pytest.raises(VidmeshError) as caught:
            await stranger.revoke_api_key(made.key.id)
        assert caught.value.reason == "NOT_FOUND"


@pytest.mark.parametrize("spoilt", ["vmk_", "vmk_0000000000000000_" + "A" * 43, "last", "case", "longer"])
async def test_what_is_no_key_opens_nothing(mesh: Mesh, client: AsyncClient, spoilt: str) -> None:
    secret = (await client.create_api_key("spoilt")).secret
    spellings = {
        "last": secret[:-1] + ("A" if secret[-1] != "A" else "B"),
        "case": secret.swapcase().replace("VMK", "vmk"),
        "longer": secret + "A",
    }
    async with AsyncClient(mesh.endpoint, spellings.get(spoilt, spoilt)) as program:
        assert await refused(program) == "UNAUTHENTICATED"


async def test_a_key_ends_with_its_time(mesh: Mesh, client: AsyncClient) -> None:
    made = await client.create_api_key("brief", ttl=timedelta(minutes=1))
    assert made.key.expires_at.seconds - made.key.created_at.seconds == 60
    async with AsyncClient(mesh.endpoint, made.secret) as program:
        assert await refused(program) == ""
        await expire(mesh, made.key.id)
        assert await refused(program) == "UNAUTHENTICATED"


async def expire(mesh: Mesh, key_id: str) -> None:
    connection = await asyncpg.connect(mesh.stack.postgres_dsn())
    try:
        await connection.execute("update ingest.api_key set expires_at = now() where id = $1", key_id)
    finally:
        await connection.close()


async def test_no_secret_is_kept(mesh: Mesh, client: AsyncClient) -> None:
    made: CreateApiKeyResponse = await client.create_api_key("hidden")
    form = re.fullmatch(r"vmk_([0-9a-f]{16})_(.{43})", made.secret)
    assert form is not None
    async with AsyncClient(mesh.endpoint, made.secret) as program:
        assert await refused(program) == ""
    connection = await asyncpg.connect(mesh.stack.postgres_dsn())
    try:
        rows = await connection.fetch(
            "select table_name from information_schema.tables where table_schema = 'ingest'"
        )
        for row in rows:
            found = await connection.fetchval(
                f'select count(*) from ingest."{row["table_name"]}" t where t::text like $1',
                f"%{form[2]}%",
            )
            assert not found, row["table_name"]
    finally:
        await connection.close()
    logs = [path.read_text(errors="replace") for path in mesh.stack.logs.glob("*.log")]
    assert not any(form[2] in log for log in logs)


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"name": "x", "scopes": ["root"]},
        {"name": "x", "ttl": timedelta(seconds=1)},
        {"name": "x", "ttl": timedelta(days=100_000)},
    ],
)
async def test_what_cannot_be_made_says_why(client: AsyncClient, wanted: dict[str, object]) -> None:
    with pytest.raises(VidmeshError) as caught:
        await client.create_api_key(**wanted)  # type: ignore[arg-type] # as the case says
    assert caught.value.reason == "INVALID_FIELD"


async def test_a_token_without_the_scope_makes_no_key(mesh: Mesh, tenant: str) -> None:
    async with AsyncClient(mesh.endpoint, mesh.token(tenant, "read", "write")) as other:
        with pytest.raises(VidmeshError) as caught:
            await other.create_api_key("mine")
    assert (caught.value.reason, caught.value.metadata["scope"]) == ("SCOPE_MISSING", "admin")


async def test_many_calls_with_one_key_go_on_side_by_side(mesh: Mesh, client: AsyncClient) -> None:
    made = await client.create_api_key("busy")
    async with AsyncClient(mesh.endpoint, made.secret) as program:
        assert set(await asyncio.gather(*(refused(program) for _ in range(50)))) == {""}
