"""Uploads: bytes that come in chunks, at offsets, and are one file in the end."""

import asyncio
import errno
import hashlib
import os
import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_ingest.growing import GrowingFile
from vidmesh_ingest.identity import upload_key
from vidmesh_ingest.job import Upload
from vidmesh_ingest.quota import Quota, QuotaError
from vidmesh_ingest.reason import Reason, SourceError
from vidmesh_ingest.store import get_upload, sql, to_upload
from vidmesh_ingest.text import file_name
from vidmesh_runtime.database import Connection, Pool
from vidmesh_runtime.errors import Failure, invalid

CHUNK = 1 << 20
"""The most bytes of one chunk."""

_POLL = 0.1
"""Seconds between two looks at how far an upload has come that is read meanwhile."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Uploads:
    """The uploads of all tenants. Their bytes lie in a folder that all processes of the service share."""

    def __init__(
        self, pool: Pool, folder: Path, *, max_bytes: int, ttl: timedelta, patience: timedelta, quota: Quota
    ) -> None:
        self._pool = pool
        self._folder = folder
        self._max_bytes = max_bytes
        self._ttl = ttl
        self._patience = patience
        self._quota = quota
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, upload_id: UUID) -> Path:
        """Where an upload's bytes are. The sender's name for it is no part of that."""
        return self._folder / str(upload_id)

    async def create(self, connection: Connection, tenant: str, filename: str, size_bytes: int) -> Upload:
        """Begins an upload of `size_bytes`, or of as many as come where that is 0."""
        name = file_name(filename)
        if not name:
            raise invalid("filename", "The file needs a name.")
        if len(name) > 255:
            raise invalid("filename", "The file's name has more than 255 characters.")
        if size_bytes < 0:
            raise invalid("size_bytes", "A file has no fewer than 0 bytes.")
        if size_bytes > self._max_bytes:
            raise self._too_large()
        await self._quota.allow_bytes(connection, tenant, size_bytes or 1)
        row = await sql.add_upload(
            connection, tenant=tenant, filename=name, size_bytes=size_bytes, ttl=self._ttl
        )
        return to_upload(row)

    async def write(self, tenant: str, upload_id: UUID, offset: int, data: bytes) -> Upload:
        """Appends a chunk. One that is there already changes nothing; of one that overlaps, the rest is taken."""
        if len(data) > CHUNK:
            raise invalid("data", f"A chunk has at most {CHUNK} bytes, this one has {len(data)}.")
        if offset < 0:
            raise invalid("offset", "An offset is no less than 0.")
        async with self._pool.acquire() as connection, connection.transaction():
            upload = await self._locked(connection, tenant, upload_id)
            end = offset + len(data)
            if offset > upload.received or (upload.complete and end > upload.received):
                raise Failure(
                    ErrorReason.ERROR_REASON_WRONG_OFFSET,
                    f"The upload stands at {upload.received}, the chunk begins at {offset}.",
                    offset=str(upload.received),
                )
            if end <= upload.received:
                return upload
            refusal: Failure
            if not upload.size_bytes or end <= upload.size_bytes:
                if end <= self._max_bytes:
                    try:
                        if not upload.size_bytes:
                            await self._quota.allow_bytes(connection, tenant, end - upload.received)
                        return await self._append(connection, upload, data[upload.received - offset :])
                    except QuotaError as error:
                        refusal = error
                else:
                    refusal = self._too_large()
            else:
                refusal = Failure(
                    ErrorReason.ERROR_REASON_UPLOAD_MISMATCH,
                    f"{upload.size_bytes} bytes were announced, more were sent.",
                )
            await self._delete(connection, upload.id)
        raise refusal

    async def complete(self, tenant: str, upload_id: UUID, sha256: str) -> Upload:
        """Declares an upload complete, checks it against what was announced, and finds its SHA-256."""
        if sha256 and not _SHA256.fullmatch(sha256.lower()):
            raise invalid("sha256", "A SHA-256 has 64 hexadecimal digits.")
        async with self._pool.acquire() as connection, connection.transaction():
            upload = await self._locked(connection, tenant, upload_id)
            if not upload.complete:
                upload = await self._checked(connection, upload)
            if sha256 and upload.sha256 != sha256.lower():
                raise Failure(
                    ErrorReason.ERROR_REASON_UPLOAD_MISMATCH,
                    f"The SHA-256 of what arrived is {upload.sha256}, announced was {sha256.lower()}.",
                )
            return upload

    async def find_open(self, tenant: str, upload_id: UUID) -> Upload | None:
        """An upload whose bytes are still to come; None where all are there, or where it is gone."""
        row = await sql.upload(self._pool, tenant=tenant, id=upload_id)
        upload = to_upload(row) if row is not None else None
        return upload if upload is not None and not upload.complete else None

    async def follow(self, upload: Upload, file: GrowingFile) -> None:
        """Tells `file` of an open upload's bytes as they come, until it is complete. Raises SourceError, also in its readers."""
        try:
            await self._follow(upload, file)
        except BaseException as error:
            file.fail(error)
            raise
        file.finish()

    async def _follow(self, upload: Upload, file: GrowingFile) -> None:
        now = asyncio.get_running_loop().time
        moved, received = now(), -1
        while not upload.complete:
            if upload.received != received:
                moved, received = now(), upload.received
                file.grown(received)
            elif now() > moved + self._patience.total_seconds():
                raise SourceError(
                    Reason.SOURCE_BROKEN_OFF, f"The upload has stood still at {received} bytes for too long."
                )
            await asyncio.sleep(_POLL)
            row = await sql.upload(self._pool, tenant=upload.tenant, id=upload.id)
            if row is None:
                raise SourceError(Reason.VIDEO_REMOVED, "The upload was thrown away before it was complete.")
            upload = to_upload(row)

    async def release(self, upload_id: UUID) -> None:
        """Deletes the bytes of an upload that are kept elsewhere by now. The upload itself can still be submitted."""
        await asyncio.to_thread(self.path(upload_id).unlink, missing_ok=True)

    async def expire(self) -> None:
        """Deletes the uploads that nobody submitted in time, and files that belong to none."""
        async with self._pool.acquire() as connection:
            expired = [row["id"] async for row in sql.expired_uploads(connection)]
        for upload_id in expired:
            await asyncio.to_thread(self.path(upload_id).unlink, missing_ok=True)

    async def _checked(self, connection: Connection, upload: Upload) -> Upload:
        if upload.size_bytes and upload.received != upload.size_bytes:
            raise Failure(
                ErrorReason.ERROR_REASON_UPLOAD_MISMATCH,
                f"{upload.size_bytes} bytes were announced, {upload.received} are there.",
            )
        if not upload.received:
            raise Failure(ErrorReason.ERROR_REASON_EMPTY_FILE)
        await sql.stand_still(connection)
        digest = await asyncio.to_thread(_sha256, self.path(upload.id))
        source = f"upload:{upload.id}"
        await sql.know_upload(connection, tenant=upload.tenant, key=upload_key(digest), source=source)
        return to_upload(await sql.complete_upload(connection, id=upload.id, sha256=digest))

    async def _locked(self, connection: Connection, tenant: str, upload_id: UUID) -> Upload:
        """The upload, ours alone until the transaction ends, and no further than its bytes are."""
        upload = await get_upload(connection, tenant, upload_id)
        if not await sql.try_lock_upload(connection, name=str(upload_id)):
            raise Failure(ErrorReason.ERROR_REASON_UPLOAD_BUSY)
        upload = await get_upload(connection, tenant, upload_id)
        there = 0
        with suppress(FileNotFoundError):
            there = self.path(upload_id).stat().st_size
        if there < upload.received and not upload.complete:
            # The machine went down before the bytes were on its disk.
            upload = to_upload(await sql.receive_upload(connection, id=upload.id, received=there))
        return upload

    async def _append(self, connection: Connection, upload: Upload, data: bytes) -> Upload:
        try:
            await asyncio.to_thread(_write_at, self.path(upload.id), upload.received, data)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise Failure(
                    ErrorReason.ERROR_REASON_RESOURCE_EXHAUSTED, "The disk that uploads go to is full."
                ) from error
            raise
        return to_upload(
            await sql.receive_upload(connection, id=upload.id, received=upload.received + len(data))
        )

    async def _delete(self, connection: Connection, upload_id: UUID) -> None:
        await sql.delete_upload(connection, id=upload_id)
        await asyncio.to_thread(self.path(upload_id).unlink, missing_ok=True)

    def _too_large(self) -> Failure:
        return Failure(ErrorReason.ERROR_REASON_TOO_LARGE, f"The file has more than {self._max_bytes} bytes.")


def _write_at(path: Path, offset: int, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, offset)
            offset += written
            view = view[written:]
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
