"""Sending a file in chunks, through lost connections."""

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import grpc

from vidmesh.backoff import backoff
from vidmesh.error import VidmeshError
from vidmesh.ingest.v1.ingest_service_pb2 import (
    CompleteUploadRequest,
    CreateUploadRequest,
    GetUploadRequest,
    WriteUploadRequest,
)
from vidmesh.ingest.v1.upload_pb2 import UPLOAD_STATE_COMPLETE, Upload
from vidmesh.resume import may_resume

if TYPE_CHECKING:
    from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceAsyncStub

CHUNK, SMALLEST_CHUNK = 1 << 20, 1 << 16
"""Bytes a message: at first what the API takes at most, halved whenever one does not arrive before its deadline."""

CHECKING = 600.0
"""Seconds that the mesh may take to read a whole file for its checksum."""

PATIENCE = timedelta(minutes=5)
"""How long nothing may arrive before that is raised."""

_RECENT = 5.0
"""Seconds over which the rate is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadProgress:
    """How far an upload has come."""

    upload_id: str
    """The upload: with it, another `upload(path, resume=...)` goes on where this one stands."""
    sent: int
    """Bytes that have arrived."""
    size: int
    """Bytes that there are."""
    rate: float
    """Bytes a second over the last few seconds. 0 until it is known."""
    remaining: timedelta | None
    """The time left at this rate. None until it is known."""
    interruption: VidmeshError | None
    """What interrupts it at the moment, while it waits to go on."""


OnProgress = Callable[[UploadProgress], None]
"""Hears of an upload's progress, after each chunk and each interruption."""


class Sender:
    """Sends one file as one upload."""

    def __init__(
        self,
        stub: "IngestServiceAsyncStub",
        path: Path,
        *,
        upload: Upload,
        size: int,
        patience: timedelta,
        progress: OnProgress | None,
    ) -> None:
        self._stub = stub
        self._path = path
        self._size = size
        self._patience = patience
        self._progress = progress
        self._chunk = CHUNK
        self._marks = deque([(time.monotonic(), upload.offset)])
        self.upload = upload

    @classmethod
    async def begin(
        cls,
        stub: "IngestServiceAsyncStub",
        path: Path,
        *,
        resume: str = "",
        patience: timedelta = PATIENCE,
        progress: OnProgress | None = None,
    ) -> "Sender":
        """Create the upload, or find the one to go on with.

        Raises OSError where the file cannot be read, ValueError where it is not as long as the upload to go on with.
        """
        with await asyncio.to_thread(
            path.open, "rb"
        ):  # a file that nobody may read is told before it is announced
            size = (await asyncio.to_thread(path.stat)).st_size
        if resume:
            upload = (await stub.GetUpload(GetUploadRequest(upload_id=resume))).upload
            if upload.size_bytes not in (0, size):
                raise ValueError(
                    f"{path} has {size} bytes, upload {resume} was begun for {upload.size_bytes}"
                )
        else:
            # A file's name need not be Unicode, the API's texts are.
            name = path.name.encode(errors="replace").decode()
            request = CreateUploadRequest(filename=name, size_bytes=size, request_id=str(uuid.uuid4()))
            upload = (await stub.CreateUpload(request)).upload
        return cls(stub, path, upload=upload, size=size, patience=patience, progress=progress)

    async def send(self) -> Upload:
        """Send what has not arrived yet and give the completed upload.

        A lost connection is waited out, and what has arrived is not sent again. Raises VidmeshError when nothing arrives
        for as long as is told to wait, or for what waiting cannot mend; OSError where the file cannot be read.
        """
        self._tell()
        failures, alive = 0, time.monotonic()
        with await asyncio.to_thread(self._path.open, "rb") as file:
            while self.upload.state != UPLOAD_STATE_COMPLETE:
                try:
                    moved = await self._step(file)
                except VidmeshError as error:
                    problem = error
                else:
                    if moved:
                        failures, alive = 0, time.monotonic()
                        self._mark()
                        self._tell()
                    continue
                if problem.code is grpc.StatusCode.DEADLINE_EXCEEDED:
                    self._chunk = max(self._chunk // 2, SMALLEST_CHUNK)
                if problem.reason != "WRONG_OFFSET":
                    if not may_resume(problem) or time.monotonic() - alive > self._patience.total_seconds():
                        raise problem
                    self._tell(problem)
                failures += 1
                await asyncio.sleep(backoff(failures))
                await self._look()
        return self.upload

    async def _step(self, file: BinaryIO) -> bool:
        """Send the next chunk, or declare the upload complete after the last; say whether there was one."""
        upload = self.upload
        data = await asyncio.to_thread(_read, file, upload.offset, self._chunk)
        if data:
            request = WriteUploadRequest(upload_id=upload.id, offset=upload.offset, data=data)
            self.upload = (await self._stub.WriteUpload(request)).upload
        else:
            completing = CompleteUploadRequest(upload_id=upload.id)
            self.upload = (await self._stub.CompleteUpload(completing, timeout=CHECKING)).upload
        return bool(data)

    async def _look(self) -> None:
        """Ask where the upload stands. While nobody can say, what was known of it stays."""
        try:
            self.upload = (await self._stub.GetUpload(GetUploadRequest(upload_id=self.upload.id))).upload
        except VidmeshError as error:
            if not may_resume(error):
                raise
        self._mark()

    def _mark(self) -> None:
        now = time.monotonic()
        self._marks.append((now, self.upload.offset))
        while len(self._marks) > 2 and self._marks[0][0] < now - _RECENT:
            self._marks.popleft()

    def _tell(self, interruption: VidmeshError | None = None) -> None:
        if self._progress is None:
            return
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        rate = max(0.0, (last - first) / (ended - began)) if ended > began else 0.0
        left = timedelta(seconds=(self._size - last) / rate) if rate else None
        self._progress(
            UploadProgress(
                upload_id=self.upload.id,
                sent=last,
                size=self._size,
                rate=rate,
                remaining=left,
                interruption=interruption,
            )
        )


def _read(file: BinaryIO, offset: int, most: int) -> bytes:
    file.seek(offset)
    return file.read(most)
