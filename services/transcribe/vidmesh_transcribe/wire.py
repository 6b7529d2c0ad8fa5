"""Transcripts as the API's and the bus's messages."""

from collections.abc import Iterable

from google.protobuf.duration_pb2 import Duration

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.errors.v1.failure_pb2 import Failure as FailureMessage
from vidmesh.events.v1 import text_pb2
from vidmesh.events.v1.ingest_events_pb2 import StageProgress, WindowReady
from vidmesh.events.v1.stage_pb2 import Stage, StageState
from vidmesh.events.v1.transcribe_events_pb2 import TranscriptStarted, WindowTranscribed
from vidmesh.transcribe.v1 import transcript_pb2
from vidmesh_runtime.errors import Failure
from vidmesh_transcribe.progress import Reading
from vidmesh_transcribe.recognizer import (
    Engine,
    KnownModel,
    ModelMissingError,
    OutOfMemoryError,
    RecognizerCrashedError,
    RecognizerError,
    UnsupportedLanguageError,
)
from vidmesh_transcribe.store import Current, Placed
from vidmesh_transcribe.transcript import Segment, Window, Word
from vidmesh_transcribe.whole import State

SEGMENTS_A_WINDOW = 10_000
"""The numbers that segments of one window may have, so that a segment's number is known before the windows before it."""

_STATES = {
    State.WAITING: StageState.STAGE_STATE_WAITING,
    State.RUNNING: StageState.STAGE_STATE_RUNNING,
    State.SUCCEEDED: StageState.STAGE_STATE_SUCCEEDED,
    State.FAILED: StageState.STAGE_STATE_FAILED,
    State.CANCELLED: StageState.STAGE_STATE_CANCELLED,
}
_REASONS = {
    ModelMissingError: ErrorReason.ERROR_REASON_MODEL_MISSING,
    UnsupportedLanguageError: ErrorReason.ERROR_REASON_UNSUPPORTED_LANGUAGE,
    RecognizerCrashedError: ErrorReason.ERROR_REASON_RECOGNIZER_CRASHED,
    OutOfMemoryError: ErrorReason.ERROR_REASON_RECOGNIZER_CRASHED,
}


def duration(seconds: float) -> Duration:
    """Seconds as a message, to the millisecond."""
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return Duration(seconds=whole, nanos=milliseconds * 1_000_000)


def seconds(message: Duration) -> float:
    """A message as seconds."""
    return message.seconds + message.nanos / 1e9


def window(ready: WindowReady) -> Window:
    """The window that is ready."""
    return Window(
        index=ready.index,
        start=seconds(ready.start),
        end=seconds(ready.end),
        lead=seconds(ready.lead),
        trail=seconds(ready.trail),
    )


def segment(told: Segment, *, window_index: int, place: int, omit_words: bool = False) -> text_pb2.Segment:
    """The segment that is the `place`th of its window."""
    return text_pb2.Segment(
        index=window_index * SEGMENTS_A_WINDOW + place,
        start=duration(told.start),
        end=duration(told.end),
        text=told.text,
        words=() if omit_words else map(_word, told.words),
        language=told.language,
    )


def placed(told: Placed, *, omit_words: bool = False) -> text_pb2.Segment:
    """A segment of the store."""
    return segment(told.segment, window_index=told.window_index, place=told.place, omit_words=omit_words)


def started(video_id: str, engine: Engine) -> TranscriptStarted:
    """The fact that a recogniser was chosen."""
    return TranscriptStarted(
        video_id=video_id,
        engine=engine.name,
        model=engine.model,
        revision=engine.revision,
        notice=engine.notice,
    )


def transcribed(
    video_id: str, done: Window, segments: Iterable[Segment], *, language: str
) -> WindowTranscribed:
    """The fact that a window is done."""
    return WindowTranscribed(
        video_id=video_id,
        window_index=done.index,
        start=duration(done.start),
        end=duration(done.end),
        segments=[segment(told, window_index=done.index, place=place) for place, told in enumerate(segments)],
        language=language,
    )


def progress(reading: Reading, *, activity: str) -> StageProgress:
    """The tick that tells how things stand."""
    message = StageProgress(
        stage=Stage.STAGE_TRANSCRIBE,
        done=reading.done,
        total=reading.total,
        unit="seconds",
        rate=reading.rate,
        activity=activity,
    )
    if reading.remaining is not None:
        message.remaining.CopyFrom(duration(reading.remaining))
    return message


def transcript(current: Current) -> transcript_pb2.Transcript:
    """What is known of a transcript, without its text."""
    message = transcript_pb2.Transcript(
        video_id=current.video_id,
        job_id=current.job_id,
        state=_STATES[current.standing.state],
        language=current.language,
        engine=current.engine,
        model=current.model,
        revision=current.revision,
        notice=current.notice,
        through=duration(current.through),
        segment_count=current.segment_count,
    )
    if current.duration is not None:
        message.duration.CopyFrom(duration(current.duration))
    if current.failure is not None:
        message.failure.CopyFrom(FailureMessage.FromString(current.failure))
    if current.completed_at is not None:
        message.completed_at.FromDatetime(current.completed_at)
    return message


def models(known: Iterable[KnownModel], engine: Engine) -> list[transcript_pb2.Model]:
    """The models that could be taken, the one that is among them or, where it has no public name, before them."""
    listed = [_model(one, engine) for one in known]
    if not any(one.current for one in listed):
        own = KnownModel(name=engine.model, engine=engine.name, available=True, languages=engine.languages)
        listed.insert(0, _model(own, engine))
    return listed


def failure(error: RecognizerError) -> Failure:
    """The documented failure that a recogniser's is."""
    return Failure(_REASONS.get(type(error), ErrorReason.ERROR_REASON_INTERNAL), str(error))


def _model(known: KnownModel, engine: Engine) -> transcript_pb2.Model:
    current = (known.name, known.engine) == (engine.model, engine.name)
    return transcript_pb2.Model(
        name=known.name,
        engine=known.engine,
        revision=engine.revision if current else "",
        available=known.available or current,
        current=current,
        languages=known.languages,
    )


def _word(word: Word) -> text_pb2.Word:
    return text_pb2.Word(
        start=duration(word.start), end=duration(word.end), text=word.text, probability=word.probability
    )
