"""Between protobuf messages and the domain's values."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from vidmesh.events.v1 import text_pb2
from vidmesh.events.v1.stage_pb2 import StageState
from vidmesh.events.v1.transcribe_events_pb2 import WindowTranscribed
from vidmesh.query.v1 import conversation_pb2, library_pb2, search_pb2
from vidmesh_query.answer import Answered, Citation, Kind
from vidmesh_query.coverage import Coverage
from vidmesh_query.hit import Hit
from vidmesh_query.language_model import Trouble
from vidmesh_query.passage import Passage
from vidmesh_query.transcript import Segment, Window, Word

Row = Mapping[str, Any]

_KINDS = {
    Kind.WRITTEN: search_pb2.ANSWER_KIND_GENERATED,
    Kind.EXTRACTED: search_pb2.ANSWER_KIND_PASSAGES,
    Kind.NOTHING: search_pb2.ANSWER_KIND_NOT_FOUND,
}

_TROUBLES = {
    Trouble.RATE_LIMITED: "The language model limits how often it is asked",
    Trouble.UNAVAILABLE: "The language model does not answer",
    Trouble.STALLED: "The language model stopped answering",
    Trouble.MALFORMED: "The language model's answer could not be used",
    Trouble.REFUSED: "The language model refuses the request",
}

PASSAGES = "passages"
"""The model's name on answers that no language model wrote."""


def milliseconds(duration: Duration) -> int:
    """A duration in whole milliseconds."""
    return int(duration.seconds * 1000 + duration.nanos // 1_000_000)


def to_duration(milliseconds: int) -> Duration:
    """Milliseconds as a duration."""
    duration = Duration()
    duration.FromMilliseconds(milliseconds)
    return duration


def to_coverage(coverage: Coverage) -> search_pb2.Coverage:
    """How far a video has come, as a message."""
    message = search_pb2.Coverage(
        video_id=coverage.video,
        video_title=coverage.title,
        indexed_through=to_duration(coverage.through),
        state=StageState.STAGE_STATE_RUNNING if coverage.begun else StageState.STAGE_STATE_WAITING,
    )
    if coverage.duration is not None:
        message.duration.CopyFrom(to_duration(coverage.duration))
    return message


def to_timestamp(time: datetime) -> Timestamp:
    """A point in time."""
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp


def to_window(payload: bytes) -> Window:
    """A WindowTranscribed message as a window."""
    message = WindowTranscribed.FromString(payload)
    segments = tuple(
        to_segment(one, window=message.window_index, place=place, language=message.language)
        for place, one in enumerate(message.segments)
    )
    return Window(index=message.window_index, end=milliseconds(message.end), segments=segments)


def to_segment(message: text_pb2.Segment, *, window: int, place: int, language: str = "") -> Segment:
    """A Segment message as the segment with this place in its window; `language` is that of those that name none."""
    return Segment(
        window=window,
        index=place,
        start=milliseconds(message.start),
        end=milliseconds(message.end),
        text=message.text,
        language=(message.language or language).split("-")[0].lower(),
        words=tuple(
            Word(text=word.text.strip(), start=milliseconds(word.start), end=milliseconds(word.end))
            for word in message.words
        ),
    )


def to_row(passage: Passage, *, tenant: str, video_id: str, embedded_by: str | None) -> dict[str, object]:
    """A passage as its row."""
    segments = [
        {
            "key": one.key,
            "start": one.start,
            "end": one.end,
            "text": one.text,
            "words": [(word.start, word.end, word.text) for word in one.words],
        }
        for one in passage.segments
    ]
    return {
        "id": passage.id,
        "tenant": tenant,
        "video_id": video_id,
        "job_id": passage.job,
        "start_ms": passage.start,
        "end_ms": passage.end,
        "language": passage.language,
        "text": passage.text,
        "segments": json.dumps(segments, ensure_ascii=False, separators=(",", ":")),
        "embedded_by": embedded_by,
    }


def from_row(row: Row) -> Passage:
    """A passage from its row."""
    segments = []
    for one in json.loads(row["segments"]):
        window, index, piece = one["key"]
        words = tuple(Word(start=start, end=end, text=text) for start, end, text in one["words"])
        segments.append(
            Segment(
                window=window,
                index=index,
                piece=piece,
                start=one["start"],
                end=one["end"],
                text=one["text"],
                language=row["language"],
                words=words,
            )
        )
    return Passage(id=uuid.UUID(str(row["id"])), job=row["job_id"], segments=tuple(segments))


def to_video(row: Row) -> library_pb2.Video:
    """A video of the library."""
    video = library_pb2.Video(
        id=row["id"],
        title=row["title"],
        author=row["author"],
        page_url=row["page_url"],
        language=row["language"],
        folder_id=str(row["folder_id"] or ""),
        tags=row["tags"],
        summary=row["summary"],
        job_id=row["job_id"],
        passage_count=row["passage_count"],
        indexed_through=to_duration(row["indexed_ms"]),
        searchable=row["searchable"],
        created_at=to_timestamp(row["created_at"]),
    )
    if row["duration_ms"] is not None:
        video.duration.CopyFrom(to_duration(row["duration_ms"]))
    return video


def to_folder(row: Row) -> library_pb2.Folder:
    """A folder."""
    return library_pb2.Folder(
        id=str(row["id"]),
        name=row["name"],
        parent_id=str(row["parent_id"] or ""),
        video_count=row["video_count"],
        created_at=to_timestamp(row["created_at"]),
    )


def to_tag(row: Row) -> library_pb2.Tag:
    """A tag."""
    return library_pb2.Tag(name=row["name"], video_count=row["video_count"])


def to_hit(hit: Hit) -> search_pb2.Hit:
    """A hit of a search."""
    return search_pb2.Hit(
        passage_id=str(hit.passage.id),
        video_id=hit.video,
        video_title=hit.title,
        moment=to_duration(hit.moment.start),
        start=to_duration(hit.passage.start),
        end=to_duration(hit.passage.end),
        snippet=search_pb2.Snippet(
            text=hit.snippet.text,
            highlights=[search_pb2.Span(start=span.begin, end=span.end) for span in hit.snippet.spans],
        ),
        score=hit.score,
    )


def to_citation(citation: Citation) -> search_pb2.Citation:
    """A citation of an answer."""
    passage = citation.hit.passage
    return search_pb2.Citation(
        number=citation.number,
        passage_id=str(passage.id),
        video_id=citation.hit.video,
        video_title=citation.hit.title,
        moment=to_duration(citation.moment.start),
        quote=passage.text[citation.quote.begin : citation.quote.end],
    )


def to_answer(answered: Answered, *, asked_model: str, degraded: bool) -> search_pb2.Answer:
    """The answer as a caller gets it. `asked_model` is the language model that is set, empty where none is."""
    return search_pb2.Answer(
        text=answered.text or "This is not in your videos.",
        citations=[to_citation(citation) for citation in answered.citations],
        kind=_KINDS[answered.kind],
        model=answered.model or PASSAGES,
        notice=" ".join(_notices(answered, asked_model=asked_model, degraded=degraded)),
    )


def _notices(answered: Answered, *, asked_model: str, degraded: bool) -> Iterable[str]:
    if answered.trouble is not None and answered.kind is Kind.WRITTEN:
        yield f"{_TROUBLES[answered.trouble]}: the answer is not whole."
    elif answered.trouble is not None:
        yield f"{_TROUBLES[answered.trouble]}: these are the passages themselves."
    elif answered.kind is Kind.EXTRACTED and not asked_model:
        yield "No language model is set: these are the passages nearest to the question, which may not answer it."
    elif answered.kind is Kind.EXTRACTED:
        yield "What the language model wrote could not be found in your videos: these are the passages themselves."
    if answered.withheld and answered.kind is Kind.WRITTEN:
        yield f"{answered.withheld} of its sentences are left out, for no passage holds them."
    if degraded:
        yield "Search by meaning is not to be had now; only words were looked for."


def to_conversation(row: Row) -> conversation_pb2.Conversation:
    """A conversation."""
    return conversation_pb2.Conversation(
        id=str(row["id"]),
        title=row["title"],
        scope=search_pb2.Scope.FromString(row["scope"]),
        created_at=to_timestamp(row["created_at"]),
        updated_at=to_timestamp(row["updated_at"]),
    )


def to_exchanges(rows: Sequence[Row]) -> list[conversation_pb2.Exchange]:
    """The questions and answers of a conversation."""
    return [
        conversation_pb2.Exchange(
            question=row["question"],
            answer=search_pb2.Answer.FromString(row["answer"]),
            asked_at=to_timestamp(row["asked_at"]),
        )
        for row in rows
    ]
