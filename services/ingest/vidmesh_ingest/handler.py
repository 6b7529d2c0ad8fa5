"""The work of the stage: a source in, windows and captions out."""

import asyncio
import contextlib
import logging
import shutil
from datetime import timedelta
from pathlib import Path

from google.protobuf.wrappers_pb2 import StringValue

from vidmesh.events.v1.ingest_events_pb2 import (
    StageFailed,
    StageProgress,
)
from vidmesh.events.v1.stage_pb2 import STAGE_INGEST
from vidmesh_ingest.attempt import Attempt
from vidmesh_ingest.ending import STAGE, WHOLE, end_stage, windows_folder
from vidmesh_ingest.fetching import Fetcher
from vidmesh_ingest.identity import host_of
from vidmesh_ingest.job import Job
from vidmesh_ingest.media import MediaLimits
from vidmesh_ingest.reason import Reason, SourceError
from vidmesh_ingest.store import get_job, parse_id, sql
from vidmesh_ingest.windows import CutPlan
from vidmesh_ingest.wire import to_failure
from vidmesh_runtime import outbox
from vidmesh_runtime.database import UNREACHABLE, Connection
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
                await Attempt(self._parts, self._limits, self._plan, job, source, lease=lease).run()
        except BaseException as error:
            failure = await self._failed(job, folder, error) if isinstance(error, SourceError) else None
            with contextlib.suppress(*UNREACHABLE):
                # Who has lost a lease is cancelled besides, as soon as its worker hears of it.
                await asyncio.shield(self._leave_nothing(job, folder))
            if failure is not None:
                raise failure from error
            raise
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

    async def _leave_nothing(self, job: Job, folder: Path) -> None:
        """Deletes what was made too late: others may have ended the job or deleted its video by then.

        What a job that can be retried goes on with stays.
        """
        video = f"{job.tenant}/{job.video_id}"
        row = await sql.job(self._parts.pool, tenant=job.tenant, id=job.id)
        if row is None:
            if not await sql.has_jobs(self._parts.pool, video_id=job.video_id):
                await self._parts.media.delete_folder(video)
        elif row["state"] in WHOLE:
            await self._parts.media.delete_folder(windows_folder(job.tenant, job.video_id, job.id))
        else:
            return
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def tidy(self, lease: Lease) -> None:
        """Deletes a folder of the media store, and what was left half written beside it by a process that died."""
        folder = StringValue.FromString(lease.payload).value
        await self._parts.media.delete_folder(folder)
        tenant, video, *_ = folder.split("/")
        await self._parts.media.delete_unfinished(f"{tenant}/{video}")
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
