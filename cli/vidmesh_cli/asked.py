"""What every command can be told: which mesh, which token, which form."""

import functools
import inspect
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

DATA = Path(".vidmesh")
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options that all commands share."""

    endpoint: str | None
    """The mesh, such as http://127.0.0.1:8080. None: VIDMESH_ENDPOINT, else the one that `up` started."""
    token_file: str | None
    """A file with the token, "-" for standard input. None: VIDMESH_TOKEN, else the one of the mesh that `up` started."""
    data: Path
    """The data folder of a mesh on this machine."""
    json: bool
    """Whether to print JSON for programs."""

    def flags(self) -> str:
        """Give the options that another command needs to reach the same mesh: those that no variable gives it."""
        words: list[str] = []
        if self.endpoint and self.endpoint != os.environ.get("VIDMESH_ENDPOINT"):
            words += ["--endpoint", self.endpoint]
        if self.token_file and self.token_file != STANDARD_INPUT:
            words += ["--token-file", self.token_file]
        if str(self.data) != os.environ.get("VIDMESH_DATA", str(DATA)):
            words += ["--data", str(self.data)]
        return shlex.join(words)


class MisuseError(Exception):
    """What was asked for makes no sense; the message says why."""


_OPTIONS = {
    "endpoint": Annotated[
        str | None,
        typer.Option(
            envvar="VIDMESH_ENDPOINT",
            metavar="URL",
            help="The mesh. Default: the one that `vidmesh up` started.",
        ),
    ],
    "token_file": Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A file with the token, or - for standard input. Default: VIDMESH_TOKEN, else that mesh's own.",
        ),
    ],
    "data": Annotated[
        Path,
        typer.Option(
            envvar="VIDMESH_DATA", metavar="FOLDER", help="The data folder of the mesh on this machine."
        ),
    ],
    "json": Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")],
}
_DEFAULTS = {"endpoint": None, "token_file": None, "data": DATA, "json": False}


def with_mesh(command: Callable[..., None]) -> Callable[..., None]:
    """Add the shared options to a command, which gets them as its parameter `asked`."""
    own = inspect.signature(command)
    shared = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[name], annotation=annotation
        )
        for name, annotation in _OPTIONS.items()
    ]

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        command(asked=Asked(**{name: values.pop(name) for name in _OPTIONS}), **values)

    kept = [parameter for name, parameter in own.parameters.items() if name != "asked"]
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in kept] + shared
    wrapped.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # read by inspect.signature
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped
