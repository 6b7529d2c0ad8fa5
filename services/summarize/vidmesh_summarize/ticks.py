"""Ticks of this stage: text as it is written, and how far the sections have come; few enough for every watcher."""

import time

from vidmesh.events.v1.ingest_events_pb2 import StageProgress
from vidmesh.events.v1.stage_pb2 import STAGE_SUMMARIZE
from vidmesh.events.v1.summarize_events_pb2 import SummaryDelta
from vidmesh_runtime.outbox import Ticker
from vidmesh_runtime.work import Lease
from vidmesh_summarize.facts import STAGE

_PATIENCE = 0.08  # seconds for which text is gathered before it is sent
_PROGRESS_EVERY = 0.2  # seconds between ticks of progress of one job
_JOBS_REMEMBERED = 1000


class Deltas:
    """Sends the text of one summary piece by piece."""

    def __init__(self, ticker: Ticker, lease: Lease) -> None:
        self._ticker = ticker
        self._lease = lease
        self._gathered = ""
        # An earlier attempt may have sent text, whether it is known of or not.
        self._restart = True
        self._sent = 0.0

    def begin_anew(self) -> None:
        """What was sent is void."""
        self._gathered = ""
        self._restart = True

    async def send(self, text: str) -> None:
        """Send text, together with what follows at once."""
        self._gathered += text
        if time.monotonic() - self._sent >= _PATIENCE:
            await self.flush()

    async def flush(self) -> None:
        """Send what is gathered."""
        if self._gathered:
            await self._ticker.tick(
                tenant=self._lease.tenant,
                job_id=self._lease.job_id,
                stage=STAGE,
                event=SummaryDelta(text=self._gathered, restart=self._restart),
            )
            self._gathered, self._restart, self._sent = "", False, time.monotonic()


class Progress:
    """Tells how many of a job's sections are summarised."""

    def __init__(self, ticker: Ticker) -> None:
        self._ticker = ticker
        self._told: dict[str, float] = {}

    async def tell(self, lease: Lease, *, done: int, total: int, activity: str) -> None:
        """Tell it, unless that was done just now and more is to come; `total` is 0 while it is not known."""
        now = time.monotonic()
        if now - self._told.get(lease.job_id, 0.0) < _PROGRESS_EVERY and done != total:
            return
        if len(self._told) > _JOBS_REMEMBERED:
            self._told.clear()
        self._told[lease.job_id] = now
        await self._ticker.tick(
            tenant=lease.tenant,
            job_id=lease.job_id,
            stage=STAGE,
            event=StageProgress(
                stage=STAGE_SUMMARIZE, done=done, total=total, unit="sections", activity=activity
            ),
        )
