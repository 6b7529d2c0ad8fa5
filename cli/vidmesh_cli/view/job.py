"""A job as a watcher sees it: events in, news out. Pure: it prints nothing and reads no clock."""

from collections.abc import Iterable, Iterator

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from vidmesh.errors.v1.failure_pb2 import Failure
from vidmesh.events.v1 import stage_pb2
from vidmesh.events.v1.ingest_events_pb2 import JobOutcome
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.events.v1.text_pb2 import Segment
from vidmesh.ingest.v1 import job_pb2
from vidmesh.ingest.v1.ingest_service_pb2 import JobSnapshot, WatchJobResponse
from vidmesh_cli.units import counted
from vidmesh_cli.view.news import Divided, Ended, Heard, Moved, News, Notice, Opened, Summarized
from vidmesh_cli.view.reading_order import ReadingOrder
from vidmesh_cli.view.stage import StageView, State

STAGES = {
    stage_pb2.STAGE_INGEST: "ingest",
    stage_pb2.STAGE_TRANSCRIBE: "transcribe",
    stage_pb2.STAGE_SUMMARIZE: "summarize",
    stage_pb2.STAGE_INDEX: "index",
}
ENGINES = {"faster-whisper": "Whisper", "pocketsphinx": "PocketSphinx", "captions": "captions"}

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
    """What is known of a job from the messages of its watch."""

    def __init__(self, *, job_id: str, title: str = "") -> None:
        self.job_id = job_id
        self.video_id = ""
        self.title = title
        self.stages = {number: StageView(name=name) for number, name in STAGES.items()}
        self._ingest, self._transcribe, self._summarize, self._index = self.stages.values()
        self.draft = ""
        """The summary as far as it is being written."""
        self.summarized = False
        self.outcome: JobOutcome.ValueType | None = None
        self.failure: Failure | None = None
        self.sequence = 0
        """The last event's sequence: where a later watch goes on."""
        self._order = ReadingOrder()
        self._seconds = 0.0
        self._transcribed = 0.0
        self._windows = 0
        self._sections = 0
        self._began: float | None = None
        self._divided: Divided | None = None
        self._divided_told = False
        self._noticed: set[str] = set()
        self._told: dict[str, tuple[State, int]] = {}

    def apply(self, message: WatchJobResponse) -> Iterator[News]:
        """Take the next message in; yield what it is news of."""
        match message.WhichOneof("message"):
            case "event":
                yield from self._event(message.event)
            case "snapshot":
                yield from self._snapshot(message.snapshot)
        yield from self._moves()

    def _event(self, event: JobEvent) -> Iterator[News]:
        self.sequence = event.sequence
        now = _moment(event.time)
        kind = event.WhichOneof("event")
        if kind is not None:
            self.video_id = self.video_id or getattr(getattr(event, kind), "video_id", "")
            yield from getattr(self, f"_{kind}", self._nothing)(event, now)

    def _nothing(self, event: JobEvent, now: float) -> Iterator[News]:
        yield from ()

    def _job_accepted(self, event: JobEvent, now: float) -> Iterator[News]:
        self._began = now
        self.title = self.title or event.job_accepted.title or event.job_accepted.source
        yield from ()

    def _source_opened(self, event: JobEvent, now: float) -> Iterator[News]:
        opened = event.source_opened
        self._ingest.begin(now)
        self.title = opened.title
        self._seconds = _seconds(opened.duration) or self._seconds
        yield Opened(
            title=opened.title, author=opened.author, seconds=self._seconds, size_bytes=opened.size_bytes
        )

    def _window_ready(self, event: JobEvent, now: float) -> Iterator[News]:
        self._windows += 1
        self._order.ready(event.window_ready.index)
        end = _seconds(event.window_ready.end)
        self._ingest.reckon(now, done=end, total=self._seconds, unit="seconds")
        yield from ()

    def _captions_found(self, event: JobEvent, now: float) -> Iterator[News]:
        found = event.captions_found
        use = "they are the transcript" if found.replaces_recognition else "speech is recognised all the same"
        yield from self._notice(f"The source has captions made by people ({found.language}); {use}.")

    def _source_ingested(self, event: JobEvent, now: float) -> Iterator[News]:
        self._seconds = _seconds(event.source_ingested.duration)
        windows = event.source_ingested.window_count
        note = counted(windows, "windows") if windows else ""
        self._ingest.finish(now, amount=self._seconds, unit="seconds", note=note)
        yield from self._notice(event.source_ingested.warning)

    def _stage_failed(self, event: JobEvent, now: float) -> Iterator[News]:
        failed = event.stage_failed
        if failed.stage in self.stages:
            self.stages[failed.stage].fail(now, failed.failure)
        if failed.stage == stage_pb2.STAGE_TRANSCRIBE:
            yield from self._read(self._order.rest())

    def _stage_progress(self, event: JobEvent, now: float) -> Iterator[News]:
        stage = self.stages.get(event.stage_progress.stage)
        if stage is not None and stage.state in (State.WAITING, State.RUNNING):
            stage.begin(now)
            stage.progress(event.stage_progress)
        yield from ()

    def _job_cancelled(self, event: JobEvent, now: float) -> Iterator[News]:
        for stage in self.stages.values():
            stage.cancel(now)
        yield from self._read(self._order.rest())

    def _job_retried(self, event: JobEvent, now: float) -> Iterator[News]:
        for stage in self.stages.values():
            stage.again()
        self.outcome, self.failure, self._began = None, None, now
        yield Notice(text=f"Run {event.job_retried.run} begins.")

    def _job_ended(self, event: JobEvent, now: float) -> Iterator[News]:
        ended = event.job_ended
        yield from self._read(self._order.rest())
        yield from self._chapters()
        yield from self._moves()
        yield self._end(
            ended.outcome, ended.failure if ended.HasField("failure") else None, now - (self._began or now)
        )

    def _video_deleted(self, event: JobEvent, now: float) -> Iterator[News]:
        yield from self._notice("The video was deleted.")

    def _transcript_started(self, event: JobEvent, now: float) -> Iterator[News]:
        started = event.transcript_started
        self._transcribe.begin(now)
        self._transcribe.note = self._transcribe.note or _engine(started.engine, started.model)
        yield from self._notice(started.notice)

    def _segment_heard(self, event: JobEvent, now: float) -> Iterator[News]:
        self._transcribe.begin(now)
        yield from self._read(
            self._order.heard(event.segment_heard.window_index, event.segment_heard.segment)
        )

    def _window_transcribed(self, event: JobEvent, now: float) -> Iterator[News]:
        done = event.window_transcribed
        self._transcribe.begin(now)
        self._transcribed += _seconds(done.end) - _seconds(done.start)
        self._transcribe.reckon(now, done=self._transcribed, total=self._seconds, unit="seconds")
        yield from self._read(self._order.done(done.window_index, done.segments))

    def _transcript_completed(self, event: JobEvent, now: float) -> Iterator[News]:
        done = event.transcript_completed
        note = " · ".join(part for part in (_engine(done.engine, done.model), done.language) if part)
        self._transcribe.finish(now, amount=_seconds(done.duration), unit="seconds", note=note)
        yield from self._read(self._order.rest())
        yield from self._notice(done.notice)

    def _section_summarized(self, event: JobEvent, now: float) -> Iterator[News]:
        self._sections += 1
        self._summarize.begin(now)
        self._summarize.reckon(now, done=self._sections, total=0, unit="sections")
        yield from ()

    def _summary_delta(self, event: JobEvent, now: float) -> Iterator[News]:
        self._summarize.begin(now)
        self._summarize.note = self._summarize.note or "writing"
        if not self.summarized:
            self.draft = (
                event.summary_delta.text
                if event.summary_delta.restart
                else self.draft + event.summary_delta.text
            )
        yield from ()

    def _summary_completed(self, event: JobEvent, now: float) -> Iterator[News]:
        done = event.summary_completed
        self._summarize.begin(now)
        self.draft, self.summarized = "", True
        self._finish_summarize(now)
        yield Summarized(text=done.text, extractive=done.extractive, model=done.model)
        yield from self._chapters()

    def _chapters_completed(self, event: JobEvent, now: float) -> Iterator[News]:
        self._summarize.begin(now)
        self._divided = Divided(chapters=tuple(event.chapters_completed.chapters))
        self._finish_summarize(now)
        if self.summarized:
            yield from self._chapters()

    def _passages_indexed(self, event: JobEvent, now: float) -> Iterator[News]:
        indexed = event.passages_indexed
        self._index.begin(now)
        self._index.reckon(now, done=_seconds(indexed.through), total=self._seconds, unit="seconds")
        self._index.note = counted(indexed.count, "passages")
        yield from ()

    def _index_completed(self, event: JobEvent, now: float) -> Iterator[News]:
        done = event.index_completed
        self._index.begin(now)
        self._index.finish(now, amount=done.count, unit="passages")
        yield from ()

    def _snapshot(self, snapshot: JobSnapshot) -> Iterator[News]:
        job = snapshot.job
        self.sequence = max(self.sequence, snapshot.sequence)
        self.video_id, self.title = job.video_id, job.title
        self._seconds = _seconds(job.duration) or self._seconds
        for told in job.stages:
            if (stage := self.stages.get(told.stage)) is not None:
                stage.state = _STATES.get(told.state, State.WAITING)
                stage.began = _moment(told.started_at) if told.HasField("started_at") else None
                stage.ended = _moment(told.ended_at) if told.HasField("ended_at") else None
                stage.failure = told.failure if told.HasField("failure") else None
                stage.note = told.failure.message
        yield Notice(text="Earlier events are no longer kept; this is how the job stands.")
        for notice in job.notices:
            yield from self._notice(notice)
        if (outcome := _OUTCOMES.get(job.state)) is not None:
            yield from self._moves()
            yield self._end(outcome, job.failure if job.HasField("failure") else None, 0.0)

    def _end(self, outcome: JobOutcome.ValueType, failure: Failure | None, seconds: float) -> Ended:
        self.outcome, self.failure = outcome, failure
        return Ended(outcome=outcome, failure=failure, seconds=max(0.0, seconds))

    def _finish_summarize(self, now: float) -> None:
        if self.summarized and self._divided is not None:
            self._summarize.finish(now, amount=self._sections, unit="sections")

    def _chapters(self) -> Iterator[Divided]:
        """Tell the chapters once: after the summary where there is one, however they came."""
        if self._divided is not None and not self._divided_told:
            self._divided_told = True
            yield self._divided

    def _notice(self, text: str) -> Iterator[Notice]:
        if text and text not in self._noticed:
            self._noticed.add(text)
            yield Notice(text=text)

    def _read(self, segments: Iterable[Segment]) -> Iterator[Heard]:
        for segment in segments:
            yield Heard(start=_seconds(segment.start), text=segment.text)

    def _moves(self) -> Iterator[Moved]:
        """Tell of each stage that came to another state or tenth since it was last told of."""
        for stage in self.stages.values():
            where = (stage.state, int((stage.fraction or 0.0) * 10))
            if where != self._told.get(stage.name, (State.WAITING, 0)):
                self._told[stage.name] = where
                yield Moved(stage=stage)


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9


def _moment(time: Timestamp) -> float:
    return time.seconds + time.nanos / 1e9


def _engine(engine: str, model: str) -> str:
    name = ENGINES.get(engine, engine)
    return f"{name} {model}".strip() if model and engine != "captions" else name
