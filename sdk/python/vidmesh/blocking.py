"""The blocking client: AsyncClient and AsyncSubmission for programs without an event loop.

Made from client.py and submission.py by `make generate`; do not edit.
"""

import os
from collections.abc import Generator, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import grpc
import grpc.aio

from vidmesh.background import Background
from vidmesh.bridge import Bridge
from vidmesh.calls import TokenSource
from vidmesh.client import ENDPOINT, HEAD_START, AsyncClient, read_endpoint
from vidmesh.events.v1.dead_letter_pb2 import DeadLetter
from vidmesh.events.v1.ingest_events_pb2 import CaptionMode, Priority
from vidmesh.events.v1.text_pb2 import Chapter, Segment
from vidmesh.ingest.v1.api_key_pb2 import ApiKey
from vidmesh.ingest.v1.ingest_service_pb2 import (
    CreateApiKeyResponse,
    SubmitPlaylistResponse,
    WatchJobResponse,
    WatchJobsResponse,
)
from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceStub
from vidmesh.ingest.v1.job_pb2 import Job, JobState
from vidmesh.ingest.v1.upload_pb2 import Upload
from vidmesh.query.v1.conversation_pb2 import Conversation
from vidmesh.query.v1.library_pb2 import Folder, Tag, Video
from vidmesh.query.v1.query_service_pb2 import (
    AskResponse,
    VideoOrder,
)
from vidmesh.query.v1.query_service_pb2_grpc import QueryServiceStub
from vidmesh.query.v1.search_pb2 import Hit, Scope
from vidmesh.resume import PATIENCE, OnBreak, OnOpen
from vidmesh.submission import AsyncSubmission
from vidmesh.summarize.v1.summarize_service_pb2 import StreamSummaryResponse
from vidmesh.summarize.v1.summarize_service_pb2_grpc import SummarizeServiceStub
from vidmesh.transcribe.v1.transcribe_service_pb2 import (
    StreamTranscriptResponse,
)
from vidmesh.transcribe.v1.transcribe_service_pb2_grpc import TranscribeServiceStub
from vidmesh.transcribe.v1.transcript_pb2 import ExportFormat
from vidmesh.upload import PATIENCE as UPLOAD_PATIENCE
from vidmesh.upload import OnProgress


class Submission:
    """A video that was handed over: its job, and how to follow it."""

    def __init__(self, background: Background, inner: AsyncSubmission) -> None:
        self._background = background
        self._inner = inner
        self.job: Job = inner.job
        """The job as it was when it was handed over."""
        self.existing: bool = inner.existing
        """Whether the source was known and this job is not a new one."""

    @property
    def sending(self) -> bool:
        """Whether bytes of its file are still to be sent."""
        return self._inner.sending

    def watch(
        self, *, after_sequence: int = 0, patience: timedelta = PATIENCE, on_break: OnBreak | None = None
    ) -> Generator[WatchJobResponse, None, None]:
        """Yield the job's events until it has ended, as `watch` of the client does.

        Where the file is still being sent, raises what that fails with.
        """
        return self._background.iterate(
            self._inner.watch(after_sequence=after_sequence, patience=patience, on_break=on_break)
        )

    def wait(self) -> Job:
        """Wait for the job's end and give it as it is then. Whether it went well is in its `state` and `failure`."""
        return self._background.run(self._inner.wait())

    def sent(self) -> None:
        """Wait until the whole file has arrived, or is not wanted any more: for a link, at once.

        Raises what sending fails with.
        """
        self._background.run(self._inner.sent())


class Client:
    """A mesh, by its endpoint and a token, for programs without an event loop. May be used from several threads.

    `ingest`, `transcribe`, `summarize` and `query` are the services' own stubs: every call of the API is there. All calls
    raise VidmeshError, carry the token, and end after `deadline` unless they stream. A mutation gets a request_id where it
    has none; a call that may be repeated is tried up to `attempts` times where its failure says that trying again helps.
    An https endpoint's certificate must be vouched for by `authorities`, in PEM, or where that is None by a known one.

    Work is done in a thread of the client's own; functions that are given to it, such as `progress`, are called there.
    Leaving `with` waits until the files are sent that were submitted; leaving it by an error stops that.
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
        read_endpoint(endpoint)  # what is no endpoint is refused before a thread is begun
        self._background = Background()

        async def connect() -> AsyncClient:
            return AsyncClient(endpoint, token, deadline=deadline, attempts=attempts, authorities=authorities)

        self._inner = self._background.run(connect())
        bridge = cast("grpc.Channel", Bridge(self._background, self._inner.channel))
        self.ingest = IngestServiceStub(bridge)
        self.transcribe = TranscribeServiceStub(bridge)
        self.summarize = SummarizeServiceStub(bridge)
        self.query = QueryServiceStub(bridge)

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._background.run(self._inner.__aexit__(kind, error, trace))
        finally:
            self._background.close()

    def close(self) -> None:
        """Close the connection; calls in flight are cancelled, and so are jobs whose files are still being sent."""
        if not self._background.closed:
            self._background.run(self._inner.close())
            self._background.close()

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
    ) -> Submission:
        """Hand over a link (str), a file on this machine (Path) or an upload, and begin a job.

        `client.submit(...).watch()` follows it. While its events are read, and after, a file goes on being sent.

        A source that is known gives the job there is, unless `force` asks for a new one. A file that is not sent within
        `head_start` begins its job all the same: the mesh reads it while it comes, so the first words are there before its
        last byte. Such a file is not known again by its contents until it is sent. `progress` hears of what was sent. Raises
        OSError where the file cannot be read.
        """
        return Submission(
            self._background,
            self._background.run(
                self._inner.submit(
                    source,
                    title=title,
                    language=language,
                    captions=captions,
                    priority=priority,
                    force=force,
                    head_start=head_start,
                    progress=progress,
                )
            ),
        )

    def submit_playlist(
        self,
        url: str,
        *,
        limit: int = 0,
        language: str = "",
        captions: CaptionMode.ValueType = CaptionMode.CAPTION_MODE_UNSPECIFIED,
        force: bool = False,
    ) -> Generator[SubmitPlaylistResponse, None, None]:
        """Hand over every entry of a playlist or channel; yields each entry's job as it is found.

        `limit` is how many entries at most; 0: as many as the mesh allows.
        """
        return self._background.iterate(
            self._inner.submit_playlist(url, limit=limit, language=language, captions=captions, force=force)
        )

    def upload(
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
        return self._background.run(
            self._inner.upload(path, resume=resume, patience=patience, progress=progress)
        )

    def watch(
        self,
        job_id: str,
        *,
        after_sequence: int = 0,
        patience: timedelta = PATIENCE,
        on_break: OnBreak | None = None,
    ) -> Generator[WatchJobResponse, None, None]:
        """Yield a job's events until it has ended, each once and in order, over any break of the connection.

        A message is an event, or a snapshot of the job where earlier events are no longer kept. `on_break` hears of each
        break; one that lasts longer than `patience` is raised. To go on another time, give the last event's sequence.
        """
        return self._background.iterate(
            self._inner.watch(job_id, after_sequence=after_sequence, patience=patience, on_break=on_break)
        )

    def watch_all(
        self,
        *,
        after_sequence: int = 0,
        patience: timedelta = PATIENCE,
        on_break: OnBreak | None = None,
        on_open: OnOpen | None = None,
    ) -> Generator[WatchJobsResponse, None, None]:
        """Yield the events of all the caller's jobs, as `watch` does those of one, without end.

        Without `after_sequence`, only what happens from when `on_open` is first called: list the jobs after that, and
        nothing falls between the list and the events. `on_open` hears also of each break that is mended.
        """
        return self._background.iterate(
            self._inner.watch_all(
                after_sequence=after_sequence, patience=patience, on_break=on_break, on_open=on_open
            )
        )

    def job(self, job_id: str) -> Job:
        """Give a job as it stands."""
        return self._background.run(self._inner.job(job_id))

    def jobs(
        self, *, states: Sequence[JobState.ValueType] = (), video_id: str = ""
    ) -> Generator[Job, None, None]:
        """Yield the caller's jobs, newest first: those in `states`, or in any; those of one video, or of all."""
        return self._background.iterate(self._inner.jobs(states=states, video_id=video_id))

    def cancel(self, job_id: str) -> Job:
        """Stop a job that has not ended. What it has made stays."""
        return self._background.run(self._inner.cancel(job_id))

    def retry(self, job_id: str) -> Job:
        """Run what failed or was cancelled in a job again. What is done is not done again."""
        return self._background.run(self._inner.retry(job_id))

    def delete(self, video_id: str) -> None:
        """Delete a video, its jobs, its media and all that was made of it."""
        self._background.run(self._inner.delete(video_id))

    def create_api_key(
        self, name: str, *, scopes: Sequence[str] = (), ttl: timedelta | None = None
    ) -> CreateApiKeyResponse:
        """Make an API key for the caller's tenant, with `read` and `write` unless told otherwise. Needs a token with `admin`.

        The answer's `secret` goes where a token goes, and is told this once.
        """
        return self._background.run(self._inner.create_api_key(name, scopes=scopes, ttl=ttl))

    def api_keys(self) -> Sequence[ApiKey]:
        """Give the tenant's API keys, newest first, those that have ended among them for 30 days."""
        return self._background.run(self._inner.api_keys())

    def revoke_api_key(self, key_id: str) -> ApiKey:
        """End an API key: the next call with it is refused."""
        return self._background.run(self._inner.revoke_api_key(key_id))

    def dead_letters(self, *, job_id: str = "") -> Generator[DeadLetter, None, None]:
        """Yield what was given up, newest first, without what it says: of a job, or of all the caller's."""
        return self._background.iterate(self._inner.dead_letters(job_id=job_id))

    def dead_letter(self, letter_id: str) -> DeadLetter:
        """Give a dead letter with what it says."""
        return self._background.run(self._inner.dead_letter(letter_id))

    def retry_dead_letter(self, letter_id: str) -> Job | None:
        """Have what was given up done after all, with all else of its job; gives the job, where it is of one."""
        return self._background.run(self._inner.retry_dead_letter(letter_id))

    def drop_dead_letter(self, letter_id: str) -> None:
        """Drop a dead letter. Its job stays as it is."""
        self._background.run(self._inner.drop_dead_letter(letter_id))

    def video(self, video_id: str) -> Video:
        """Give a video of the library."""
        return self._background.run(self._inner.video(video_id))

    def videos(
        self, *, scope: Scope | None = None, order: VideoOrder.ValueType = VideoOrder.VIDEO_ORDER_UNSPECIFIED
    ) -> Generator[Video, None, None]:
        """Yield the library's videos, newest first unless `order` says otherwise."""
        return self._background.iterate(self._inner.videos(scope=scope, order=order))

    def segments(self, video_id: str, *, words: bool = False) -> Generator[Segment, None, None]:
        """Yield the segments of a video's transcript that there are, in the order of time."""
        return self._background.iterate(self._inner.segments(video_id, words=words))

    def transcript(
        self, video_id: str, *, patience: timedelta = PATIENCE, on_break: OnBreak | None = None
    ) -> Generator[StreamTranscriptResponse, None, None]:
        """Yield a transcript's state and segments: those there are, then each as it comes, until it is whole.

        A state of another job than before says that the segments so far are void.
        """
        return self._background.iterate(
            self._inner.transcript(video_id, patience=patience, on_break=on_break)
        )

    def export(self, video_id: str, format: ExportFormat.ValueType) -> str:  # noqa: A002 - the API's word
        """Give a transcript as the content of a file."""
        return self._background.run(self._inner.export(video_id, format))

    def summary(
        self, video_id: str, *, patience: timedelta = PATIENCE, on_break: OnBreak | None = None
    ) -> Generator[StreamSummaryResponse, None, None]:
        """Yield a summary: what there is, then each piece as it is written, until it is whole.

        A summary replaces the text so far, a delta is appended to it, a restart voids it.
        """
        return self._background.iterate(self._inner.summary(video_id, patience=patience, on_break=on_break))

    def chapters(self, video_id: str) -> Sequence[Chapter]:
        """Give a video's chapters in order. Empty until there is enough to cut some."""
        return self._background.run(self._inner.chapters(video_id))

    def search(self, query: str, *, scope: Scope | None = None) -> Generator[Hit, None, None]:
        """Yield the moments that fit a query by their words or their meaning, the best first."""
        return self._background.iterate(self._inner.search(query, scope=scope))

    def ask(
        self, question: str, *, scope: Scope | None = None, conversation_id: str = "", language: str = ""
    ) -> Generator[AskResponse, None, None]:
        """Answer a question from what was said, piece by piece.

        The first message has the moments that the answer is made from, the last one the whole answer with its citations,
        which replaces the pieces.
        """
        return self._background.iterate(
            self._inner.ask(question, scope=scope, conversation_id=conversation_id, language=language)
        )

    def folders(self) -> Generator[Folder, None, None]:
        """Yield the folders, by name."""
        return self._background.iterate(self._inner.folders())

    def tags(self) -> Generator[Tag, None, None]:
        """Yield the tags in use, by name."""
        return self._background.iterate(self._inner.tags())

    def conversations(self) -> Generator[Conversation, None, None]:
        """Yield the conversations, the last used first."""
        return self._background.iterate(self._inner.conversations())
