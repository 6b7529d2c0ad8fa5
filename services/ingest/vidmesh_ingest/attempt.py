"""One attempt at a job: its source opened, told, cut into windows or replaced by captions, and kept."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from google.protobuf.message import Message

from vidmesh.events.v1.ingest_events_pb2 import (
    CAPTION_MODE_ONLY,
    CAPTION_MODE_PREFER,
    CaptionsFound,
    SourceIngested,
    SourceOpened,
    StageProgress,
    WindowReady,
)
from vidmesh_ingest.captions import end_of, has_cues
from vidmesh_ingest.decoder import Opening
from vidmesh_ingest.ending import STAGE, end_stage, windows_folder
from vidmesh_ingest.fetching import Source
from vidmesh_ingest.identity import LONGEST
from vidmesh_ingest.job import Job
from vidmesh_ingest.language import best, tag
from vidmesh_ingest.media import MediaLimits
from vidmesh_ingest.progress import Progress
from vidmesh_ingest.reading import MediaReader, Reading
from vidmesh_ingest.reason import Reason, SourceError
from vidmesh_ingest.store import sql
from vidmesh_ingest.text import printable
from vidmesh_ingest.windows import RATE, CutPlan, Window
from vidmesh_ingest.wire import to_duration
from vidmesh_runtime import outbox
from vidmesh_runtime.database import Connection
from vidmesh_runtime.service import Parts
from vidmesh_runtime.work import Lease


class Attempt:
    """One attempt at one job."""

    def __init__(
        self, parts: Parts, limits: MediaLimits, plan: CutPlan, job: Job, source: Source, *, lease: Lease
    ) -> None:
        self._parts = parts
        self._lease = lease
        self._limits = limits
        self._plan = plan
        self._job = job
        self._source = source
        self._progress = Progress(source.file, source.seconds)

    async def run(self) -> None:
        """Reads the source to its end and completes the work. Raises SourceError, and LeaseLostError."""
        if (self._source.seconds or 0) > self._limits.max_seconds:
            raise SourceError(Reason.TOO_LONG, f"It lasts {self._source.seconds:.0f} s.")
        await self._begin()
        wanted = self._job.captions in {CAPTION_MODE_PREFER, CAPTION_MODE_ONLY}
        if self._source.captions and wanted:
            captions = await self._site_captions()
            if captions is not None:
                await self._tell_opened(self._source.title, self._source.seconds)
                await self._finish(captions=captions)
                return
        async with self._fetching() as fetched:
            opening, reading = await self._read(subtitles=wanted)
            await fetched
            captions = _subtitles(reading, self._job.language) if wanted else None
            if captions is None and self._job.captions == CAPTION_MODE_ONLY:
                raise SourceError(Reason.NO_CAPTIONS, "The source has no captions made by people.")
            if captions is None and reading.held_back:
                opening, reading = await self._read(subtitles=False)
            await self._finish(opening=opening, reading=reading, captions=captions)

    async def _read(self, *, subtitles: bool) -> tuple[Opening, Reading]:
        """Reads the file to its end. Where its `subtitles` may take the place of its sound, windows are held back."""
        reader = MediaReader(self._source.file, self._limits, self._heard)
        try:
            opening = await reader.opening()
            await self._describe(opening)
            held_back = subtitles and (opening.has_subtitles or self._job.captions == CAPTION_MODE_ONLY)
            last = await sql.last_window(self._parts.pool, job_id=self._job.id)
            index, start, lead = (last["index"] + 1, last["end_sample"], last["lap"]) if last else (0, 0, 0)
            plan = None if held_back else self._plan
            async for window in reader.windows(plan, index=index, start=start, lead=lead):
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
            version = self._source.version
            if version and not await sql.keep_version(connection, job_id=self._job.id, version=version):
                raise SourceError(
                    Reason.SOURCE_CHANGED, "The file is another one than its first windows were cut from."
                )
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
        await _to_its_end(self._parts.media.put(key, window.sound.tobytes()))
        fact = WindowReady(
            video_id=str(self._job.video_id),
            index=window.index,
            start=to_duration(window.start / RATE),
            end=to_duration(window.end / RATE),
            media_key=key,
            language=self._job.language,
            priority=self._job.priority,  # type: ignore[arg-type]  # the column holds the enum's number
            lead=to_duration(len(window.lead) / RATE) if len(window.lead) else None,
            trail=to_duration(len(window.trail) / RATE) if len(window.trail) else None,
        )
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await self._lease.progress(connection)
            if await sql.add_window(
                connection,
                job_id=self._job.id,
                index=window.index,
                start_sample=window.start,
                end_sample=window.end,
                lap=len(window.trail),
            ):
                await self._tell(connection, fact)

    async def _site_captions(self) -> tuple[str, str] | None:
        """The site's captions, as language and text; None where none fit or they are empty."""
        language = best(self._source.captions, self._job.language or self._source.language)
        text = await self._source.fetch_captions(language) if language else ""
        return (tag(language), text) if language and has_cues(text) else None

    async def _finish(
        self,
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
        media_bytes = 0
        if reading is not None and opening is not None:
            fact.warning = reading.warning
            fact.media_type = opening.type.name
            fact.media_key = f"{folder}/source.{opening.type.suffix}"
            await self._parts.media.put_file(fact.media_key, self._source.file.path)
            media_bytes = self._source.file.path.stat().st_size
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
            await self._lease.complete(connection)
            await sql.keep_video(
                connection,
                video_id=self._job.video_id,
                media_key=fact.media_key,
                media_type=fact.media_type,
                media_bytes=media_bytes,
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


async def _to_its_end(writing: Coroutine[Any, Any, None]) -> None:
    """Writes an object although the work is cancelled meanwhile: what comes after that must find it, to delete it."""
    task = asyncio.create_task(writing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _subtitles(reading: Reading, wanted: str) -> tuple[str, str] | None:
    """A file's subtitles in the language wanted, as language and text; None where it has none."""
    there = {captions.language: captions for captions in reversed(reading.captions)}
    language = best(list(reversed(there)), wanted)
    return (tag(language), there[language].vtt) if language else None
