"""The embedded stack's life: start, crash, restart, stop, and nothing left behind."""

import asyncio
import http.client
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import nats
import psutil  # type: ignore[import-untyped] # it publishes no types
import pytest
import pytest_asyncio

from vidmesh import AsyncClient, VidmeshError
from vidmesh.ingest.v1.ingest_service_pb2 import GetJobRequest
from vidmesh_stack.events import PartState, StackError, StackEvent
from vidmesh_stack.folder import Folder, RunningStack
from vidmesh_stack.ports import free_port
from vidmesh_stack.postgres import binaries
from vidmesh_stack.service import SERVICES
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack

HERE = str(Path(__file__).parent)
pytestmark = pytest.mark.asyncio(loop_scope="module")


def settings(data: Path, **changes: object) -> StackSettings:
    given: dict[str, object] = {
        "data": data,
        "port": 0,
        "services": {"ingest": "stand_in"},
        "env": {"PYTHONPATH": HERE},
    }
    return StackSettings(**given | changes)  # type: ignore[arg-type] # the test gives what fits


def base(data: Path) -> StackSettings:
    """NATS and PostgreSQL alone."""
    return settings(data, services={})


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def shared_memory() -> set[str]:
    """System V segments, by id, and POSIX ones, by path."""
    segments = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {line.split()[1] for line in segments} | {str(path) for path in Path("/dev/shm").iterdir()}


def mapped(pids: set[int]) -> set[str]:
    """The shared memory that processes hold: other tests run beside this one and have their own."""
    held = set()
    for pid in pids:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            fields = line.split()
            if len(fields) > 5 and fields[5].startswith("/SYSV"):
                held.add(fields[4])
            elif len(fields) > 5 and fields[5].startswith("/dev/shm/"):
                held.add(fields[5])
    return held


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """One for the tests that leave it as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDMESH_METRICS_LISTEN", "127.0.0.1:9464")
        async with Stack(settings(tmp_path_factory.mktemp("stack") / "data")) as running:
            yield running


async def test_it_comes_up_in_order_and_leaves_nothing(tmp_path: Path) -> None:
    before = children()
    events: list[StackEvent] = []
    async with Stack(settings(tmp_path / "data"), on_event=events.append) as stack:
        inside = children() - before
        assert len(inside) >= 4
        memory = mapped(inside)
        assert memory & shared_memory()
        endpoint = urlsplit(stack.endpoint)
        ready = [event.part for event in events if event.state is PartState.READY]
        assert set(ready[:2]) == {"nats", "postgres"}
        assert set(ready) == {"nats", "postgres", "ingest", "gateway"}
        (told,) = [Folder(tmp_path / "data").running()]
        assert told == RunningStack(
            pid=os.getpid(),
            endpoint=stack.endpoint,
            token_path=str(tmp_path / "data" / "run" / "token"),
            processes={name: pid for name in stack.parts if (pid := stack.pid(name))},
            ready=True,
        )
    stopped = [event.part for event in events if event.state is PartState.STOPPED]
    assert stopped[:2] == ["gateway", "ingest"]
    assert set(stopped[2:]) == {"nats", "postgres"}
    assert children() <= before
    assert not [pid for pid in inside if psutil.pid_exists(pid)]
    assert not memory & shared_memory()
    assert Folder(tmp_path / "data").running() is None
    assert not list((tmp_path / "data" / "run").glob("sockets"))
    with socket.socket() as probe:
        probe.bind((endpoint.hostname, endpoint.port))


async def test_what_is_secret_is_readable_by_its_owner_alone(stack: Stack) -> None:
    data = stack.logs.parent
    for path in ("keys/private.json", "run/token", "run/nats.json", "run/envoy.json", "run/state.json"):
        assert stat.S_IMODE((data / path).stat().st_mode) == 0o600, path
    for path in (".", "keys", "logs", "media", "run", "run/sockets", "postgres"):
        assert stat.S_IMODE((data / path).stat().st_mode) == 0o700, path


async def test_only_loopback_and_unix_sockets_are_listened_on(stack: Stack) -> None:
    listening = [
        connection.laddr.ip
        for name in stack.parts
        for connection in psutil.Process(stack.pid(name)).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
    assert len(listening) == 3


async def test_a_second_start_goes_on_with_what_was_kept(tmp_path: Path) -> None:
    async with Stack(base(tmp_path)) as stack:
        database = await asyncpg.connect(stack.postgres_dsn("vidmesh_ingest"))
        await database.execute("create table ingest.kept (id int); insert into ingest.kept values (7)")
        await database.close()
        bus = await nats.connect(stack.nats_url())
        await bus.jetstream().add_stream(name="KEPT", subjects=["kept"])
        await bus.jetstream().publish("kept", b"seven")
        await bus.close()
        token = stack.token()
    async with Stack(base(tmp_path)) as stack:
        database = await asyncpg.connect(stack.postgres_dsn("vidmesh_ingest"))
        assert await database.fetchval("select id from ingest.kept") == 7
        await database.close()
        bus = await nats.connect(stack.nats_url())
        assert (await bus.jetstream().get_msg("KEPT", 1)).data == b"seven"
        await bus.close()
        assert stack.token().split(".")[0] == token.split(".")[0]


async def test_each_service_has_its_own_schema_alone(stack: Stack) -> None:
    owner = await asyncpg.connect(stack.postgres_dsn("vidmesh_ingest"))
    await owner.execute("create table ingest.secret (id int)")
    await owner.close()
    for service in SERVICES:
        role = await asyncpg.connect(stack.postgres_dsn(f"vidmesh_{service}"))
        await role.execute(f"create table {service}.own (id int)")
        if service != "ingest":
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await role.fetch("select * from ingest.secret")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await role.execute("create table ingest.intruder (id int)")
        for forbidden in ("create table public.t (id int)", "create schema extra", "create role x"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await role.execute(forbidden)
        await role.close()


async def test_composes_scripts_give_the_roles_their_passwords(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    for service in SERVICES:
        (tmp_path / "secrets" / f"{service}_password").write_text(f"secret of {service}")
    passwords = tmp_path / "passwords.sql"
    script = Path("deploy/passwords.sql").read_text()
    passwords.write_text(script.replace("/run/secrets", str(tmp_path / "secrets")))
    psql = await asyncio.create_subprocess_exec(
        binaries() / "psql",
        *(
            f"--dbname={stack.postgres_dsn()}",
            "--no-psqlrc",
            "--set=ON_ERROR_STOP=1",
            "--single-transaction",
        ),
        *("--file=stack/vidmesh_stack/database.sql", f"--file={passwords}"),
    )
    assert await psql.wait() == 0
    database = await asyncpg.connect(stack.postgres_dsn())
    roles = await database.fetch("select rolname from pg_authid where rolpassword like 'SCRAM-SHA-256%'")
    assert {role["rolname"] for role in roles} == {f"vidmesh_{service}" for service in SERVICES}
    await database.close()


async def test_text_in_any_language_is_folded_and_indexed(stack: Stack) -> None:
    database = await asyncpg.connect(stack.postgres_dsn("vidmesh_query"))
    assert await database.fetchval("select lower('ÄÖÜ ЖЮ')") == "äöü жю"
    assert await database.fetchval("select to_tsvector('simple', 'Überblick Жизнь') @@ 'жизнь'::tsquery")
    await database.close()


@pytest.mark.parametrize("part", ["nats", "postgres", "ingest", "gateway"])
async def test_a_part_that_is_killed_comes_back_where_it_was(stack: Stack, part: str) -> None:
    before, url, dsn = stack.pid(part), stack.nats_url(), stack.postgres_dsn()
    await stack.kill(part)
    assert not psutil.pid_exists(before or 0)
    await asyncio.wait_for(stack.answering(part), 30)
    assert stack.pid(part) not in {None, before}
    assert (url, dsn) == (stack.nats_url(), stack.postgres_dsn())
    await (await asyncpg.connect(stack.postgres_dsn())).close()
    await (await nats.connect(stack.nats_url())).close()


async def test_a_part_can_be_stopped_and_started_with_other_environment(stack: Stack) -> None:
    await stack.stop("ingest")
    assert stack.pid("ingest") is None
    await stack.restart("ingest", env={"VIDMESH_CRASH_AT": "somewhere"})
    assert psutil.Process(stack.pid("ingest")).environ()["VIDMESH_CRASH_AT"] == "somewhere"
    await stack.kill("ingest")
    await stack.answering("ingest")
    assert "VIDMESH_CRASH_AT" not in psutil.Process(stack.pid("ingest")).environ()


async def test_services_are_told_where_everything_is(stack: Stack) -> None:
    told = psutil.Process(stack.pid("ingest")).environ()
    assert told["VIDMESH_DATABASE_URL"] == stack.postgres_dsn("vidmesh_ingest")
    assert told["VIDMESH_NATS_URL"] == stack.nats_url("ingest")
    assert told["VIDMESH_MEDIA_URL"].startswith("file:///")
    assert Path(told["VIDMESH_JWKS_PATH"]).is_file()
    assert Path(told["VIDMESH_DATA_DIR"]).is_dir()
    assert told["VIDMESH_LISTEN"].startswith("127.0.0.1:")
    assert "VIDMESH_METRICS_LISTEN" not in told, "an address that its processes would fight for"


async def test_a_service_that_cannot_start_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    before = children()
    with pytest.raises(
        StackError, match=r"(?s)ingest ended with exit code 1.*ingest.log.*the model is missing"
    ):
        async with Stack(settings(tmp_path, services={"ingest": "stand_in.hopeless"})):
            pass
    assert children() <= before


async def test_a_part_that_keeps_crashing_ends_the_wait(tmp_path: Path) -> None:
    async with Stack(base(tmp_path)) as stack:
        waiting = asyncio.create_task(stack.wait())
        with suppress(StackError):
            while not waiting.done():
                await stack.kill("nats")
                await stack.answering("nats")
        with pytest.raises(StackError, match=r"nats was killed by SIGKILL, 6 times within a minute"):
            await waiting


async def test_a_folder_has_one_stack(tmp_path: Path) -> None:
    async with Stack(base(tmp_path)):
        with pytest.raises(StackError, match=r"Another vidmesh \(process \d+, .*vidmesh down"):
            async with Stack(base(tmp_path)):
                pass


async def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(StackError, match=f"(?s)Port {port} on 127.0.0.1 is taken.*--port"):
            async with Stack(settings(tmp_path, port=port)):
                pass


async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="file/data cannot be used: Not a directory"):
        async with Stack(base(tmp_path / "file" / "data")):
            pass


async def test_a_folder_of_any_name(tmp_path: Path) -> None:
    async with Stack(settings(tmp_path / "ein Ort, für's Video")) as stack:
        await (await asyncpg.connect(stack.postgres_dsn())).close()


async def test_a_deep_folder_that_only_its_owner_may_enter(tmp_path: Path) -> None:
    """Unix sockets do not take long paths, and PostgreSQL does not run as root."""
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    deep.parent.chmod(0o700)
    async with Stack(base(deep / "data")) as stack:
        sockets = Path(stack.postgres_dsn().partition("?host=")[2])
        assert len(str(sockets)) < 90
        await (await asyncpg.connect(stack.postgres_dsn())).close()
    assert not sockets.exists()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A whole stack in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "stand_in.up", str(tmp_path)], env=os.environ | {"PYTHONPATH": HERE}
    ) as up:
        yield up
        up.kill()


async def running(data: Path) -> RunningStack:
    until = time.monotonic() + 60
    while not (state := Folder(data).running()) or not state.ready:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    return state


async def gone(pids: set[int]) -> None:
    until = time.monotonic() + 30
    while [
        pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    ]:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order(
    process: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals
) -> None:
    state = await running(tmp_path)
    process.send_signal(number)
    assert await asyncio.to_thread(process.wait, 30) == 0
    assert not [pid for pid in state.processes.values() if psutil.pid_exists(pid)]
    assert "database system is shut down" in (tmp_path / "logs" / "postgres.log").read_text()


async def test_a_signal_during_the_start_ends_it(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    while not Folder(tmp_path).running():
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 30) == 0


async def test_its_parts_die_with_it_and_it_starts_again(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    state = await running(tmp_path)
    family = {child.pid for child in psutil.Process(process.pid).children(recursive=True)}
    assert set(state.processes.values()) <= family
    process.kill()
    process.wait()
    async with Stack(base(tmp_path)) as stack:  # at once: it waits for the other's PostgreSQL
        await (await asyncpg.connect(stack.postgres_dsn())).close()
    await gone(family)


async def test_with_tls_only_who_trusts_its_authority_gets_in_and_nothing_plain(tmp_path: Path) -> None:
    async with Stack(settings(tmp_path / "data", tls=True)) as stack:
        told = Folder(tmp_path / "data").running()
        assert told is not None
        authorities = Path(told.authority_path).read_bytes()
        assert stack.endpoint.startswith("https://")
        async with AsyncClient(stack.endpoint, stack.token(), authorities=authorities) as client:
            assert (await client.ingest.GetJob(GetJobRequest(job_id="a"))).job.id == "a"
        async with AsyncClient(stack.endpoint, stack.token(), attempts=1) as stranger:
            with pytest.raises(VidmeshError) as refused:
                await stranger.ingest.GetJob(GetJobRequest(job_id="a"))
            assert refused.value.reason == "UNAVAILABLE"

        place = urlsplit(stack.endpoint)
        trusting = ssl.create_default_context(cadata=authorities.decode())

        def ask(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
            with closing(connection):
                connection.request("GET", "/")
                return connection.getresponse()

        where: dict[str, Any] = {"host": str(place.hostname), "port": place.port, "timeout": 10}
        answer = await asyncio.to_thread(ask, http.client.HTTPSConnection(context=trusting, **where))
        assert answer.status == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        with pytest.raises((http.client.HTTPException, OSError)):
            await asyncio.to_thread(ask, http.client.HTTPConnection(**where))
        trusting.maximum_version = ssl.TLSVersion.TLSv1_2
        assert (
            await asyncio.to_thread(ask, http.client.HTTPSConnection(context=trusting, **where))
        ).status == 200
