"""One process of a service."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from vidmesh_runtime.health import is_ready
from vidmesh_runtime.identity import Identity
from vidmesh_stack.program import Program

SERVICES = ("ingest", "transcribe", "summarize", "query")


class Service:
    """A process `python -m vidmesh_<name>` on a loopback port.

    `operator`: who asks after its health, where it answers only those that a certificate vouches for.
    """

    def __init__(
        self,
        *,
        part: str,
        module: str,
        port: int,
        env: Mapping[str, str],
        log: Path,
        grace: float,
        operator: Identity | None = None,
    ) -> None:
        self._part = part
        self._module = module
        self._port = port
        self._env = env
        self._log = log
        self._grace = grace
        self._operator = operator

    def program(self) -> Program:
        """The service's process."""
        return Program(
            name=self._part,
            # -P: a file of the user's, in the folder where the stack is started, must not take a module's place.
            argv=(sys.executable, "-P", "-m", self._module),
            answers=self._answers,
            log=self._log,
            env=dict(self._env) | {"VIDMESH_LISTEN": f"127.0.0.1:{self._port}"},
            # Its own grace for work in hand, and a little to close its connections.
            grace=self._grace + 2,
        )

    async def _answers(self) -> bool:
        """Whether its health service says SERVING."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False  # sooner than a channel would find out, which waits a second between attempts
        writer.close()
        address = f"127.0.0.1:{self._port}"
        return await asyncio.to_thread(is_ready, address, timeout=2, identity=self._operator)
