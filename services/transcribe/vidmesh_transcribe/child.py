"""The parent's side of a recogniser's process: started when needed, killed when cancelled, replaced when it dies."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from vidmesh_transcribe import frames
from vidmesh_transcribe.audio import SAMPLE_RATE
from vidmesh_transcribe.frames import Frame
from vidmesh_transcribe.language import Hearing
from vidmesh_transcribe.recognizer import (
    ERRORS,
    Engine,
    KnownModel,
    Options,
    OutOfMemoryError,
    RecognizerCrashedError,
    RecognizerError,
)
from vidmesh_transcribe.transcript import Segment

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a recogniser's process is ended."""

    idle: float = 300.0
    """Seconds without work after which its memory is given back."""
    resident: int = 4 << 30
    """Bytes of memory after a window beyond which a fresh process takes the next one."""
    silence: float = 900.0
    """Seconds without a word from it in the middle of its work: it hangs."""


class RecognizerChild:
    """A recogniser in a child process, one window at a time; an async context manager.

    The process starts with the first call. The engine that it chose is kept: a later process loads the same one.
    Cancelling a call kills the process, for nothing else stops a recogniser. `activity` says what it does, in a few
    words, before it can recognise; empty when it is loaded. `known` are the models that it could have taken.
    """

    def __init__(self, options: Options, limits: Limits, *, same_as: "RecognizerChild | None" = None) -> None:
        """Load by `options`, or whatever engine `same_as` has."""
        self._options = options
        self._limits = limits
        self._same_as = same_as
        self.activity = ""
        self.known: tuple[KnownModel, ...] = ()
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._unloading: asyncio.Task[None] | None = None
        self._rested = 0.0

    async def __aenter__(self) -> "RecognizerChild":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stay()
        await self._end()

    @property
    def pid(self) -> int | None:
        """The process that is loaded now."""
        return None if self._process is None else self._process.pid

    async def engine(self) -> Engine:
        """The engine, loaded now if it never was. Raises `RecognizerError`."""
        if self._options.settled is not None:
            return self._options.settled
        async with self._loaded() as (_, engine):
            return engine

    async def recognize(
        self,
        pcm: bytes,
        *,
        language: str,
        heard: Callable[[Segment], Awaitable[None]],
        rate: int = SAMPLE_RATE,
    ) -> Hearing:
        """Recognise a stretch of sound, calling `heard` with each segment as it comes, timed from the sound's start.

        `pcm` is as in `audio`, save that it may have another `rate`. Raises `RecognizerError`; after a crash the next call begins with a fresh process.
        """
        async with self._loaded() as (process, _):
            began = time.monotonic()
            await self._send(process, Frame("recognize", {"language": language, "rate": rate}, pcm))
            limit = self._limits.silence
            hearing = frames.hearing_of((await self._next(process, within=limit)).body)
            while (frame := await self._next(process, within=limit)).kind == "segment":
                await heard(frames.segment_of(frame.body))
            log.info(
                "recogniser %d: %.1f s of sound in %.3f s, %.3f s after the last",
                process.pid,
                len(pcm) / (2 * rate),
                time.monotonic() - began,
                began - self._rested if self._rested else 0.0,
            )
            self._rested = time.monotonic()
            if frame.body["resident"] > self._limits.resident:
                log.info("recogniser recycled at %d bytes", frame.body["resident"])
                await self._end()
            return hearing

    @asynccontextmanager
    async def _loaded(self) -> AsyncIterator[tuple[asyncio.subprocess.Process, Engine]]:
        """Hold the running process. Whatever breaks off its answer ends it."""
        async with self._turn:
            self._stay()
            try:
                yield await self._running()
            except BaseException as error:
                if not isinstance(error, RecognizerError) or isinstance(error, RecognizerCrashedError):
                    await self._end()
                raise
            finally:
                if self._process is not None:
                    self._unloading = asyncio.create_task(self._unload())

    async def _running(self) -> tuple[asyncio.subprocess.Process, Engine]:
        if (
            self._process is not None
            and self._process.returncode is None
            and self._options.settled is not None
        ):
            return self._process, self._options.settled
        if self._options.settled is None and self._same_as is not None:
            self._options = replace(self._options, settled=await self._same_as.engine())
        try:
            return await self._start()
        except BaseException:
            await self._end()
            raise

    async def _start(self) -> tuple[asyncio.subprocess.Process, Engine]:
        self.activity = "loading the recogniser"
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "vidmesh_transcribe.recognizer_process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        await self._send(process, frames.opening(self._options))
        while (frame := await self._next(process, within=None)).kind == "telling":
            self.activity = frame.body
            log.info("recogniser: %s", frame.body)
        engine, self.known = frames.opened_of(frame.body)
        log.info(
            "recogniser loaded: %s %s (%s) on %s", engine.name, engine.model, engine.revision, engine.device
        )
        self._options = replace(self._options, settled=engine)
        self.activity = ""
        return process, engine

    async def _send(self, process: asyncio.subprocess.Process, frame: Frame) -> None:
        if process.stdin is None:
            raise TypeError("the process was started without a pipe")
        process.stdin.write(frame.encoded())
        # A process that died is told by the read that follows, with its exit status.
        with suppress(ConnectionError):
            await process.stdin.drain()

    async def _next(self, process: asyncio.subprocess.Process, *, within: float | None) -> Frame:
        """The next frame of an answer, which comes within so many seconds. Raises what a "failed" frame says."""
        if process.stdout is None:
            raise TypeError("the process was started without a pipe")
        try:
            async with asyncio.timeout(within):
                lengths = frames.lengths(await process.stdout.readexactly(frames.HEADER.size))
                head, data = [await process.stdout.readexactly(length) for length in lengths]
        except TimeoutError as error:
            message = f"The recogniser did not say a word for {within:g} s and was stopped."
            raise RecognizerCrashedError(message) from error
        except asyncio.IncompleteReadError as error:
            raise RecognizerCrashedError(_death(await process.wait())) from error
        frame = frames.decoded(head, data)
        if frame.kind == "failed":
            failed = ERRORS[frame.body["kind"]](frame.body["message"])
            raise self._out_of_memory(failed) if isinstance(failed, OutOfMemoryError) else failed
        return frame

    def _out_of_memory(self, error: OutOfMemoryError) -> OutOfMemoryError:
        """Let the next process take half as many stretches at once; say so."""
        settled = self._options.settled
        batch = self._options.batch_size or (1 if settled is None else settled.batch_size)
        if batch <= 1:
            return OutOfMemoryError(f"The recogniser ran out of memory. ({error})")
        self._options = replace(self._options, batch_size=batch // 2)
        return OutOfMemoryError(
            f"The recogniser ran out of memory with {batch} stretches at once; {batch // 2} are tried next. ({error})"
        )

    def _stay(self) -> None:
        if self._unloading is not None:
            self._unloading.cancel()
            self._unloading = None

    async def _unload(self) -> None:
        await asyncio.sleep(self._limits.idle)
        async with self._turn:
            self._unloading = None
            await self._end()
        log.info("recogniser unloaded after %g s without work", self._limits.idle)

    async def _end(self) -> None:
        process, self._process = self._process, None
        self.activity = ""
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _death(status: int) -> str:
    """How a process ended, for people; `status` is negative for a signal."""
    if status >= 0:
        return f"The recogniser's process ended by itself with exit status {status}."
    hint = ", perhaps for want of memory" if -status == signal.SIGKILL else ""
    return f"The recogniser's process was ended by {signal.Signals(-status).name}{hint}."
