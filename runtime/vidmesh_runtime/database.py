"""The service's own schema in Postgres: its pool and its migrations."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import aiosql
import asyncpg

log = logging.getLogger(__name__)

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)

RUNTIME_MIGRATIONS = Path(__file__).parent / "migrations"

UNREACHABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.TooManyConnectionsError,
)
"""What asyncpg raises while the database is away."""


def load_queries(path: Path) -> Any:
    """The named queries of a `.sql` file, as methods that take a connection or the pool first."""
    return aiosql.from_path(path, "asyncpg", mandatory_parameters=False)


@asynccontextmanager
async def open_pool(url: str, *, schema: str, most: int = 10) -> AsyncIterator[Pool]:
    """A pool whose connections see only `schema`."""
    pool = await asyncpg.create_pool(
        url, min_size=1, max_size=most, command_timeout=60, server_settings={"search_path": schema}
    )
    try:
        yield pool
    finally:
        await pool.close()


async def migrate(pool: Pool, *, schema: str, folders: Sequence[Path]) -> None:
    """Apply each `.sql` file of the folders that was not applied before, in order of name within its folder.

    One process at a time does so, under an advisory lock; each file is one transaction. No kept library fits: those that
    speak asyncpg keep their book in a schema shared by all services, which roles of their own may not write.
    """
    async with pool.acquire() as connection:
        await connection.execute("select pg_advisory_lock(hashtext($1))", f"vidmesh-migrate-{schema}")
        try:
            await connection.execute(
                "create table if not exists migration (name text primary key, applied_at timestamptz not null default now())"
            )
            applied = {row["name"] for row in await connection.fetch("select name from migration")}
            for folder in folders:
                for file in sorted(folder.glob("*.sql")):
                    name = f"{folder.parent.name}/{file.name}"
                    if name in applied:
                        continue
                    async with connection.transaction():
                        await connection.execute(file.read_text())
                        await connection.execute("insert into migration (name) values ($1)", name)
                    log.info("applied migration %s", name)
        finally:
            await connection.execute("select pg_advisory_unlock(hashtext($1))", f"vidmesh-migrate-{schema}")
