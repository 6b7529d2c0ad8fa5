"""StreamSummary: the summary as it stands, then as it is written, to its end."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from vidmesh.events.v1 import ingest_events_pb2 as ingest
from vidmesh.events.v1.stage_pb2 import STAGE_STATE_CANCELLED, STAGE_STATE_FAILED, StageState
from vidmesh.events.v1.summarize_events_pb2 import SectionSummarized, SummaryDelta
from vidmesh.summarize.v1.summarize_service_pb2 import StreamSummaryResponse, SummaryRestart
from vidmesh.summarize.v1.summary_pb2 import Section, Summary
from vidmesh_runtime.bus import Bus, event_subject
from vidmesh_runtime.errors import not_found
from vidmesh_runtime.events import Event
from vidmesh_runtime.history import History, HistoryGoneError
from vidmesh_runtime.watch import Gap, Heartbeat, Watchtower
from vidmesh_summarize.facts import STAGE
from vidmesh_summarize.shelf import Shelf

_OPEN = {
    StageState.STAGE_STATE_UNSPECIFIED,
    StageState.STAGE_STATE_WAITING,
    StageState.STAGE_STATE_RUNNING,
}
_TURNS = {
    (STAGE, "summary_completed"),
    (STAGE, "stage_failed"),
    ("ingest", "job_cancelled"),
    ("ingest", "job_ended"),
    ("ingest", "video_deleted"),
}
"""The facts after which a summary may have come to its end."""

Responses = AsyncGenerator[StreamSummaryResponse, None]


class Streaming:
    """Streams summaries to their readers."""

    def __init__(self, shelf: Shelf, bus: Bus, watchtower: Watchtower) -> None:
        self._shelf = shelf
        self._history = History(bus)
        self._watchtower = watchtower

    async def stream(self, tenant: str, video_id: str) -> Responses:
        """Stream the newest summary of a video; ends when it is whole, failed or cancelled. Raises NOT_FOUND."""
        job = await self._shelf.newest_job(tenant, video_id)
        position = await self._position()
        summary = await self._shelf.own_summary(job)
        if summary.state not in _OPEN:
            yield StreamSummaryResponse(summary=summary)
            return
        reader = _Reader(await self._written(tenant, job["job_id"], position))
        summary.text = reader.text
        yield StreamSummaryResponse(summary=summary)
        reader.sections = {section.index for section in summary.sections}
        watch = self._watchtower.watch(tenant, job["job_id"], after=position)
        async with aclosing(watch) as items:
            async for item in items:
                if isinstance(item, Event) and (item.stage, item.kind) not in _TURNS:
                    for response in reader.read(item):
                        yield response
                    continue
                if isinstance(item, Heartbeat):
                    now = Timestamp()
                    now.GetCurrentTime()
                    yield StreamSummaryResponse(heartbeat=now)
                    continue
                summary = await self._as_told(tenant, video_id, job, item)
                if isinstance(item, Gap) or summary.state not in _OPEN:
                    yield StreamSummaryResponse(summary=summary)
                if summary.state not in _OPEN:
                    return

    async def _as_told(self, tenant: str, video_id: str, job: Any, item: Event | Gap) -> Summary:
        """Read the summary after a fact which may be ahead of what this service knows."""
        if isinstance(item, Event) and item.kind == "video_deleted":
            raise not_found("video", video_id)
        summary = await self._shelf.own_summary(await self._shelf.job(tenant, video_id, job["job_id"]))
        if isinstance(item, Event) and summary.state in _OPEN:
            if item.kind == "job_cancelled":
                summary.state = STAGE_STATE_CANCELLED
            elif item.kind == "job_ended":
                ended = ingest.JobEnded.FromString(item.payload)
                cancelled = ended.outcome == ingest.JOB_OUTCOME_CANCELLED
                summary.state = STAGE_STATE_CANCELLED if cancelled else STAGE_STATE_FAILED
                if ended.HasField("failure"):
                    summary.failure.CopyFrom(ended.failure)
        return summary

    async def _position(self) -> int:
        try:
            return (await self._history.bounds()).last
        except HistoryGoneError as error:
            raise ConnectionError("the bus does not answer") from error

    async def _written(self, tenant: str, job_id: str, position: int) -> str:
        """Gather the text that was sent up to a position."""
        text = ""
        subject = event_subject(tenant, job_id, STAGE, "summary_delta")
        try:
            async for event in self._history.after(0, subject, through=position):
                delta = SummaryDelta.FromString(event.payload)
                text = delta.text if delta.restart else text + delta.text
        except HistoryGoneError as error:
            raise ConnectionError("the bus does not answer") from error
        return text


class _Reader:
    """What one reader has been sent."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sections: set[int] = set()

    def read(self, event: Event) -> list[StreamSummaryResponse]:
        """Turn an event into what the reader is sent for it."""
        if event.stage != STAGE:
            return []
        if event.kind == "summary_delta":
            delta = SummaryDelta.FromString(event.payload)
            restart = [StreamSummaryResponse(restart=SummaryRestart())] if delta.restart and self.text else []
            self.text = delta.text if delta.restart else self.text + delta.text
            return [*restart, StreamSummaryResponse(delta=delta.text)]
        if event.kind == "section_summarized":
            told = SectionSummarized.FromString(event.payload)
            if told.index not in self.sections:
                self.sections.add(told.index)
                section = Section(index=told.index, start=told.start, end=told.end, text=told.text)
                return [StreamSummaryResponse(section=section)]
        return []
