"""FFmpeg's libraries in a process of its own: `python -I -m vidmesh_ingest.media_child`.

Files are hostile input, and what reads them is written in C: one that makes it crash, hang or ask for all memory ends this
process and its own job, and nothing else. It runs behind a fence (`fence`): without network, programs or a file to write,
and with the one file that it reads. It is told of the file by JSON lines on its standard input and answers with frames on
its standard output (`FRAME`). It ends when its input does, so that it cannot outlive the service.
"""

import json
import os
import signal
import struct
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, Any

from vidmesh_ingest.fence import Fence
from vidmesh_ingest.growing import GrowingFile
from vidmesh_ingest.media import MediaLimits, open_media
from vidmesh_ingest.reason import Reason, SourceError

FRAME = struct.Struct(">?I")
"""What begins a frame: whether it holds samples rather than a JSON object, and how many bytes follow."""

_MEMORY = 1 << 30


class FileFailedError(Exception):
    """No more of the file will come; the parent knows why."""


def answer(out: IO[bytes], **what: Any) -> None:
    """Sends a JSON object."""
    data = json.dumps(what).encode()
    out.write(FRAME.pack(False, len(data)) + data)
    out.flush()


def read(out: IO[bytes], file: GrowingFile, limits: MediaLimits) -> None:
    """Reads a file to its end. Raises SourceError and FileFailedError. Where it leads nowhere, SIGPROF ends the process."""
    with open_media(file, limits) as media:
        answer(
            out,
            kind=media.type.name,
            suffix=media.type.suffix,
            title=media.title[:1000],
            seconds=media.seconds,
            captions=media.promises_captions,
        )
        for block in media.sound():
            signal.setitimer(signal.ITIMER_PROF, limits.processor)
            out.write(FRAME.pack(True, len(block)) + block)
        for captions in media.captions():
            track = captions.track()
            answer(out, language=track.language, vtt=track.vtt)
        answer(out, end=True, warning=media.warning)


def grow(file: GrowingFile) -> None:
    """Follows what is told of the file; the process ends with the input."""
    for line in sys.stdin:
        told = json.loads(line)
        match told["file"]:
            case "grown":
                file.grown(told["size"], told["total"])
            case "finished":
                file.finish()
            case "failed":
                file.fail(FileFailedError("no more of it will come"))
    os._exit(0)


def main() -> None:
    """Reads one file."""
    # Whatever prints must not be taken for an answer.
    out = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)
    setup = json.loads(sys.stdin.readline())
    path = Path(setup["path"])
    Fence(reads=(path,), memory=_MEMORY).close()
    limits = MediaLimits(**{**setup["limits"], "rates": tuple(setup["limits"]["rates"])})
    file = GrowingFile(path)
    threading.Thread(target=grow, args=(file,), daemon=True).start()
    signal.setitimer(signal.ITIMER_PROF, limits.processor)
    try:
        read(out, file, limits)
    except SourceError as error:
        answer(out, reason=error.reason, message=error.message)
    except FileFailedError:
        answer(out, failed=True)
    except MemoryError:
        answer(out, reason=Reason.CORRUPT_MEDIA, message="Reading it takes more memory than a file may.")
    except Exception:  # noqa: BLE001 - the parent logs it: there may be no file to write here
        answer(out, fault=traceback.format_exc())
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
