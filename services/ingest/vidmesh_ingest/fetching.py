"""Sources, opened: from wherever they come, a file that can be read while it grows."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from vidmesh_ingest.egress import Egress
from vidmesh_ingest.growing import GrowingFile
from vidmesh_ingest.identity import parse_link, site_key
from vidmesh_ingest.job import Job
from vidmesh_ingest.link import LinkLimits, download
from vidmesh_ingest.reason import Reason, SourceError
from vidmesh_ingest.site import Entry, open_site
from vidmesh_ingest.uploads import Uploads
from vidmesh_runtime.media import MediaStore

_SLACK = 64 << 20
"""Bytes that a source may take besides its file: pages, manifests, what is fetched twice after a connection broke."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An opened source."""

    file: GrowingFile
    """Its bytes, as `fetch` brings them."""
    fetch: Callable[[], Awaitable[None]]
    """Fetches the file to its end. Raises SourceError, also in the file's readers."""
    extractor: str
    """What fetches it: "upload", "http" or yt-dlp's name of the site."""
    title: str = ""
    author: str = ""
    page_url: str = ""
    seconds: float | None = None
    """How long it says that it lasts."""
    size: int = 0
    """How many bytes it says that it has; 0 where it does not say."""
    version: str = ""
    """What its versions are told apart by; empty where nothing tells them apart."""
    key: str | None = None
    """A further key that it is known again by."""
    language: str = ""
    """The language spoken, where the source says."""
    captions: tuple[str, ...] = ()
    """The languages of captions that people made and that can be had apart from the file."""
    fetch_captions: Callable[[str], Awaitable[str]] = field(default=lambda _: _nothing())
    """Gives the captions of a language as WebVTT."""


async def _nothing() -> str:
    return ""


class Fetcher:
    """Opens sources."""

    def __init__(
        self,
        egress: Egress,
        uploads: Uploads,
        media: MediaStore,
        folder: Path,
        *,
        max_bytes: int,
        max_seconds: float,
        site_format: str,
    ) -> None:
        """What belongs to no job lies in the folder while it is needed. A source comes within `max_seconds` or not at all."""
        self._egress = egress
        self._uploads = uploads
        self._media = media
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._format = site_format
        folder.mkdir(parents=True, exist_ok=True)

    @asynccontextmanager
    async def open(self, job: Job, folder: Path) -> AsyncIterator[Source]:
        """Opens a job's source. What is fetched lies in the folder, or in the upload's own place. Raises SourceError."""
        async with AsyncExitStack() as stack:
            upload = job.source.removeprefix("upload:")
            if upload != job.source:
                yield await self._upload(job, UUID(upload), folder)
                return
            granted = await stack.enter_async_context(
                self._egress.grant(2 * self._max_bytes + _SLACK, self._max_seconds)
            )
            link = parse_link(job.source)
            if not link.site:
                fetched = await stack.enter_async_context(
                    download(link.url, folder, granted, LinkLimits(max_bytes=self._max_bytes))
                )
                head = await fetched.open()
                if head is not None:
                    yield Source(
                        file=fetched.file,
                        fetch=fetched.run,
                        extractor="http",
                        title=head.name,
                        page_url=link.url,
                        size=head.size or 0,
                        version=head.version,
                    )
                    return
            # A site's file cannot be gone on with: its links and formats are others each time.
            private = folder / "site"
            await asyncio.to_thread(shutil.rmtree, private, ignore_errors=True)
            private.mkdir()
            site = await stack.enter_async_context(
                open_site(link.url, private, granted, site_format=self._format, max_bytes=self._max_bytes)
            )
            info = await site.info()
            yield Source(
                file=site.file,
                fetch=site.fetch,
                extractor=info.extractor,
                title=info.title,
                author=info.author,
                page_url=info.page_url,
                seconds=info.seconds,
                size=info.size,
                key=site_key(info.extractor, info.id) if info.named else None,
                language=info.language,
                captions=info.captions,
                fetch_captions=site.captions,
            )

    async def entries(self, url: str, limit: int) -> AsyncGenerator[Entry, None]:
        """The videos of a playlist or channel, as they are found. Raises SourceError."""
        with TemporaryDirectory(prefix="playlist-", dir=self._folder, ignore_cleanup_errors=True) as folder:
            async with (
                self._egress.grant(_SLACK, self._max_seconds) as granted,
                open_site(url, Path(folder), granted, site_format=self._format, max_bytes=_SLACK) as site,
            ):
                async for entry in site.entries(limit):
                    yield entry

    async def release(self, job: Job) -> None:
        """Lets go of what a job's source takes up besides its place in the media store."""
        upload = job.source.removeprefix("upload:")
        if upload != job.source:
            await self._uploads.release(UUID(upload))

    async def _upload(self, job: Job, upload_id: UUID, folder: Path) -> Source:
        upload = await self._uploads.find_open(job.tenant, upload_id)
        if upload is not None:
            file = GrowingFile(self._uploads.path(upload_id), total=upload.size_bytes or None)
            return Source(
                file=file,
                fetch=partial(self._uploads.follow, upload, file),
                extractor="upload",
                title=job.title,
                size=upload.size_bytes,
            )
        path = self._uploads.path(upload_id)
        if not path.exists():
            path = folder / "source"
            await self._restore(job.media_key, path)
        return Source(
            file=GrowingFile.whole(path),
            fetch=_nothing_to_fetch,
            extractor="upload",
            title=job.title,
            size=path.stat().st_size,
        )

    async def _restore(self, key: str, path: Path) -> None:
        """Brings a source back from the media store, for a job that comes after its upload was cleared away."""
        if not key:
            raise SourceError(Reason.VIDEO_REMOVED, "The upload is not kept any more; upload the file again.")
        with path.open("wb") as file:
            async for chunk in self._media.read(key):
                await asyncio.to_thread(file.write, chunk)


async def _nothing_to_fetch() -> None:
    return None
