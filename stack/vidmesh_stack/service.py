"""One process of a service."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from vidmesh_stack.program import Program

SERVICES = ("ingest", "transcribe", "summarize", "query")


class Service:
    """A process `python -m vidmesh_<name>` on a loopback port."""

    def __init__(
        self, *, part: str, module: str, port: int, env: Mapping[str, str], log: Path, grace: float
    ) -> None:
        self._part = part
        self._module = module
        self._port = port
        self._env = env
        self._log = log
        self._grace = grace

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
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            try:
                answer = await health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(), timeout=2
                )
            except grpc.RpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
