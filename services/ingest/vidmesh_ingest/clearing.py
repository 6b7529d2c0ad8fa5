"""Clearing away what nobody needs any more: uploads that were not submitted, files of jobs that have ended."""

import asyncio
import logging
import shutil
from pathlib import Path
from uuid import UUID

import asyncpg

from vidmesh_ingest.store import sql
from vidmesh_ingest.uploads import Uploads
from vidmesh_runtime.database import UNREACHABLE, Pool

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two rounds."""


class Clearing:
    """Clears the service's folder now and then. Every process may do so."""

    def __init__(self, pool: Pool, uploads: Uploads, jobs: Path) -> None:
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
        names = [path.name for path in await asyncio.to_thread(_folders, self._jobs)]
        async for row in sql.finished_jobs(self._pool, ids=[UUID(name) for name in names]):
            await asyncio.to_thread(shutil.rmtree, self._jobs / str(row["id"]), ignore_errors=True)


def _folders(parent: Path) -> list[Path]:
    return [path for path in parent.iterdir() if path.is_dir()] if parent.exists() else []
