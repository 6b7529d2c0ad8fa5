"""Clearing away what nobody needs any more: uploads that were not submitted, files of jobs that have ended."""

import asyncio
import logging
import shutil
from pathlib import Path
from uuid import UUID

import asyncpg

from vidmesh_ingest.api_keys import forget_keys
from vidmesh_ingest.ending import WHOLE, windows_folder
from vidmesh_ingest.letters import forget_letters
from vidmesh_ingest.store import sql
from vidmesh_ingest.uploads import Uploads
from vidmesh_runtime.database import UNREACHABLE, Pool
from vidmesh_runtime.media import MediaStore

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two rounds."""


class Clearing:
    """Clears the service's folder now and then. Every process may do so."""

    def __init__(self, pool: Pool, media: MediaStore, uploads: Uploads, jobs: Path) -> None:
        self._media = media
        self._pool = pool
        self._uploads = uploads
        self._jobs = jobs

    async def run(self) -> None:
        """Clears for ever."""
        while True:
            try:
                await self.clear()
            except (*UNREACHABLE, asyncpg.PostgresError, TimeoutError) as error:
                log.warning("nothing was cleared away: %s", error or type(error).__name__)
            await asyncio.sleep(EVERY)

    async def clear(self) -> None:
        """Clears once."""
        await self._uploads.expire()
        await forget_letters(self._pool)
        await forget_keys(self._pool)
        names = [path.name for path in await asyncio.to_thread(_folders, self._jobs)]
        async for row in sql.finished_jobs(self._pool, ids=[UUID(name) for name in names]):
            if row["state"] in WHOLE:
                # A process that had lost its lease without knowing may have written some after they were tidied up.
                await self._media.delete_folder(windows_folder(row["tenant"], row["video_id"], row["id"]))
            await asyncio.to_thread(shutil.rmtree, self._jobs / str(row["id"]), ignore_errors=True)


def _folders(parent: Path) -> list[Path]:
    return [path for path in parent.iterdir() if path.is_dir()] if parent.exists() else []
