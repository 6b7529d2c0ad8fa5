"""One run of a command that talks to a mesh: connects, works, and turns every end into an exit code."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn

import typer

from vidmesh import AsyncClient, VidmeshError
from vidmesh_cli.address import NoMeshError, NoTokenError, find
from vidmesh_cli.asked import Asked, MisuseError
from vidmesh_cli.exit_code import ExitCode
from vidmesh_cli.output import Output
from vidmesh_cli.program import program
from vidmesh_stack.events import StackError

_STOPPED = frozenset({"CANCELLED", "DEADLINE_EXCEEDED"})
_AUTH = frozenset({"UNAUTHENTICATED", "SCOPE_MISSING", "PERMISSION_DENIED"})

Work = Callable[[AsyncClient, Output], Awaitable[ExitCode]]


def run(asked: Asked, work: Work) -> NoReturn:
    """Do the work with a client and end the command with its code."""
    output = Output(json_lines=asked.json, flags=asked.flags())
    raise typer.Exit(ending(output, lambda: asyncio.run(_connected(asked, output, work))))


def run_here(asked: Asked, work: Callable[[Output], Awaitable[ExitCode]]) -> NoReturn:
    """Do work on this machine, where no client is needed from the start, and end the command with its code."""
    output = Output(json_lines=asked.json, flags=asked.flags())

    async def act() -> ExitCode:
        return await work(output)

    raise typer.Exit(ending(output, lambda: asyncio.run(act())))


def ending(output: Output, act: Callable[[], ExitCode]) -> ExitCode:
    """Give the exit code of an act, telling of what it fails with."""
    try:
        return act()
    except NoMeshError:
        output.problem(
            "No mesh runs here.",
            advice=f"Start one with `{output.typed('vidmesh up --detach')}`, or name one: --endpoint http://HOST:8080.",
        )
    except NoTokenError as error:
        output.problem(str(error), advice=f"Name a file that holds a token; `{program()} token` makes one.")
        return ExitCode.AUTH
    except VidmeshError as error:
        output.failure(error)
        return code_of(error)
    except StackError as error:
        output.problem(str(error))
    except MisuseError as error:
        raise typer.BadParameter(str(error)) from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Who read our output has gone, as in `| head`. What is still buffered must not fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.ERROR


def code_of(error: VidmeshError) -> ExitCode:
    """Give the exit code of an error."""
    if error.reason in _AUTH:
        return ExitCode.AUTH
    return ExitCode.STOPPED if error.reason in _STOPPED else ExitCode.ERROR


async def _connected(asked: Asked, output: Output, work: Work) -> ExitCode:
    address = find(asked)
    async with address.client() as client:
        return await work(client, output)
