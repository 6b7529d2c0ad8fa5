"""Plain links: a file that a web server gives by http or https, fetched through the egress proxy."""

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2 as httpx

from vidmesh_ingest.egress import Pass
from vidmesh_ingest.growing import GrowingFile
from vidmesh_ingest.http_answer import given_name, media_type, range_start, retry_after, validator, whole_size
from vidmesh_ingest.part import FileHead, Part
from vidmesh_ingest.proxy_head import VERDICT
from vidmesh_ingest.reason import Reason, SourceError, reason_of_status
from vidmesh_ingest.sniff import HEAD, has_media_suffix, is_media, name_of

_REDIRECTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLimits:
    """What a download may take."""

    max_bytes: int
    """The most bytes that the file may have."""

    patience: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    """Seconds to wait before each try in a row that brings nothing; after the last, the download has broken off."""

    answer: float = 60.0
    """Seconds to wait for the next byte."""


class Download:
    """A file that is being fetched: `open` finds out what it is, `run` fetches it, `file` can be read meanwhile."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, granted: Pass, limits: LinkLimits, part: Part
    ) -> None:
        self._http = http
        self._url = url
        self._granted = granted
        self._limits = limits
        self._part = part
        self._answer: httpx.Response | None = None
        self._body: AsyncIterator[bytes] | None = None
        self._first = b""
        self.file = GrowingFile(part.path)
        """The file. Its bytes come once it was opened."""

    async def open(self) -> FileHead | None:
        """Asks for the file. Gives None where it is no media file but, perhaps, a page about one. Raises SourceError."""
        if self._part.head is None or not self._part.complete:
            answer = await self._ask()
            if self._is_all(answer):
                return self._opened()
            if answer.is_error and VERDICT not in answer.headers and not has_media_suffix(self._url):
                return None
            self._check(answer)
            if self._part.size and answer.status_code != 206:
                self._part.restart()
            self._body = answer.aiter_raw()
            first = self._part.beginning(HEAD) or await self._peek()
            if "content-encoding" in answer.headers or not is_media(media_type(answer.headers), first):
                return None
            self._part.describe(_describe(answer))
        return self._opened()

    def _opened(self) -> FileHead | None:
        head = self._part.head
        self.file.grown(self._part.size, head.size if head else None)
        return head

    async def run(self) -> None:
        """Fetches the file to its end, going on where it was broken off. Raises SourceError, also in the file's readers."""
        try:
            await self._fetch()
        except BaseException as error:
            self.file.fail(error)
            raise
        self.file.finish()

    async def _fetch(self) -> None:
        idle = 0
        while not self._part.complete:
            before = self._part.size
            try:
                body = self._body or await self._resume()
                self._body = None
                if body is not None:
                    await self._drain(body)
                if self._part.head is None or self._part.head.size is None:
                    return
                trouble = "the connection was closed"
            except httpx.TransportError as error:
                trouble = self._granted.trouble or str(error) or type(error).__name__
            self._raise_for_pass()
            idle = 0 if self._part.size > before else idle + 1
            if idle >= len(self._limits.patience):
                raise SourceError(
                    Reason.SOURCE_BROKEN_OFF,
                    f"The download broke off after {self._part.size} bytes: {trouble}.",
                )
            if not self._part.complete:
                await asyncio.sleep(self._limits.patience[idle])

    async def _resume(self) -> AsyncIterator[bytes] | None:
        """The body from where it was broken off on; None where there is no more of it."""
        answer = await self._ask()
        if self._is_all(answer):
            return None
        self._check(answer)
        now, before = _describe(answer), self._part.head
        if before is not None and (now.size, now.validator) != (before.size, before.validator):
            raise SourceError(Reason.SOURCE_BROKEN_OFF, "The file was changed while it was being downloaded.")
        body = answer.aiter_raw()
        return body if answer.status_code == 206 else _without(body, self._part.size)

    async def _peek(self) -> bytes:
        """The first bytes of the body, kept for when the file is fetched. Where it breaks off here it is asked for again."""
        first = b""
        try:
            while self._body is not None and len(first) < HEAD:
                first += await anext(self._body)
        except StopAsyncIteration:
            pass
        except httpx.TransportError:
            self._body = None
        self._first = first if self._body is not None else b""
        return first

    async def _drain(self, body: AsyncIterator[bytes]) -> None:
        if self._first:
            first, self._first = self._first, b""
            await self._append(first)
        async for data in body:
            await self._append(data)

    async def _append(self, data: bytes) -> None:
        if self._part.size + len(data) > self._limits.max_bytes:
            raise _too_large(self._limits.max_bytes)
        await asyncio.to_thread(self._part.append, data)
        self.file.grown(self._part.size)

    async def _ask(self) -> httpx.Response:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if self._part.size:
            headers["Range"] = f"bytes={self._part.size}-"
            if self._part.head is not None and self._part.head.validator is not None:
                headers["If-Range"] = self._part.head.validator
        if self._answer is not None:
            await self._answer.aclose()
        try:
            request = self._http.build_request("GET", self._url, headers=headers)
            self._answer = await self._http.send(request, stream=True, follow_redirects=True)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
            raise SourceError(Reason.NO_VIDEO, f"The link leads nowhere: {error}.") from error
        except httpx.TransportError as error:
            self._raise_for_pass()
            if self._part.size:
                raise
            raise SourceError(Reason.SOURCE_UNREACHABLE, _why(self._granted, error)) from error
        return self._answer

    def _is_all(self, answer: httpx.Response) -> bool:
        """Whether the server has no more than what is there, having announced more before. Notes so."""
        if answer.status_code != 416 or self._part.head is None:
            return False
        if whole_size(answer.status_code, answer.headers) != self._part.size:
            return False
        self._part.describe(replace(self._part.head, size=self._part.size))
        return True

    def _check(self, answer: httpx.Response) -> None:
        """Raises SourceError where the answer is not the file, or where the file is too large."""
        if VERDICT in answer.headers:
            self._raise_for_pass()
            if self._part.size:
                raise httpx.ConnectError("no connection")
            raise SourceError(Reason.SOURCE_UNREACHABLE, _why(self._granted, None))
        if answer.status_code >= 500 and self._part.size:
            raise httpx.ReadError(f"the server answers {answer.status_code}")
        if answer.is_error:
            status = f"{answer.status_code} {answer.reason_phrase}".strip()
            raise SourceError(
                reason_of_status(answer.status_code),
                f"The server answers {status}.",
                retry_after=retry_after(answer.headers),
            )
        if answer.status_code == 206 and range_start(answer.headers) != self._part.size:
            raise SourceError(
                Reason.SOURCE_REFUSED, "The server sent another part of the file than was asked for."
            )
        if (whole_size(answer.status_code, answer.headers) or 0) > self._limits.max_bytes:
            raise _too_large(self._limits.max_bytes)

    def _raise_for_pass(self) -> None:
        if self._granted.refused is not None:
            raise SourceError(
                Reason.EGRESS_REFUSED, f"{self._granted.refused} is not on the public internet."
            )
        if self._granted.exhausted:
            raise _too_large(self._limits.max_bytes)
        if self._granted.overdue:
            raise SourceError(Reason.SOURCE_BROKEN_OFF, "The download took too long.")


@asynccontextmanager
async def download(url: str, folder: Path, granted: Pass, limits: LinkLimits) -> AsyncIterator[Download]:
    """A download of a link into a folder, not opened yet. What an earlier one left there is gone on with."""
    client = httpx.AsyncClient(
        proxy=granted.proxy_url,
        trust_env=False,
        verify=_trust(),
        timeout=httpx.Timeout(limits.answer),
        max_redirects=_REDIRECTS,
        headers={"User-Agent": "vidmesh"},
    )
    async with client as http:
        with Part(folder) as part:
            yield Download(http, url, granted, limits, part)


@functools.cache
def _trust() -> ssl.SSLContext:
    """Whom TLS trusts. To read it takes longer than many a download does to begin, so it is read once."""
    return httpx.create_ssl_context(trust_env=False)


def _describe(answer: httpx.Response) -> FileHead:
    return FileHead(
        name=given_name(answer.headers) or name_of(str(answer.url)),
        media_type=media_type(answer.headers),
        size=whole_size(answer.status_code, answer.headers),
        validator=validator(answer.headers),
    )


async def _without(body: AsyncIterator[bytes], count: int) -> AsyncIterator[bytes]:
    """The body after its first bytes, for a server that begins anew."""
    async for data in body:
        if len(data) > count:
            yield data[count:]
        count = max(count - len(data), 0)


def _why(granted: Pass, error: Exception | None) -> str:
    if granted.trouble is not None:
        return f"{granted.trouble[0].upper()}{granted.trouble[1:]}."
    if isinstance(error, httpx.TimeoutException):
        return "The server did not answer in time."
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        return f"The server's TLS cannot be trusted: {cause}."
    return f"The server cannot be reached: {error or 'it gave no answer'}."


def _too_large(limit: int) -> SourceError:
    return SourceError(Reason.TOO_LARGE, f"The file has more than {limit} bytes.")
