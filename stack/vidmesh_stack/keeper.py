"""Keeps one program running: starts it, waits until it answers, starts it again when it crashes, and stops it."""

import asyncio
import os
import signal
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from vidmesh_stack.events import OnEvent, PartState, StackError, StackEvent
from vidmesh_stack.program import Program, ending, last_lines

MOST_FALSE_STARTS = 2
"""A program that never answered is given up after this many crashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a program is borne with that crashes again and again."""

    most_crashes: int = 5
    """With more than these within a minute it is given up."""
    longest_pause: float = 5.0
    """Seconds at most before it is started again."""


class Keeper:
    """One program's life. Every method may be called again after it returned, but only one at a time."""

    def __init__(self, program: Program, on_event: OnEvent, patience: Patience = Patience()) -> None:
        self._program = program
        self._patience = patience
        self._on_event = on_event
        self._task: asyncio.Task[None] | None = None
        self._process: Process | None = None
        self._ready = asyncio.Event()
        self._halt = asyncio.Event()
        self._answered = False
        self._log_start = 0
        self._once: Mapping[str, str] = {}

    @property
    def name(self) -> str:
        """The part's name."""
        return self._program.name

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the program and wait until it answers. Raises StackError where it does not come that far."""
        if self._task is None or self._task.done():
            self._halt.clear()
            self._task = asyncio.create_task(self._keep(), name=f"keep {self.name}")
        await self.answering()

    async def answering(self) -> None:
        """Wait until the program answers, also through restarts. Raises StackError where it was given up."""
        if self._task is None:
            raise StackError(f"{self.name} was not started.")
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait({ready, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if not self._ready.is_set():
            await self._task

    async def ended(self) -> None:
        """Wait until the program is no longer kept. Raises StackError where that is because it was given up."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def kill(self) -> None:
        """Kill the process and wait for its end; it is started again as after any crash."""
        if (process := self._process) is not None and process.returncode is None:
            process.kill()
            await process.wait()
            self._ready.clear()

    async def stop(self) -> None:
        """Ask the program to end, and kill it when its grace is over."""
        if self._task is None or self._task.done():
            return
        self._halt.set()
        began = time.monotonic()
        self._tell(PartState.STOPPING)
        if (process := self._process) is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(self._program.stop_signal)
            try:
                await asyncio.wait_for(process.wait(), self._program.grace)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    process.kill()
        with suppress(StackError):
            await self._task
        self._tell(PartState.STOPPED, seconds=time.monotonic() - began)

    async def restart(self, env: Mapping[str, str]) -> None:
        """Stop the program, start it again, and wait until it answers. `env` is for the next life alone."""
        await self.stop()
        self._once = env
        await self.start()

    async def _keep(self) -> None:
        crashes: deque[float] = deque()
        self._answered = False
        while not self._halt.is_set():
            code = await self._run()
            self._ready.clear()
            if self._halt.is_set():
                return
            now = time.monotonic()
            crashes.append(now)
            while crashes[0] < now - 60:
                crashes.popleft()
            if len(crashes) > self._patience.most_crashes or (
                not self._answered and len(crashes) >= MOST_FALSE_STARTS
            ):
                self._tell(PartState.FAILED, ending(code))
                raise StackError(self._obituary(f"{ending(code)}, {len(crashes)} times within a minute"))
            delay = min(0.1 * 2 ** min(len(crashes), 20), self._patience.longest_pause)
            self._tell(PartState.CRASHED, f"{ending(code)}; starting it again in {delay:.1f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._halt.wait(), delay)

    async def _run(self) -> int:
        """Run the program once, to its end, and return its exit code."""
        self._tell(PartState.STARTING)
        self._program.set_log_aside()
        with self._program.log.open("ab") as log:
            self._log_start = log.tell()
            process = self._process = await asyncio.create_subprocess_exec(
                *self._program.command(),
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                env={**self._program.env, **self._once},
                # A session of its own: Ctrl-C in the terminal is for the stack alone, which stops its parts in order.
                start_new_session=True,
            )
        self._once = {}
        answer = asyncio.create_task(self._wait_for_answer())
        try:
            finished = asyncio.create_task(process.wait())
            await asyncio.wait({answer, finished}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done() and not answer.result() and process.returncode is None:
                process.kill()
                await finished
                self._tell(PartState.FAILED, "does not answer")
                raise StackError(self._obituary(f"did not answer within {self._program.start_within:.0f} s"))
            return await finished
        finally:
            answer.cancel()
            # What it has started itself and left behind.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    async def _wait_for_answer(self) -> bool:
        began = time.monotonic()
        pause = 0.01
        while (seconds := time.monotonic() - began) < self._program.start_within:
            if await self._program.answers():
                self._ready.set()
                self._answered = True
                self._tell(PartState.READY, seconds=seconds)
                return True
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.1)
        return False

    def _tell(self, state: PartState, detail: str = "", seconds: float = 0.0) -> None:
        self._on_event(StackEvent(part=self.name, state=state, detail=detail, seconds=seconds))

    def _obituary(self, what: str) -> str:
        lines = last_lines(self._program.log, since=self._log_start)
        return f"{self.name} {what}. The end of its log, {self._program.log}:\n{lines or '(nothing)'}"
