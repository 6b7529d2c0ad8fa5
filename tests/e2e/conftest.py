"""The whole mesh, as `vidmesh up` runs it: real NATS, PostgreSQL, Envoy and the four services, behind one port."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Backstage
from vidmesh.client import AsyncClient
from vidmesh_runtime.scope import SCOPES
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack

DATA = Path(__file__).parents[1] / "data"
MODEL = DATA / "whisper-tiny-vidmesh"

ENVIRONMENT = {
    # The small Whisper that comes with the tests, read by faster-whisper as any other.
    "VIDMESH_RECOGNIZER": "faster-whisper",
    "VIDMESH_WHISPER_MODEL": str(MODEL),
    "VIDMESH_WHISPER_THREADS": "1",
    # The sites of these tests are on loopback.
    "VIDMESH_EGRESS_ALLOW": "127.0.0.0/8",
    # So that a test of an expired lease need not wait for half a minute.
    "VIDMESH_LEASE": "6",
    "VIDMESH_RECONCILE_EVERY": "1",
    "VIDMESH_LLM_BASE_URL": "",
}


class Mesh:
    """A running mesh, and what a test may do to it."""

    def __init__(self, stack: Stack, backstage: Backstage, data: Path) -> None:
        self.stack = stack
        self.data = data
        self._backstage = backstage

    @property
    def endpoint(self) -> str:
        return self.stack.endpoint

    @property
    def address(self) -> str:
        return self.stack.endpoint.removeprefix("http://")

    def token(self, tenant: str = "acme", *scopes: str) -> str:
        """A token with all scopes, or with those that are named."""
        return self.stack.token(
            tenant=tenant, subject="tester", ttl=timedelta(hours=1), scopes=scopes or SCOPES
        )

    def kill(self, part: str) -> None:
        """As by kill -9; the part comes back by itself."""
        self._backstage.run(self.stack.kill(part))

    def restart(self, part: str, **env: str) -> None:
        self._backstage.run(self.stack.restart(part, env))

    def wait_for(self, part: str) -> None:
        self._backstage.run(self.stack.answering(part))


def run_mesh(backstage: Backstage, **settings: object) -> Iterator[Mesh]:
    data = Path(tempfile.mkdtemp(prefix="vm-", dir="/tmp"))
    stack = Stack(StackSettings(data=data, port=0, env=ENVIRONMENT, **settings))  # type: ignore[arg-type] # as the caller says
    backstage.run(stack.__aenter__())
    try:
        yield Mesh(stack, backstage, data)
    finally:
        backstage.run(stack.__aexit__(None, None, None))
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def mesh(backstage: Backstage) -> Iterator[Mesh]:
    """One mesh for all tests of this process; each test takes a tenant of its own."""
    yield from run_mesh(backstage, metrics=True)


@pytest.fixture
def tenant(request: pytest.FixtureRequest) -> str:
    """A tenant that no other test has."""
    return f"t{abs(hash(request.node.nodeid)):x}"


@pytest.fixture
async def client(mesh: Mesh, tenant: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(mesh.endpoint, mesh.token(tenant)) as opened:
        yield opened
