"""A job's events as a watch brings them."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from vidmesh.events.v1 import stage_pb2
from vidmesh.events.v1.index_events_pb2 import IndexCompleted, PassagesIndexed
from vidmesh.events.v1.ingest_events_pb2 import (
    JOB_OUTCOME_SUCCEEDED,
    JobAccepted,
    JobEnded,
    SourceIngested,
    SourceOpened,
    StageProgress,
    WindowReady,
)
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.events.v1.summarize_events_pb2 import (
    ChaptersCompleted,
    SectionSummarized,
    SummaryCompleted,
    SummaryDelta,
)
from vidmesh.events.v1.text_pb2 import Chapter, Segment
from vidmesh.events.v1.transcribe_events_pb2 import (
    SegmentHeard,
    TranscriptCompleted,
    TranscriptStarted,
    WindowTranscribed,
)
from vidmesh.ingest.v1.ingest_service_pb2 import WatchJobResponse

Told = Callable[..., WatchJobResponse]
FIRST = 100
"""The first event's sequence; each next one is a second later."""


def seconds(count: float) -> Duration:
    return Duration(seconds=int(count), nanos=round(count % 1 * 1e9))


class Teller:
    """Numbers events as the mesh does."""

    def __init__(self) -> None:
        self._sequence = FIRST

    def __call__(self, **event: Any) -> WatchJobResponse:
        self._sequence += 1
        time = Timestamp(seconds=self._sequence)
        return WatchJobResponse(event=JobEvent(sequence=self._sequence, time=time, **event))


@pytest.fixture
def tell() -> Teller:
    return Teller()


@pytest.fixture
def story(tell: Teller) -> list[WatchJobResponse]:
    """A job of 20 seconds of sound that goes well."""
    v = "video-1"
    segments = [
        Segment(index=0, start=seconds(0.5), text="Hello bees."),
        Segment(index=1, start=seconds(9), text="Goodbye."),
    ]
    return [
        tell(job_accepted=JobAccepted(video_id=v, source="upload:1", title="talk.mp4")),
        tell(
            source_opened=SourceOpened(video_id=v, title="A talk", duration=seconds(20), size_bytes=1_300_000)
        ),
        tell(window_ready=WindowReady(video_id=v, index=0, start=seconds(0), end=seconds(10))),
        tell(window_ready=WindowReady(video_id=v, index=1, start=seconds(10), end=seconds(20))),
        tell(source_ingested=SourceIngested(video_id=v, duration=seconds(20), window_count=2)),
        tell(
            transcript_started=TranscriptStarted(
                video_id=v, engine="pocketsphinx", model="en-us", notice="A lesser recogniser was taken."
            )
        ),
        tell(segment_heard=SegmentHeard(window_index=0, segment=segments[0])),
        tell(
            window_transcribed=WindowTranscribed(
                video_id=v, window_index=0, start=seconds(0), end=seconds(10), segments=segments
            )
        ),
        tell(passages_indexed=PassagesIndexed(video_id=v, count=1, through=seconds(9))),
        tell(
            window_transcribed=WindowTranscribed(
                video_id=v, window_index=1, start=seconds(10), end=seconds(20)
            )
        ),
        tell(
            transcript_completed=TranscriptCompleted(
                video_id=v,
                window_count=2,
                segment_count=2,
                language="en",
                duration=seconds(20),
                engine="pocketsphinx",
                model="en-us",
                notice="A lesser recogniser was taken.",
            )
        ),
        tell(section_summarized=SectionSummarized(video_id=v, index=0)),
        tell(summary_delta=SummaryDelta(text="Bees are ")),
        tell(summary_delta=SummaryDelta(text="greeted.")),
        tell(
            summary_completed=SummaryCompleted(
                video_id=v, text="Bees are greeted.", model="extractive", extractive=True
            )
        ),
        tell(
            chapters_completed=ChaptersCompleted(
                video_id=v, chapters=[Chapter(title="Bees", gist="They are greeted.")]
            )
        ),
        tell(index_completed=IndexCompleted(video_id=v, count=2)),
        tell(job_ended=JobEnded(video_id=v, outcome=JOB_OUTCOME_SUCCEEDED, run=1)),
    ]


@pytest.fixture
def progress(tell: Teller) -> Callable[[float, float], WatchJobResponse]:
    """A tick of the transcribe stage: so many seconds done at such a rate."""

    def told(done: float, rate: float) -> WatchJobResponse:
        return tell(
            stage_progress=StageProgress(
                stage=stage_pb2.STAGE_TRANSCRIBE,
                done=done,
                total=20,
                unit="seconds",
                rate=rate,
                activity="recognising",
            )
        )

    return told
