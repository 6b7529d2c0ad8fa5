"""Web sites to fetch from."""

import socket
from collections.abc import Iterator

import pytest

from tests.unit.ingest.origin import Origin, serving


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A web site."""
    with serving() as site:
        yield site


@pytest.fixture
def canary() -> Iterator[Origin]:
    """A second site, one that must not be reached."""
    with serving() as site:
        yield site


@pytest.fixture
def dead_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
