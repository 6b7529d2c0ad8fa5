"""Between protobuf and the values of this service."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.duration_pb2 import Duration

from vidmesh.errors.v1 import failure_pb2
from vidmesh.events.v1 import text_pb2
from vidmesh.events.v1.stage_pb2 import StageState
from vidmesh.events.v1.transcribe_events_pb2 import WindowTranscribed
from vidmesh.summarize.v1 import summary_pb2
from vidmesh_runtime.errors import invalid
from vidmesh_summarize.chapters import Chapter
from vidmesh_summarize.engine import Brief, Length, Style
from vidmesh_summarize.transcript import Segment

_STYLES: dict[int, Style] = {
    summary_pb2.SUMMARY_STYLE_PARAGRAPHS: Style.PARAGRAPHS,
    summary_pb2.SUMMARY_STYLE_BULLETS: Style.BULLETS,
    summary_pb2.SUMMARY_STYLE_MINUTES: Style.MINUTES,
}
_LENGTHS: dict[int, Length] = {
    summary_pb2.SUMMARY_LENGTH_SHORT: Length.SHORT,
    summary_pb2.SUMMARY_LENGTH_MEDIUM: Length.MEDIUM,
    summary_pb2.SUMMARY_LENGTH_LONG: Length.LONG,
}
_STYLE_NUMBERS = {style: summary_pb2.SummaryStyle.ValueType(number) for number, style in _STYLES.items()}
_LENGTH_NUMBERS = {length: summary_pb2.SummaryLength.ValueType(number) for number, length in _LENGTHS.items()}


def seconds(duration: Duration) -> float:
    """Read a duration."""
    return duration.seconds + duration.nanos / 1e9


def duration(value: float) -> Duration:
    """Write seconds as a duration, to the millisecond."""
    milliseconds = round(value * 1000)
    return Duration(seconds=milliseconds // 1000, nanos=milliseconds % 1000 * 1_000_000)


def segments(window: WindowTranscribed) -> list[Segment]:
    """Read the segments of a window."""
    return [
        Segment(start=seconds(one.start), end=seconds(one.end), text=one.text.replace("\x00", ""))
        for one in window.segments
    ]


def without_words(window: WindowTranscribed) -> WindowTranscribed:
    """Copy a window as far as it is summarised."""
    return WindowTranscribed(
        language=window.language,
        segments=[
            text_pb2.Segment(start=one.start, end=one.end, text=one.text, language=one.language)
            for one in window.segments
        ],
    )


def chapter_messages(chapters: Iterable[Chapter]) -> list[text_pb2.Chapter]:
    """Write chapters."""
    return [
        text_pb2.Chapter(
            index=index, start=duration(one.start), end=duration(one.end), title=one.title, gist=one.gist
        )
        for index, one in enumerate(chapters)
    ]


def brief(style: int, length: int, language: str, prompt: str) -> Brief:
    """Read what summary is asked for. Raises Failure INVALID_FIELD for a style or a length that is none."""
    styles = {summary_pb2.SUMMARY_STYLE_UNSPECIFIED: Style.PARAGRAPHS, **_STYLES}
    lengths = {summary_pb2.SUMMARY_LENGTH_UNSPECIFIED: Length.MEDIUM, **_LENGTHS}
    if style not in styles:
        raise invalid("style", f"There is no style {style}.")
    if length not in lengths:
        raise invalid("length", f"There is no length {length}.")
    return Brief(style=styles[style], length=lengths[length], language=language, prompt=prompt)


def section_message(row: Mapping[str, Any]) -> summary_pb2.Section:
    """Write a section's row."""
    return summary_pb2.Section(
        index=row["index"], start=duration(row["start_at"]), end=duration(row["end_at"]), text=row["text"]
    )


def summary_message(
    row: Mapping[str, Any], job: Mapping[str, Any], sections: Sequence[Mapping[str, Any]]
) -> summary_pb2.Summary:
    """Write a summary's row; `job` is its job's, `sections` the rows of the sections that are summarised."""
    failure = None if row["text"] is not None else job["failure"]
    message = summary_pb2.Summary(
        id=str(row["id"]),
        video_id=job["video_id"],
        state=state(done=row["text"] is not None, job=job, failure=failure),
        text=row["text"] or "",
        model=row["model"],
        extractive=row["extractive"],
        style=_STYLE_NUMBERS[Style(row["style"])],
        length=_LENGTH_NUMBERS[Length(row["length"])],
        language=row["language"] or job["language"],
        prompt=row["prompt"],
        sections=[section_message(section) for section in sections],
    )
    if failure is not None:
        message.failure.CopyFrom(failure_pb2.Failure.FromString(failure))
    if row["completed_at"] is not None:
        message.completed_at.FromDatetime(row["completed_at"])
    return message


def state(*, done: bool, job: Mapping[str, Any], failure: bytes | None) -> StageState.ValueType:
    """Tell how far something of a job has come; `job` is a row with `cancelled`."""
    if done:
        return StageState.STAGE_STATE_SUCCEEDED
    if failure is not None:
        return StageState.STAGE_STATE_FAILED
    if job["cancelled"]:
        return StageState.STAGE_STATE_CANCELLED
    if job["heard_through"] > 0 or job["window_count"] is not None:
        return StageState.STAGE_STATE_RUNNING
    return StageState.STAGE_STATE_WAITING
