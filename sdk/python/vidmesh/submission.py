"""What was handed over: its job, and how to follow it while its bytes are still sent."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import Protocol, TypeVar

from vidmesh.error import VidmeshError
from vidmesh.ingest.v1.ingest_service_pb2 import SubmitVideoResponse, WatchJobResponse
from vidmesh.ingest.v1.job_pb2 import Job
from vidmesh.ingest.v1.upload_pb2 import Upload
from vidmesh.resume import PATIENCE, OnBreak

ItemT = TypeVar("ItemT")


class JobClient(Protocol):
    """What a submission needs of the client."""

    def watch(
        self,
        job_id: str,
        *,
        after_sequence: int = 0,
        patience: timedelta = PATIENCE,
        on_break: OnBreak | None = None,
    ) -> AsyncGenerator[WatchJobResponse, None]:
        """Watch a job."""
        ...

    async def job(self, job_id: str) -> Job:
        """Give a job."""
        ...


class AsyncSubmission:
    """A video that was handed over: its job, and how to follow it."""

    def __init__(
        self, client: JobClient, response: SubmitVideoResponse, sending: "asyncio.Task[Upload] | None" = None
    ) -> None:
        self._client = client
        self._sending = sending
        self.job: Job = response.job
        """The job as it was when it was handed over."""
        self.existing: bool = response.existing
        """Whether the source was known and this job is not a new one."""

    @property
    def sending(self) -> bool:
        """Whether bytes of its file are still to be sent."""
        return self._sending is not None and not self._sending.done()

    async def watch(
        self, *, after_sequence: int = 0, patience: timedelta = PATIENCE, on_break: OnBreak | None = None
    ) -> AsyncGenerator[WatchJobResponse, None]:
        """Yield the job's events until it has ended, as `watch` of the client does.

        Where the file is still being sent, raises what that fails with.
        """
        watch = self._client.watch(
            self.job.id, after_sequence=after_sequence, patience=patience, on_break=on_break
        )
        async with aclosing(watch) as messages:
            while (message := await self._unless_sending_fails(anext(messages, None))) is not None:
                yield message
        if self._sending is not None and not self._sending.done():
            self._sending.cancel()  # the job has ended without the rest, as of a file that is no video

    async def wait(self) -> Job:
        """Wait for the job's end and give it as it is then. Whether it went well is in its `state` and `failure`."""
        async with aclosing(self.watch()) as messages:
            async for _ in messages:
                pass
        return await self._client.job(self.job.id)

    async def sent(self) -> None:
        """Wait until the whole file has arrived, or is not wanted any more: for a link, at once.

        Raises what sending fails with.
        """
        if self._sending is not None:
            await asyncio.wait({self._sending})
            if not self._sending.cancelled():
                self._sending.result()

    async def _unless_sending_fails(self, coming: Awaitable[ItemT]) -> ItemT:
        if self._sending is None or self._sending.done():
            await self.sent()
            return await coming
        task = asyncio.ensure_future(coming)
        try:
            await asyncio.wait({task, self._sending}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await self.sent()
            return await task
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, VidmeshError):
                    await task


class Submitting(Awaitable[AsyncSubmission]):
    """A video on its way to the mesh: await it to have its job, or watch it at once."""

    def __init__(self, begin: Callable[[], Awaitable[AsyncSubmission]]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[object, None, AsyncSubmission]:
        return self._begin().__await__()

    async def watch(
        self, *, after_sequence: int = 0, patience: timedelta = PATIENCE, on_break: OnBreak | None = None
    ) -> AsyncGenerator[WatchJobResponse, None]:
        """Hand it over, then yield its job's events, as `AsyncSubmission.watch` does."""
        submission = await self
        watch = submission.watch(after_sequence=after_sequence, patience=patience, on_break=on_break)
        async with aclosing(watch) as messages:
            async for message in messages:
                yield message
