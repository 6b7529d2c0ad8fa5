"""What every test may use: a real PostgreSQL and a real NATS, started once, empty for each test; keys and tokens."""

import asyncio
import json
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import grpc.aio
import nats
import pytest
from joserfc.jwk import ECKey

from vidmesh_runtime.auth import make_key, mint
from vidmesh_runtime.scope import READ, WRITE
from vidmesh_stack.keeper import Keeper
from vidmesh_stack.nats import Nats
from vidmesh_stack.postgres import Postgres

# Tests have event loops in several threads, and what gRPC's asynchronous calls run on does not bear to go and come again then:
# one loop reads and writes files that are closed, or another's by now.
grpc.aio.init_grpc_aio()

T = TypeVar("T")
SERVICES = ("ingest", "transcribe", "summarize", "query")


class Backstage:
    """An event loop in a thread of its own, on which servers live longer than one test's loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="backstage", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(90)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


@pytest.fixture(scope="session")
def backstage() -> Iterator[Backstage]:
    stage = Backstage()
    yield stage
    stage.close()


@pytest.fixture(scope="session")
def session_dir() -> Iterator[Path]:
    """A folder with a short name: a Unix socket's path has at most 107 characters."""
    folder = Path(tempfile.mkdtemp(prefix="vm-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


class PostgresServer:
    """A running PostgreSQL whose process a test may kill or stop."""

    def __init__(self, backstage: Backstage, keeper: Keeper, server: Postgres) -> None:
        self._backstage = backstage
        self.keeper = keeper
        self.server = server

    def kill(self) -> None:
        """As by kill -9; it comes back by itself."""
        self._backstage.run(self.keeper.kill())

    def stop(self) -> None:
        self._backstage.run(self.keeper.stop())

    def start(self) -> None:
        self._backstage.run(self.keeper.start())


class NatsServer(PostgresServer):
    """A running NATS whose process a test may kill or stop."""

    def __init__(self, backstage: Backstage, keeper: Keeper, server: Nats, store: Path) -> None:
        self._backstage = backstage
        self.keeper = keeper
        self.nats = server
        self.store = store

    @property
    def url(self) -> str:
        return self.nats.url()


@pytest.fixture(scope="session")
def postgres_server(backstage: Backstage, session_dir: Path) -> Iterator[PostgresServer]:
    for name in ("sockets", "run", "logs"):
        (session_dir / name).mkdir(exist_ok=True)
    server = Postgres(
        data=session_dir / "postgres",
        sockets=session_dir / "sockets",
        run=session_dir / "run",
        log=session_dir / "logs" / "postgres.log",
    )

    async def start() -> Keeper:
        await server.prepare()
        keeper = Keeper(server.program(), lambda _: None)
        await keeper.start()
        await server.create_database()
        return keeper

    keeper = backstage.run(start())
    yield PostgresServer(backstage, keeper, server)
    backstage.run(keeper.stop())


@pytest.fixture(scope="session")
def nats_process(backstage: Backstage, session_dir: Path) -> Iterator[NatsServer]:
    for name in ("run", "logs"):
        (session_dir / name).mkdir(exist_ok=True)
    store = session_dir / "nats"
    server = Nats(
        store=store,
        config=session_dir / "run" / "nats.conf",
        log=session_dir / "logs" / "nats.log",
        sync_interval="1s",
    )

    async def start() -> Keeper:
        keeper = Keeper(server.program(), lambda _: None)
        await keeper.start()
        return keeper

    keeper = backstage.run(start())
    yield NatsServer(backstage, keeper, server, store)
    backstage.run(keeper.stop())


@pytest.fixture
async def nats_server(nats_process: NatsServer) -> NatsServer:
    """NATS without any stream."""
    client = await nats.connect(nats_process.url)
    jetstream = client.jetstream()
    for info in await jetstream.streams_info():
        await jetstream.delete_stream(str(info.config.name))
    await client.close()
    return nats_process


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[Callable[[str], str]]:
    """A new database with the services' roles and schemas; gives its address for a role, such as "vidmesh_ingest"."""
    admin = await asyncpg.connect(postgres_server.server.dsn("postgres"))
    name = f"t{os.urandom(6).hex()}"
    await admin.execute(f"create database {name}")
    setup = await asyncpg.connect(postgres_server.server.dsn("postgres"), database=name)
    await setup.execute(Path("stack/vidmesh_stack/database.sql").read_text())
    await setup.close()

    def address(role: str) -> str:
        return postgres_server.server.dsn(role).replace("/vidmesh?", f"/{name}?", 1)

    yield address
    if not admin.is_closed():
        try:
            await admin.execute(f"drop database if exists {name} with (force)")
        finally:
            await admin.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Keys of a test's own, and tokens made with them."""

    key: ECKey
    jwks_path: Path

    def token(
        self,
        tenant: str = "acme",
        *,
        ttl: timedelta = timedelta(hours=1),
        scopes: Sequence[str] = (READ, WRITE),
        **claims: str,
    ) -> str:
        return mint(self.key, tenant=tenant, subject="tester", ttl=ttl, scopes=scopes, **claims)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    key = make_key()
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return Keys(key=key, jwks_path=path)


@pytest.fixture
def environment(
    database: Callable[[str], str], nats_server: NatsServer, keys: Keys, tmp_path: Path
) -> Callable[[str], dict[str, str]]:
    """The `VIDMESH_*` variables of a service in this test."""

    def variables(service: str) -> dict[str, str]:
        return {
            "VIDMESH_DATABASE_URL": database(f"vidmesh_{service}"),
            "VIDMESH_NATS_URL": nats_server.nats.url(service),
            "VIDMESH_MEDIA_URL": (tmp_path / "media").as_uri(),
            "VIDMESH_JWKS_PATH": str(keys.jwks_path),
            "VIDMESH_LISTEN": "127.0.0.1:0",
            "VIDMESH_DATA_DIR": str(tmp_path / "data" / service),
        }

    return variables
