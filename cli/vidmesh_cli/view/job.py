"""A job as a watcher sees it: events in, news out. Pure: it prints nothing and reads no clock."""

from collections.abc import Iterator

from google.protobuf.timestamp_pb2 import Timestamp

from vidmesh.events.v1 import stage_pb2
from vidmesh.events.v1.ingest_events_pb2 import JobOutcome
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.ingest.v1 import job_pb2
from vidmesh.ingest.v1.ingest_service_pb2 import JobSnapshot, WatchJobResponse
from vidmesh_cli.view.news import Ended, Moved, News, Notice
from vidmesh_cli.view.stage import StageView, State
from vidmesh_cli.view.tracks import Index, Ingest, Summarize, Track, Transcribe, Video, seconds

STAGES = {
    stage_pb2.STAGE_INGEST: "ingest",
    stage_pb2.STAGE_TRANSCRIBE: "transcribe",
    stage_pb2.STAGE_SUMMARIZE: "summarize",
    stage_pb2.STAGE_INDEX: "index",
}
_STATES = {
    stage_pb2.STAGE_STATE_WAITING: State.WAITING,
    stage_pb2.STAGE_STATE_RUNNING: State.RUNNING,
    stage_pb2.STAGE_STATE_SUCCEEDED: State.DONE,
    stage_pb2.STAGE_STATE_FAILED: State.FAILED,
    stage_pb2.STAGE_STATE_CANCELLED: State.CANCELLED,
}
_OUTCOMES = {
    job_pb2.JOB_STATE_SUCCEEDED: JobOutcome.JOB_OUTCOME_SUCCEEDED,
    job_pb2.JOB_STATE_PARTIAL: JobOutcome.JOB_OUTCOME_PARTIAL,
    job_pb2.JOB_STATE_FAILED: JobOutcome.JOB_OUTCOME_FAILED,
    job_pb2.JOB_STATE_CANCELLED: JobOutcome.JOB_OUTCOME_CANCELLED,
}


class JobView:
    """What is known of a job from the messages of its watch. A fact of the kind `K` is taken by the method `K`, as in Track."""

    def __init__(self, *, job_id: str, sequence: int = 0) -> None:
        self.job_id = job_id
        self.sequence = sequence
        """The last event's sequence: where a later watch goes on."""
        self._video = Video()
        self._summarize = Summarize("summarize", self._video)
        self._tracks: dict[stage_pb2.Stage.ValueType, Track] = {
            stage_pb2.STAGE_INGEST: Ingest("ingest", self._video),
            stage_pb2.STAGE_TRANSCRIBE: Transcribe("transcribe", self._video),
            stage_pb2.STAGE_SUMMARIZE: self._summarize,
            stage_pb2.STAGE_INDEX: Index("index", self._video),
        }
        self._began: float | None = None
        self._noticed: set[str] = set()
        self._told: dict[str, tuple[State, int]] = {}

    @property
    def stages(self) -> list[StageView]:
        """The stages in order."""
        return [track.stage for track in self._tracks.values()]

    @property
    def draft(self) -> str:
        """The summary as far as it is being written."""
        return self._summarize.draft

    def apply(self, message: WatchJobResponse) -> Iterator[News]:
        """Take the next message in; yield what it is news of."""
        for news in self._read(message):
            if isinstance(news, Ended):
                yield from self._moves()
            if not isinstance(news, Notice) or self._is_new(news):
                yield news
        yield from self._moves()

    def _read(self, message: WatchJobResponse) -> Iterator[News]:
        match message.WhichOneof("message"):
            case "event":
                event = message.event
                self.sequence = event.sequence
                kind, now = event.WhichOneof("event") or "", _moment(event.time)
                for taker in (self, *self._tracks.values()):
                    if (take := getattr(taker, kind, None)) is not None:
                        yield from take(event, now)
            case "snapshot":
                yield from self._snapshot(message.snapshot)

    def job_accepted(self, event: JobEvent, now: float) -> Iterator[News]:
        """The job begins."""
        self._began = now
        yield from ()

    def stage_failed(self, event: JobEvent, now: float) -> Iterator[News]:
        """A stage was given up."""
        failed = event.stage_failed
        if (track := self._tracks.get(failed.stage)) is not None:
            track.stage.fail(now, failed.failure)
            yield from track.rest()

    def stage_progress(self, event: JobEvent, now: float) -> Iterator[News]:
        """A stage tells how far it has come; after its end that is old."""
        told = event.stage_progress
        track = self._tracks.get(told.stage)
        if track is not None and track.stage.state in (State.WAITING, State.RUNNING):
            track.stage.begin(now)
            track.stage.progress(told)
        yield from ()

    def job_cancelled(self, event: JobEvent, now: float) -> Iterator[News]:
        """The owner stopped the job."""
        for track in self._tracks.values():
            track.stage.cancel(now)
            yield from track.rest()

    def job_retried(self, event: JobEvent, now: float) -> Iterator[News]:
        """Another run begins."""
        self._began = now
        for stage in self.stages:
            stage.again()
        yield Notice(text=f"Run {event.job_retried.run} begins.")

    def job_ended(self, event: JobEvent, now: float) -> Iterator[News]:
        """The run is over."""
        for track in self._tracks.values():
            yield from track.rest()
        ended = event.job_ended
        failure = ended.failure if ended.HasField("failure") else None
        yield Ended(outcome=ended.outcome, failure=failure, seconds=max(0.0, now - (self._began or now)))

    def video_deleted(self, event: JobEvent, now: float) -> Iterator[News]:
        """The video is gone."""
        yield Notice(text="The video was deleted.")

    def _snapshot(self, snapshot: JobSnapshot) -> Iterator[News]:
        job = snapshot.job
        self.sequence = max(self.sequence, snapshot.sequence)
        self._video.title = job.title
        self._video.seconds = seconds(job.duration) or self._video.seconds
        yield Notice(text="Earlier events are no longer kept; this is how the job stands.")
        for told in job.stages:
            if (track := self._tracks.get(told.stage)) is not None:
                _set(track.stage, told)
        for notice in job.notices:
            yield Notice(text=notice)
        if (outcome := _OUTCOMES.get(job.state)) is not None:
            failure = job.failure if job.HasField("failure") else None
            yield Ended(outcome=outcome, failure=failure, seconds=0.0)

    def _is_new(self, notice: Notice) -> bool:
        """Say whether a notice has words, and was not told before."""
        known = not notice.text or notice.text in self._noticed
        self._noticed.add(notice.text)
        return not known

    def _moves(self) -> Iterator[Moved]:
        """Tell of each stage that came to another state or tenth since it was last told of."""
        for stage in self.stages:
            where = (stage.state, int((stage.fraction or 0.0) * 10))
            if where != self._told.get(stage.name, (State.WAITING, 0)):
                self._told[stage.name] = where
                yield Moved(stage=stage)


def _set(stage: StageView, told: job_pb2.JobStage) -> None:
    stage.state = _STATES.get(told.state, State.WAITING)
    stage.began = _moment(told.started_at) if told.HasField("started_at") else None
    stage.ended = _moment(told.ended_at) if told.HasField("ended_at") else None
    stage.failure = told.failure if told.HasField("failure") else None
    stage.note = told.failure.message


def _moment(time: Timestamp) -> float:
    return time.seconds + time.nanos / 1e9
