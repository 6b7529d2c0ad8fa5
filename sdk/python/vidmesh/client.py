"""The asynchronous client: one connection to a mesh, its four services, and what their streams need."""

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import grpc
import grpc.aio

from vidmesh.calls import Caller, TokenSource
from vidmesh.error import VidmeshError
from vidmesh.events.v1.dead_letter_pb2 import DeadLetter
from vidmesh.events.v1.ingest_events_pb2 import CaptionMode, Priority
from vidmesh.events.v1.text_pb2 import Chapter, Segment
from vidmesh.follow import follow_summary, follow_transcript
from vidmesh.ingest.v1.api_key_pb2 import ApiKey
from vidmesh.ingest.v1.ingest_service_pb2 import (
    CancelJobRequest,
    CreateApiKeyRequest,
    CreateApiKeyResponse,
    DeleteVideoRequest,
    DropDeadLetterRequest,
    GetDeadLetterRequest,
    GetJobRequest,
    ListApiKeysRequest,
    ListDeadLettersRequest,
    ListJobsRequest,
    RetryDeadLetterRequest,
    RetryJobRequest,
    RevokeApiKeyRequest,
    SubmitPlaylistRequest,
    SubmitPlaylistResponse,
    SubmitVideoRequest,
    SubmitVideoResponse,
    WatchJobResponse,
    WatchJobsResponse,
)
from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceStub
from vidmesh.ingest.v1.job_pb2 import Job, JobState
from vidmesh.ingest.v1.upload_pb2 import Upload
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh.pages import pages
from vidmesh.query.v1.conversation_pb2 import Conversation
from vidmesh.query.v1.library_pb2 import Folder, Tag, Video
from vidmesh.query.v1.query_service_pb2 import (
    AskRequest,
    AskResponse,
    GetVideoRequest,
    ListConversationsRequest,
    ListFoldersRequest,
    ListTagsRequest,
    ListVideosRequest,
    SearchRequest,
    VideoOrder,
)
from vidmesh.query.v1.query_service_pb2_grpc import QueryServiceStub
from vidmesh.query.v1.search_pb2 import Hit, Scope
from vidmesh.resume import PATIENCE, OnBreak, OnOpen
from vidmesh.submission import AsyncSubmission, Submitting
from vidmesh.summarize.v1.summarize_service_pb2 import ListChaptersRequest, StreamSummaryResponse
from vidmesh.summarize.v1.summarize_service_pb2_grpc import SummarizeServiceStub
from vidmesh.transcribe.v1.transcribe_service_pb2 import (
    ExportTranscriptRequest,
    GetTranscriptRequest,
    StreamTranscriptResponse,
)
from vidmesh.transcribe.v1.transcribe_service_pb2_grpc import TranscribeServiceStub
from vidmesh.transcribe.v1.transcript_pb2 import ExportFormat
from vidmesh.upload import PATIENCE as UPLOAD_PATIENCE
from vidmesh.upload import OnProgress, Sender
from vidmesh.watch import watch_job, watch_jobs

ENDPOINT = "http://127.0.0.1:8080"
"""Where `vidmesh up` answers."""

HEAD_START = timedelta(seconds=3)
"""How long a file may be sent before its job begins without the rest."""

LARGEST_MESSAGE = 64 * 1024 * 1024
"""Bytes: a whole day's transcript as one export fits."""

_STOPPING = 5.0
"""Seconds that it may take to stop a job whose bytes will not come."""


class AsyncClient:
    """A mesh, by its endpoint and a token.

    `ingest`, `transcribe`, `summarize` and `query` are the services' own stubs: every call of the API is there. All calls
    raise VidmeshError, carry the token, and end after `deadline` unless they stream. A mutation gets a request_id where it
    has none; a call that may be repeated is tried up to `attempts` times where its failure says that trying again helps.
    An https endpoint's certificate must be vouched for by `authorities`, in PEM, or where that is None by a known one.

    Leaving `async with` waits until the files are sent that were submitted; leaving it by an error stops that.
    """

    def __init__(
        self,
        endpoint: str = ENDPOINT,
        token: TokenSource | None = None,
        *,
        deadline: timedelta = timedelta(seconds=30),
        attempts: int = 3,
        authorities: bytes | None = None,
    ) -> None:
        caller = Caller(endpoint=endpoint, token=token, deadline=deadline.total_seconds(), attempts=attempts)
        self.channel = _channel(endpoint, caller, authorities)
        self.ingest = IngestServiceStub(self.channel)
        self.transcribe = TranscribeServiceStub(self.channel)
        self.summarize = SummarizeServiceStub(self.channel)
        self.query = QueryServiceStub(self.channel)
        self._sending: set[asyncio.Task[Upload]] = set()

    @classmethod
    def from_environment(cls) -> Self:
        """Make a client of VIDMESH_ENDPOINT, or of a mesh on this machine, with the token of VIDMESH_TOKEN.

        VIDMESH_CA may name a file in PEM with the authorities that vouch for the endpoint's certificate.
        """
        told = os.environ.get
        authorities = Path(path).read_bytes() if (path := told("VIDMESH_CA")) else None
        return cls(
            told("VIDMESH_ENDPOINT") or ENDPOINT, told("VIDMESH_TOKEN") or None, authorities=authorities
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._sending:
                await asyncio.gather(*self._sending)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the connection; calls in flight are cancelled, and so are jobs whose files are still being sent."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self.channel.close()

    def submit(
        self,
        source: str | Path | Upload,
        *,
        title: str = "",
        language: str = "",
        captions: CaptionMode.ValueType = CaptionMode.CAPTION_MODE_UNSPECIFIED,
        priority: Priority.ValueType = Priority.PRIORITY_UNSPECIFIED,
        force: bool = False,
        head_start: timedelta = HEAD_START,
        progress: OnProgress | None = None,
    ) -> Submitting:
        """Hand over a link (str), a file on this machine (Path) or an upload, and begin a job.

        Await it to have the job, or watch it at once: `async for message in client.submit(...).watch()`.

        A source that is known gives the job there is, unless `force` asks for a new one. A file that is not sent within
        `head_start` begins its job all the same: the mesh reads it while it comes, so the first words are there before its
        last byte. Such a file is not known again by its contents until it is sent. `progress` hears of what was sent. Raises
        OSError where the file cannot be read.
        """
        request = SubmitVideoRequest(
            title=title, language=language, captions=captions, priority=priority, force=force
        )

        async def begin() -> AsyncSubmission:
            if isinstance(source, Path):
                return await self._submit_file(source, request, head_start, progress)
            where = Source(url=source) if isinstance(source, str) else Source(upload_id=source.id)
            return AsyncSubmission(self, await self._submit(request, where))

        return Submitting(begin)

    async def submit_playlist(
        self,
        url: str,
        *,
        limit: int = 0,
        language: str = "",
        captions: CaptionMode.ValueType = CaptionMode.CAPTION_MODE_UNSPECIFIED,
        force: bool = False,
    ) -> AsyncGenerator[SubmitPlaylistResponse, None]:
        """Hand over every entry of a playlist or channel; yields each entry's job as it is found.

        `limit` is how many entries at most; 0: as many as the mesh allows.
        """
        request = SubmitPlaylistRequest(
            url=url, limit=limit, language=language, captions=captions, force=force
        )
        async for entry in self.ingest.SubmitPlaylist(request):
            yield entry

    async def upload(
        self,
        path: Path,
        *,
        resume: str = "",
        patience: timedelta = UPLOAD_PATIENCE,
        progress: OnProgress | None = None,
    ) -> Upload:
        """Send a file and give the completed upload, which can be submitted.

        A lost connection is waited out for as long as `patience`, and what has arrived is not sent again. `resume` is the id
        of an upload of the same file that was begun before, also by another process: it goes on where that one stands.
        Raises OSError where the file cannot be read, ValueError where it has another size than the upload to go on with.
        """
        sender = await Sender.begin(self.ingest, path, resume=resume, patience=patience, progress=progress)
        return await sender.send()

    def watch(
        self,
        job_id: str,
        *,
        after_sequence: int = 0,
        patience: timedelta = PATIENCE,
        on_break: OnBreak | None = None,
    ) -> AsyncGenerator[WatchJobResponse, None]:
        """Yield a job's events until it has ended, each once and in order, over any break of the connection.

        A message is an event, or a snapshot of the job where earlier events are no longer kept. `on_break` hears of each
        break; one that lasts longer than `patience` is raised. To go on another time, give the last event's sequence.
        """
        return watch_job(
            self.ingest, job_id, after_sequence=after_sequence, patience=patience, on_break=on_break
        )

    def watch_all(
        self,
        *,
        after_sequence: int = 0,
        patience: timedelta = PATIENCE,
        on_break: OnBreak | None = None,
        on_open: OnOpen | None = None,
    ) -> AsyncGenerator[WatchJobsResponse, None]:
        """Yield the events of all the caller's jobs, as `watch` does those of one, without end.

        Without `after_sequence`, only what happens from when `on_open` is first called: list the jobs after that, and
        nothing falls between the list and the events. `on_open` hears also of each break that is mended.
        """
        return watch_jobs(
            self.ingest, after_sequence=after_sequence, patience=patience, on_break=on_break, on_open=on_open
        )

    async def job(self, job_id: str) -> Job:
        """Give a job as it stands."""
        return (await self.ingest.GetJob(GetJobRequest(job_id=job_id))).job

    async def jobs(
        self, *, states: Sequence[JobState.ValueType] = (), video_id: str = ""
    ) -> AsyncGenerator[Job, None]:
        """Yield the caller's jobs, newest first: those in `states`, or in any; those of one video, or of all."""
        request = ListJobsRequest(states=states, video_id=video_id, page_size=200)
        async for page in pages(self.ingest.ListJobs, request):
            for job in page.jobs:
                yield job

    async def cancel(self, job_id: str) -> Job:
        """Stop a job that has not ended. What it has made stays."""
        return (await self.ingest.CancelJob(CancelJobRequest(job_id=job_id))).job

    async def retry(self, job_id: str) -> Job:
        """Run what failed or was cancelled in a job again. What is done is not done again."""
        return (await self.ingest.RetryJob(RetryJobRequest(job_id=job_id))).job

    async def delete(self, video_id: str) -> None:
        """Delete a video, its jobs, its media and all that was made of it."""
        await self.ingest.DeleteVideo(DeleteVideoRequest(video_id=video_id))

    async def create_api_key(
        self, name: str, *, scopes: Sequence[str] = (), ttl: timedelta | None = None
    ) -> CreateApiKeyResponse:
        """Make an API key for the caller's tenant, with `read` and `write` unless told otherwise. Needs a token with `admin`.

        The answer's `secret` goes where a token goes, and is told this once.
        """
        request = CreateApiKeyRequest(name=name, scopes=scopes)
        if ttl is not None:
            request.ttl.FromTimedelta(ttl)
        return await self.ingest.CreateApiKey(request)

    async def api_keys(self) -> Sequence[ApiKey]:
        """Give the tenant's API keys, newest first, those that have ended among them for 30 days."""
        return (await self.ingest.ListApiKeys(ListApiKeysRequest())).keys

    async def revoke_api_key(self, key_id: str) -> ApiKey:
        """End an API key: the next call with it is refused."""
        return (await self.ingest.RevokeApiKey(RevokeApiKeyRequest(key_id=key_id))).key

    async def dead_letters(self, *, job_id: str = "") -> AsyncGenerator[DeadLetter, None]:
        """Yield what was given up, newest first, without what it says: of a job, or of all the caller's."""
        async for page in pages(
            self.ingest.ListDeadLetters, ListDeadLettersRequest(job_id=job_id, page_size=200)
        ):
            for letter in page.letters:
                yield letter

    async def dead_letter(self, letter_id: str) -> DeadLetter:
        """Give a dead letter with what it says."""
        return (await self.ingest.GetDeadLetter(GetDeadLetterRequest(letter_id=letter_id))).letter

    async def retry_dead_letter(self, letter_id: str) -> Job | None:
        """Have what was given up done after all, with all else of its job; gives the job, where it is of one."""
        answer = await self.ingest.RetryDeadLetter(RetryDeadLetterRequest(letter_id=letter_id))
        return answer.job if answer.HasField("job") else None

    async def drop_dead_letter(self, letter_id: str) -> None:
        """Drop a dead letter. Its job stays as it is."""
        await self.ingest.DropDeadLetter(DropDeadLetterRequest(letter_id=letter_id))

    async def video(self, video_id: str) -> Video:
        """Give a video of the library."""
        return (await self.query.GetVideo(GetVideoRequest(video_id=video_id))).video

    async def videos(
        self, *, scope: Scope | None = None, order: VideoOrder.ValueType = VideoOrder.VIDEO_ORDER_UNSPECIFIED
    ) -> AsyncGenerator[Video, None]:
        """Yield the library's videos, newest first unless `order` says otherwise."""
        async for page in pages(
            self.query.ListVideos, ListVideosRequest(scope=scope, order=order, page_size=200)
        ):
            for video in page.videos:
                yield video

    async def segments(self, video_id: str, *, words: bool = False) -> AsyncGenerator[Segment, None]:
        """Yield the segments of a video's transcript that there are, in the order of time."""
        request = GetTranscriptRequest(video_id=video_id, page_size=1000, omit_words=not words)
        async for page in pages(self.transcribe.GetTranscript, request):
            for segment in page.segments:
                yield segment

    def transcript(
        self, video_id: str, *, patience: timedelta = PATIENCE, on_break: OnBreak | None = None
    ) -> AsyncGenerator[StreamTranscriptResponse, None]:
        """Yield a transcript's state and segments: those there are, then each as it comes, until it is whole.

        A state of another job than before says that the segments so far are void.
        """
        return follow_transcript(self.transcribe, video_id, patience=patience, on_break=on_break)

    async def export(self, video_id: str, format: ExportFormat.ValueType) -> str:  # noqa: A002 - the API's word
        """Give a transcript as the content of a file."""
        request = ExportTranscriptRequest(video_id=video_id, format=format)
        return (await self.transcribe.ExportTranscript(request)).content

    def summary(
        self, video_id: str, *, patience: timedelta = PATIENCE, on_break: OnBreak | None = None
    ) -> AsyncGenerator[StreamSummaryResponse, None]:
        """Yield a summary: what there is, then each piece as it is written, until it is whole.

        A summary replaces the text so far, a delta is appended to it, a restart voids it.
        """
        return follow_summary(self.summarize, video_id, patience=patience, on_break=on_break)

    async def chapters(self, video_id: str) -> Sequence[Chapter]:
        """Give a video's chapters in order. Empty until there is enough to cut some."""
        return (await self.summarize.ListChapters(ListChaptersRequest(video_id=video_id))).chapters

    async def search(self, query: str, *, scope: Scope | None = None) -> AsyncGenerator[Hit, None]:
        """Yield the moments that fit a query by their words or their meaning, the best first."""
        async for page in pages(self.query.Search, SearchRequest(query=query, scope=scope, page_size=50)):
            for hit in page.hits:
                yield hit

    async def ask(
        self, question: str, *, scope: Scope | None = None, conversation_id: str = "", language: str = ""
    ) -> AsyncGenerator[AskResponse, None]:
        """Answer a question from what was said, piece by piece.

        The first message has the moments that the answer is made from, the last one the whole answer with its citations,
        which replaces the pieces.
        """
        request = AskRequest(
            question=question, scope=scope, conversation_id=conversation_id, language=language
        )
        async for message in self.query.Ask(request):
            yield message

    async def folders(self) -> AsyncGenerator[Folder, None]:
        """Yield the folders, by name."""
        async for page in pages(self.query.ListFolders, ListFoldersRequest(page_size=200)):
            for folder in page.folders:
                yield folder

    async def tags(self) -> AsyncGenerator[Tag, None]:
        """Yield the tags in use, by name."""
        async for page in pages(self.query.ListTags, ListTagsRequest(page_size=200)):
            for tag in page.tags:
                yield tag

    async def conversations(self) -> AsyncGenerator[Conversation, None]:
        """Yield the conversations, the last used first."""
        async for page in pages(self.query.ListConversations, ListConversationsRequest(page_size=200)):
            for conversation in page.conversations:
                yield conversation

    async def _submit(self, request: SubmitVideoRequest, source: Source) -> SubmitVideoResponse:
        request.source.CopyFrom(source)
        return await self.ingest.SubmitVideo(request)

    async def _submit_file(
        self, path: Path, request: SubmitVideoRequest, head_start: timedelta, progress: OnProgress | None
    ) -> AsyncSubmission:
        sender = await Sender.begin(self.ingest, path, progress=progress)
        sending = asyncio.create_task(sender.send())
        try:
            done, _ = await asyncio.wait({sending}, timeout=head_start.total_seconds())
            for task in done:
                task.result()
            response = await self._submit(request, Source(upload_id=sender.upload.id))
        except BaseException:
            sending.cancel()
            raise
        if sending.done():
            sending.result()
            return AsyncSubmission(self, response)
        kept = asyncio.create_task(self._sent_or_stopped(sending, response.job.id))
        await asyncio.sleep(0)  # a task that is cancelled before it began would not stop the job
        self._sending.add(kept)
        kept.add_done_callback(self._sending.discard)
        return AsyncSubmission(self, response, kept)

    async def _sent_or_stopped(self, sending: asyncio.Task[Upload], job_id: str) -> Upload:
        """Wait until a file is sent; where it will not be, stop its job rather than leave it waiting for the rest."""
        try:
            return await sending
        except BaseException:
            with suppress(VidmeshError, TimeoutError):
                async with asyncio.timeout(_STOPPING):
                    await self.cancel(job_id)
            raise


def read_endpoint(endpoint: str) -> tuple[str, bool]:
    """Give gRPC's target for "http://HOST[:PORT]" or "https://HOST[:PORT]", and whether it is secure.

    Raises ValueError on anything else.
    """
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"{endpoint!r} is no endpoint: give http://HOST:PORT or https://HOST:PORT")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    secure = parts.scheme == "https"
    return f"{host}:{parts.port or (443 if secure else 80)}", secure


@cache
def _hold_grpc() -> None:
    """Keep what gRPC's asynchronous calls run on, for as long as the process lives.

    It goes with the last channel and comes anew with the next. Where event loops run in several threads, as those of blocking
    clients do, one of them then reads from a file that is closed by now, or is another's already.
    """
    grpc.aio.init_grpc_aio()


def _channel(endpoint: str, caller: Caller, authorities: bytes | None) -> grpc.aio.Channel:
    _hold_grpc()
    target, secure = read_endpoint(endpoint)
    options = [
        ("grpc.primary_user_agent", "vidmesh-python"),
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ]
    if secure:
        credentials = grpc.ssl_channel_credentials(authorities)
        return grpc.aio.secure_channel(
            target, credentials, options=options, interceptors=caller.interceptors()
        )
    return grpc.aio.insecure_channel(target, options=options, interceptors=caller.interceptors())
