"""The service's own schema in Postgres: its pool and its migrations."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias, cast

import aiosql
import asyncpg
from aiosql.adapters.asyncpg import AsyncPGAdapter

from vidmesh_runtime.auth import on_behalf_of
from vidmesh_runtime.identity import Identity

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
    asyncpg.IdleInTransactionSessionTimeoutError,
    # "another operation is in progress": of a connection that is being lost, but does not know so yet.
    asyncpg.InternalClientError,
)
"""What asyncpg raises while the database is away, or has given up on us."""

STANDSTILL = timedelta(seconds=30)
"""How long a transaction may stand still before it is ended, and its locks with it."""

EVERYBODY = "*"
"""What a connection sees that serves no request: the rows of all tenants (migrations/0005_row_security.sql)."""

END_STANDSTILLS = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where usename = current_user and datname = current_database() and pid <> pg_backend_pid()
  and state = 'active' and wait_event = 'ClientRead' and state_change < clock_timestamp() - $1::interval
"""


class _Adapter(AsyncPGAdapter):
    """aiosql's own tells a pool from a connection by listing all attributes, which takes longer than the query."""

    async def select(
        self, conn: Any, query_name: str, sql: str, parameters: Any, record_class: None = None
    ) -> AsyncIterator[Any]:
        for row in await conn.fetch(sql, *self._values(query_name, parameters)):
            yield row

    async def select_one(
        self, conn: Any, query_name: str, sql: str, parameters: Any, record_class: None = None
    ) -> Any:
        return await conn.fetchrow(sql, *self._values(query_name, parameters))

    async def select_value(self, conn: Any, query_name: str, sql: str, parameters: Any) -> Any:
        return await conn.fetchval(sql, *self._values(query_name, parameters))

    async def insert_update_delete(self, conn: Any, query_name: str, sql: str, parameters: Any) -> Any:
        return await conn.execute(sql, *self._values(query_name, parameters))

    def _values(self, query_name: str, parameters: Any) -> Sequence[Any]:
        values: Sequence[Any] = self.maybe_order_params(query_name, parameters)  # type: ignore[no-untyped-call]
        return values


class _Sight(asyncpg.Connection):
    """A connection that knows whose rows it sees."""

    _tenant = EVERYBODY

    async def see(self, tenant: str) -> None:
        """See the rows of a tenant and no others, from now on."""
        if tenant != self._tenant:
            await self.execute("select set_config('vidmesh.tenant', $1, false)", tenant)
            self._tenant = tenant


def load_queries(path: Path) -> Any:
    """The named queries of a `.sql` file, as methods that take a connection or the pool first."""
    return aiosql.from_path(path, cast("Any", _Adapter), mandatory_parameters=False)


@asynccontextmanager
async def open_pool(
    url: str,
    *,
    schema: str,
    most: int = 10,
    standstill: timedelta = STANDSTILL,
    identity: Identity | None = None,
) -> AsyncIterator[Pool]:
    """A pool whose connections see only `schema`, and while a request is running only the rows of its tenant.

    A process that stands still in the middle of a transaction, as on a machine that sleeps, keeps others from the rows that
    it has locked for `standstill` at most. With an `identity`, a database that is reached over TCP must speak TLS and be vouched
    for by its authority, unless the address says otherwise (`sslmode`).
    """
    pool = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=most,
        command_timeout=60,
        # A plan that was made while a table was short is kept while it grows: what is found by an index then is to be found
        # so from the start. Where there is no index for it, a table is scanned all the same.
        server_settings={
            "search_path": schema,
            "vidmesh.tenant": EVERYBODY,
            "enable_seqscan": "off",
            "idle_in_transaction_session_timeout": f"{standstill / timedelta(milliseconds=1):.0f}ms",
        },
        connection_class=_Sight,
        setup=_look_as_the_caller,
        reset=_leave_as_it_is,
        # A Unix socket needs no TLS, and asyncpg begins none there.
        ssl=identity.for_socket() if identity and "sslmode=" not in url else None,
    )
    try:
        yield pool
    finally:
        await pool.close()


async def end_standstills(pool: Pool, *, after: timedelta) -> None:
    """End, for ever, what the database's own timeout does not see.

    asyncpg describes a new statement without a Sync: a process that stands still just then leaves its connection "active", and
    `idle_in_transaction_session_timeout` does not begin. Its locks would stay until the process goes on or dies; so each
    process ends those of its role's connections that have been silent within a command.
    """
    while True:
        await asyncio.sleep(after.total_seconds())
        try:
            if ended := await pool.fetchval(END_STANDSTILLS, after):
                log.warning("%d connections that stood still within a command were ended", ended)
        except (*UNREACHABLE, asyncpg.PostgresError, TimeoutError) as error:
            log.debug("database: %s", error or type(error).__name__)


async def _look_as_the_caller(connection: Connection) -> None:
    await connection.see(on_behalf_of() or EVERYBODY)  # type: ignore[union-attr] # the pool's connections are of `_Sight`


async def _leave_as_it_is(_connection: Connection) -> None:
    """Spare a round trip for each use of a connection: none leaves behind what would have to be reset.

    A transaction that was left open is rolled back by the pool itself.
    """


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
