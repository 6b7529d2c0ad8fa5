"""A watch goes on where it broke, tells each event once, and gives up on what waiting cannot mend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from vidmesh import AsyncClient, VidmeshError
from vidmesh.events.v1.ingest_events_pb2 import JobEnded, JobRetried, StageProgress
from vidmesh.events.v1.job_event_pb2 import JobEvent
from vidmesh.events.v1.stage_pb2 import STAGE_INGEST
from vidmesh.ingest.v1.ingest_service_pb2 import (
    GetJobResponse,
    Heartbeat,
    JobSnapshot,
    WatchJobRequest,
    WatchJobResponse,
    WatchJobsRequest,
    WatchJobsResponse,
)
from vidmesh.ingest.v1.job_pb2 import JOB_STATE_RUNNING, JOB_STATE_SUCCEEDED, Job, JobState

Context = Any
NO_PATIENCE = timedelta(0)


def tick(sequence: int) -> WatchJobResponse:
    return WatchJobResponse(event=JobEvent(sequence=sequence, stage_progress=StageProgress()))


def ended(sequence: int) -> WatchJobResponse:
    return WatchJobResponse(event=JobEvent(sequence=sequence, job_ended=JobEnded()))


def retried(sequence: int) -> WatchJobResponse:
    return WatchJobResponse(event=JobEvent(sequence=sequence, job_retried=JobRetried()))


def snapshot(sequence: int, state: JobState.ValueType) -> WatchJobResponse:
    return WatchJobResponse(snapshot=JobSnapshot(sequence=sequence, job=Job(state=state)))


HEARTBEAT = WatchJobResponse(heartbeat=Heartbeat())


class Script:
    """What WatchJob sends, a list for each call: messages, and at the end perhaps how it breaks."""

    def __init__(self, *turns: list[WatchJobResponse | grpc.StatusCode]) -> None:
        self._turns = list(turns)
        self.asked: list[int] = []

    async def play(self, request: WatchJobRequest, context: Context) -> AsyncIterator[WatchJobResponse]:
        self.asked.append(request.after_sequence)
        for one in self._turns.pop(0):
            if not isinstance(one, WatchJobResponse):
                await context.abort(one, "broken")
            else:
                yield one


async def running(request: object, context: Context) -> GetJobResponse:
    return GetJobResponse(job=Job(state=JOB_STATE_RUNNING))


async def done(request: object, context: Context) -> GetJobResponse:
    return GetJobResponse(job=Job(state=JOB_STATE_SUCCEEDED))


async def sequences(client: AsyncClient, **wishes: Any) -> list[int]:
    return [message.event.sequence async for message in client.watch("job", **wishes)]


@pytest.mark.parametrize(
    "broken", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN]
)
async def test_it_goes_on_after_a_break_and_tells_no_event_twice(
    mesh: Any, client: AsyncClient, broken: grpc.StatusCode
) -> None:
    script = Script([tick(5), tick(7), broken], [broken], [tick(7), tick(9), ended(12)])
    mesh.methods["WatchJob"] = script.play
    breaks: list[VidmeshError] = []

    assert await sequences(client, on_break=breaks.append) == [5, 7, 9, 12]
    assert script.asked == [0, 7, 7]
    assert [problem.code for problem in breaks] == [broken, broken]


async def test_it_goes_on_after_what_a_heartbeat_says_is_told(mesh: Any, client: AsyncClient) -> None:
    quiet = WatchJobResponse(heartbeat=Heartbeat(sequence=9))
    script = Script([tick(5), quiet, grpc.StatusCode.UNAVAILABLE], [tick(9), tick(10), ended(12)])
    mesh.methods["WatchJob"] = script.play
    assert await sequences(client) == [5, 10, 12]
    assert script.asked == [0, 9]


async def test_a_watch_of_all_jobs_says_when_it_is_open(mesh: Any, client: AsyncClient) -> None:
    said: list[str] = []
    turns = [False, True]

    async def watch_jobs(request: WatchJobsRequest, context: Context) -> AsyncIterator[WatchJobsResponse]:
        yield WatchJobsResponse(heartbeat=Heartbeat(sequence=5))
        said.append(f"from {request.after_sequence}")
        if turns.pop():
            await context.abort(grpc.StatusCode.UNAVAILABLE, "broken")
        yield WatchJobsResponse(event=tick(6).event)

    mesh.methods["WatchJobs"] = watch_jobs
    watch = client.watch_all(on_open=lambda: said.append("open"), on_break=lambda _: said.append("broken"))
    async with aclosing(watch):
        assert (await anext(watch)).event.sequence == 6
    assert [word for word in said if "from" in word] == ["from 0", "from 5"]
    assert [word for word in said if "from" not in word] == ["open", "broken", "open"]


async def test_a_fact_that_a_new_bus_tells_again_is_told_once(mesh: Any, client: AsyncClient) -> None:
    def fact(sequence: int, number: int) -> WatchJobResponse:
        return WatchJobResponse(
            event=JobEvent(sequence=sequence, number=number, stage=STAGE_INGEST, job_retried=JobRetried())
        )

    script = Script(
        [fact(5, 1), fact(7, 2), grpc.StatusCode.UNAVAILABLE],
        [snapshot(100, JOB_STATE_RUNNING), fact(101, 1), fact(102, 2), fact(103, 3), ended(104)],
    )
    mesh.methods["WatchJob"] = script.play
    assert await sequences(client) == [5, 7, 0, 103, 104]


async def test_it_goes_on_through_a_restart_of_the_server(mesh: Any, client: AsyncClient) -> None:
    asked: list[int] = []
    first = asyncio.Event()

    async def watch_job(request: WatchJobRequest, context: Context) -> AsyncIterator[WatchJobResponse]:
        asked.append(request.after_sequence)
        if len(asked) == 1:
            yield tick(3)
            first.set()
            await asyncio.sleep(60)
        yield ended(4)

    mesh.methods["WatchJob"] = watch_job
    watching = asyncio.create_task(sequences(client))
    await first.wait()
    await mesh.stop()
    await mesh.start()

    assert await watching == [3, 4]
    assert asked == [0, 3]


async def test_it_begins_after_the_sequence_that_is_given(mesh: Any, client: AsyncClient) -> None:
    script = Script([tick(41), ended(42)])
    mesh.methods["WatchJob"] = script.play

    assert await sequences(client, after_sequence=40) == [41, 42]
    assert script.asked == [40]


async def test_a_stream_that_ends_before_the_job_is_opened_again(mesh: Any, client: AsyncClient) -> None:
    mesh.methods |= {"WatchJob": Script([tick(1)], [ended(2)]).play, "GetJob": running}

    assert await sequences(client) == [1, 2]


async def test_nothing_more_to_tell_of_an_ended_job_is_its_end(mesh: Any, client: AsyncClient) -> None:
    mesh.methods |= {"WatchJob": Script([]).play, "GetJob": done}

    assert await sequences(client, after_sequence=99) == []


async def test_an_earlier_runs_end_is_not_the_end(mesh: Any, client: AsyncClient) -> None:
    mesh.methods |= {"WatchJob": Script([ended(1), retried(2)], [ended(3)]).play, "GetJob": running}

    assert await sequences(client) == [1, 2, 3]


async def test_a_snapshot_is_told_and_what_follows_it(mesh: Any, client: AsyncClient) -> None:
    script = Script(
        [snapshot(50, JOB_STATE_RUNNING), tick(51), HEARTBEAT, grpc.StatusCode.UNAVAILABLE],
        [snapshot(60, JOB_STATE_SUCCEEDED)],
    )
    mesh.methods["WatchJob"] = script.play

    told = [message.WhichOneof("message") async for message in client.watch("job", after_sequence=3)]

    assert told == ["snapshot", "event", "snapshot"]
    assert script.asked == [3, 51]


async def test_a_break_longer_than_patience_is_raised(mesh: Any, client: AsyncClient) -> None:
    mesh.methods["WatchJob"] = Script([tick(1), grpc.StatusCode.UNAVAILABLE]).play

    with pytest.raises(VidmeshError) as caught:
        await sequences(client, patience=NO_PATIENCE)

    assert caught.value.reason == "UNAVAILABLE"


async def test_what_a_service_refuses_is_raised_at_once(mesh: Any, client: AsyncClient) -> None:
    async def watch_job(request: WatchJobRequest, context: Context) -> AsyncIterator[WatchJobResponse]:
        info = Packed()
        info.Pack(ErrorInfo(domain="vidmesh", reason="NOT_FOUND", metadata={"retryable": "false"}))
        await context.abort_with_status(
            rpc_status.to_status(Status(code=5, message="no such job", details=[info]))
        )
        yield tick(1)

    mesh.methods["WatchJob"] = watch_job

    with pytest.raises(VidmeshError, match="no such job"):
        await sequences(client)


async def test_leaving_a_watch_ends_its_call(mesh: Any, client: AsyncClient) -> None:
    left = asyncio.Event()

    async def watch_job(request: WatchJobRequest, context: Context) -> AsyncIterator[WatchJobResponse]:
        yield tick(1)
        try:
            await asyncio.sleep(60)
        finally:
            left.set()

    mesh.methods["WatchJob"] = watch_job
    async with aclosing(client.watch("job")) as messages:
        await anext(messages)
    async with asyncio.timeout(60):
        await left.wait()
