"""The work of the stage: a source in, windows and captions out."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue

from vidmesh.events.v1.ingest_events_pb2 import (
    CAPTION_MODE_ONLY,
    CAPTION_MODE_PREFER,
    CaptionsFound,
    SourceIngested,
    SourceOpened,
    StageFailed,
    StageProgress,
    WindowReady,
)
from vidmesh.events.v1.stage_pb2 import STAGE_INGEST
from vidmesh_ingest.captions import end_of, has_cues
from vidmesh_ingest.ending import STAGE, end_stage, windows_folder
from vidmesh_ingest.fetching import Fetcher, Source
from vidmesh_ingest.identity import LONGEST, host_of
from vidmesh_ingest.job import Job
from vidmesh_ingest.language import best, tag
from vidmesh_ingest.media import MediaLimits
from vidmesh_ingest.progress import Progress
from vidmesh_ingest.reading import MediaReader, Opening, Reading
from vidmesh_ingest.reason import Reason, SourceError
from vidmesh_ingest.store import get_job, parse_id, sql
from vidmesh_ingest.text import printable
from vidmesh_ingest.windows import RATE, CutPlan, Window
from vidmesh_ingest.wire import to_duration, to_failure
from vidmesh_runtime import outbox
from vidmesh_runtime.database import Connection
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.service import Parts
from vidmesh_runtime.work import Lease

log = logging.getLogger(__name__)

_PAUSE = timedelta(minutes=1)
"""How long a site is left alone that limits how often it is asked and does not say for how long."""


class Handler:
    """Does the work of ingest."""

    def __init__(
        self, parts: Parts, fetcher: Fetcher, folder: Path, limits: MediaLimits, plan: CutPlan
    ) -> None:
        self._parts = parts
        self._fetcher = fetcher
        self._folder = folder
        self._limits = limits
        self._plan = plan

    async def ingest(self, lease: Lease) -> None:
        """Reads a job's source to its end. What an earlier attempt has told is not told again."""
        try:
            job = await get_job(self._parts.pool, lease.tenant, parse_id("job", lease.job_id))
        except Failure:
            log.info("job %s is gone", lease.job_id)
            return
        folder = self._folder / str(job.id)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            await self._respect_pause(job)
            async with self._fetcher.open(job, folder) as source:
                await _Attempt(self._parts, self._limits, self._plan, job, source).run(lease)
        except SourceError as error:
            raise await self._failed(job, folder, error) from error
        await self._fetcher.release(job)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _respect_pause(self, job: Job) -> None:
        """Leaves a site alone that has asked for it, whichever job it told so."""
        wait: timedelta | None = await sql.host_pause(self._parts.pool, host=host_of(job.source))
        if wait is not None:
            raise SourceError(Reason.RATE_LIMITED, "The site limits how often it is asked.", retry_after=wait)

    async def _failed(self, job: Job, folder: Path, error: SourceError) -> Failure:
        """What a failure of the source means: files kept for another attempt or not, and the site left alone for a while."""
        if error.reason is Reason.RATE_LIMITED:
            error.retry_after = error.retry_after or _PAUSE
            await sql.pause_host(self._parts.pool, host=host_of(job.source), wait=error.retry_after)
        failure = to_failure(error)
        if failure.retryable:
            told = StageProgress(stage=STAGE_INGEST, activity=f"waiting to try again: {error.message}")
            await self._parts.ticker.tick(tenant=job.tenant, job_id=str(job.id), stage=STAGE, event=told)
        else:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return failure

    async def tidy(self, lease: Lease) -> None:
        """Deletes a folder of the media store."""
        await self._parts.media.delete_folder(StringValue.FromString(lease.payload).value)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await lease.complete(connection)

    async def given_up(self, connection: Connection, lease: Lease, failure: Failure) -> None:
        """Tells that a job's source cannot be read."""
        if lease.kind != "video":
            log.error("%s was not tidied up: %s", lease.key, failure)
            return
        told = StageFailed(video_id=lease.video_id, stage=STAGE_INGEST, failure=failure.to_proto())
        await outbox.tell(connection, tenant=lease.tenant, job_id=lease.job_id, stage=STAGE, fact=told)
        await end_stage(connection, lease.tenant, parse_id("job", lease.job_id), STAGE, failure.to_proto())
        await asyncio.to_thread(shutil.rmtree, self._folder / lease.job_id, ignore_errors=True)


class _Attempt:
    """One attempt at one job."""

    def __init__(self, parts: Parts, limits: MediaLimits, plan: CutPlan, job: Job, source: Source) -> None:
        self._parts = parts
        self._limits = limits
        self._plan = plan
        self._job = job
        self._source = source
        self._progress = Progress(source.file, source.seconds)

    async def run(self, lease: Lease) -> None:
        if (self._source.seconds or 0) > self._limits.max_seconds:
            raise SourceError(Reason.TOO_LONG, f"It lasts {self._source.seconds:.0f} s.")
        await self._begin()
        wanted = self._job.captions in {CAPTION_MODE_PREFER, CAPTION_MODE_ONLY}
        if self._source.captions and wanted:
            captions = await self._site_captions()
            if captions is not None:
                await self._tell_opened(self._source.title, self._source.seconds)
                await self._finish(lease, captions=captions)
                return
        async with self._fetching() as fetched:
            opening, reading = await self._read(subtitles=wanted)
            await fetched
            captions = _subtitles(reading, self._job.language) if wanted else None
            if captions is None and self._job.captions == CAPTION_MODE_ONLY:
                raise SourceError(Reason.NO_CAPTIONS, "The source has no captions made by people.")
            if captions is None and reading.held_back:
                opening, reading = await self._read(subtitles=False)
            await self._finish(lease, opening=opening, reading=reading, captions=captions)

    async def _read(self, *, subtitles: bool) -> tuple[Opening, Reading]:
        """Reads the file to its end. Where its `subtitles` may take the place of its sound, windows are held back."""
        reader = MediaReader(self._source.file, self._limits, self._heard)
        try:
            opening = await reader.opening()
            await self._describe(opening)
            held_back = subtitles and (opening.has_subtitles or self._job.captions == CAPTION_MODE_ONLY)
            last = await sql.last_window(self._parts.pool, job_id=self._job.id)
            index, start = (last["index"] + 1, last["end_sample"]) if last else (0, 0)
            async for window in reader.windows(None if held_back else self._plan, index=index, start=start):
                await self._store(window)
            return opening, reader.result
        finally:
            await reader.close()

    def _heard(self, seconds: float) -> None:
        self._progress.seconds = seconds

    @asynccontextmanager
    async def _fetching(self) -> AsyncIterator[asyncio.Task[None]]:
        """Fetches the file and tells how far it is, while this is entered."""
        fetching = asyncio.ensure_future(self._source.fetch())
        telling = asyncio.create_task(self._progress.run(self._tick))
        try:
            yield fetching
        finally:
            fetching.cancel()
            telling.cancel()
            await asyncio.gather(fetching, telling, return_exceptions=True)

    async def _begin(self) -> None:
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await sql.start_job(connection, job_id=self._job.id)
            await sql.start_stage(connection, job_id=self._job.id, stage=STAGE)
        if self._source.seconds is not None:
            await self._tell_opened(self._source.title, self._source.seconds)

    async def _describe(self, opening: Opening) -> None:
        self._progress.duration = self._source.seconds or opening.seconds
        await self._tell_opened(opening.title or self._source.title, self._progress.duration)

    async def _tell_opened(self, title: str, seconds: float | None) -> None:
        """Tells what the source is, once for each job."""
        fact = SourceOpened(
            video_id=str(self._job.video_id),
            title=self._job.own_title or printable(title) or printable(self._job.source),
            author=printable(self._source.author),
            page_url=printable(self._source.page_url, LONGEST),
            duration=to_duration(seconds) if seconds is not None else None,
            size_bytes=self._source.size or self._source.file.total or 0,
            extractor=self._source.extractor,
        )
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await sql.open_source(connection, job_id=self._job.id):
                return
            await sql.describe_video(
                connection, video_id=self._job.video_id, title=fact.title, seconds=seconds
            )
            if self._source.key is not None:
                await sql.add_key(
                    connection, tenant=self._job.tenant, key=self._source.key, video_id=self._job.video_id
                )
            await self._tell(connection, fact)

    async def _store(self, window: Window) -> None:
        """Keeps a window's sound and tells of it, once."""
        folder = windows_folder(self._job.tenant, self._job.video_id, self._job.id)
        key = f"{folder}/{window.index}.s16"
        await self._parts.media.put(key, window.samples.tobytes())
        fact = WindowReady(
            video_id=str(self._job.video_id),
            index=window.index,
            start=to_duration(window.start / RATE),
            end=to_duration(window.end / RATE),
            media_key=key,
            language=self._job.language,
            priority=self._job.priority,  # type: ignore[arg-type]  # the column holds the enum's number
        )
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if await sql.add_window(
                connection,
                job_id=self._job.id,
                index=window.index,
                start_sample=window.start,
                end_sample=window.end,
            ):
                await self._tell(connection, fact)

    async def _site_captions(self) -> tuple[str, str] | None:
        """The site's captions, as language and text; None where none fit or they are empty."""
        language = best(self._source.captions, self._job.language or self._source.language)
        text = await self._source.fetch_captions(language) if language else ""
        return (tag(language), text) if language and has_cues(text) else None

    async def _finish(
        self,
        lease: Lease,
        *,
        opening: Opening | None = None,
        reading: Reading | None = None,
        captions: tuple[str, str] | None = None,
    ) -> None:
        """Keeps what is to be kept and tells that the source was read, with the end of the work in one transaction."""
        folder = f"{self._job.tenant}/{self._job.video_id}"
        fact = SourceIngested(
            video_id=str(self._job.video_id), duration=to_duration(self._length(reading, captions))
        )
        if reading is not None and opening is not None:
            fact.warning = reading.warning
            fact.media_type = opening.type.name
            fact.media_key = f"{folder}/source.{opening.type.suffix}"
            await self._parts.media.put_file(fact.media_key, self._source.file.path)
        found = None
        if captions is not None:
            language, text = captions
            found = CaptionsFound(
                video_id=fact.video_id,
                language=language,
                media_key=f"{folder}/captions.{language}.vtt",
                replaces_recognition=True,
            )
            await self._parts.media.put(found.media_key, text.encode())
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await lease.complete(connection)
            await sql.keep_video(
                connection,
                video_id=self._job.video_id,
                media_key=fact.media_key,
                media_type=fact.media_type,
                seconds=fact.duration.ToTimedelta().total_seconds(),
            )
            await sql.add_notice(connection, job_id=self._job.id, notice=fact.warning)
            if found is not None:
                await self._tell(connection, found)
            else:
                last = await sql.last_window(connection, job_id=self._job.id)
                fact.window_count = last["index"] + 1 if last else 0
            await self._tell(connection, fact)
            await end_stage(connection, self._job.tenant, self._job.id, STAGE)

    def _length(self, reading: Reading | None, captions: tuple[str, str] | None) -> float:
        """How long the video is, by the best that is known of it."""
        if reading is not None:
            return reading.seconds
        return self._source.seconds or (end_of(captions[1]) if captions else 0.0)

    async def _tell(self, connection: Connection, fact: Message) -> None:
        await outbox.tell(
            connection, tenant=self._job.tenant, job_id=str(self._job.id), stage=STAGE, fact=fact
        )

    async def _tick(self, event: StageProgress) -> None:
        await self._parts.ticker.tick(
            tenant=self._job.tenant, job_id=str(self._job.id), stage=STAGE, event=event
        )


def _subtitles(reading: Reading, wanted: str) -> tuple[str, str] | None:
    """A file's subtitles in the language wanted, as language and text; None where it has none."""
    there = {captions.language: captions for captions in reversed(reading.captions)}
    language = best(list(reversed(there)), wanted)
    return (tag(language), there[language].to_vtt()) if language else None
