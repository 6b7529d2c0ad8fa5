"""A recogniser in a process of its own: `python -m vidmesh_transcribe.recognizer_process`, spoken to as `frames` says.

It ends when its parent does or closes the pipe, also in the middle of a window: the pipe is read by a thread of its own.
"""

import contextlib
import os
import queue
import signal
import sys
import threading
from dataclasses import asdict
from typing import Any, BinaryIO

import psutil  # type: ignore[import-untyped]  # it publishes no types

from vidmesh_runtime import allocator
from vidmesh_transcribe import frames
from vidmesh_transcribe.choice import is_own, open_recognizer
from vidmesh_transcribe.frames import Frame
from vidmesh_transcribe.recognizer import (
    KnownModel,
    Options,
    OutOfMemoryError,
    Recognizer,
    RecognizerCrashedError,
    RecognizerError,
)
from vidmesh_transcribe.samples import resampled

OUT_OF_MEMORY = ("out of memory", "alloc", "std::bad_alloc")
"""What CTranslate2 and CUDA's libraries say where memory is short, some of it."""


def main() -> None:
    """Serve one parent over standard input and output."""
    # The parent decides when to stop: a Ctrl-C in the terminal reaches both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    allocator.keep_little()
    os.nice(5)  # the event loops of this machine's services come first
    output = _claim_output()
    requests: queue.SimpleQueue[Frame] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, requests), daemon=True).start()

    def send(kind: str, body: Any) -> None:
        output.write(Frame(kind, body).encoded())
        output.flush()

    recognizer = _open(requests.get(), send)
    while recognizer is not None:
        _answer(recognizer, requests.get(), send)
        allocator.trim()


def _claim_output() -> BinaryIO:
    """Keep standard output for frames, and turn what libraries print there to standard error."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


def _read(source: BinaryIO, requests: "queue.SimpleQueue[Frame]") -> None:
    with contextlib.suppress(ValueError):
        while (frame := frames.read(source)) is not None:
            requests.put(frame)
    os._exit(0)


def _open(request: Frame, send: Any) -> Recognizer | None:
    options = frames.options_of(request.body)
    try:
        recognizer = open_recognizer(options, lambda text: send("telling", text))
    except RecognizerError as error:
        send("failed", {"kind": error.kind, "message": str(error)})
        return None
    opened = frames.opened(recognizer.engine, _known(options))
    send(opened.kind, opened.body)
    return recognizer


def _known(options: Options) -> list[KnownModel]:
    if is_own(options.choice):
        return []
    from vidmesh_transcribe.models import known  # noqa: PLC0415 - heavy, and not for one's own recogniser

    return list(known())


def _answer(recognizer: Recognizer, request: Frame, send: Any) -> None:
    try:
        pcm = resampled(request.data, request.body["rate"])
        hearing, segments = recognizer.recognize(pcm, request.body["language"])
        send("hearing", asdict(hearing))
        for segment in segments:
            send("segment", asdict(segment))
    except RecognizerError as error:
        send("failed", {"kind": error.kind, "message": str(error)})
    except (RuntimeError, ValueError, MemoryError) as error:
        # CTranslate2 tells lack of memory and a broken device so; what state that leaves it in, nobody knows.
        short = isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in OUT_OF_MEMORY)
        kind = OutOfMemoryError.kind if short else RecognizerCrashedError.kind
        send("failed", {"kind": kind, "message": f"{type(error).__name__}: {error}"})
        raise
    else:
        send("done", {"resident": psutil.Process().memory_info().rss})


if __name__ == "__main__":
    main()
