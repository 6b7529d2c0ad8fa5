"""What services are made of, for the tests of the runtime."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.conftest import NatsServer
from vidmesh_runtime.service import Parts, open_parts
from vidmesh_runtime.settings import ServiceSettings

Environment = Callable[[str], dict[str, str]]


@pytest.fixture
async def parts(
    environment: Environment, nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Parts]:
    """As the bus' operator, for these tests speak for all stages."""
    for name, value in {**environment("ingest"), "VIDMESH_NATS_URL": nats_server.url}.items():
        monkeypatch.setenv(name, value)
    migrations = tmp_path / "none"
    migrations.mkdir()
    async with open_parts("ingest", ServiceSettings(), migrations) as opened:
        yield opened
