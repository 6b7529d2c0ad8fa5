"""PostgreSQL over TLS: a service shows its certificate, and believes in no database that cannot show one."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import PostgresServer
from vidmesh_runtime.database import open_pool
from vidmesh_runtime.identity import Identity
from vidmesh_stack.certificate import ensure_identities

SSL_REQUEST = struct.pack(">II", 8, 80877103)
"""https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-SSLREQUEST"""


@asynccontextmanager
async def behind_tls(socket: Path, identity: Identity | None) -> AsyncIterator[int]:
    """The port of a TLS side for a PostgreSQL that has none (its wheel is built without), or of one that declines TLS."""
    tasks: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if await reader.readexactly(len(SSL_REQUEST)) != SSL_REQUEST or identity is None:
                writer.write(b"N")
                return
            writer.write(b"S")
            await writer.drain()
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(identity.authority))
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_cert_chain(identity.certificate, identity.key)
            await writer.start_tls(context)
            inside = await asyncio.open_unix_connection(socket)
            await asyncio.gather(pump(reader, inside[1]), pump(inside[0], writer))
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Identity]:
    return ensure_identities(tmp_path_factory.mktemp("known"), {"postgres": (), "ingest": ()})


@pytest.fixture
def socket(postgres_server: PostgresServer, session_dir: Path) -> Path:
    return session_dir / "sockets" / ".s.PGSQL.5432"


async def asked(port: int, identity: Identity | None) -> int:
    url = f"postgresql://postgres@127.0.0.1:{port}/vidmesh"
    async with open_pool(url, schema="public", most=1, identity=identity) as pool:
        return int(await pool.fetchval("select 42"))


async def test_a_service_shows_its_certificate(socket: Path, identities: dict[str, Identity]) -> None:
    async with behind_tls(socket, identities["postgres"]) as port:
        assert await asked(port, identities["ingest"]) == 42
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await asked(port, None)


async def test_a_database_that_shows_none_is_not_spoken_to(
    socket: Path, identities: dict[str, Identity]
) -> None:
    async with behind_tls(socket, None) as port:
        with pytest.raises(ConnectionError, match="rejected SSL upgrade"):
            await asked(port, identities["ingest"])


async def test_a_database_that_another_authority_vouches_for_is_not_spoken_to(
    socket: Path, identities: dict[str, Identity], tmp_path: Path
) -> None:
    stranger = ensure_identities(tmp_path, {"postgres": ()})["postgres"]
    async with behind_tls(socket, stranger) as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await asked(port, identities["ingest"])


async def test_a_unix_socket_needs_none(
    postgres_server: PostgresServer, identities: dict[str, Identity]
) -> None:
    url = postgres_server.server.dsn("postgres")
    async with open_pool(url, schema="public", most=1, identity=identities["ingest"]) as pool:
        assert await pool.fetchval("select 42") == 42
