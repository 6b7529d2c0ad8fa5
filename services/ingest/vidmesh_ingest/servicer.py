"""IngestService over gRPC."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import grpc

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.ingest_events_pb2 import JobCancelled, JobRetried, Priority, VideoDeleted
from vidmesh.ingest.v1 import ingest_service_pb2 as api
from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceServicer
from vidmesh_ingest.ending import STAGE, end_job, tidy_later
from vidmesh_ingest.fetching import Fetcher
from vidmesh_ingest.identity import LinkError, parse_link, upload_key
from vidmesh_ingest.job import Job
from vidmesh_ingest.outcome import ENDED, RETRIABLE, JobState
from vidmesh_ingest.reason import SourceError
from vidmesh_ingest.site import Entry
from vidmesh_ingest.store import get_job, get_upload, list_jobs, open_jobs, parse_id, sql
from vidmesh_ingest.submission import Submission, accept
from vidmesh_ingest.uploads import Uploads
from vidmesh_ingest.wire import state_of, to_failure, to_job, to_timestamp, to_upload
from vidmesh_runtime import bus, idempotency, outbox, paging, work
from vidmesh_runtime.auth import caller
from vidmesh_runtime.database import Connection
from vidmesh_runtime.errors import Failure, invalid, not_found
from vidmesh_runtime.history import History
from vidmesh_runtime.service import Parts
from vidmesh_runtime.watch import Gap, Heartbeat

Context = grpc.aio.ServicerContext[Any, Any]

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_TITLE = 500
_SETTLED = timedelta(minutes=1)


class Servicer(IngestServiceServicer):
    """Takes requests, each for its caller's tenant, and answers them."""

    def __init__(self, parts: Parts, uploads: Uploads, fetcher: Fetcher, playlist_limit: int) -> None:
        self._parts = parts
        self._pool = parts.pool
        self._uploads = uploads
        self._fetcher = fetcher
        self._playlist_limit = playlist_limit
        self._history = History(parts.bus)

    async def SubmitVideo(self, request: api.SubmitVideoRequest, context: Context) -> api.SubmitVideoResponse:
        async def act(connection: Connection) -> api.SubmitVideoResponse:
            job, existing = await accept(connection, await self._submission(connection, request))
            return api.SubmitVideoResponse(job=to_job(job), existing=existing)

        return await idempotency.once(self._pool, request, api.SubmitVideoResponse, act)

    async def SubmitPlaylist(
        self, request: api.SubmitPlaylistRequest, context: Context
    ) -> AsyncIterator[api.SubmitPlaylistResponse]:
        _check_url("url", request.url)
        if request.limit < 0:
            raise invalid("limit", "A limit is no less than 0.")
        limit = min(request.limit or self._playlist_limit, self._playlist_limit)
        async with aclosing(self._entries(request.url, limit)) as entries:
            index = 0
            async for entry in entries:
                wanted = api.SubmitVideoRequest(
                    force=request.force,
                    captions=request.captions,
                    language=request.language,
                    priority=Priority.PRIORITY_BATCH,
                )
                wanted.source.url = entry.url
                try:
                    async with self._pool.acquire() as connection, connection.transaction():
                        job, existing = await accept(connection, await self._submission(connection, wanted))
                except Failure:
                    continue
                yield api.SubmitPlaylistResponse(
                    index=index, url=entry.url, title=entry.title, job=to_job(job), existing=existing
                )
                index += 1

    async def CreateUpload(
        self, request: api.CreateUploadRequest, context: Context
    ) -> api.CreateUploadResponse:
        async def act(connection: Connection) -> api.CreateUploadResponse:
            made = await self._uploads.create(
                connection, caller().tenant, request.filename, request.size_bytes
            )
            return api.CreateUploadResponse(upload=to_upload(made))

        return await idempotency.once(self._pool, request, api.CreateUploadResponse, act)

    async def WriteUpload(self, request: api.WriteUploadRequest, context: Context) -> api.WriteUploadResponse:
        upload_id = parse_id("upload", request.upload_id)
        upload = await self._uploads.write(caller().tenant, upload_id, request.offset, request.data)
        return api.WriteUploadResponse(upload=to_upload(upload))

    async def UploadVideo(
        self, request_iterator: AsyncIterator[api.UploadVideoRequest], context: Context
    ) -> api.UploadVideoResponse:
        tenant = caller().tenant
        upload = None
        async for part in request_iterator:
            if upload is None:
                if part.WhichOneof("part") != "header":
                    raise invalid("header", "The first message must have a header.")
                upload = (await self.CreateUpload(part.header, context)).upload
            elif part.WhichOneof("part") != "chunk":
                raise invalid("chunk", "Every message after the first must have a chunk.")
            else:
                upload = to_upload(
                    await self._uploads.write(tenant, UUID(upload.id), upload.offset, part.chunk)
                )
        if upload is None:
            raise invalid("header", "The stream has no message.")
        return api.UploadVideoResponse(
            upload=to_upload(await self._uploads.complete(tenant, UUID(upload.id), ""))
        )

    async def GetUpload(self, request: api.GetUploadRequest, context: Context) -> api.GetUploadResponse:
        upload_id = parse_id("upload", request.upload_id)
        return api.GetUploadResponse(
            upload=to_upload(await get_upload(self._pool, caller().tenant, upload_id))
        )

    async def CompleteUpload(
        self, request: api.CompleteUploadRequest, context: Context
    ) -> api.CompleteUploadResponse:
        upload_id = parse_id("upload", request.upload_id)
        upload = await self._uploads.complete(caller().tenant, upload_id, request.sha256)
        return api.CompleteUploadResponse(upload=to_upload(upload))

    async def GetJob(self, request: api.GetJobRequest, context: Context) -> api.GetJobResponse:
        return api.GetJobResponse(job=to_job(await self._job(request.job_id)))

    async def ListJobs(self, request: api.ListJobsRequest, context: Context) -> api.ListJobsResponse:
        size = paging.page_size(request.page_size)
        try:
            states = [state_of(number) for number in request.states]
        except ValueError as error:
            raise invalid("states", "A state is none that a job can have.") from error
        cursor = paging.read_token(request, request.page_token, datetime, str)
        jobs = await list_jobs(
            self._pool,
            caller().tenant,
            states=states,
            video_id=parse_id("video", request.video_id) if request.video_id else None,
            before=None if cursor is None else _cursor(cursor),
            most=size + 1,
        )
        page = jobs[:size]
        token = paging.make_token(request, page[-1].created_at, str(page[-1].id)) if len(jobs) > size else ""
        return api.ListJobsResponse(jobs=[to_job(job) for job in page], next_page_token=token)

    async def WatchJob(
        self, request: api.WatchJobRequest, context: Context
    ) -> AsyncIterator[api.WatchJobResponse]:
        job = await self._job(request.job_id)
        after = _after(request.after_sequence)
        if job.ended_number is not None:
            told = await self._told(job, after)
            if told is not None:
                for response in told:
                    yield response
                return
        async with aclosing(self._parts.watchtower.watch(job.tenant, str(job.id), after=after)) as events:  # type: ignore[type-var]  # an async generator, as its callee says
            async for event in events:
                if isinstance(event, Gap):
                    yield api.WatchJobResponse(snapshot=await self._snapshot(job.id, event.sequence))
                elif isinstance(event, Heartbeat):
                    yield api.WatchJobResponse(heartbeat=_heartbeat())
                else:
                    message = event.to_job_event()
                    yield api.WatchJobResponse(event=message)
                    if event.kind == "job_ended" and await self._is_last(job.id, message.job_ended.run):
                        return

    async def WatchJobs(
        self, request: api.WatchJobsRequest, context: Context
    ) -> AsyncIterator[api.WatchJobsResponse]:
        tenant = caller().tenant
        after = _after(request.after_sequence) or None
        async with aclosing(self._parts.watchtower.watch(tenant, None, after=after)) as events:  # type: ignore[type-var]  # an async generator, as its callee says
            async for event in events:
                if isinstance(event, Gap):
                    for job in await open_jobs(self._pool, tenant):
                        yield api.WatchJobsResponse(
                            snapshot=api.JobSnapshot(sequence=event.sequence, job=to_job(job))
                        )
                elif isinstance(event, Heartbeat):
                    yield api.WatchJobsResponse(heartbeat=_heartbeat())
                else:
                    yield api.WatchJobsResponse(event=event.to_job_event())

    async def CancelJob(self, request: api.CancelJobRequest, context: Context) -> api.CancelJobResponse:
        job_id = parse_id("job", request.job_id)

        async def act(connection: Connection) -> api.CancelJobResponse:
            tenant = caller().tenant
            row = await sql.lock_job(connection, tenant=tenant, id=job_id)
            if row is None:
                raise not_found("job", request.job_id)
            state = JobState(row["state"])
            if state in ENDED and state is not JobState.CANCELLED:
                raise Failure(ErrorReason.ERROR_REASON_WRONG_STATE, f"The job has ended: it is {state}.")
            if state not in ENDED:
                await _cancel(connection, tenant, job_id, str(row["video_id"]))
            return api.CancelJobResponse(job=to_job(await get_job(connection, tenant, job_id)))

        answer = await idempotency.once(self._pool, request, api.CancelJobResponse, act)
        await self._parts.bus.client.publish(bus.cancel_subject(str(job_id)))
        return answer

    async def RetryJob(self, request: api.RetryJobRequest, context: Context) -> api.RetryJobResponse:
        job_id = parse_id("job", request.job_id)

        async def act(connection: Connection) -> api.RetryJobResponse:
            tenant = caller().tenant
            row = await sql.lock_job(connection, tenant=tenant, id=job_id)
            if row is None:
                raise not_found("job", request.job_id)
            if JobState(row["state"]) not in RETRIABLE:
                raise Failure(
                    ErrorReason.ERROR_REASON_WRONG_STATE,
                    f"There is nothing to retry: the job is {row['state']}.",
                )
            await sql.reopen_stages(connection, job_id=job_id)
            run = await sql.reopen_job(connection, job_id=job_id)
            fact = JobRetried(video_id=str(row["video_id"]), run=run)
            await outbox.tell(connection, tenant=tenant, job_id=str(job_id), stage=STAGE, fact=fact)
            return api.RetryJobResponse(job=to_job(await get_job(connection, tenant, job_id)))

        return await idempotency.once(self._pool, request, api.RetryJobResponse, act)

    async def DeleteVideo(self, request: api.DeleteVideoRequest, context: Context) -> api.DeleteVideoResponse:
        video_id = parse_id("video", request.video_id)
        jobs: list[UUID] = []

        async def act(connection: Connection) -> api.DeleteVideoResponse:
            tenant = caller().tenant
            if await sql.video(connection, tenant=tenant, id=video_id) is None:
                raise not_found("video", request.video_id)
            gone = VideoDeleted(video_id=str(video_id))
            for row in [row async for row in sql.video_jobs(connection, video_id=video_id)]:
                if JobState(row["state"]) not in ENDED:
                    await _cancel(connection, tenant, row["id"], str(video_id))
                await outbox.tell(connection, tenant=tenant, job_id=str(row["id"]), stage=STAGE, fact=gone)
                jobs.append(row["id"])
            await sql.delete_video(connection, id=video_id)
            # Work in hand has heard of its end by then.
            await tidy_later(connection, tenant, str(video_id), f"{tenant}/{video_id}", timedelta(seconds=5))
            return api.DeleteVideoResponse()

        answer = await idempotency.once(self._pool, request, api.DeleteVideoResponse, act)
        await asyncio.gather(
            *(self._parts.bus.client.publish(bus.cancel_subject(str(job_id))) for job_id in jobs)
        )
        return answer

    async def _entries(self, url: str, limit: int) -> AsyncGenerator[Entry, None]:
        with TemporaryDirectory(prefix="playlist-") as folder:
            try:
                async for entry in self._fetcher.entries(url, Path(folder), limit):
                    yield entry
            except SourceError as error:
                raise to_failure(error) from error

    async def _submission(self, connection: Connection, request: api.SubmitVideoRequest) -> Submission:
        tenant = caller().tenant
        title = "".join(c for c in request.title if c.isprintable()).strip()
        if len(title) > _TITLE:
            raise invalid("title", f"A title has at most {_TITLE} characters.")
        if request.language and not _LANGUAGE.fullmatch(request.language):
            raise invalid("language", "The language must be a BCP 47 tag such as en or pt-BR.")
        name = ""
        match request.source.WhichOneof("source"):
            case "url":
                key, source = _check_url("source.url", request.source.url), request.source.url.strip()
            case "upload_id":
                upload_id = parse_id("upload", request.source.upload_id)
                upload = await get_upload(connection, tenant, upload_id)
                if not upload.complete:
                    raise Failure(
                        ErrorReason.ERROR_REASON_WRONG_STATE,
                        "The upload is not complete: call CompleteUpload first.",
                    )
                key, source, title = (
                    upload_key(upload.sha256),
                    f"upload:{upload.id}",
                    title or upload.filename,
                )
            case _:
                raise invalid("source", "A source is needed: a url or an upload_id.")
        return Submission(
            tenant=tenant,
            key=key,
            source=source,
            title=title,
            name=name,
            captions=request.captions,
            language=request.language,
            priority=request.priority,
            force=request.force,
        )

    async def _job(self, text: str) -> Job:
        return await get_job(self._pool, caller().tenant, parse_id("job", text))

    async def _told(self, job: Job, after: int) -> list[api.WatchJobResponse] | None:
        """What there is to tell of an ended job to a watcher that is at its end already, or whose events are gone.

        None where the events themselves are there to be told.
        """
        subject = bus.event_subject(job.tenant, str(job.id), STAGE, "*")
        here = (str(job.id), STAGE)
        if after and (await self._history.last_numbers(subject, through=after)).get(here, 0) >= (
            job.ended_number or 0
        ):
            return []
        if job.ended_at is None or datetime.now(UTC) - job.ended_at < _SETTLED:
            return None
        last = (await self._history.bounds()).last
        if (await self._history.last_numbers(subject, through=last)).get(here, 0) >= (job.ended_number or 0):
            return None
        return [api.WatchJobResponse(snapshot=api.JobSnapshot(sequence=last, job=to_job(job)))]

    async def _snapshot(self, job_id: UUID, sequence: int) -> api.JobSnapshot:
        return api.JobSnapshot(
            sequence=sequence, job=to_job(await get_job(self._pool, caller().tenant, job_id))
        )

    async def _is_last(self, job_id: UUID, run: int) -> bool:
        """Whether the job has ended for good with this run. A job that was deleted meanwhile has."""
        row = await sql.job(self._pool, tenant=caller().tenant, id=job_id)
        return row is None or (row["run"] <= run and JobState(row["state"]) in ENDED)


async def _cancel(connection: Connection, tenant: str, job_id: UUID, video_id: str) -> None:
    await sql.cancel_stages(connection, job_id=job_id)
    await work.cancel_job(connection, str(job_id))
    fact = JobCancelled(video_id=video_id)
    await outbox.tell(connection, tenant=tenant, job_id=str(job_id), stage=STAGE, fact=fact)
    await end_job(connection, tenant, job_id, JobState.CANCELLED, None)


def _check_url(field: str, url: str) -> str:
    try:
        return parse_link(url).key
    except LinkError as error:
        raise invalid(field, str(error)) from error


def _after(sequence: int) -> int:
    if sequence < 0:
        raise invalid("after_sequence", "A sequence is no less than 0.")
    return sequence


def _cursor(values: list[str | int | float | datetime]) -> tuple[datetime, UUID]:
    created_at, job_id = values
    if not isinstance(created_at, datetime):
        raise Failure(ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN)
    return created_at, UUID(str(job_id))


def _heartbeat() -> api.Heartbeat:
    return api.Heartbeat(time=to_timestamp(datetime.now(UTC)))
