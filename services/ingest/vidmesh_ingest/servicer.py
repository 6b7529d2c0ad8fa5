"""IngestService over gRPC."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import grpc
from nats.errors import Error as NatsError

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.ingest_events_pb2 import Priority
from vidmesh.ingest.v1 import ingest_service_pb2 as api
from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceServicer
from vidmesh_ingest import asking, steering
from vidmesh_ingest.api_keys import create_key, list_keys, revoke_key
from vidmesh_ingest.authorization import Signer
from vidmesh_ingest.fetching import Fetcher
from vidmesh_ingest.letters import drop_letter, get_letter, list_letters
from vidmesh_ingest.quota import Quota
from vidmesh_ingest.reason import SourceError
from vidmesh_ingest.store import get_job, get_media, get_upload, list_jobs, parse_id
from vidmesh_ingest.submission import accept
from vidmesh_ingest.uploads import Uploads
from vidmesh_ingest.watching import Watching
from vidmesh_ingest.wire import to_api_key, to_failure, to_job, to_upload
from vidmesh_runtime import bus, idempotency, paging
from vidmesh_runtime.auth import caller
from vidmesh_runtime.database import Connection
from vidmesh_runtime.errors import Failure, invalid, not_found
from vidmesh_runtime.service import Parts

Context = grpc.aio.ServicerContext[Any, Any]


class Servicer(IngestServiceServicer):
    """Takes requests, each for its caller's tenant, and answers them."""

    def __init__(
        self,
        parts: Parts,
        uploads: Uploads,
        fetcher: Fetcher,
        quota: Quota,
        *,
        playlist_limit: int,
        signer: Signer,
    ) -> None:
        self._pool = parts.pool
        self._bus = parts.bus
        self._media = parts.media
        self._uploads = uploads
        self._fetcher = fetcher
        self._quota = quota
        self._playlist_limit = playlist_limit
        self._signer = signer
        self._watching = Watching(parts)

    async def SubmitVideo(self, request: api.SubmitVideoRequest, context: Context) -> api.SubmitVideoResponse:
        """Take a video on."""
        self._require_bus()

        async def act(connection: Connection) -> api.SubmitVideoResponse:
            wanted = await asking.submission(connection, caller().tenant, request)
            job, existing = await accept(connection, wanted, self._quota)
            return api.SubmitVideoResponse(job=to_job(job), existing=existing)

        return await idempotency.once(self._pool, request, api.SubmitVideoResponse, act)

    async def SubmitPlaylist(
        self, request: api.SubmitPlaylistRequest, context: Context
    ) -> AsyncIterator[api.SubmitPlaylistResponse]:
        """Take a playlist's videos on, as they are found."""
        self._require_bus()
        link = asking.link("url", request.url)
        if request.limit < 0:
            raise invalid("limit", "A limit is no less than 0.")
        limit = min(request.limit or self._playlist_limit, self._playlist_limit)
        index = 0
        try:
            async with aclosing(self._fetcher.entries(link.url, limit)) as entries:
                async for entry in entries:
                    told = api.SubmitPlaylistResponse(index=index, url=entry.url, title=entry.title)
                    index += 1
                    if await self._took_on(request, told):
                        yield told
        except SourceError as error:
            raise to_failure(error) from error

    async def _took_on(self, request: api.SubmitPlaylistRequest, told: api.SubmitPlaylistResponse) -> bool:
        """Take one entry on and tell its job; False where it cannot be, which does not stop the others."""
        single = api.SubmitVideoRequest(
            force=request.force,
            captions=request.captions,
            language=request.language,
            priority=Priority.PRIORITY_BATCH,
        )
        single.source.url = told.url
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                wanted = await asking.submission(connection, caller().tenant, single)
                job, told.existing = await accept(connection, wanted, self._quota)
        except Failure as failure:
            if failure.metadata.get("field") != "source.url":
                raise
            return False
        told.job.CopyFrom(to_job(job))
        return True

    async def CreateUpload(
        self, request: api.CreateUploadRequest, context: Context
    ) -> api.CreateUploadResponse:
        """Begin an upload."""

        async def act(connection: Connection) -> api.CreateUploadResponse:
            tenant = caller().tenant
            made = await self._uploads.create(connection, tenant, request.filename, request.size_bytes)
            return api.CreateUploadResponse(upload=to_upload(made))

        return await idempotency.once(self._pool, request, api.CreateUploadResponse, act)

    async def WriteUpload(self, request: api.WriteUploadRequest, context: Context) -> api.WriteUploadResponse:
        """Append a chunk."""
        upload_id = parse_id("upload", request.upload_id)
        upload = await self._uploads.write(caller().tenant, upload_id, request.offset, request.data)
        return api.WriteUploadResponse(upload=to_upload(upload))

    async def UploadVideo(
        self, request_iterator: AsyncIterator[api.UploadVideoRequest], context: Context
    ) -> api.UploadVideoResponse:
        """Take a whole file."""
        first = await anext(aiter(request_iterator), None)
        if first is None or first.WhichOneof("part") != "header":
            raise invalid("header", "The first message must have a header.")
        upload = (await self.CreateUpload(first.header, context)).upload
        tenant, upload_id, offset = caller().tenant, UUID(upload.id), 0
        async for part in request_iterator:
            if part.WhichOneof("part") != "chunk":
                raise invalid("chunk", "Every message after the first must have a chunk.")
            await self._uploads.write(tenant, upload_id, offset, part.chunk)
            offset += len(part.chunk)
        complete = await self._uploads.complete(tenant, upload_id, "")
        return api.UploadVideoResponse(upload=to_upload(complete))

    async def GetUpload(self, request: api.GetUploadRequest, context: Context) -> api.GetUploadResponse:
        """Tell where an upload stands."""
        upload = await get_upload(self._pool, caller().tenant, parse_id("upload", request.upload_id))
        return api.GetUploadResponse(upload=to_upload(upload))

    async def CompleteUpload(
        self, request: api.CompleteUploadRequest, context: Context
    ) -> api.CompleteUploadResponse:
        """Declare an upload complete."""
        upload_id = parse_id("upload", request.upload_id)
        upload = await self._uploads.complete(caller().tenant, upload_id, request.sha256)
        return api.CompleteUploadResponse(upload=to_upload(upload))

    async def GetJob(self, request: api.GetJobRequest, context: Context) -> api.GetJobResponse:
        """Give a job."""
        job = await get_job(self._pool, caller().tenant, parse_id("job", request.job_id))
        return api.GetJobResponse(job=to_job(job))

    async def ListJobs(self, request: api.ListJobsRequest, context: Context) -> api.ListJobsResponse:
        """List jobs, newest first."""
        size = paging.page_size(request.page_size)
        jobs = await list_jobs(
            self._pool,
            caller().tenant,
            states=asking.states(request.states),
            video_id=parse_id("video", request.video_id) if request.video_id else None,
            before=_cursor(paging.read_token(request, request.page_token, datetime, str)),
            most=size + 1,
        )
        page = jobs[:size]
        token = paging.make_token(request, page[-1].created_at, str(page[-1].id)) if len(jobs) > size else ""
        return api.ListJobsResponse(jobs=[to_job(job) for job in page], next_page_token=token)

    async def WatchJob(
        self, request: api.WatchJobRequest, context: Context
    ) -> AsyncIterator[api.WatchJobResponse]:
        """Stream a job's events."""
        job = await get_job(self._pool, caller().tenant, parse_id("job", request.job_id))
        async with aclosing(self._watching.job(job, asking.sequence(request.after_sequence))) as responses:
            async for response in responses:
                yield response

    async def WatchJobs(
        self, request: api.WatchJobsRequest, context: Context
    ) -> AsyncIterator[api.WatchJobsResponse]:
        """Stream the events of all jobs."""
        after = asking.sequence(request.after_sequence)
        async with aclosing(self._watching.jobs(caller().tenant, after)) as responses:
            async for response in responses:
                yield response

    async def CancelJob(self, request: api.CancelJobRequest, context: Context) -> api.CancelJobResponse:
        """Stop a job."""
        job_id = parse_id("job", request.job_id)

        async def act(connection: Connection) -> api.CancelJobResponse:
            return api.CancelJobResponse(
                job=to_job(await steering.cancel(connection, caller().tenant, job_id))
            )

        answer = await idempotency.once(self._pool, request, api.CancelJobResponse, act)
        await self._tell_workers(job_id)
        return answer

    async def RetryJob(self, request: api.RetryJobRequest, context: Context) -> api.RetryJobResponse:
        """Run a job's failed and cancelled stages again."""
        job_id = parse_id("job", request.job_id)

        async def act(connection: Connection) -> api.RetryJobResponse:
            return api.RetryJobResponse(job=to_job(await steering.retry(connection, caller().tenant, job_id)))

        return await idempotency.once(self._pool, request, api.RetryJobResponse, act)

    async def GetMedia(self, request: api.GetMediaRequest, context: Context) -> api.GetMediaResponse:
        """Give a piece of a video's source."""
        video_id = parse_id("video", request.video_id)
        offset, length = asking.piece(request)
        kept = await get_media(self._pool, caller().tenant, video_id)
        try:
            size = await self._media.size(kept.key)
            data = await self._media.piece(kept.key, offset, length) if offset < size else b""
        except FileNotFoundError as error:
            raise not_found("media of video", str(video_id)) from error
        return api.GetMediaResponse(data=data, size_bytes=size, media_type=kept.type)

    async def DeleteVideo(self, request: api.DeleteVideoRequest, context: Context) -> api.DeleteVideoResponse:
        """Delete a video and all that was made of it."""
        video_id = parse_id("video", request.video_id)
        jobs: list[UUID] = []

        async def act(connection: Connection) -> api.DeleteVideoResponse:
            jobs.extend(await steering.delete(connection, caller().tenant, video_id))
            return api.DeleteVideoResponse()

        answer = await idempotency.once(self._pool, request, api.DeleteVideoResponse, act)
        await self._tell_workers(*jobs)
        return answer

    async def ListDeadLetters(
        self, request: api.ListDeadLettersRequest, context: Context
    ) -> api.ListDeadLettersResponse:
        """List what was given up."""
        size = paging.page_size(request.page_size)
        found = await list_letters(
            self._pool,
            caller().tenant,
            job_id=request.job_id,
            before=_cursor(paging.read_token(request, request.page_token, datetime, str)),
            most=size + 1,
        )
        page = found[:size]
        token = paging.make_token(request, page[-1].buried_at, str(page[-1].id)) if len(found) > size else ""
        return api.ListDeadLettersResponse(letters=[one.letter for one in page], next_page_token=token)

    async def GetDeadLetter(
        self, request: api.GetDeadLetterRequest, context: Context
    ) -> api.GetDeadLetterResponse:
        """Give a dead letter."""
        letter_id = parse_id("dead letter", request.letter_id)
        return api.GetDeadLetterResponse(letter=await get_letter(self._pool, caller().tenant, letter_id))

    async def RetryDeadLetter(
        self, request: api.RetryDeadLetterRequest, context: Context
    ) -> api.RetryDeadLetterResponse:
        """Have what was given up done after all."""
        letter_id = parse_id("dead letter", request.letter_id)

        async def act(connection: Connection) -> api.RetryDeadLetterResponse:
            job = await steering.retry_letter(connection, caller().tenant, letter_id)
            return api.RetryDeadLetterResponse(job=None if job is None else to_job(job))

        return await idempotency.once(self._pool, request, api.RetryDeadLetterResponse, act)

    async def DropDeadLetter(
        self, request: api.DropDeadLetterRequest, context: Context
    ) -> api.DropDeadLetterResponse:
        """Drop a dead letter."""
        await drop_letter(self._pool, caller().tenant, parse_id("dead letter", request.letter_id))
        return api.DropDeadLetterResponse()

    async def CreateApiKey(
        self, request: api.CreateApiKeyRequest, context: Context
    ) -> api.CreateApiKeyResponse:
        """Make an API key."""
        if not self._signer.is_there:
            raise Failure(
                ErrorReason.ERROR_REASON_WRONG_STATE,
                "API keys open nothing here: ingest has no key to sign with (VIDMESH_SIGNING_KEY_PATH).",
            )
        ttl = asking.time_to_live(request.ttl) if request.HasField("ttl") else None
        async with self._pool.acquire() as connection, connection.transaction():
            key, secret = await create_key(
                connection, caller().tenant, name=request.name, scopes=request.scopes, ttl=ttl
            )
        return api.CreateApiKeyResponse(key=to_api_key(key), secret=secret)

    async def ListApiKeys(self, request: api.ListApiKeysRequest, context: Context) -> api.ListApiKeysResponse:
        """List the tenant's API keys."""
        keys = await list_keys(self._pool, caller().tenant)
        return api.ListApiKeysResponse(keys=[to_api_key(key) for key in keys])

    async def RevokeApiKey(
        self, request: api.RevokeApiKeyRequest, context: Context
    ) -> api.RevokeApiKeyResponse:
        """End an API key."""
        key = await revoke_key(self._pool, caller().tenant, request.key_id)
        return api.RevokeApiKeyResponse(key=to_api_key(key))

    def _require_bus(self) -> None:
        """Raises Failure RESOURCE_EXHAUSTED while nothing can be told to the other stages, though the bus is there.

        While the bus is away, jobs are taken on all the same and run when it is back.
        """
        if self._bus.refuses:
            raise Failure(
                ErrorReason.ERROR_REASON_RESOURCE_EXHAUSTED,
                "The bus of this mesh stores nothing at present; its disk may be full.",
                retry_after=timedelta(seconds=10),
            )

    async def _tell_workers(self, *jobs: UUID) -> None:
        """Tell workers at once that jobs were cancelled; the facts tell them later if this is lost."""
        subjects = [bus.cancel_subject(str(job_id)) for job_id in jobs]
        with contextlib.suppress(NatsError, OSError):
            await asyncio.gather(*(self._bus.client.publish(subject) for subject in subjects))


def _cursor(values: list[str | int | float | datetime] | None) -> tuple[datetime, UUID] | None:
    if values is None:
        return None
    try:
        created_at, job_id = values
        return datetime.fromisoformat(str(created_at)), UUID(str(job_id))
    except ValueError as error:
        raise Failure(ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN) from error
