"""The stack's data folder: what lies where, who holds it, and what a running stack says of itself in it."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from vidmesh_stack.events import StackError
from vidmesh_stack.keys import write_whole

LONGEST_SOCKET = 107
"""How many bytes the path of a Unix socket may have (sun_path in unix(7))."""
PLAIN = re.compile(r"[A-Za-z0-9._/-]+")
"""Paths that mean the same to everybody: PostgreSQL and its drivers take a comma for the end of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStack:
    """A stack that holds a data folder."""

    pid: int
    endpoint: str
    """Where clients connect, such as `http://127.0.0.1:8080`."""
    token_path: str
    """The file with the developer's token."""
    processes: Mapping[str, int]
    """The process ids of its parts."""
    ready: bool
    """Whether all parts have come up."""
    authority_path: str = ""
    """The file with who vouches for the endpoint's certificate; empty where that is a known authority, or there is none."""


class Folder:
    """Paths inside the data folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.postgres = self.root / "postgres"
        self.nats = self.root / "nats"
        self.media = self.root / "media"
        self.keys = self.root / "keys"
        self.tls = self.root / "tls"
        self.authority = self.tls / "ca.pem"
        self.identities = self.root / "identities"
        self.logs = self.root / "logs"
        self.run = self.root / "run"
        self.lock = self.run / "lock"
        self.state = self.run / "state.json"
        self.token = self.run / "token"
        self.metrics = self.run / "metrics.json"

    def log(self, part: str) -> Path:
        """Where a part's output goes."""
        return self.logs / f"{part}.log"

    def of_service(self, part: str) -> Path:
        """The folder of a service's process, for what it alone keeps: the query service's vector index is there."""
        return self.root / ("qdrant" if part == "query" else f"services/{part}")

    def make(self) -> None:
        """Make what is missing, for the owner alone."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for path in (self.media, self.keys, self.logs, self.run):
                path.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise StackError(f"The data folder {self.root} cannot be used: {error.strerror}.") from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder against other stacks. Raises StackError where one has it."""
        try:
            file = self.lock.open("a+")
        except OSError as error:
            raise StackError(f"The data folder {self.root} cannot be used: {error.strerror}.") from error
        with file:
            if not _lock(file):
                other = self._read_state()
                who = f" (process {other.pid}, {other.endpoint})" if other else ""
                raise StackError(
                    f"Another vidmesh{who} runs on {self.root}; stop it with `vidmesh down`, or give this one a folder "
                    "of its own with `--data DIR`."
                )
            self.state.unlink(missing_ok=True)
            try:
                yield
            finally:
                self.state.unlink(missing_ok=True)
                self.token.unlink(missing_ok=True)
                self.metrics.unlink(missing_ok=True)

    def running(self) -> RunningStack | None:
        """The stack that holds the folder, if one does and has told so."""
        try:
            file = self.lock.open("r")
        except OSError:
            return None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return self._read_state()
        return None

    def write_state(self, state: RunningStack) -> None:
        """Tell others about the running stack."""
        write_whole(self.state, json.dumps(asdict(state), indent=1), mode=0o600)

    def write_token(self, token: str) -> None:
        """Leave the developer's token where the command finds it."""
        write_whole(self.token, token, mode=0o600)

    def write_metrics(self, ports: Mapping[str, int]) -> None:
        """Tell Prometheus the loopback port of each part that has figures, in the form of its `file_sd_configs`."""
        told = [{"targets": [f"127.0.0.1:{port}"], "labels": {"part": part}} for part, port in ports.items()]
        write_whole(self.metrics, json.dumps(told, indent=1), mode=0o600)

    @property
    def sockets_at(self) -> Path:
        """Where Unix sockets are: here, or in the system's temporary folder where the path from here will not do."""
        near = self.run / "sockets"
        far = Path(tempfile.gettempdir()) / f"vidmesh-{os.geteuid()}-{_digest(self.root)}"
        fits = len(os.fsencode(near / ".s.PGSQL.5432")) <= LONGEST_SOCKET
        return near if fits and PLAIN.fullmatch(str(near)) else far

    @contextmanager
    def sockets(self) -> Iterator[Path]:
        """A new folder for Unix sockets."""
        chosen = self.sockets_at
        # One is left where the stack was killed. Another user's, made to catch ours, is not removed and not used.
        shutil.rmtree(chosen, ignore_errors=True)
        try:
            chosen.mkdir(mode=0o700)
        except OSError as error:
            raise StackError(
                f"The folder {chosen}, for Unix sockets, cannot be made: {error.strerror}."
            ) from error
        try:
            yield chosen
        finally:
            shutil.rmtree(chosen, ignore_errors=True)

    def _read_state(self) -> RunningStack | None:
        try:
            return RunningStack(**json.loads(self.state.read_text()))
        except (OSError, ValueError, TypeError):
            return None  # it is starting, or stopping


def _lock(file: TextIO) -> bool:
    """Take the lock, if it is free or will be in a moment: `running` holds it for as long as it looks."""
    for _ in range(20):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
