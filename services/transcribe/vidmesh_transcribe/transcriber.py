"""Doing the work: a window of sound, or a file of captions, becomes a part of a transcript."""

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Sequence

from google.protobuf.message import Message

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.ingest_events_pb2 import CaptionsFound, StageFailed, WindowReady
from vidmesh.events.v1.stage_pb2 import Stage
from vidmesh.events.v1.transcribe_events_pb2 import SegmentHeard
from vidmesh_runtime import outbox
from vidmesh_runtime.crash import crash_point
from vidmesh_runtime.database import Connection
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.service import Parts
from vidmesh_runtime.work import Lease, LeaseLostError
from vidmesh_transcribe import captions, store, wire
from vidmesh_transcribe.captions import CaptionsError
from vidmesh_transcribe.child import RecognizerChild
from vidmesh_transcribe.completion import declare_if_whole
from vidmesh_transcribe.facts import STAGE
from vidmesh_transcribe.lanes import Lanes
from vidmesh_transcribe.language import Hearing
from vidmesh_transcribe.progress import Meter, Pace, Reading, Together
from vidmesh_transcribe.recognizer import Engine, RecognizerError
from vidmesh_transcribe.seams import settle
from vidmesh_transcribe.store import sql
from vidmesh_transcribe.transcript import Segment, Window, fit, fit_all, moved

CAPTIONS_ENGINE = "captions"
CAPTIONS_WINDOW = 300.0
"""Seconds of captions that are told at once."""


class Transcriber:
    """Does the transcribe stage's work."""

    def __init__(self, parts: Parts, lanes: Lanes, *, mixed_languages: bool) -> None:
        self._parts = parts
        self._lanes = lanes
        self._mixed_languages = mixed_languages
        self._pace = Pace()
        self._together: defaultdict[str, Together] = defaultdict(Together)

    async def window(self, lease: Lease) -> None:
        """Recognise a window, telling segments as they come; then write it for good and let its sound go."""
        ready = WindowReady.FromString(lease.payload)
        window = wire.window(ready)
        meter = await self._meter(lease, window)
        try:
            hearing, heard = await self._recognize(lease, ready, window, meter)
            crash_point("after-recognition")
            async with self._parts.pool.acquire() as connection, connection.transaction():
                await lease.complete(connection)
                own = await self._own(connection, lease, window, heard)
                await self._write(connection, lease, window, hearing, own)
                if hearing.decides and not self._mixed_languages:
                    await sql.keep_language(connection, job_id=lease.job_id, language=hearing.language)
                await declare_if_whole(connection, lease.job_id)
            reading = meter.finish(time.monotonic())
        finally:
            meter.close()
            if not self._together[lease.job_id].heard:
                del self._together[lease.job_id]
        await self._tell(lease, reading, "")
        await self._parts.media.delete(ready.media_key)

    async def captions(self, lease: Lease) -> None:
        """Take a file of captions for the whole transcript."""
        found = CaptionsFound.FromString(lease.payload)
        data = await self._object(found.media_key, "The captions are")
        try:
            segments = await asyncio.to_thread(captions.read, data.decode("utf-8", "replace"), found.language)
        except CaptionsError as error:
            raise Failure(ErrorReason.ERROR_REASON_NO_CAPTIONS, str(error)) from error
        digest = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        engine = Engine(
            name=CAPTIONS_ENGINE,
            model=found.language,
            revision=f"sha256:{digest}",
            languages=(),
        )
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await lease.complete(connection)
            await self._choose(connection, lease, engine)
            for window, held in captions.windows(segments, length=CAPTIONS_WINDOW):
                said = Hearing(
                    speech=sum(one.end - one.start for one in held),
                    language=held[0].language,
                    probability=1.0,
                )
                await self._write(connection, lease, window, said, held)
            await sql.keep_language(connection, job_id=lease.job_id, language=segments[0].language)
            await sql.take_captions(connection, job_id=lease.job_id)
            await declare_if_whole(connection, lease.job_id)

    async def given_up(self, connection: Connection, lease: Lease, failure: Failure) -> None:
        """Tell, once for a job and run, that there will be no whole transcript."""
        message = failure.to_proto()
        if await sql.give_up(connection, job_id=lease.job_id, failure=message.SerializeToString()):
            await outbox.tell(
                connection,
                tenant=lease.tenant,
                job_id=lease.job_id,
                stage=STAGE,
                fact=StageFailed(video_id=lease.video_id, stage=Stage.STAGE_TRANSCRIBE, failure=message),
            )

    async def _meter(self, lease: Lease, window: Window) -> Meter:
        pool = self._parts.pool
        tally = await sql.tally(pool, job_id=lease.job_id)
        length = await sql.length(pool, job_id=lease.job_id)
        together = self._together[lease.job_id]
        together.before = tally["seconds"]
        return Meter(window, self._pace, together, total=length or 0.0, now=time.monotonic())

    async def _begin(self, lease: Lease, engine: Engine, asked: str) -> str:
        """Say who recognises, if nobody did; the language to recognise in, empty to detect it."""
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await self._choose(connection, lease, engine)
            row = await sql.lock(connection, job_id=lease.job_id)
        kept: str = "" if row is None or self._mixed_languages else row["language"]
        return asked or kept

    async def _choose(self, connection: Connection, lease: Lease, engine: Engine) -> None:
        chosen = await sql.choose(
            connection,
            job_id=lease.job_id,
            engine=engine.name,
            model=engine.model,
            revision=engine.revision,
            notice=engine.notice,
        )
        if chosen:
            await outbox.tell(
                connection,
                tenant=lease.tenant,
                job_id=lease.job_id,
                stage=STAGE,
                fact=wire.started(lease.video_id, engine),
            )

    async def _recognize(
        self, lease: Lease, ready: WindowReady, window: Window, meter: Meter
    ) -> tuple[Hearing, list[Segment]]:
        """What is heard in a window and around it, on the clock of the video."""
        async with self._lanes.free() as recognizer:
            if recognizer.pid is None or recognizer.activity:
                activity = recognizer.activity or "loading the recogniser"
                await self._tell(lease, meter.read(window.start, time.monotonic()), activity)
            try:
                engine = await recognizer.engine()
                language = await self._begin(lease, engine, ready.language)
                sound = await self._sound(ready)
                return await self._listen(recognizer, lease, window, meter, sound=sound, language=language)
            except RecognizerError as error:
                raise wire.failure(error) from error

    async def _listen(
        self,
        recognizer: RecognizerChild,
        lease: Lease,
        window: Window,
        meter: Meter,
        *,
        sound: bytes,
        language: str,
    ) -> tuple[Hearing, list[Segment]]:
        heard: list[Segment] = []
        told: list[Segment] = []

        async def hear(segment: Segment) -> None:
            heard.append(moved(segment, window.start - window.lead))
            for own in settle(heard[-1:], window, before=None, after=None):
                told.append(fit(own, window, after=told[-1].end if told else window.start))
                message = wire.segment(told[-1], window_index=window.index, place=len(told) - 1)
                await self._tick(lease, SegmentHeard(window_index=window.index, segment=message))
            now = time.monotonic()
            if meter.is_due(now):
                await self._tell(lease, meter.read(heard[-1].end, now), "recognising")

        await self._tell(lease, meter.read(window.start, time.monotonic()), "recognising")
        hearing = await recognizer.recognize(sound, language=language, heard=hear)
        return hearing, heard

    async def _own(
        self, connection: Connection, lease: Lease, window: Window, heard: Sequence[Segment]
    ) -> list[Segment]:
        """What of it is this window's, next to what its neighbours have: theirs must not change meanwhile."""
        await sql.lock(connection, job_id=lease.job_id)
        before, after = [
            await store.words_near(connection, lease.job_id, index, at) if context else None
            for index, at, context in (
                (window.index - 1, window.start, window.lead),
                (window.index + 1, window.end, window.trail),
            )
        ]
        return list(fit_all(settle(heard, window, before=before, after=after), window))

    async def _sound(self, ready: WindowReady) -> bytes:
        return await self._object(ready.media_key, f"The sound of window {ready.index} is")

    async def _object(self, key: str, what: str) -> bytes:
        try:
            return await self._parts.media.get(key)
        except FileNotFoundError as error:
            raise Failure(ErrorReason.ERROR_REASON_UNAVAILABLE, f"{what} not in the media store.") from error

    async def _write(
        self, connection: Connection, lease: Lease, window: Window, hearing: Hearing, heard: Sequence[Segment]
    ) -> None:
        if await sql.lock(connection, job_id=lease.job_id) is None:
            raise LeaseLostError(f"{lease.key}: the video was deleted")
        await store.keep(connection, lease.job_id, window, hearing, heard)
        await outbox.tell(
            connection,
            tenant=lease.tenant,
            job_id=lease.job_id,
            stage=STAGE,
            fact=wire.transcribed(lease.video_id, window, heard, language=hearing.language),
        )

    async def _tell(self, lease: Lease, reading: Reading, activity: str) -> None:
        await self._tick(lease, wire.progress(reading, activity=activity))

    async def _tick(self, lease: Lease, event: Message) -> None:
        await self._parts.ticker.tick(tenant=lease.tenant, job_id=lease.job_id, stage=STAGE, event=event)
