"""Sites that yt-dlp knows, through a child process (`site_child`)."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deno import find_deno_bin  # type: ignore[import-untyped]  # the wheel of the program has no types

from vidmesh_ingest.egress import Pass
from vidmesh_ingest.growing import GrowingFile
from vidmesh_ingest.reason import Reason, SourceError
from vidmesh_ingest.text import printable

log = logging.getLogger(__name__)

_LINE = 8 << 20
_POLL = 0.1
_SILENCE = 300.0
"""Seconds without a word from the process after which it is taken to hang."""
_BESIDES = 1 << 20
"""Bytes that a file may grow over what is allowed before the system stops it, so that its watcher sees that it is too large."""
_CAPTIONS = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteInfo:
    """What a site says of a video."""

    id: str
    """Its name on the site."""
    extractor: str
    """yt-dlp's name of the site, such as "Youtube"."""
    named: bool
    """Whether the id is the site's own, rather than made up for a page of any site."""
    title: str
    author: str
    page_url: str
    seconds: float | None
    size: int
    """How many bytes; 0 where the site does not say."""
    language: str
    """The language spoken; empty where the site does not say."""
    captions: tuple[str, ...]
    """The languages of captions that people made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One video of a playlist."""

    url: str
    title: str
    """May be empty."""


class Site:
    """A source on a site, for as long as its process runs."""

    def __init__(
        self, process: asyncio.subprocess.Process, folder: Path, granted: Pass, max_bytes: int
    ) -> None:
        self._process = process
        self._granted = granted
        self._max_bytes = max_bytes
        self.file = GrowingFile(folder / "source")
        """The media file, once `fetch` fetches it."""

    async def info(self) -> SiteInfo:
        """Finds the video. Raises SourceError."""
        found: dict[str, Any] = {}
        async for answer in self._do({"do": "info"}):
            found = answer
        return SiteInfo(
            **{**{name: found[name] for name in SiteInfo.__slots__}, "captions": tuple(found["captions"])}
        )

    async def captions(self, language: str) -> str:
        """The captions of this language as WebVTT; empty where they hold nothing. Raises SourceError."""
        text = ""
        async for answer in self._do({"do": "captions", "language": language}):
            if answer["event"] == "captions":
                text = await asyncio.to_thread(_read_captions, self.file.path.with_name("captions"))
        return text

    async def entries(self, limit: int) -> AsyncIterator[Entry]:
        """The videos of a playlist or channel, as they are found. Raises SourceError."""
        async for answer in self._do({"do": "entries", "limit": limit}):
            yield Entry(url=answer["url"], title=printable(answer["title"]))

    async def fetch(self) -> None:
        """Fetches the media file to its end. Raises SourceError, also in the file's readers."""
        watching = asyncio.create_task(self._watch())
        try:
            async for answer in self._do({"do": "media"}):
                self.file.grown(self._there(), answer.get("total"))
        except BaseException as error:
            self.file.fail(error)
            raise
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        if not self.file.path.exists():
            nothing = SourceError(Reason.SOURCE_REFUSED, "The site gave no file.")
            self.file.fail(nothing)
            raise nothing
        self.file.finish()

    async def _watch(self) -> None:
        """Tells of the file's bytes between yt-dlp's own reports, and stops it where they are too many."""
        while True:
            await asyncio.sleep(_POLL)
            self.file.grown(self._there())
            if self.file.size > self._max_bytes:
                self._process.kill()

    def _there(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return self.file.path.stat().st_size
        return 0

    async def _do(self, command: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Gives a command and gives its answers but for the last. Raises SourceError."""
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("the process was started with pipes")
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            await self._process.stdin.drain()
        while line := await self._line(self._process.stdout):
            answer = json.loads(line)
            if answer["event"] == "done":
                return
            if answer["event"] == "error":
                raise self._error(Reason(answer["reason"]), printable(answer["message"]))
            yield answer
        raise self._error(Reason.SOURCE_REFUSED, "Reading the site failed.")

    async def _line(self, stdout: asyncio.StreamReader) -> bytes:
        try:
            async with asyncio.timeout(_SILENCE):
                return await stdout.readline()
        except TimeoutError as error:
            raise self._error(
                Reason.SOURCE_UNREACHABLE, f"Nothing came of the site for {_SILENCE:.0f} s."
            ) from error
        except ValueError as error:
            raise self._error(Reason.SOURCE_REFUSED, "The site tells more than can be taken.") from error

    def _error(self, reason: Reason, message: str) -> SourceError:
        """The error, seen in the light of what the proxy knows."""
        if self._granted.exhausted or self.file.size > self._max_bytes:
            return SourceError(Reason.TOO_LARGE, f"The file has more than {self._max_bytes} bytes.")
        if self._granted.overdue:
            return SourceError(Reason.SOURCE_BROKEN_OFF, "The download took too long.")
        if self._granted.refused is not None and reason in {
            Reason.SOURCE_UNREACHABLE,
            Reason.SOURCE_BROKEN_OFF,
            Reason.SOURCE_REFUSED,
            Reason.PRIVATE_VIDEO,
            Reason.NO_VIDEO,
        }:
            return SourceError(
                Reason.EGRESS_REFUSED, f"{self._granted.refused} is not on the public internet."
            )
        if reason is Reason.SOURCE_UNREACHABLE and self._granted.trouble is not None:
            message = f"{self._granted.trouble[0].upper()}{self._granted.trouble[1:]}."
        return SourceError(reason, message)


@asynccontextmanager
async def open_site(
    url: str, folder: Path, granted: Pass, *, site_format: str, max_bytes: int
) -> AsyncIterator[Site]:
    """A source on a site. Its process ends, and all that it started, when this is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        "vidmesh_ingest.site_child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "DENO_DIR": str(folder / "deno"),
            "DENO_NO_UPDATE_CHECK": "1",
            "YTDLP_NO_PLUGINS": "1",
            "LC_ALL": "C.UTF-8",
        },
        start_new_session=True,
        limit=_LINE,
    )
    complaints = asyncio.create_task(_log(process))
    setup = {
        "url": url,
        "folder": str(folder),
        "proxy": granted.proxy_url,
        "format": site_format,
        "deno": find_deno_bin(),
        "file_bytes": max_bytes + _BESIDES,
    }
    try:
        if process.stdin is not None:
            process.stdin.write(json.dumps(setup).encode() + b"\n")
        yield Site(process, folder, granted, max_bytes)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await complaints


def _read_captions(path: Path) -> str:
    return path.read_text() if path.stat().st_size <= _CAPTIONS else ""


async def _log(process: asyncio.subprocess.Process) -> None:
    if process.stderr is not None:
        async for line in process.stderr:
            log.debug("yt-dlp: %s", line.decode("utf-8", "replace").rstrip())


Granting = Callable[[int], contextlib.AbstractAsyncContextManager[Pass]]
"""How a pass is had: `Egress.grant`."""
