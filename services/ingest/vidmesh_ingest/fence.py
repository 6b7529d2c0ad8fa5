"""What a process may still do that reads hostile input: little, and nothing that gives it more.

Three layers, each for what the others miss: limits that any POSIX system keeps; a hook in the interpreter, which knows
addresses; and Landlock (landlock(7)), where the kernel has it, which also holds libraries and programs that are not Python.
"""

import ctypes
import os
import resource
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MEMORY = 2 << 30
_FILES = 256
_PROCESSOR = 1800

# linux/landlock.h, and the numbers of its calls, which are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH, _NET_PORT = 1, 2
_VERSION = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_SPECIAL = 1 | 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12
"""To execute, and to make devices, sockets, pipes and links: others take what they find in the folder for plain files."""
_ALL_OF_FILES = ((1 << 13) - 1, (1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1)
"""The rights of files that each version of Landlock knows, from the first; the last holds for later ones."""
_BIND_TCP, _CONNECT_TCP = 1, 1 << 1
_SCOPES = 0b11
"""Abstract Unix sockets, and signals, of processes outside."""
_NO_NEW_PRIVILEGES = 38

# Of /proc, this process alone: what others were started with is there to read.
_SYSTEM = (
    *("/usr", "/lib", "/lib64", "/bin", "/etc", "/dev", "/sys", "/nix/store"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys", "/proc/filesystems"),
)


@dataclass(slots=True, kw_only=True)
class Fence:
    """What is allowed, and what was tried although it is not."""

    folder: Path | None = None
    """The one folder that may be written to; None: nothing may."""
    reads: tuple[Path, ...] = ()
    """What may be read besides what belongs to the system and to Python."""
    port: int | None = None
    """The port of loopback that may be connected to; None: there is no network."""
    programs: tuple[str, ...] = ()
    """The programs that may be started."""
    file_bytes: int = 0
    """The most bytes that a file may have that is written."""
    memory: int = _MEMORY
    """The most bytes of memory, of this process and of each that it starts."""
    processor: int = _PROCESSOR
    """The most seconds of a processor."""
    refused: str | None = field(default=None, init=False)
    """The last address that was asked for past the fence, in a few words; None: none was."""

    def close(self) -> None:
        """Gives everything else up, for good. Call it before there are threads."""
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_NOFILE, _FILES)
        _limit(resource.RLIMIT_DATA, self.memory)
        _limit(resource.RLIMIT_FSIZE, self.file_bytes)
        _limit(resource.RLIMIT_CPU, self.processor)
        self._ask_the_kernel()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        match event:
            case "socket.connect" if self.port is not None and args[1][:2] == ("127.0.0.1", self.port):
                return
            case "socket.getaddrinfo" if self.port is not None and args[0] == "127.0.0.1":
                return
            case "subprocess.Popen" if args[0] in self.programs:
                return
            case (
                "socket.connect"
                | "socket.getaddrinfo"
                | "socket.gethostbyname"
                | "socket.bind"
                | "socket.sendto"
                | "socket.sendmsg"
                | "subprocess.Popen"
                | "os.system"
                | "os.exec"
                | "os.posix_spawn"
                | "os.fork"
                | "os.forkpty"
            ):
                if event.startswith("socket."):
                    self.refused = f"{event} {args[1] if event == 'socket.connect' else args[0]}"
                raise PermissionError(f"{event} is not allowed here")

    def _ask_the_kernel(self) -> None:
        version = landlock_version()
        if version < 1:
            return
        libc = ctypes.CDLL(None, use_errno=True)
        files = _ALL_OF_FILES[min(version, len(_ALL_OF_FILES)) - 1]
        network = _BIND_TCP | _CONNECT_TCP if version >= 4 else 0
        handled = (ctypes.c_uint64 * 3)(files, network, _SCOPES if version >= 6 else 0)
        size = ctypes.c_size_t(8 if version < 4 else 16 if version < 6 else 24)
        ruleset = _checked(libc.syscall(_CREATE_RULESET, handled, size, ctypes.c_uint32(0)))
        reading = _EXECUTE | _READ_FILE | _READ_DIR
        for path in _readable():
            _allow(libc, ruleset, path, reading & files)
        _allow(libc, ruleset, Path("/dev/null"), _READ_FILE | _WRITE_FILE)
        for path in self.reads:
            _allow(libc, ruleset, path, _READ_FILE | _READ_DIR)
        if self.folder is not None:
            _allow(libc, ruleset, self.folder, files & ~_SPECIAL)
        if network and self.port is not None:
            rule = (ctypes.c_uint64 * 2)(_CONNECT_TCP, self.port)
            _checked(libc.syscall(_ADD_RULE, ruleset, _NET_PORT, rule, ctypes.c_uint32(0)))
        _checked(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)))
        os.close(ruleset)


def landlock_version() -> int:
    """The version of Landlock that the kernel has; 0 or less: none. Rules for TCP came with 4, for signals with 6."""
    libc = ctypes.CDLL(None, use_errno=True)
    version: int = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    return version


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (bound, bound))


def _readable() -> Iterable[Path]:
    """What belongs to the system and to Python."""
    given = dict.fromkeys([*_SYSTEM, *sys.path, sys.prefix, sys.base_prefix])
    return (Path(path) for path in given if path and Path(path).exists())


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not path.is_dir():
            rights &= _EXECUTE | _WRITE_FILE | _READ_FILE
        rule = _PathBeneath(rights, parent)
        _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0)))
    finally:
        os.close(parent)


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the kernel refused to keep the process in: {os.strerror(number)}")
    return answer
