"""Following a transcript and a summary while they are made."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration

from vidmesh.events.v1.stage_pb2 import (
    STAGE_STATE_CANCELLED,
    STAGE_STATE_FAILED,
    STAGE_STATE_SUCCEEDED,
    StageState,
)
from vidmesh.resume import OnBreak, followed
from vidmesh.summarize.v1.summarize_service_pb2 import StreamSummaryRequest, StreamSummaryResponse
from vidmesh.transcribe.v1.transcribe_service_pb2 import StreamTranscriptRequest, StreamTranscriptResponse

if TYPE_CHECKING:
    from vidmesh.summarize.v1.summarize_service_pb2_grpc import SummarizeServiceAsyncStub
    from vidmesh.transcribe.v1.transcribe_service_pb2_grpc import TranscribeServiceAsyncStub

_DONE: frozenset[StageState.ValueType] = frozenset(
    {STAGE_STATE_SUCCEEDED, STAGE_STATE_FAILED, STAGE_STATE_CANCELLED}
)


def follow_transcript(
    stub: "TranscribeServiceAsyncStub", video_id: str, *, patience: timedelta, on_break: OnBreak | None
) -> AsyncGenerator[StreamTranscriptResponse, None]:
    """Yield a transcript's state and segments until it is whole, each segment once and in order."""
    place = _Place()

    async def is_over() -> bool:
        return place.done

    return followed(
        lambda: stub.StreamTranscript(StreamTranscriptRequest(video_id=video_id, start=place.start)),
        take=place.advance,
        is_over=is_over,
        patience=patience,
        on_break=on_break,
    )


def follow_summary(
    stub: "SummarizeServiceAsyncStub", video_id: str, *, patience: timedelta, on_break: OnBreak | None
) -> AsyncGenerator[StreamSummaryResponse, None]:
    """Yield a summary as it is written until it is whole. After a break the summary as it stands comes again."""
    done = False

    def take(message: StreamSummaryResponse) -> bool:
        nonlocal done
        kind = message.WhichOneof("message")
        if kind == "summary":
            done = message.summary.state in _DONE
        return kind not in ("heartbeat", None)

    async def is_over() -> bool:
        return done

    return followed(
        lambda: stub.StreamSummary(StreamSummaryRequest(video_id=video_id)),
        take=take,
        is_over=is_over,
        patience=patience,
        on_break=on_break,
    )


class _Place:
    """How far a transcript was read."""

    def __init__(self) -> None:
        self.start: Duration | None = None
        self.done = False
        self._job = ""
        self._last = -1

    def advance(self, message: StreamTranscriptResponse) -> bool:
        """Take note of a message; say whether it is news. A state of another job voids the segments so far."""
        match message.WhichOneof("message"):
            case "transcript":
                if self._job not in ("", message.transcript.job_id):
                    self._last, self.start = -1, None
                self._job = message.transcript.job_id
                self.done = message.transcript.state in _DONE
                return True
            case "segment" if message.segment.index > self._last:
                self._last, self.start = message.segment.index, message.segment.start
                return True
            case _:
                return False
