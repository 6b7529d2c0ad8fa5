"""Measurement 7: how long an event takes from the service that tells it to those who watch, behind the gateway."""

import asyncio
import contextlib
import json
import math
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]  # it publishes no types

from bench.crowd import TICK
from bench.measurement import Bench, Figure, Finding, Plot, Series, Size, figure
from bench.number import percentile
from vidmesh.client import AsyncClient
from vidmesh.events.v1.ingest_events_pb2 import StageProgress
from vidmesh.events.v1.stage_pb2 import STAGE_INGEST
from vidmesh.ingest.v1.ingest_service_pb2 import SubmitVideoRequest, WatchJobRequest
from vidmesh_runtime.bus import open_bus
from vidmesh_runtime.outbox import Ticker
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack

TENANT = "bench"
PATH = "/vidmesh.ingest.v1.IngestService/WatchJob"
PARTS = ("ingest", "gateway", "nats")
"""What an event passes through; the other services read it too, for watchers of their own."""

SETTLING = 2.0
"""Seconds after the last publish for what is still on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Some watchers, for a while."""

    watchers: int
    rate: float
    """Events a second."""
    seconds: float
    most: float
    """Milliseconds that 99 of 100 may take at most."""


PHASES = {
    Size.FULL: (
        Phase(watchers=1, rate=20, seconds=40, most=10),
        Phase(watchers=100, rate=10, seconds=30, most=20),
        Phase(watchers=1000, rate=5, seconds=40, most=150),
    ),
    Size.SMOKE: (
        Phase(watchers=1, rate=20, seconds=2, most=10),
        Phase(watchers=100, rate=10, seconds=2, most=20),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the watchers of a phase heard."""

    latencies: tuple[float, ...]
    """Milliseconds, of every event at every watcher, in rising order."""
    last: tuple[float, ...]
    """Milliseconds until the last watcher had an event, of every event, in rising order."""
    events: int
    missed: int
    """Events that some watcher did not get, counted for each watcher."""
    refused: int
    """Watchers whose first call was refused, and who called again."""
    cpu: dict[str, float]
    """Milliseconds of processor time for each event, by part; `watchers` is the watching process."""


async def measure(bench: Bench) -> Finding:
    """Time events from publish to the client, with a few and many watchers."""
    heard: list[tuple[Phase, Heard]] = []
    async with _source() as url:
        settings = StackSettings(
            data=bench.folder / "mesh", port=0, env={"VIDMESH_EGRESS_ALLOW": "127.0.0.0/8"}
        )
        async with Stack(settings) as stack, _ticker(stack) as ticker:
            job = await _submit(stack, url)
            for phase in PHASES[bench.size]:
                bench.say(f"{phase.watchers} watchers, {phase.rate:g} events a second, {phase.seconds:g} s")
                heard.append((phase, await _phase(stack, ticker, job, phase)))
    return Finding(
        number=7,
        title="Event latency",
        method=(
            "A job runs on a whole stack; a process of its own publishes progress events of it as a service does, each with "
            "the monotonic time of its publish in it. Watchers call WatchJob over gRPC-Web (HTTP/1.1, a connection each, as "
            "browsers without TLS do) through Envoy; all are in one process that does nothing but read sockets and note "
            "the time, and works out afterwards what it read. Everything shares the machine's cores. Percentiles are over every "
            "event at every watcher."
        ),
        figures=tuple(one for phase, found in heard for one in _figures(phase, found)),
        notes=tuple(_note(phase, found) for phase, found in heard),
        plots=(
            Plot(
                name="watchers",
                title="An event's way to its watchers",
                x="share of watchers and events",
                y="ms",
                series=tuple(_series(phase, found) for phase, found in heard),
                log_y=True,
            ),
        ),
        raw={
            str(phase.watchers): {"latencies_ms": _thinned(found.latencies), "cpu_ms_per_event": found.cpu}
            for phase, found in heard
        },
    )


async def _phase(stack: Stack, ticker: Ticker, job: str, phase: Phase) -> Heard:
    parts = {name: psutil.Process(stack.pid(name)) for name in PARTS}
    async with _crowd(stack, job, phase.watchers) as crowd:
        await _publish(ticker, job, rate=phase.rate, seconds=1)
        before = {name: _spent(process) for name, process in parts.items()}
        published = await _publish(ticker, job, rate=phase.rate, seconds=phase.seconds)
        await asyncio.sleep(SETTLING)
        cpu = {name: _spent(process) - before[name] for name, process in parts.items()}
        told = await _told(crowd)
    per_watcher = [
        {int(at): delay for at, delay in one.items() if int(at) in published} for one in told["latencies"]
    ]
    last = [max(one.get(at, math.inf) for one in per_watcher) / 1e6 for at in published]
    return Heard(
        latencies=tuple(sorted(delay / 1e6 for one in per_watcher for delay in one.values())),
        last=tuple(sorted(last)),
        events=len(published),
        missed=sum(len(published) - len(one) for one in per_watcher),
        refused=told["refused"],
        cpu={name: 1000 * spent / len(published) for name, spent in {**cpu, "watchers": told["cpu"]}.items()},
    )


async def _publish(ticker: Ticker, job: str, *, rate: float, seconds: float) -> set[int]:
    """Publish events at a steady pace; the times of their publishes."""
    published: set[int] = set()
    begun = time.monotonic()
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        now = time.monotonic_ns()
        event = StageProgress(stage=STAGE_INGEST, done=number, total=0, unit="bytes", activity=f"{TICK}{now}")
        await ticker.tick(tenant=TENANT, job_id=job, stage="ingest", event=event)
        published.add(now)
    return published


@asynccontextmanager
async def _crowd(stack: Stack, job: str, count: int) -> AsyncIterator[Process]:
    """Watchers that all watch."""
    address = urlsplit(stack.endpoint)
    crowd = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.crowd", str(address.hostname), str(address.port), str(count), PATH),
        stdin=PIPE,
        stdout=PIPE,
        limit=1 << 28,
    )
    try:
        message = WatchJobRequest(job_id=job).SerializeToString().hex()
        await _say(crowd, json.dumps({"token": stack.token(tenant=TENANT), "message": message}))
        await _line(crowd)
        yield crowd
    finally:
        with contextlib.suppress(ProcessLookupError):
            crowd.kill()
        await crowd.wait()


async def _told(crowd: Process) -> dict[str, Any]:
    await _say(crowd, "enough")
    told: dict[str, Any] = json.loads(await _line(crowd))
    return told


async def _say(crowd: Process, line: str) -> None:
    assert crowd.stdin is not None
    crowd.stdin.write(line.encode() + b"\n")
    await crowd.stdin.drain()


async def _line(crowd: Process) -> bytes:
    assert crowd.stdout is not None
    async with asyncio.timeout(60):
        line = await crowd.stdout.readline()
    if not line:
        raise RuntimeError("the watchers failed; see above")
    return line


@asynccontextmanager
async def _ticker(stack: Stack) -> AsyncIterator[Ticker]:
    async with open_bus(stack.nats_url(), name="bench") as bus:
        yield Ticker(bus, source="bench")


async def _submit(stack: Stack, url: str) -> str:
    """A job that does not end while this lasts."""
    async with AsyncClient(stack.endpoint, stack.token(tenant=TENANT)) as client:
        request = SubmitVideoRequest()
        request.source.url = url
        return (await client.ingest.SubmitVideo(request)).job.id


@asynccontextmanager
async def _source() -> AsyncIterator[str]:
    """A file that hardly comes: some bytes a second, so that its job runs on and does nothing."""
    head = b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\xff\xff\xff\x7f"

    closed = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\nconnection: close\r\n\r\n" + head)
            while not closed.is_set():
                writer.write(bytes(64))
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(closed.wait(), 1)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/endless.wav"
    finally:
        closed.set()
        server.close()
        await server.wait_closed()


def _spent(process: psutil.Process) -> float:
    """Seconds of processor time."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _figures(phase: Phase, heard: Heard) -> Sequence[Figure]:
    who = f"{phase.watchers:,} watcher{'s' if phase.watchers > 1 else ''}"
    return (
        figure(f"{who}, p50", percentile(heard.latencies, 50), "ms"),
        figure(f"{who}, p99", percentile(heard.latencies, 99), "ms", at_most=phase.most),
    )


def _note(phase: Phase, heard: Heard) -> str:
    spent = ", ".join(f"{name} {value:.1f}" for name, value in heard.cpu.items())
    return (
        f"{phase.watchers:,} watchers, {heard.events} events at {phase.rate:g} a second: the last watcher had an event after "
        f"{percentile(heard.last, 50):.1f} ms (median); {heard.missed} missed, {heard.refused} calls refused at the start; processor time for an event, ms: {spent}."
    )


def _series(phase: Phase, heard: Heard) -> Series:
    shares = [1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9]
    return Series(
        name=f"{phase.watchers:,}",
        x=tuple(share / 100 for share in shares),
        y=tuple(percentile(heard.latencies, share) for share in shares),
    )


def _thinned(ordered: Sequence[float]) -> list[float]:
    return [round(percentile(ordered, share / 2), 3) for share in range(1, 201)]
