"""A program that the stack runs as a child process."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")
LOG_BYTES = 8 << 20
"""A log that has grown beyond this is set aside, as `NAME.log.1`, when its program starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How to run a program, how to know that it works, and how to end it."""

    name: str
    """What the part is called in events and logs."""
    argv: tuple[str, ...]
    """The command; its first word is the path of a file."""
    answers: Callable[[], Awaitable[bool]]
    """Whether it can be used now. Asked often while it starts."""
    log: Path
    """Where its output goes."""
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    """Its whole environment."""
    stop_signal: signal.Signals = signal.SIGTERM
    """What asks it to end in order."""
    orphan_signal: signal.Signals = signal.SIGKILL
    """What it gets from the kernel when the stack itself dies without a chance to stop it."""
    grace: float = 10.0
    """Seconds that it has to end before it is killed."""
    start_within: float = 60.0
    """Seconds that it has to answer after it was started."""
    account: str | None = None
    """The user that it runs as, where that is another one."""

    def command(self) -> list[str]:
        """The command that starts it through the launcher, as a child of this process."""
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER)]
        return [
            *launcher,
            str(os.getpid()),
            str(int(self.orphan_signal)),
            self.account or "-",
            *self.argv,
        ]

    def set_log_aside(self) -> None:
        """Begin a new log where the old one has grown large."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_name(self.log.name + ".1"))


def ending(code: int) -> str:
    """How a process ended, in words, from its return code."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def last_lines(log: Path, *, since: int, count: int = 15) -> str:
    """The last lines that `log` has after its byte `since`."""
    with log.open("rb") as file:
        file.seek(max(since, file.seek(0, os.SEEK_END) - 16384))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
