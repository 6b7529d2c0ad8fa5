"""What the command prints: data to standard output, messages to standard error."""

import json
import os
import sys
from collections.abc import Mapping
from typing import IO, TextIO

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console
from rich.text import Text

from vidmesh import VidmeshError
from vidmesh_cli.entry import Entry
from vidmesh_cli.printable import printable
from vidmesh_cli.program import NAME, program

WIDE = 72
"""Commands longer than this do not push aside what is told of the others."""
NO_WRAP = 1_000_000
"""The width, in characters, of what is not a terminal: lines are left to who reads them."""


def animated(stream: IO[str]) -> bool:
    """Whether lines of this stream may be drawn over."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def console(stream: TextIO) -> Console:
    """A console that colours terminals alone and takes text as it is."""
    terminal = stream.isatty()
    return Console(
        file=stream,
        force_terminal=terminal,
        width=None if terminal else NO_WRAP,
        highlight=False,
        markup=False,
        emoji=False,
    )


class Output:
    """The two streams, in the form asked for."""

    def __init__(self, *, json_lines: bool, flags: str = "") -> None:
        self.json_lines = json_lines
        self._flags = flags
        self.data = console(sys.stdout)
        self.messages = console(sys.stderr)

    def show(self, entry: Entry) -> None:
        """Print data for people."""
        terminal = self.data.is_terminal
        self.data.print(entry.hung() if terminal else entry.flat(), soft_wrap=not terminal)

    def raw(self, text: str) -> None:
        """Write data exactly as it is."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def emit(self, message: Message) -> None:
        """Print a message as a JSON line."""
        self.line(as_dict(message))

    def result(self, value: Message | Mapping[str, object]) -> None:
        """Print the last JSON line of a long-running command."""
        self.line({"result": as_dict(value) if isinstance(value, Message) else value})

    def line(self, value: object) -> None:
        """Print any JSON line."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
        sys.stdout.flush()

    def say(self, text: Text | str, *, style: str = "") -> None:
        """Tell people something."""
        self.messages.print(
            printable(text) if isinstance(text, str) else text,
            style=style,
            soft_wrap=not self.messages.is_terminal,
        )

    def hint(self, *commands: tuple[str, str]) -> None:
        """Tell people what to do next: pairs of a command and what it is for; ours as they can be typed here."""
        if self.json_lines:
            return
        commands = tuple((self.typed(command), purpose) for command, purpose in commands)
        width = max((len(command) for command, _ in commands if len(command) <= WIDE), default=0)
        self.say("\nNext:", style="dim")
        for command, purpose in commands:
            line = Text.assemble("  ", (command.ljust(width), "bold"), ("   " + purpose, "dim"))
            if line.cell_len > self.messages.width:
                line = Text.assemble("  ", (command, "bold"), ("\n      " + purpose, "dim"))
            self.messages.print(line, soft_wrap=True)  # a command must stay on one line to be copied

    def typed(self, command: str) -> str:
        """Give a command of ours as it can be typed here, with the flags that say which mesh unless it says so itself."""
        if not command.startswith(f"{NAME} "):
            return command
        flags = f" {self._flags}" if self._flags and "--data" not in command else ""
        return program() + command.removeprefix(NAME) + flags

    def failure(self, error: VidmeshError, *, about: str = "") -> None:
        """Tell why something failed, of all that was asked for what is named by `about`, and what to do about it."""
        if self.json_lines:
            told = {
                "reason": error.reason,
                "message": error.message,
                "advice": error.advice,
                "retryable": error.retryable,
                "metadata": error.metadata,
            }
            if about:
                told["source"] = about
            sys.stderr.write(json.dumps({"error": told}, ensure_ascii=False) + "\n")
            return
        message = f"{about}: {error.message}" if about else error.message
        self.problem(message, reason=error.reason, advice=error.advice)

    def problem(self, message: str, *, reason: str = "", advice: str = "") -> None:
        """Tell people of a failure by its parts."""
        text = Text.assemble(("error: ", "bold red"), printable(message))
        if reason:
            text.append(f" ({reason})", "dim")
        self.say(text)
        if advice:
            self.say(Text.assemble(("what to do: ", "bold"), printable(advice)))


def as_dict(message: Message) -> dict[str, object]:
    """Give a message's JSON form."""
    return dict(MessageToDict(message))
