"""One mesh for all tests of faults in a process; each test takes a tenant of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conftest import Backstage
from tests.faults.mesh import Mesh, running
from tests.faults.reckoning import Reckoning
from tests.faults.talks import Speaker
from vidmesh.client import AsyncClient


@pytest.fixture(scope="session")
def mesh(backstage: Backstage) -> Iterator[Mesh]:
    with running(backstage, scale={"ingest": 2, "transcribe": 2}) as mesh:
        # The second ones are there for tests in which another has to step in.
        for part in ("ingest-2", "transcribe-2"):
            backstage.run(mesh.stack.stop(part))
        yield mesh


@pytest.fixture
def tenant(request: pytest.FixtureRequest) -> str:
    return f"t{abs(hash(request.node.nodeid)):x}"


@pytest.fixture
async def client(mesh: Mesh, tenant: str) -> AsyncIterator[AsyncClient]:
    async with mesh.client(tenant) as opened:
        yield opened


@pytest.fixture
def speaker(client: AsyncClient, tmp_path: Path) -> Speaker:
    return Speaker(client, tmp_path)


@pytest.fixture
def reckoning(mesh: Mesh, client: AsyncClient, tenant: str) -> Reckoning:
    return Reckoning(mesh, client, tenant)
