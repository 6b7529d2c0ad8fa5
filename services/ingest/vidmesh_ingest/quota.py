"""Quotas: what a tenant may have at most, so that one cannot fill what all share."""

from dataclasses import dataclass
from pathlib import Path

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_runtime.database import Connection, load_queries
from vidmesh_runtime.errors import Failure

sql = load_queries(Path(__file__).with_suffix(".sql"))


class QuotaError(Failure):
    """A tenant has as much as it may."""

    def __init__(self, name: str, *, has: str, limit: float) -> None:
        super().__init__(
            ErrorReason.ERROR_REASON_RESOURCE_EXHAUSTED,
            f"You have {has}; VIDMESH_QUOTA_{name} allows {limit:g}.",
            quota=name.lower(),
            limit=f"{limit:g}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What each tenant may have; None where there is no limit."""

    open_jobs: int | None = None
    minutes: float | None = None
    """Minutes of video in the jobs of the last 30 days. A video's length is known once it is opened."""
    stored_bytes: int | None = None
    """Kept sources and uploads that are not submitted."""

    async def allow_job(self, connection: Connection, tenant: str) -> None:
        """Let a tenant have one more job, counted until the transaction ends. Raises QuotaError."""
        if self.open_jobs is None and self.minutes is None and self.stored_bytes is None:
            return
        await sql.lock_quota(connection, tenant=tenant)
        if self.open_jobs is not None:
            held = int(await sql.open_jobs(connection, tenant=tenant))
            if held >= self.open_jobs:
                raise QuotaError("OPEN_JOBS", has=f"{held} jobs that have not ended", limit=self.open_jobs)
        if self.minutes is not None:
            spent = float(await sql.minutes(connection, tenant=tenant))
            if spent >= self.minutes:
                raise QuotaError(
                    "MINUTES", has=f"{spent:.0f} minutes of video in the last 30 days", limit=self.minutes
                )
        if self.stored_bytes is not None:
            await self._check_bytes(connection, tenant, 0, self.stored_bytes)

    async def allow_bytes(self, connection: Connection, tenant: str, more: int) -> None:
        """Let a tenant store so many bytes more. Raises QuotaError."""
        if self.stored_bytes is None:
            return
        await sql.lock_quota(connection, tenant=tenant)
        await self._check_bytes(connection, tenant, more, self.stored_bytes)

    async def _check_bytes(self, connection: Connection, tenant: str, more: int, limit: int) -> None:
        held = int(await sql.stored_bytes(connection, tenant=tenant))
        if held + more > limit:
            raise QuotaError("BYTES", has=f"{held} bytes stored", limit=limit)
