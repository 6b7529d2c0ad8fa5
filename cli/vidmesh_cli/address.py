"""Which mesh to talk to, and with which token."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from vidmesh import AsyncClient
from vidmesh.client import read_endpoint
from vidmesh_cli.asked import STANDARD_INPUT, Asked, MisuseError
from vidmesh_stack.folder import Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A mesh and how to be let in."""

    endpoint: str
    token: str | None
    authorities: bytes | None = None
    """Who vouches for the endpoint's certificate, in PEM; None where that is a known authority."""

    def client(self) -> AsyncClient:
        """Give a client of it."""
        return AsyncClient(self.endpoint, self.token, authorities=self.authorities)


class NoMeshError(Exception):
    """No mesh is named and none runs in the data folder."""


class NoTokenError(Exception):
    """The file that should have the token cannot be read."""


def find(asked: Asked) -> Address:
    """Give the mesh that is named, else the one that `up` started.

    The running mesh's own token goes to that mesh alone: another endpoint never gets it. Raises NoMeshError,
    NoTokenError, and MisuseError for what is no endpoint.
    """
    running = Folder(asked.data).running()
    if asked.endpoint is None and running is None:
        raise NoMeshError
    local = running.endpoint.rstrip("/") if running else None
    endpoint = (asked.endpoint or local or "").rstrip("/")
    try:
        read_endpoint(endpoint)
    except ValueError as error:
        raise MisuseError(str(error)) from error
    token = _given_token(asked.token_file)
    if token is None and running and endpoint == local:
        token = _read(Path(running.token_path))
    own = running.authority_path if running and endpoint == local else ""
    return Address(endpoint=endpoint, token=token, authorities=_authorities(own))


def _authorities(own: str) -> bytes | None:
    path = own or os.environ.get("VIDMESH_CA")
    try:
        return Path(path).read_bytes() if path else None
    except OSError as error:
        raise MisuseError(f"The file of VIDMESH_CA, {path}, cannot be read: {error.strerror}") from error


def _given_token(token_file: str | None) -> str | None:
    if token_file == STANDARD_INPUT:
        return sys.stdin.readline().strip()
    if token_file is not None:
        return _read(Path(token_file))
    return os.environ.get("VIDMESH_TOKEN") or None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NoTokenError(f"The token file {path} cannot be read: {error}") from error
