"""Values as protobuf messages, and failures of sources as failures of the mesh."""

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from vidmesh.errors.v1 import failure_pb2
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.ingest_events_pb2 import JobOutcome, Priority
from vidmesh.events.v1.stage_pb2 import StageState as StageStateMessage
from vidmesh.ingest.v1 import api_key_pb2, job_pb2, upload_pb2
from vidmesh_ingest import api_keys, job
from vidmesh_ingest.outcome import JobState
from vidmesh_ingest.reason import SourceError
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.events import stage_number


def to_failure(error: SourceError) -> Failure:
    """The failure that an error of a source is."""
    return Failure(
        ErrorReason.Value(f"ERROR_REASON_{error.reason}"), error.message, retry_after=error.retry_after
    )


def to_duration(seconds: float) -> Duration:
    """A stretch of time."""
    made = Duration()
    made.FromTimedelta(timedelta(seconds=seconds))
    return made


def to_timestamp(time: datetime) -> Timestamp:
    """A point in time."""
    made = Timestamp()
    made.FromDatetime(time)
    return made


def to_api_key(known: api_keys.ApiKey) -> api_key_pb2.ApiKey:
    """An API key as callers see it."""
    message = api_key_pb2.ApiKey(id=known.id, name=known.name, scopes=known.scopes)
    message.created_at.FromDatetime(known.created_at)
    for name in ("expires_at", "used_at", "revoked_at"):
        if (time := getattr(known, name)) is not None:
            getattr(message, name).FromDatetime(time)
    return message


def to_outcome(state: JobState) -> JobOutcome.ValueType:
    """How a job ended that is in this state."""
    return JobOutcome.Value(f"JOB_OUTCOME_{state.upper()}")


def to_rank(priority: int) -> str:
    """The priority of work that a job's priority means."""
    return "low" if priority == Priority.PRIORITY_BATCH else "high"


def state_of(number: job_pb2.JobState.ValueType) -> JobState:
    """The state with this number. Raises ValueError for one that is none."""
    return JobState(job_pb2.JobState.Name(number).removeprefix("JOB_STATE_").lower())


def to_job(known: job.Job) -> job_pb2.Job:
    """A job as callers see it."""
    message = job_pb2.Job(
        id=str(known.id),
        video_id=str(known.video_id),
        state=job_pb2.JobState.Value(f"JOB_STATE_{known.state.upper()}"),
        stages=[_to_stage(stage) for stage in known.stages],
        source=known.source,
        title=known.title,
        notices=known.notices,
        captions=known.captions,  # type: ignore[arg-type]  # the column holds the enum's number
        language=known.language,
        priority=known.priority,  # type: ignore[arg-type]  # likewise
        run=known.run,
        created_at=to_timestamp(known.created_at),
    )
    if known.duration is not None:
        message.duration.FromTimedelta(known.duration)
    if known.failure is not None:
        message.failure.MergeFromString(known.failure)
    if known.ended_at is not None:
        message.ended_at.FromDatetime(known.ended_at)
    return message


def _to_stage(stage: job.Stage) -> job_pb2.JobStage:
    message = job_pb2.JobStage(
        stage=stage_number(stage.name), state=StageStateMessage.Value(f"STAGE_STATE_{stage.state.upper()}")
    )
    if stage.failure is not None:
        message.failure.CopyFrom(failure_pb2.Failure.FromString(stage.failure))
    if stage.started_at is not None:
        message.started_at.FromDatetime(stage.started_at)
    if stage.ended_at is not None:
        message.ended_at.FromDatetime(stage.ended_at)
    return message


def to_upload(known: job.Upload) -> upload_pb2.Upload:
    """An upload as its sender sees it."""
    state = upload_pb2.UPLOAD_STATE_COMPLETE if known.complete else upload_pb2.UPLOAD_STATE_OPEN
    return upload_pb2.Upload(
        id=str(known.id),
        filename=known.filename,
        size_bytes=known.size_bytes,
        offset=known.received,
        state=state,
        sha256=known.sha256,
        created_at=to_timestamp(known.created_at),
        expires_at=to_timestamp(known.expires_at),
    )
