"""What each stage's own facts say of it, and what they are news of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.events.v1.text_pb2 import Segment
from vidmesh_cli.units import counted
from vidmesh_cli.view.news import Divided, Heard, News, Notice, Opened, Summarized
from vidmesh_cli.view.reading_order import ReadingOrder
from vidmesh_cli.view.stage import StageView

ENGINES = {"faster-whisper": "Whisper", "pocketsphinx": "PocketSphinx", "captions": "captions"}


@dataclass(slots=True, kw_only=True)
class Video:
    """What is known of the video."""

    title: str = ""
    seconds: float = 0.0
    """How long it is; 0 where that is not known."""


class Track:
    """One stage. A fact of the kind `K` is taken by the method `K`, which gets the event and its time.

    Times are seconds since the epoch.
    """

    def __init__(self, name: str, video: Video) -> None:
        self.stage = StageView(name=name)
        self._video = video

    def rest(self) -> Iterator[News]:
        """Yield what was held back for its place among other news, because no more will come."""
        yield from ()


class Ingest(Track):
    """Opening, fetching and decoding the source."""

    def source_opened(self, event: JobEvent, now: float) -> Iterator[News]:
        """The source is known."""
        opened = event.source_opened
        self.stage.begin(now)
        self._video.title = opened.title
        self._video.seconds = seconds(opened.duration) or self._video.seconds
        yield Opened(
            title=opened.title,
            author=opened.author,
            seconds=self._video.seconds,
            size_bytes=opened.size_bytes,
        )

    def window_ready(self, event: JobEvent, now: float) -> Iterator[News]:
        """So much is decoded."""
        end = seconds(event.window_ready.end)
        self.stage.reckon(now, done=end, total=self._video.seconds, unit="seconds")
        yield from ()

    def captions_found(self, event: JobEvent, now: float) -> Iterator[News]:
        """There are captions."""
        found = event.captions_found
        use = "they are the transcript" if found.replaces_recognition else "speech is recognised all the same"
        yield Notice(text=f"The source has captions made by people ({found.language}); {use}.")

    def source_ingested(self, event: JobEvent, now: float) -> Iterator[News]:
        """All is decoded."""
        done = event.source_ingested
        self._video.seconds = seconds(done.duration)
        note = counted(done.window_count, "windows") if done.window_count else ""
        self.stage.finish(now, amount=self._video.seconds, unit="seconds", note=note)
        yield Notice(text=done.warning)


class Transcribe(Track):
    """Turning speech into text."""

    def __init__(self, name: str, video: Video) -> None:
        super().__init__(name, video)
        self._order = ReadingOrder()
        self._done = 0.0

    def window_ready(self, event: JobEvent, now: float) -> Iterator[News]:
        """A window will be transcribed."""
        self._order.ready(event.window_ready.index)
        yield from ()

    def transcript_started(self, event: JobEvent, now: float) -> Iterator[News]:
        """The recogniser is chosen."""
        started = event.transcript_started
        self.stage.begin(now)
        self.stage.note = self.stage.note or _engine(started.engine, started.model)
        yield Notice(text=started.notice)

    def segment_heard(self, event: JobEvent, now: float) -> Iterator[News]:
        """Some words, before their window is done."""
        self.stage.begin(now)
        yield from _read(self._order.heard(event.segment_heard.window_index, event.segment_heard.segment))

    def window_transcribed(self, event: JobEvent, now: float) -> Iterator[News]:
        """A window's words, for good."""
        done = event.window_transcribed
        self.stage.begin(now)
        self._done += seconds(done.end) - seconds(done.start)
        self.stage.reckon(now, done=self._done, total=self._video.seconds, unit="seconds")
        yield from _read(self._order.done(done.window_index, done.segments))

    def transcript_completed(self, event: JobEvent, now: float) -> Iterator[News]:
        """All words are there."""
        done = event.transcript_completed
        note = " · ".join(part for part in (_engine(done.engine, done.model), done.language) if part)
        self.stage.finish(now, amount=seconds(done.duration), unit="seconds", note=note)
        yield from self.rest()
        yield Notice(text=done.notice)

    def rest(self) -> Iterator[News]:
        """Words that waited for those of an earlier window."""
        yield from _read(self._order.rest())


class Summarize(Track):
    """Writing the summary and the chapters."""

    def __init__(self, name: str, video: Video) -> None:
        super().__init__(name, video)
        self.draft = ""
        """The summary as far as it is being written."""
        self._sections = 0
        self._summarized = False
        self._divided = False
        self._waiting: Divided | None = None

    def section_summarized(self, event: JobEvent, now: float) -> Iterator[News]:
        """A section is done."""
        self._sections += 1
        self.stage.begin(now)
        self.stage.reckon(now, done=self._sections, total=0, unit="sections")
        yield from ()

    def summary_delta(self, event: JobEvent, now: float) -> Iterator[News]:
        """Some more of the summary is written."""
        delta = event.summary_delta
        self.stage.begin(now)
        if not self._summarized:
            self.draft = delta.text if delta.restart else self.draft + delta.text
        yield from ()

    def summary_completed(self, event: JobEvent, now: float) -> Iterator[News]:
        """The summary is written."""
        done = event.summary_completed
        self.stage.begin(now)
        self.draft, self._summarized = "", True
        self._finish(now)
        yield Summarized(text=done.text, extractive=done.extractive, model=done.model)
        yield from self.rest()

    def chapters_completed(self, event: JobEvent, now: float) -> Iterator[News]:
        """The chapters are cut; they are told after the summary."""
        self.stage.begin(now)
        self._divided = True
        self._waiting = Divided(chapters=tuple(event.chapters_completed.chapters))
        self._finish(now)
        if self._summarized:
            yield from self.rest()

    def rest(self) -> Iterator[News]:
        """Chapters that waited for the summary."""
        if self._waiting is not None:
            yield self._waiting
            self._waiting = None

    def _finish(self, now: float) -> None:
        if self._summarized and self._divided:
            self.stage.finish(now, amount=self._sections, unit="sections")


class Index(Track):
    """Making the text searchable."""

    def passages_indexed(self, event: JobEvent, now: float) -> Iterator[News]:
        """More can be searched."""
        indexed = event.passages_indexed
        self.stage.begin(now)
        self.stage.reckon(now, done=seconds(indexed.through), total=self._video.seconds, unit="seconds")
        self.stage.note = counted(indexed.count, "passages")
        yield from ()

    def index_completed(self, event: JobEvent, now: float) -> Iterator[News]:
        """All can be searched."""
        self.stage.begin(now)
        self.stage.finish(now, amount=event.index_completed.count, unit="passages")
        yield from ()


def seconds(duration: Duration) -> float:
    """Give a duration in seconds."""
    return duration.seconds + duration.nanos / 1e9


def _read(segments: Iterable[Segment]) -> Iterator[Heard]:
    for segment in segments:
        yield Heard(start=seconds(segment.start), text=segment.text)


def _engine(engine: str, model: str) -> str:
    name = ENGINES.get(engine, engine)
    return f"{name} {model}".strip() if model and engine != "captions" else name
