"""TranscribeService: parse, call, convert."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import count
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.transcribe_events_pb2 import SegmentCorrected
from vidmesh.transcribe.v1 import transcribe_service_pb2 as api
from vidmesh.transcribe.v1.transcribe_service_pb2_grpc import TranscribeServiceServicer
from vidmesh.transcribe.v1.transcript_pb2 import ExportFormat
from vidmesh_runtime import idempotency, outbox
from vidmesh_runtime.auth import caller
from vidmesh_runtime.database import Connection, Pool
from vidmesh_runtime.errors import Failure, invalid, not_found
from vidmesh_runtime.paging import make_token, page_size, read_token
from vidmesh_runtime.server import LARGEST_RESPONSE
from vidmesh_runtime.watch import Watchtower
from vidmesh_transcribe import export, store, wire
from vidmesh_transcribe.child import RecognizerChild
from vidmesh_transcribe.facts import STAGE
from vidmesh_transcribe.listening import Ears, TooManyListenersError
from vidmesh_transcribe.live import HIGHEST_RATE, LOWEST_RATE
from vidmesh_transcribe.recognizer import RecognizerError
from vidmesh_transcribe.store import Current, Placed
from vidmesh_transcribe.stream import Alive, follow
from vidmesh_transcribe.transcript import Segment

Context = grpc.aio.ServicerContext[Any, Any]

CHUNK_LIMIT = 1 << 20
LONGEST_TEXT = 5000
WRITERS: dict[ExportFormat.ValueType, tuple[Callable[[Iterable[Segment]], Iterator[str]], str, str]] = {
    ExportFormat.EXPORT_FORMAT_SRT: (export.srt, "application/x-subrip", "srt"),
    ExportFormat.EXPORT_FORMAT_VTT: (export.vtt, "text/vtt", "vtt"),
    ExportFormat.EXPORT_FORMAT_TXT: (export.txt, "text/plain", "txt"),
}


class Transcripts(TranscribeServiceServicer):
    """Reads transcripts, and listens."""

    def __init__(self, pool: Pool, watchtower: Watchtower, recognizer: RecognizerChild, ears: Ears) -> None:
        self._pool = pool
        self._watchtower = watchtower
        self._recognizer = recognizer
        self._ears = ears

    async def GetTranscript(
        self, request: api.GetTranscriptRequest, context: Context
    ) -> api.GetTranscriptResponse:
        """A page of what there is."""
        most = page_size(request.page_size, default=500, most=1000)
        cursor = read_token(request, request.page_token, int, int)
        found = await self._find(request.video_id)
        after = (-1, -1) if cursor is None else (int(cursor[0]), int(cursor[1]))  # type: ignore[arg-type] # read_token checked
        page = await store.segments(self._pool, found.job_id, after=after, most=most + 1)
        shown = page[:most]
        last = shown[-1] if len(page) > most else None
        return api.GetTranscriptResponse(
            transcript=wire.transcript(found),
            segments=[wire.placed(placed, omit_words=request.omit_words) for placed in shown],
            next_page_token="" if last is None else make_token(request, last.window_index, last.place),
        )

    async def StreamTranscript(
        self, request: api.StreamTranscriptRequest, context: Context
    ) -> AsyncIterator[api.StreamTranscriptResponse]:
        """What there is, then what comes."""
        found = await self._find(request.video_id)
        start = wire.seconds(request.start)
        async for told in follow(self._pool, self._watchtower, found, tenant=caller().tenant, start=start):
            yield _streamed(told)

    async def ExportTranscript(
        self, request: api.ExportTranscriptRequest, context: Context
    ) -> api.ExportTranscriptResponse:
        """All of it as a file."""
        if request.format not in {*WRITERS, ExportFormat.EXPORT_FORMAT_JSON}:
            raise invalid("format", "format must be SRT, VTT, TXT or JSON.")
        found = await self._find(request.video_id)
        placed = [placed async for placed in store.all_segments(self._pool, found.job_id)]
        # In a thread, for a day of talk takes seconds to lay out.
        response = await asyncio.to_thread(_exported, request.format, found, placed)
        if response.ByteSize() > LARGEST_RESPONSE:
            raise Failure(
                ErrorReason.ERROR_REASON_RESOURCE_EXHAUSTED,
                f"The file has {response.ByteSize()} bytes, more than the {LARGEST_RESPONSE} of one message: "
                "read the segments by GetTranscript's pages or by StreamTranscript.",
            )
        return response

    async def CorrectSegment(
        self, request: api.CorrectSegmentRequest, context: Context
    ) -> api.CorrectSegmentResponse:
        """A person's words for a segment's."""
        text = " ".join(
            "".join(letter for letter in request.text if letter.isprintable() or letter.isspace()).split()
        )
        if not 1 <= len(text) <= LONGEST_TEXT:
            raise invalid("text", f"text must have 1 to {LONGEST_TEXT} characters.")
        window_index, place = divmod(request.index, wire.SEGMENTS_A_WINDOW)

        async def act(connection: Connection) -> api.CorrectSegmentResponse:
            found = await self._find(request.video_id, connection)
            placed = await store.correct(connection, found.job_id, window_index, place, text)
            if placed is None:
                raise not_found("segment", str(request.index))
            fact = SegmentCorrected(
                video_id=found.video_id, window_index=window_index, place=place, segment=wire.placed(placed)
            )
            await outbox.tell(connection, tenant=caller().tenant, job_id=found.job_id, stage=STAGE, fact=fact)
            return api.CorrectSegmentResponse(segment=fact.segment)

        return await idempotency.once(self._pool, request, api.CorrectSegmentResponse, act)

    async def Recognize(
        self, request_iterator: AsyncIterator[api.RecognizeRequest], context: Context
    ) -> AsyncIterator[api.RecognizeResponse]:
        """Segments of live sound."""
        requests = aiter(request_iterator)
        config = await _config(requests)
        index = count()
        try:
            with self._ears.attend():
                async for heard in self._ears.listen(
                    _audio(requests), sample_rate=config.sample_rate, language=config.language
                ):
                    response = api.RecognizeResponse(audio_processed=wire.duration(heard.received))
                    if heard.segment is not None:
                        segment = wire.segment(heard.segment, window_index=0, place=next(index))
                        response.segment.CopyFrom(segment)
                    yield response
        except TooManyListenersError as error:
            raise Failure(
                ErrorReason.ERROR_REASON_RESOURCE_EXHAUSTED,
                "As many live streams as VIDMESH_LIVE_STREAMS allows are being heard.",
            ) from error
        except RecognizerError as error:
            raise wire.failure(error) from error

    async def ListModels(self, request: api.ListModelsRequest, context: Context) -> api.ListModelsResponse:
        """What could recognise, and what does."""
        try:
            engine = await self._recognizer.engine()
        except RecognizerError as error:
            raise wire.failure(error) from error
        return api.ListModelsResponse(models=wire.models(self._recognizer.known, engine))

    async def _find(self, video_id: str, connection: "Connection | None" = None) -> Current:
        if not video_id:
            raise invalid("video_id", "video_id is required.")
        found = await store.current(connection or self._pool, tenant=caller().tenant, video_id=video_id)
        if found is None:
            raise not_found("transcript of video", video_id)
        return found


def _streamed(told: Current | Placed | Alive) -> api.StreamTranscriptResponse:
    if isinstance(told, Current):
        return api.StreamTranscriptResponse(transcript=wire.transcript(told))
    if isinstance(told, Placed):
        return api.StreamTranscriptResponse(segment=wire.placed(told))
    now = Timestamp()
    now.GetCurrentTime()
    return api.StreamTranscriptResponse(heartbeat=now)


def _exported(
    wanted: ExportFormat.ValueType, found: Current, placed: list[Placed]
) -> api.ExportTranscriptResponse:
    if wanted == ExportFormat.EXPORT_FORMAT_JSON:
        whole = api.GetTranscriptResponse(
            transcript=wire.transcript(found), segments=[wire.placed(one) for one in placed]
        )
        content = json_format.MessageToJson(whole, indent=None, ensure_ascii=False)
        return api.ExportTranscriptResponse(
            content=content, media_type="application/json", filename=f"{found.video_id}.json"
        )
    write, media_type, suffix = WRITERS[wanted]
    return api.ExportTranscriptResponse(
        content="".join(write(one.segment for one in placed)),
        media_type=media_type,
        filename=f"{found.video_id}.{suffix}",
    )


async def _config(requests: AsyncIterator[api.RecognizeRequest]) -> api.RecognizeConfig:
    first = await anext(requests, None)
    if first is None or first.WhichOneof("part") != "config":
        raise invalid("config", "The first message must have the configuration.")
    if not LOWEST_RATE <= first.config.sample_rate <= HIGHEST_RATE:
        raise invalid("config.sample_rate", f"sample_rate must be {LOWEST_RATE} to {HIGHEST_RATE}.")
    return first.config


async def _audio(requests: AsyncIterator[api.RecognizeRequest]) -> AsyncIterator[bytes]:
    async for request in requests:
        if request.WhichOneof("part") != "audio":
            raise invalid("audio", "Every message after the first must have sound.")
        if len(request.audio) > CHUNK_LIMIT:
            raise invalid("audio", f"A message has at most {CHUNK_LIMIT} bytes of sound.")
        yield request.audio
