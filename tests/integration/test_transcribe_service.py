"""The transcribe service as a process, told facts by an ingest stage and read through its API."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import grpc
import grpc.aio
import numpy as np
import psutil  # type: ignore[import-untyped]  # it publishes no types
import pysubs2
import pytest
from faster_whisper import decode_audio
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from numpy.typing import NDArray

from tests.service_process import command
from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh.events.v1.ingest_events_pb2 import (
    CaptionsFound,
    JobAccepted,
    JobCancelled,
    JobEnded,
    JobOutcome,
    JobRetried,
    SourceIngested,
    SourceOpened,
    StageFailed,
    VideoDeleted,
    WindowReady,
)
from vidmesh.events.v1.stage_pb2 import Stage, StageState
from vidmesh.transcribe.v1 import transcribe_service_pb2 as api
from vidmesh.transcribe.v1.transcribe_service_pb2_grpc import TranscribeServiceStub
from vidmesh.transcribe.v1.transcript_pb2 import ExportFormat
from vidmesh_runtime import outbox
from vidmesh_runtime.errors import Failure
from vidmesh_runtime.events import Event
from vidmesh_runtime.outbox import Relay
from vidmesh_runtime.service import Parts, open_parts
from vidmesh_runtime.settings import ServiceSettings
from vidmesh_transcribe.wire import duration, seconds

DATA = Path(__file__).parents[1] / "data"
RATE = 16_000
Environment = Callable[[str], dict[str, str]]


class Keys(Protocol):
    def token(self, tenant: str = ..., *, ttl: timedelta = ..., **claims: str) -> str: ...


@pytest.fixture(scope="module")
def speech() -> NDArray[np.int16]:
    sound: NDArray[np.float32] = decode_audio(str(DATA / "grammar.flac"), sampling_rate=RATE)
    return (np.clip(sound, -1, 1) * 32767).astype("<i2")


class Ingest:
    """Tells the facts of the ingest stage, and hears what the transcribe stage tells."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def tell(self, *facts: Message, job: str = "j1", tenant: str = "acme") -> None:
        async with self.parts.pool.acquire() as connection, connection.transaction():
            for fact in facts:
                await outbox.tell(connection, tenant=tenant, job_id=job, stage="ingest", fact=fact)

    async def window(
        self,
        index: int,
        start: float,
        sound: NDArray[np.int16],
        *,
        language: str = "",
        job: str = "j1",
        lead: float = 0.0,
        trail: float = 0.0,
    ) -> None:
        """Tell of a window whose sound begins with `lead` seconds from before its start and ends with `trail` after it."""
        key = f"acme/v1/{job}/windows/{index}.s16"
        await self.parts.media.put(key, sound.tobytes())
        await self.tell(
            WindowReady(
                video_id="v1",
                index=index,
                start=duration(start),
                end=duration(start + len(sound) / RATE - lead - trail),
                media_key=key,
                language=language,
                lead=duration(lead),
                trail=duration(trail),
            ),
            job=job,
        )

    async def ingested(self, length: float, windows: int, *, job: str = "j1") -> None:
        await self.tell(
            SourceIngested(video_id="v1", duration=duration(length), window_count=windows), job=job
        )

    async def until(
        self, kind: str, *, job: str = "j1", tenant: str = "acme", limit: float = 120
    ) -> list[Event]:
        """The events of the transcribe stage from the first on, until one of a kind."""
        events: list[Event] = []
        async with asyncio.timeout(limit):
            async for event in self.parts.watchtower.watch(tenant, job):
                if isinstance(event, Event) and event.stage == "transcribe":
                    events.append(event)
                    if event.kind == kind:
                        return events
        raise AssertionError


def facts(events: Sequence[Event], kind: str = "") -> list[Any]:
    return [event.message() for event in events if event.number and kind in {"", event.kind}]


@pytest.fixture
async def ingest(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ingest]:
    for name, value in environment("ingest").items():
        monkeypatch.setenv(name, value)
    none = tmp_path / "none"
    none.mkdir()
    async with open_parts("ingest", ServiceSettings(), none) as parts:
        relay = Relay(parts.pool, parts.bus, schema="ingest", keep=timedelta(days=1))
        tasks = [asyncio.create_task(run()) for run in (relay.run, parts.watchtower.run)]
        yield Ingest(parts)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Service:
    """A running transcribe service."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, token: str) -> None:
        self.process = process
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.stub = TranscribeServiceStub(self.channel)
        self.metadata = (("authorization", f"Bearer {token}"),)

    async def ready(self) -> None:
        health = health_pb2_grpc.HealthStub(self.channel)
        async with asyncio.timeout(60):
            while True:
                if self.process.returncode is not None:
                    raise AssertionError(f"the service ended with {self.process.returncode}")
                with contextlib.suppress(grpc.aio.AioRpcError):
                    answer = await health.Check(health_pb2.HealthCheckRequest())
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return
                await asyncio.sleep(0.05)

    async def get(self, video: str = "v1", **fields: Any) -> api.GetTranscriptResponse:
        request = api.GetTranscriptRequest(video_id=video, **fields)
        answer: api.GetTranscriptResponse = await self.stub.GetTranscript(request, metadata=self.metadata)
        return answer

    async def state(self, wanted: StageState.ValueType, video: str = "v1") -> api.GetTranscriptResponse:
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(grpc.aio.AioRpcError):
                    answer = await self.get(video)
                    if answer.transcript.state == wanted:
                        return answer
                await asyncio.sleep(0.05)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        await self.channel.close()
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.process.wait()


Start = Callable[..., Awaitable[Service]]


@pytest.fixture
async def start(environment: Environment, keys: Keys) -> AsyncIterator[Start]:
    """Starts services with the small Whisper, and ends them."""
    async with AsyncExitStack() as started:

        async def begin(**variables: str) -> Service:
            with socket.create_server(("127.0.0.1", 0)) as probe:
                port = probe.getsockname()[1]
            told = {
                **os.environ,
                **environment("transcribe"),
                "VIDMESH_LISTEN": f"127.0.0.1:{port}",
                "VIDMESH_RECOGNIZER": "faster-whisper",
                "VIDMESH_WHISPER_MODEL": str(DATA / "whisper-tiny-vidmesh"),
                "VIDMESH_WHISPER_BEAM_SIZE": "1",
                "VIDMESH_RETRY_DELAY": "0.1",
                "VIDMESH_RECONCILE_EVERY": "0.5",
                **variables,
            }
            process = await asyncio.create_subprocess_exec(
                *command("transcribe"),
                env=told,
                stderr=asyncio.subprocess.PIPE if variables.get("CAPTURE") else None,
            )
            service = Service(process, port, keys.token("acme"))
            started.push_async_callback(service.end, signal.SIGKILL)
            if not variables.get("CAPTURE"):
                await service.ready()
            return service

        yield begin


async def refused(call: Awaitable[Any]) -> tuple[grpc.StatusCode, str]:
    """The code and the reason of a call's error."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    trailers = dict(caught.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return caught.value.code(), info.reason


async def collect(
    service: Service, request: api.StreamTranscriptRequest
) -> list[api.StreamTranscriptResponse]:
    """All messages of a stream, to its end."""
    return [message async for message in service.stub.StreamTranscript(request, metadata=service.metadata)]


async def until_refused(call: Callable[[], Awaitable[Any]]) -> grpc.StatusCode:
    """The code of the first error of a call that is made again and again."""
    async with asyncio.timeout(90):
        while True:
            try:
                await call()
            except grpc.aio.AioRpcError as error:
                # gRPC's client says this in place of the refusal that came while it was sending.
                if error.details() != "Internal error from Core":
                    return error.code()
            await asyncio.sleep(0.05)


async def test_windows_become_one_transcript(
    ingest: Ingest, start: Start, speech: NDArray[np.int16], tmp_path: Path
) -> None:
    service = await start()
    await ingest.tell(
        JobAccepted(video_id="v1", source="upload:u"),
        SourceOpened(video_id="v1", title="A talk", duration=duration(30)),
    )
    sounds = [speech[: 10 * RATE], np.zeros(5 * RATE, "<i2"), speech[10 * RATE : 25 * RATE]]
    await service.state(StageState.STAGE_STATE_WAITING)
    streamed: list[api.StreamTranscriptResponse] = []
    begun = asyncio.Event()

    async def stream() -> None:
        request = api.StreamTranscriptRequest(video_id="v1")
        async for message in service.stub.StreamTranscript(request, metadata=service.metadata):
            streamed.append(message)
            begun.set()

    streaming = asyncio.create_task(stream())
    await asyncio.wait_for(begun.wait(), 20)
    beginning = 0.0
    for index, sound in enumerate(sounds):
        await ingest.window(index, beginning, sound)
        beginning += len(sound) / RATE
    await ingest.ingested(beginning, len(sounds))
    events = await ingest.until("transcript_completed")

    started, *transcribed, completed = facts(events)
    assert (started.engine, started.model, started.notice) == ("faster-whisper", "whisper-tiny-vidmesh", "")
    assert started.revision.startswith("sha256:")
    assert sorted(window.window_index for window in transcribed) == [0, 1, 2]
    assert (completed.window_count, completed.language, seconds(completed.duration)) == (3, "en", 30.0)
    assert (completed.engine, completed.model, completed.revision) == (
        started.engine,
        started.model,
        started.revision,
    )
    by_index = {window.window_index: window for window in transcribed}
    assert list(by_index[1].segments) == []
    assert by_index[1].language == ""
    assert [seconds(by_index[2].start), seconds(by_index[2].end)] == [15.0, 30.0]
    assert all(15 <= seconds(segment.start) <= seconds(segment.end) <= 30 for segment in by_index[2].segments)
    assert [event.number for event in events if event.number] == [1, 2, 3, 4, 5]

    # Ticks came before the facts that hold the same.
    ticks: list[Any] = [event.message() for event in events if event.kind == "segment_heard"]
    for window in transcribed:
        assert [tick.segment for tick in ticks if tick.window_index == window.window_index] == list(
            window.segments
        )
    progress: list[Any] = [event.message() for event in events if event.kind == "stage_progress"]
    assert progress
    assert all(tick.unit == "seconds" and tick.total == 30 for tick in progress)
    assert max(tick.done for tick in progress) <= 30

    # The whole, in pages of one, is what the facts said.
    answer = await service.get(page_size=1)
    told = [segment for index in range(3) for segment in by_index[index].segments]
    read = list(answer.segments)
    while answer.next_page_token:
        answer = await service.get(page_size=1, page_token=answer.next_page_token)
        read += answer.segments
    assert [(s.index, s.text, s.start, s.end, len(s.words)) for s in read] == [
        (s.index, s.text, s.start, s.end, len(s.words)) for s in told
    ]
    whole = answer.transcript
    assert whole.state == StageState.STAGE_STATE_SUCCEEDED
    assert (whole.language, whole.segment_count, seconds(whole.through)) == ("en", len(told), 30.0)
    assert whole.HasField("completed_at")
    assert not (await service.get(omit_words=True)).segments[0].words

    # The stream gave the same, in order, between the first and the last state.
    await asyncio.wait_for(streaming, 20)
    assert streamed[0].transcript.state == StageState.STAGE_STATE_WAITING
    assert streamed[-1].transcript == whole
    assert [message.segment.index for message in streamed[1:-1]] == [segment.index for segment in told]
    late = await collect(service, api.StreamTranscriptRequest(video_id="v1", start=duration(15)))
    assert [message.segment.index for message in late[1:-1]] == [
        s.index for s in told if seconds(s.start) >= 15
    ]

    # The sound is let go.
    async with asyncio.timeout(60):
        while any(tmp_path.rglob("*.s16")):
            await asyncio.sleep(0.05)


async def test_words_at_a_cut_in_speech_are_told_once(
    ingest: Ingest, start: Start, speech: NDArray[np.int16]
) -> None:
    """The cut is in the middle of the sentence from 24.33 to 27.22 s; both windows hear all of it."""
    await start(VIDMESH_RECOGNIZER_LANES="2")
    cut, around = 26.0, 2.0
    first = speech[int(15.8 * RATE) : int((cut + around) * RATE)]
    second = speech[int((cut - around) * RATE) : int(39 * RATE)]
    await ingest.window(0, 15.8, first, language="en", trail=around)
    await ingest.window(1, cut, second, language="en", lead=around)
    await ingest.ingested(39, 2)
    told = facts(await ingest.until("transcript_completed"), "window_transcribed")
    windows = sorted(told, key=lambda window: window.window_index)
    assert [(seconds(w.start), seconds(w.end)) for w in windows] == [(15.8, cut), (cut, 39.0)]
    words = [word for window in windows for segment in window.segments for word in segment.words]
    at_cut = [word for word in words if cut - 1.5 < seconds(word.end) and seconds(word.start) < cut + 1.2]
    assert len(at_cut) >= 3
    for one, other in pairwise(words):
        assert seconds(one.start) <= seconds(one.end) <= seconds(other.start)
    for window in windows:
        for segment in window.segments:
            assert seconds(window.start) <= seconds(segment.start) <= seconds(segment.end)
            assert seconds(segment.end) <= seconds(window.end)
            assert segment.text.split() == [word.text for word in segment.words]


async def test_exports(ingest: Ingest, start: Start, speech: NDArray[np.int16]) -> None:
    service = await start()
    await ingest.window(0, 0.0, speech[: 10 * RATE])
    await ingest.ingested(10, 1)
    whole = await service.state(StageState.STAGE_STATE_SUCCEEDED)
    text = " ".join(segment.text for segment in whole.segments)

    async def export(wanted: ExportFormat.ValueType) -> api.ExportTranscriptResponse:
        request = api.ExportTranscriptRequest(video_id="v1", format=wanted)
        answer: api.ExportTranscriptResponse = await service.stub.ExportTranscript(
            request, metadata=service.metadata
        )
        return answer

    for wanted, suffix in ((ExportFormat.EXPORT_FORMAT_SRT, "srt"), (ExportFormat.EXPORT_FORMAT_VTT, "vtt")):
        file = await export(wanted)
        assert file.filename == f"v1.{suffix}"
        read = pysubs2.SSAFile.from_string(file.content, format_=suffix)
        assert " ".join(event.plaintext.replace("\n", " ") for event in read) == text
    assert " ".join((await export(ExportFormat.EXPORT_FORMAT_TXT)).content.split()) == text
    file = await export(ExportFormat.EXPORT_FORMAT_JSON)
    assert (file.filename, file.media_type) == ("v1.json", "application/json")
    assert json_format.Parse(file.content, api.GetTranscriptResponse()) == whole
    assert await refused(export(ExportFormat.EXPORT_FORMAT_UNSPECIFIED)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELD",
    )


async def test_a_corrected_segment_is_kept_exported_and_told(
    ingest: Ingest, start: Start, speech: NDArray[np.int16], keys: Keys
) -> None:
    service = await start()
    await ingest.window(0, 0.0, speech[: 10 * RATE])
    await ingest.ingested(10, 1)
    whole = await service.state(StageState.STAGE_STATE_SUCCEEDED)
    heard = whole.segments[1]

    def correct(**fields: Any) -> Awaitable[api.CorrectSegmentResponse]:
        request = api.CorrectSegmentRequest(
            **{"video_id": "v1", "index": heard.index, "text": "Quite another thing.", **fields}
        )
        call: Awaitable[api.CorrectSegmentResponse] = service.stub.CorrectSegment(
            request, metadata=service.metadata
        )
        return call

    said = f"  {heard.text.split()[0]}\n was really\x00 said.  "
    now = (await correct(text=said)).segment
    assert now.text == f"{heard.text.split()[0]} was really said."
    assert [word.text for word in now.words] == now.text.split()
    assert (now.index, now.start, now.end) == (heard.index, heard.start, heard.end)
    assert now.words[0] == heard.words[0]
    assert (await service.get()).segments[1] == now
    export = api.ExportTranscriptRequest(video_id="v1", format=ExportFormat.EXPORT_FORMAT_TXT)
    file = await service.stub.ExportTranscript(export, metadata=service.metadata)
    assert now.text in " ".join(file.content.split())
    [fact] = facts(await ingest.until("segment_corrected"), "segment_corrected")
    assert (fact.video_id, fact.window_index, fact.place, fact.segment) == ("v1", 0, 1, now)

    for fields, code in (
        ({"text": " \x00 "}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"text": "x" * 5001}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"video_id": "v2"}, grpc.StatusCode.NOT_FOUND),
        ({"index": 9999}, grpc.StatusCode.NOT_FOUND),
        ({"index": -1}, grpc.StatusCode.NOT_FOUND),
        ({"index": 2**31 - 1}, grpc.StatusCode.NOT_FOUND),
    ):
        assert (await refused(correct(**fields)))[0] == code, fields
    service.metadata = (("authorization", f"Bearer {keys.token('other')}"),)
    assert (await refused(correct()))[0] == grpc.StatusCode.NOT_FOUND


async def test_another_tenants_video_is_not_found(ingest: Ingest, start: Start, keys: Keys) -> None:
    service = await start()
    await ingest.tell(JobAccepted(video_id="v1"))
    await ingest.ingested(0, 0)
    await service.state(StageState.STAGE_STATE_SUCCEEDED)
    theirs = (("authorization", f"Bearer {keys.token('other')}"),)

    async def first(stream: AsyncIterable[Any]) -> Any:
        return await anext(aiter(stream))

    for video in ("v1", "no-such"):
        for call in (
            service.stub.GetTranscript(api.GetTranscriptRequest(video_id=video), metadata=theirs),
            first(
                service.stub.StreamTranscript(api.StreamTranscriptRequest(video_id=video), metadata=theirs)
            ),
            service.stub.ExportTranscript(
                api.ExportTranscriptRequest(video_id=video, format=ExportFormat.EXPORT_FORMAT_TXT),
                metadata=theirs,
            ),
        ):
            assert await refused(call) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert await refused(service.get(video="")) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert await refused(service.get(page_token="x")) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_PAGE_TOKEN",
    )
    assert await refused(service.get(page_size=1001)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")


async def test_no_windows_make_an_empty_transcript(ingest: Ingest, start: Start) -> None:
    service = await start()
    await ingest.tell(JobAccepted(video_id="v1"))
    await ingest.ingested(0, 0)
    (completed,) = facts(await ingest.until("transcript_completed"))
    assert (completed.window_count, completed.segment_count, completed.language) == (0, 0, "")
    assert list((await service.get()).segments) == []


async def test_facts_that_come_again_and_out_of_order_change_nothing(
    ingest: Ingest, start: Start, speech: NDArray[np.int16]
) -> None:
    service = await start()
    await ingest.ingested(20, 2)
    await ingest.window(1, 10.0, speech[10 * RATE : 20 * RATE])
    await ingest.window(0, 0.0, speech[: 10 * RATE])
    await ingest.tell(JobAccepted(video_id="v1"))
    events = await ingest.until("transcript_completed")
    whole = await service.get()
    # The same facts, told again as by a second run of the ingest stage, with new ids; and the same ones, published again.
    await ingest.window(0, 0.0, speech[: 10 * RATE])
    await ingest.ingested(20, 2)
    await ingest.parts.pool.execute("update outbox set published_at = null")
    await ingest.tell(JobAccepted(video_id="v2"), job="j2")
    await ingest.ingested(0, 0, job="j2")
    async with asyncio.timeout(30):
        await ingest.until("transcript_completed", job="j2")
    again = await ingest.until("transcript_completed")
    assert [event.id for event in again if event.number] == [event.id for event in events if event.number]
    assert await service.get() == whole


async def test_two_services_share_a_video_and_make_one_transcript(
    ingest: Ingest, start: Start, speech: NDArray[np.int16]
) -> None:
    first, second = await start(), await start()
    await ingest.tell(JobAccepted(video_id="v1"))
    await first.state(StageState.STAGE_STATE_WAITING)
    request = api.StreamTranscriptRequest(video_id="v1")
    streams = [asyncio.create_task(collect(service, request)) for service in (first, second)]
    for index in range(8):
        await ingest.window(index, 4.0 * index, speech[4 * RATE * index : 4 * RATE * (index + 1)])
    await ingest.ingested(32, 8)
    events = await ingest.until("transcript_completed")
    assert sorted(window.window_index for window in facts(events, "window_transcribed")) == list(range(8))
    assert len(facts(events, "transcript_started")) == 1
    one, other = await asyncio.wait_for(asyncio.gather(*streams), 60)
    assert [message.segment for message in one[1:-1]] == [message.segment for message in other[1:-1]]
    starts = [seconds(message.segment.start) for message in one[1:-1]]
    assert starts == sorted(starts)
    assert len(starts) == one[-1].transcript.segment_count > 0


async def test_captions_take_the_place_of_recognition(ingest: Ingest, start: Start) -> None:
    service = await start()
    key = "acme/v1/captions.de.vtt"
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\nGuten Tag\n\n06:00.000 --> 06:02.000\nund auf Wiedersehen\n"
    await ingest.parts.media.put(key, vtt.encode())
    await ingest.tell(
        JobAccepted(video_id="v1"),
        CaptionsFound(video_id="v1", language="de", media_key=key, replaces_recognition=True),
    )
    await ingest.ingested(400, 0)
    events = await ingest.until("transcript_completed")
    started, first, second, completed = facts(events)
    assert (started.engine, started.model) == ("captions", "de")
    assert [segment.text for window in (first, second) for segment in window.segments] == [
        "Guten Tag",
        "und auf Wiedersehen",
    ]
    assert (completed.language, completed.engine, completed.window_count) == ("de", "captions", 2)
    assert not any(segment.words for segment in (await service.get()).segments)


async def test_captions_that_only_accompany_are_left_alone(
    ingest: Ingest, start: Start, speech: NDArray[np.int16]
) -> None:
    await start()
    await ingest.tell(CaptionsFound(video_id="v1", language="de", media_key="acme/v1/none.vtt"))
    await ingest.window(0, 0.0, speech[: 5 * RATE])
    await ingest.ingested(5, 1)
    (completed,) = facts(await ingest.until("transcript_completed"), "transcript_completed")
    assert completed.engine == "faster-whisper"


async def test_captions_without_text_fail_the_stage_with_the_reason(ingest: Ingest, start: Start) -> None:
    service = await start()
    await ingest.parts.media.put("acme/v1/captions.en.vtt", b"WEBVTT\n")
    await ingest.tell(
        CaptionsFound(
            video_id="v1", language="en", media_key="acme/v1/captions.en.vtt", replaces_recognition=True
        )
    )
    (failed,) = facts(await ingest.until("stage_failed"))
    assert failed.stage == Stage.STAGE_TRANSCRIBE
    assert failed.failure.reason == ErrorReason.ERROR_REASON_NO_CAPTIONS
    answer = await service.state(StageState.STAGE_STATE_FAILED)
    assert answer.transcript.failure == failed.failure


async def test_a_language_that_the_model_does_not_know_fails_once_and_may_be_retried(
    ingest: Ingest, start: Start, speech: NDArray[np.int16]
) -> None:
    service = await start()
    for index in range(2):
        await ingest.window(index, 5.0 * index, speech[: 5 * RATE], language="de")
    await ingest.ingested(10, 2)
    events = await ingest.until("stage_failed")
    failure = facts(events, "stage_failed")[0].failure
    assert failure.reason == ErrorReason.ERROR_REASON_UNSUPPORTED_LANGUAGE
    assert "“de”" in failure.message
    assert not failure.retryable
    await service.state(StageState.STAGE_STATE_FAILED)
    await ingest.tell(JobRetried(video_id="v1", run=2))
    async with asyncio.timeout(30):
        while len(facts(await so_far(ingest), "stage_failed")) < 2:
            await asyncio.sleep(0.1)
    assert len(facts(await so_far(ingest), "stage_failed")) == 2


async def so_far(ingest: Ingest, job: str = "j1") -> list[Event]:
    """The events of the transcribe stage up to now."""
    watch = ingest.parts.watchtower.watch("acme", job)
    events: list[Event] = []
    with contextlib.suppress(TimeoutError):
        while True:
            event = await asyncio.wait_for(anext(watch), 0.5)
            if isinstance(event, Event) and event.stage == "transcribe":
                events.append(event)
    await watch.aclose()
    return events


async def test_sound_that_is_missing_is_looked_for_again_then_given_up_and_found_by_a_retry(
    ingest: Ingest, start: Start, speech: NDArray[np.int16]
) -> None:
    service = await start(VIDMESH_MAX_ATTEMPTS="2")
    await ingest.window(0, 0.0, speech[: 5 * RATE])
    await ingest.until("window_transcribed")
    key = "acme/v1/j1/windows/1.s16"
    await ingest.tell(WindowReady(video_id="v1", index=1, start=duration(5), end=duration(10), media_key=key))
    await ingest.ingested(10, 2)
    failed = facts(await ingest.until("stage_failed"), "stage_failed")[0]
    assert failed.failure.reason == ErrorReason.ERROR_REASON_UNAVAILABLE
    answer = await service.state(StageState.STAGE_STATE_FAILED)
    assert answer.segments  # what was done stays
    await ingest.parts.media.put(key, speech[5 * RATE : 10 * RATE].tobytes())
    await ingest.tell(JobRetried(video_id="v1", run=2))
    events = await ingest.until("transcript_completed")
    assert [window.window_index for window in facts(events, "window_transcribed")] == [0, 1]
    assert not (await service.get()).transcript.HasField("failure")


async def test_a_killed_service_goes_on_with_the_window_in_hand(
    ingest: Ingest, start: Start, speech: NDArray[np.int16], tmp_path: Path
) -> None:
    await ingest.window(0, 0.0, speech[: 5 * RATE])
    service = await start(VIDMESH_LEASE="2")
    await ingest.until("window_transcribed")
    await service.end(signal.SIGKILL)
    once = tmp_path / "once"
    once.mkdir()
    doomed = await start(
        VIDMESH_LEASE="2", VIDMESH_CRASH_AT="after-recognition", VIDMESH_CRASH_ONCE=str(once)
    )
    for index in (1, 2):
        await ingest.window(index, 5.0 * index, speech[: 5 * RATE])
    await ingest.ingested(15, 3)
    assert await asyncio.wait_for(doomed.process.wait(), 60) == -signal.SIGKILL
    await start(VIDMESH_LEASE="2")
    events = await ingest.until("transcript_completed")
    assert [window.window_index for window in facts(events, "window_transcribed")].count(0) == 1
    assert sorted(window.window_index for window in facts(events, "window_transcribed")) == [0, 1, 2]
    assert len(facts(events, "transcript_completed")) == 1
    assert len(facts(events, "transcript_started")) == 1


async def test_a_window_that_kills_the_recogniser_is_given_up_and_others_are_done(
    ingest: Ingest, start: Start, speech: NDArray[np.int16]
) -> None:
    service = await start(VIDMESH_MAX_ATTEMPTS="2", VIDMESH_RECOGNIZER="pocketsphinx")

    async def poison() -> None:
        """Whoever says a word of window 0 dies."""
        async for event in ingest.parts.watchtower.watch("acme", "j1"):
            if isinstance(event, Event) and event.kind == "segment_heard":
                for child in psutil.Process(service.process.pid).children():
                    child.kill()

    poisoning = asyncio.create_task(poison())
    await ingest.window(0, 0.0, speech)
    await ingest.window(1, 60.0, np.zeros(RATE, "<i2"))
    failure = facts(await ingest.until("stage_failed"), "stage_failed")[0].failure
    assert failure.reason == ErrorReason.ERROR_REASON_RECOGNIZER_CRASHED
    assert "SIGKILL" in failure.message
    assert failure.retryable
    done = facts(await ingest.until("window_transcribed"), "window_transcribed")
    assert [window.window_index for window in done] == [1]
    assert service.process.returncode is None
    poisoning.cancel()
    await asyncio.gather(poisoning, return_exceptions=True)


async def test_a_cancelled_job_stops_and_a_retried_one_goes_on(
    ingest: Ingest, start: Start, speech: NDArray[np.int16]
) -> None:
    service = await start(VIDMESH_RECOGNIZER="pocketsphinx")
    await ingest.window(0, 0.0, speech[: 20 * RATE])
    await ingest.ingested(20, 1)
    await ingest.until("segment_heard")
    await ingest.parts.bus.client.publish("control.cancel.j1", b"")
    await ingest.tell(JobCancelled(video_id="v1"))
    await service.state(StageState.STAGE_STATE_CANCELLED)
    assert not facts(await so_far(ingest), "window_transcribed")
    await ingest.tell(JobRetried(video_id="v1", run=2))
    await ingest.until("transcript_completed")


async def test_a_failed_source_fails_the_transcript_and_leaves_what_there_is(
    ingest: Ingest, start: Start, speech: NDArray[np.int16]
) -> None:
    service = await start()
    await ingest.window(0, 0.0, speech[: 5 * RATE])
    await ingest.until("window_transcribed")
    failure = Failure(ErrorReason.ERROR_REASON_SOURCE_BROKEN_OFF).to_proto()
    await ingest.tell(
        StageFailed(video_id="v1", stage=Stage.STAGE_INGEST, failure=failure),
        JobEnded(video_id="v1", outcome=JobOutcome.JOB_OUTCOME_FAILED, run=1),
    )
    answer = await service.state(StageState.STAGE_STATE_FAILED)
    assert answer.transcript.failure == failure
    assert answer.segments
    messages = await collect(service, api.StreamTranscriptRequest(video_id="v1"))
    assert len(messages) == 2 + len(answer.segments)


async def test_a_new_run_takes_the_place_of_the_old_one_when_it_is_whole(
    ingest: Ingest, start: Start, speech: NDArray[np.int16]
) -> None:
    service = await start()
    for job in ("j1", "j2"):
        await ingest.window(0, 0.0, speech[: 5 * RATE], job=job)
        await ingest.ingested(5, 1, job=job)
        await ingest.until("transcript_completed", job=job)
        assert (await service.get()).transcript.job_id == job
    await ingest.tell(JobAccepted(video_id="v1"), job="j3")
    await ingest.tell(
        StageFailed(video_id="v1", failure=Failure(ErrorReason.ERROR_REASON_NO_VIDEO).to_proto()), job="j3"
    )
    await ingest.tell(JobEnded(video_id="v1", outcome=JobOutcome.JOB_OUTCOME_FAILED, run=1), job="j3")
    answer = await service.state(StageState.STAGE_STATE_SUCCEEDED)
    assert answer.transcript.job_id == "j2"


async def test_a_deleted_video_is_gone_and_so_is_its_work(
    ingest: Ingest, start: Start, speech: NDArray[np.int16]
) -> None:
    service = await start(VIDMESH_RECOGNIZER="pocketsphinx")
    await ingest.window(0, 0.0, speech[: 20 * RATE])
    await ingest.until("segment_heard")
    await ingest.tell(VideoDeleted(video_id="v1"))
    assert await until_refused(service.get) == grpc.StatusCode.NOT_FOUND
    # What comes late does not bring it back.
    await ingest.tell(JobEnded(video_id="v1", outcome=JobOutcome.JOB_OUTCOME_CANCELLED, run=1))
    await ingest.tell(JobAccepted(video_id="v2"), job="j2")
    await service.state(StageState.STAGE_STATE_WAITING, "v2")
    assert await until_refused(service.get) == grpc.StatusCode.NOT_FOUND


async def live(
    service: Service, *chunks: bytes, rate: int = RATE, language: str = ""
) -> list[api.RecognizeResponse]:
    async def requests() -> AsyncIterator[api.RecognizeRequest]:
        yield api.RecognizeRequest(config=api.RecognizeConfig(sample_rate=rate, language=language))
        for chunk in chunks:
            yield api.RecognizeRequest(audio=chunk)

    return [response async for response in service.stub.Recognize(requests(), metadata=service.metadata)]


async def test_live_sound_is_recognised_at_its_pauses(start: Start, speech: NDArray[np.int16]) -> None:
    service = await start()
    sound = np.concatenate(
        [speech[: 4 * RATE], np.zeros(2 * RATE, "<i2"), speech[4 * RATE : 8 * RATE]]
    ).tobytes()
    responses = await live(service, *(sound[n : n + 9_999] for n in range(0, len(sound), 9_999)))
    *heard, last = responses
    assert not last.HasField("segment")
    assert seconds(last.audio_processed) == pytest.approx(10.0)
    segments = [response.segment for response in heard]
    assert len(segments) >= 2
    assert [segment.index for segment in segments] == list(range(len(segments)))
    assert seconds(segments[0].start) < 4
    assert seconds(segments[-1].end) > 6
    assert seconds(heard[0].audio_processed) < 10  # it came while sound was still to come
    assert all(segment.words and segment.language == "en" for segment in segments)


async def test_live_silence_and_bad_live_requests(start: Start) -> None:
    service = await start(VIDMESH_LIVE_STREAMS="1", VIDMESH_RECOGNIZER="pocketsphinx")
    (only,) = await live(service, bytes(8_000 * 2 * 3), rate=8_000)
    assert not only.HasField("segment")
    assert seconds(only.audio_processed) == 3.0
    invalid = (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert await refused(live(service, rate=4_000)) == invalid
    assert await refused(live(service, bytes((1 << 20) + 2))) == invalid

    async def only_sound() -> AsyncIterator[api.RecognizeRequest]:
        yield api.RecognizeRequest(audio=b"\0\0")

    async def collected(requests: AsyncIterator[api.RecognizeRequest]) -> list[Any]:
        return [response async for response in service.stub.Recognize(requests, metadata=service.metadata)]

    assert await refused(collected(only_sound())) == invalid

    async def endless() -> AsyncIterator[api.RecognizeRequest]:
        yield api.RecognizeRequest(config=api.RecognizeConfig(sample_rate=RATE))
        yield api.RecognizeRequest(audio=bytes(3200))
        await asyncio.Event().wait()

    async def hold() -> None:
        while True:  # the calls below may have the place before this one
            with contextlib.suppress(grpc.aio.AioRpcError):
                await collected(endless())

    first = asyncio.create_task(hold())
    assert await until_refused(lambda: live(service, bytes(3200))) == grpc.StatusCode.RESOURCE_EXHAUSTED
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(grpc.aio.AioRpcError):
                await live(service, bytes(3200))
                break


async def test_the_models_are_listed_and_one_is_current(start: Start) -> None:
    service = await start()
    answer = await service.stub.ListModels(api.ListModelsRequest(), metadata=service.metadata)
    (current,) = [model for model in answer.models if model.current]
    assert (current.name, current.engine, current.available) == (
        "whisper-tiny-vidmesh",
        "faster-whisper",
        True,
    )
    assert current.revision.startswith("sha256:")
    assert {"small", "en-us"} <= {model.name for model in answer.models}


async def test_a_named_model_that_is_missing_keeps_the_service_from_starting(
    start: Start, tmp_path: Path
) -> None:
    service = await start(CAPTURE="1", VIDMESH_WHISPER_MODEL=str(tmp_path / "none"))
    _, errors = await asyncio.wait_for(service.process.communicate(), 60)
    assert service.process.returncode == 1
    assert errors.decode().splitlines()[-1].startswith("vidmesh-transcribe: There is no model.bin in ")


async def test_auto_says_on_the_transcript_why_a_lesser_engine_was_taken(
    ingest: Ingest, start: Start, speech: NDArray[np.int16], tmp_path: Path
) -> None:
    service = await start(
        VIDMESH_RECOGNIZER="auto",
        VIDMESH_WHISPER_MODEL="tiny",
        VIDMESH_WHISPER_DOWNLOAD="false",
        HF_HOME=str(tmp_path),
    )
    await ingest.window(0, 0.0, speech[: 5 * RATE])
    await ingest.ingested(5, 1)
    started = facts(await ingest.until("transcript_completed"), "transcript_started")[0]
    assert started.engine == "pocketsphinx"
    assert "tiny" in started.notice
    assert "may not be downloaded" in started.notice
    assert (await service.get()).transcript.notice == started.notice


async def test_a_stopped_service_leaves_no_process(ingest: Ingest, start: Start) -> None:
    service = await start()
    children = psutil.Process(service.process.pid).children(recursive=True)
    assert children
    assert await service.end() == 0
    assert not any(child.is_running() for child in children)
