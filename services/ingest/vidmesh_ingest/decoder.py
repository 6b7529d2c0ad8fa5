"""A media file, read by a process that may die (`media_child`)."""

import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np

from vidmesh_ingest.captions import Track
from vidmesh_ingest.container import MediaType
from vidmesh_ingest.growing import GrowingFile
from vidmesh_ingest.media import MediaLimits
from vidmesh_ingest.media_child import FRAME
from vidmesh_ingest.reason import Reason, SourceError
from vidmesh_ingest.text import printable
from vidmesh_ingest.windows import Samples

log = logging.getLogger(__name__)

CHILD = "vidmesh_ingest.media_child"
_LARGEST = 64 << 20
"""Bytes of a frame; more is no frame of a process that is well."""
_ALL = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a file says of itself at its beginning."""

    type: MediaType
    title: str
    seconds: float | None
    """How long it says that it lasts."""
    has_subtitles: bool
    """Whether it has streams of text subtitles, which may turn out empty."""


class Decoder:
    """One reading of a file, for one thread; `stop` may be called from any other. A context manager: the process ends with it.

    Use it in this order: `open`, `sound` to its end, then the attributes.
    """

    def __init__(self, file: GrowingFile, limits: MediaLimits) -> None:
        self._file = file
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self.warning = ""
        """What could not be read, in a sentence; empty where all could."""
        self.captions: tuple[Track, ...] = ()
        """Its text subtitles."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - a program of vidmesh's own, with nothing from outside
            [sys.executable, "-I", "-m", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )
        if self._stopped:
            self.stop()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def stop(self) -> None:
        """Ends the process wherever it is."""
        self._stopped = True
        if self._process is not None:
            self._process.kill()

    def open(self) -> Opening:
        """Opens the file, waiting for as much of it as that needs. Raises SourceError, and what the file failed with."""
        self._file.wait(1)
        self._tell(path=str(self._file.path), limits=asdict(self._limits))
        threading.Thread(target=self._follow, name="following a file", daemon=True).start()
        told = self._answer()
        return Opening(
            type=MediaType(name=told["kind"], suffix=told["suffix"]),
            title=printable(told["title"]),
            seconds=told["seconds"],
            has_subtitles=told["captions"],
        )

    def sound(self) -> Iterator[Samples]:
        """The sound to its end, in blocks. Raises SourceError, and what the file failed with."""
        while True:
            samples, data = self._frame()
            if samples:
                yield np.frombuffer(data, np.int16)
                continue
            told = self._understood(data)
            if "end" in told:
                self.warning = told["warning"]
                return
            self.captions += (Track(language=told["language"], vtt=told["vtt"]),)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AssertionError("a decoder is used while it is entered")
        return self._process

    def _tell(self, **what: Any) -> None:
        pipe = self._running().stdin
        # Where the process has died, what is read from it says so.
        with suppress(BrokenPipeError, ValueError):
            if pipe is not None:
                pipe.write(json.dumps(what).encode() + b"\n")
                pipe.flush()

    def _follow(self) -> None:
        """Tells the process what comes of the file, until all has or the process is gone."""
        process, file, size = self._running(), self._file, 0
        while process.poll() is None:
            try:
                size = file.wait(size + 1)
            except BaseException:  # noqa: BLE001 - whatever it is, the reader is told of it by the file
                self._tell(file="failed")
                return
            if file.finished:
                self._tell(file="finished")
                return
            self._tell(file="grown", size=size, total=file.total)

    def _answer(self) -> dict[str, Any]:
        samples, data = self._frame()
        if samples:
            raise self._died("It spoke out of turn.")
        return self._understood(data)

    def _understood(self, data: bytes) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(data)
        if "failed" in told:
            self._file.wait(_ALL)
            raise self._died("It missed a part of the file that is there.")
        if "fault" in told:
            log.error("reading a file failed: %s", told["fault"])
            raise SourceError(Reason.CORRUPT_MEDIA, "What is in the file cannot be understood.")
        if "reason" in told:
            raise SourceError(Reason(told["reason"]), printable(told["message"]))
        return told

    def _frame(self) -> tuple[bool, bytes]:
        pipe = self._running().stdout
        if pipe is None:
            raise AssertionError("the process was started with pipes")
        head = pipe.read(FRAME.size)
        samples, size = FRAME.unpack(head) if len(head) == FRAME.size else (False, _LARGEST + 1)
        data = pipe.read(size) if size <= _LARGEST else b""
        if len(data) != size:
            # Where the reading was stopped, or there will be no more of the file, that is why.
            self._file.wait(0)
            raise self._died("")
        return samples, data

    def _died(self, how: str) -> Exception:
        """What to raise where the process did not end as it should: a file's fault is by a signal, vidmesh's own is not."""
        process = self._running()
        try:
            status = process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        log.warning("the process that read a file has ended: %s %s", name, how)
        if status >= 0:
            return ChildProcessError(f"the process that read a file has ended with {name}")
        if -status == signal.SIGPROF:
            return SourceError(Reason.CORRUPT_MEDIA, "Reading it leads nowhere and was given up.")
        return SourceError(
            Reason.CORRUPT_MEDIA, f"What is in the file ends the process that reads it ({name})."
        )
