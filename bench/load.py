"""Measurement 11: calls through the gateway below a tenant's limit and above it, another tenant meanwhile, and afterwards."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

import grpc

from bench import machine, site, sound
from bench.measurement import Bench, Figure, Finding, Size, figure
from bench.mesh import SETTINGS
from bench.number import percentile
from bench.offered import Answers, Call, Refusal, offer, press
from bench.resident import Memory, sampled
from vidmesh.client import AsyncClient
from vidmesh.ingest.v1.ingest_service_pb2 import GetJobRequest, ListJobsRequest, SubmitVideoRequest
from vidmesh.ingest.v1.ingest_service_pb2_grpc import IngestServiceStub
from vidmesh.ingest.v1.video_pb2 import Source
from vidmesh.query.v1.query_service_pb2 import GetVideoRequest, SearchRequest
from vidmesh.query.v1.query_service_pb2_grpc import QueryServiceStub
from vidmesh.summarize.v1.summarize_service_pb2 import GetSummaryRequest
from vidmesh.summarize.v1.summarize_service_pb2_grpc import SummarizeServiceStub
from vidmesh.transcribe.v1.transcribe_service_pb2 import GetTranscriptRequest
from vidmesh.transcribe.v1.transcribe_service_pb2_grpc import TranscribeServiceStub
from vidmesh_stack.settings import StackSettings
from vidmesh_stack.stack import Stack

LIMITED = Refusal(code="RESOURCE_EXHAUSTED", reason="RESOURCE_EXHAUSTED", retry_after=1.0)
"""The one way in which the gateway may refuse who calls too often."""

BURST = 10
"""How many seconds' calls the gateway lets a tenant make at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is asked, for how long."""

    limit: int
    """Calls a second that a tenant may make."""
    seconds: float
    """How long each phase is."""
    pressing: float
    """How long the mesh is asked for as much as it can."""
    below: float = 0.9
    """What a tenant within its limit asks for, of the limit."""
    above: float = 3.0
    """What the greedy tenant asks for, of the limit."""
    at_once: int = 32
    """Calls in flight where as much is asked as the mesh can answer."""
    tenants: int = 12
    """Who share in that, besides the two above, so that it is nobody's limit that is measured."""


PLANS = {
    Size.FULL: Plan(limit=40, seconds=30, pressing=15),
    Size.SMOKE: Plan(limit=20, seconds=3, pressing=1, tenants=3),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of each phase."""

    below: Answers
    above: Answers
    """Of the greedy tenant, its allowance for bursts being spent."""
    beside: Answers
    """Of another tenant within its limit, at the same time."""
    after: Answers
    """Of the greedy tenant within its limit, as soon as it may call again."""
    most: Answers
    """Of several tenants within theirs, with as much asked as the mesh can answer."""
    before_memory: Memory
    after_memory: Memory


async def measure(bench: Bench) -> Finding:
    """Offer calls below and above the limit of a tenant, and as many as the mesh can answer."""
    plan = PLANS[bench.size]
    settings = StackSettings(data=bench.folder / "mesh", port=0, rate=plan.limit, env=SETTINGS)
    busy = machine.load()
    speech = bench.folder / "speech.mp3"
    await asyncio.to_thread(sound.write_speech, speech, 60.0, pauses=(1.0,))
    async with Stack(settings) as stack, site.serving(speech, seconds=0.2) as served:
        bench.say("a video for each tenant")
        names = [f"tenant-{number}" for number in range(2 + plan.tenants)]
        asked = {name: await _submitted(stack, name, served.url(name)) for name in names}
        async with _tenants(stack, asked) as calls:
            found = await _phases(bench, stack, plan, [calls[name] for name in names])
    return Finding(
        number=11,
        title="Load",
        method=(
            f"Calls through the gateway to all four services of a whole mesh, over gRPC, from a process on the same machine: GetJob, ListJobs, "
            f"GetTranscript, GetSummary, GetVideo, Search, and SubmitVideo sent again with its request id, in turn. Each tenant may make {plan.limit} "
            f"calls a second ({BURST * plan.limit} at once). Below: one tenant asks for {plan.below:.0%} of that at a steady pace, {plan.seconds:g} s. Above: another, its "
            f"allowance for bursts being spent, asks for {plan.above:g} times the limit while the first goes on; then, a second later as the refusals ask, for {plan.below:.0%}. "
            f"The most: {plan.at_once} calls in flight, of {plan.tenants} tenants. Latencies are from when a call was due, so that a "
            "queue of the caller's counts. Memory is the sum of all parts' proportional shares (PSS), the median of some seconds before and after."
        ),
        figures=tuple(_figures(plan, found)),
        notes=tuple(_notes(found, busy)),
        raw={
            name: {"rate": one.rate, "refusals": {str(why): count for why, count in one.refusals.items()}}
            for name, one in _phases_of(found).items()
        },
    )


async def _phases(bench: Bench, stack: Stack, plan: Plan, calls: Sequence[Sequence[Call]]) -> Found:
    steady, greedy, *others = calls
    mixed = [call for turn in zip(*others, strict=True) for call in turn]
    within = plan.below * plan.limit
    bench.say("warm-up")
    for one in (steady, greedy, mixed):
        await offer(one, rate=within, seconds=plan.pressing)
    async with sampled(stack, every=0.5) as before_memory:
        await asyncio.sleep(2)
    bench.say(f"below the limit, {plan.seconds:g} s")
    below = await offer(steady, rate=within, seconds=plan.seconds)
    bench.say(f"above the limit, {plan.seconds:g} s")
    wanted = plan.above * plan.limit
    spending = BURST * plan.limit / (wanted - plan.limit) + 1
    async with asyncio.TaskGroup() as group:
        modest = group.create_task(offer(steady, rate=within, seconds=spending + plan.seconds))
        await offer(greedy, rate=wanted, seconds=spending)
        above = await offer(greedy, rate=wanted, seconds=plan.seconds)
    await asyncio.sleep(LIMITED.retry_after or 0.0)
    bench.say(f"afterwards, {plan.seconds:g} s")
    after = await offer(greedy, rate=within, seconds=plan.seconds)
    bench.say(f"as much as it can, {plan.pressing:g} s")
    most = await press(mixed, at_once=plan.at_once, seconds=plan.pressing)
    await asyncio.sleep(2)
    async with sampled(stack, every=0.5) as after_memory:
        await asyncio.sleep(2)
    return Found(
        below=below,
        above=above,
        beside=modest.result(),
        after=after,
        most=most,
        before_memory=before_memory,
        after_memory=after_memory,
    )


async def _submitted(stack: Stack, tenant: str, url: str) -> SubmitVideoRequest:
    """The request of a job that has ended."""
    request = SubmitVideoRequest(source=Source(url=url), language="en", request_id=str(uuid.uuid4()))
    async with AsyncClient(stack.endpoint, stack.token(tenant)) as client:
        job = (await client.ingest.SubmitVideo(request)).job
        async for message in client.watch(job.id):
            if message.event.HasField("job_ended") and message.event.job_ended.HasField("failure"):
                raise RuntimeError(f"the job failed: {message.event.job_ended.failure.message}")
    return request


@asynccontextmanager
async def _tenants(
    stack: Stack, asked: Mapping[str, SubmitVideoRequest]
) -> AsyncIterator[dict[str, Sequence[Call]]]:
    """For each tenant its calls, over a connection of its own, tried once each."""
    once = (("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1))
    channels = {name: grpc.aio.insecure_channel(urlsplit(stack.endpoint).netloc, once) for name in asked}
    try:
        yield {
            name: await _calls(channel, stack.token(name, ttl=timedelta(hours=1)), asked[name])
            for name, channel in channels.items()
        }
    finally:
        for channel in channels.values():
            await channel.close()


async def _calls(channel: grpc.aio.Channel, token: str, asked: SubmitVideoRequest) -> Sequence[Call]:
    ingest, query = IngestServiceStub(channel), QueryServiceStub(channel)
    transcribe, summarize = TranscribeServiceStub(channel), SummarizeServiceStub(channel)
    who = (("authorization", f"Bearer {token}"),)
    job = (await ingest.SubmitVideo(asked, metadata=who)).job
    video = job.video_id
    return (
        partial(ingest.GetJob, GetJobRequest(job_id=job.id), metadata=who),
        partial(ingest.ListJobs, ListJobsRequest(), metadata=who),
        partial(transcribe.GetTranscript, GetTranscriptRequest(video_id=video), metadata=who),
        partial(summarize.GetSummary, GetSummaryRequest(video_id=video), metadata=who),
        partial(query.GetVideo, GetVideoRequest(video_id=video), metadata=who),
        partial(query.Search, SearchRequest(query="garden"), metadata=who),
        partial(ingest.SubmitVideo, asked, metadata=who),
    )


def _phases_of(found: Found) -> dict[str, Answers]:
    return {
        "below": found.below,
        "above": found.above,
        "beside": found.beside,
        "after": found.after,
        "most": found.most,
    }


def _figures(plan: Plan, found: Found) -> Iterator[Figure]:
    yield figure("below the limit, refused or failed", found.below.refused, "calls", at_most=0)
    yield figure("below the limit, held", found.below.rate, "calls/s")
    yield from _latencies("below the limit", found.below)
    yield figure("above the limit, answered over the limit", found.above.rate / plan.limit, at_most=1.1)
    yield figure("above the limit, refused", found.above.refused, "calls")
    unclean = found.above.refused - found.above.refusals.get(LIMITED, 0)
    yield figure("above the limit, refused without reason and delay", unclean, "calls", at_most=0)
    yield figure("another tenant meanwhile, refused or failed", found.beside.refused, "calls", at_most=0)
    yield from _latencies("another tenant meanwhile", found.beside)
    yield figure("a second later, refused or failed", found.after.refused, "calls", at_most=0)
    yield from _latencies("a second later", found.after)
    yield figure("the most, held", found.most.rate, "calls/s")
    yield figure("the most, refused or failed", found.most.refused, "calls", at_most=0)
    yield from _latencies("the most", found.most)
    yield figure(
        "memory after over before", _held(found.after_memory) / _held(found.before_memory), at_most=1.1
    )


def _latencies(who: str, answers: Answers) -> Iterator[Figure]:
    for percent in (50, 99):
        yield figure(f"{who}, p{percent}", percentile(answers.latencies, percent), "ms")


def _held(memory: Memory) -> float:
    """MB of all parts, the median of what was sampled."""
    sums = sorted(sum(parts.values()) for _, parts in memory.samples)
    return percentile(sums, 50)


def _notes(found: Found, busy: float) -> Iterator[str]:
    if busy > 1:
        yield f"Other work ran on the machine (load {busy:.1f}): latencies are longer for it, and the most is less."
    calls = sum(one.offered for one in _phases_of(found).values())
    ways = {str(why) for one in _phases_of(found).values() for why in one.refusals}
    yield f"{calls:,} calls. Every refusal was {' or '.join(sorted(ways)) or 'none'}."
    before, after = found.before_memory.at_peak(), found.after_memory.at_peak()
    told = ", ".join(f"{part} {held:.0f} to {after.get(part, 0.0):.0f}" for part, held in before.items())
    yield f"Memory before and after, MB: {told}."
