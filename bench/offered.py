"""Calls that are offered to a mesh at a pace of their own, whoever answers how, and what came of them."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2
from grpc_status.rpc_status import from_call

Call = Callable[[], Awaitable[object]]
"""Makes one call; raises grpc.aio.AioRpcError where it is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """How a call was refused."""

    code: str
    """The gRPC status code's name, such as "RESOURCE_EXHAUSTED"."""
    reason: str = ""
    """Of its google.rpc.ErrorInfo; empty where it has none."""
    retry_after: float | None = None
    """Seconds of its google.rpc.RetryInfo; None where it has none."""

    def __str__(self) -> str:
        wait = "" if self.retry_after is None else f", again after {self.retry_after:g} s"
        return f"{self.code} ({self.reason or 'no reason'}{wait})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What came of the calls that were offered."""

    seconds: float
    """From the first call to the last answer."""
    latencies: tuple[float, ...]
    """Milliseconds from when each call that succeeded was due to its answer, in rising order."""
    refusals: Mapping[Refusal, int]

    @property
    def refused(self) -> int:
        """How many were not answered with what they asked for."""
        return sum(self.refusals.values())

    @property
    def offered(self) -> int:
        """How many calls there were."""
        return len(self.latencies) + self.refused

    @property
    def rate(self) -> float:
        """Calls a second that succeeded."""
        return len(self.latencies) / self.seconds


async def offer(calls: Sequence[Call], *, rate: float, seconds: float) -> Answers:
    """Make `calls` in turn, `rate` of them a second, whether the earlier ones are answered or not."""
    begun = time.monotonic()
    tally = _Tally()
    async with asyncio.TaskGroup() as group:
        for number in range(round(rate * seconds)):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            group.create_task(tally.make(calls[number % len(calls)], due))
    return tally.answers(time.monotonic() - begun)


async def press(calls: Sequence[Call], *, at_once: int, seconds: float) -> Answers:
    """Make `calls` in turn, so many at once, each as soon as an earlier one is answered."""
    begun = time.monotonic()
    tally = _Tally()

    async def one_after_the_other(first: int) -> None:
        number = first
        while (now := time.monotonic()) < begun + seconds:
            await tally.make(calls[number % len(calls)], now)
            number += at_once

    async with asyncio.TaskGroup() as group:
        for first in range(at_once):
            group.create_task(one_after_the_other(first))
    return tally.answers(time.monotonic() - begun)


class _Tally:
    def __init__(self) -> None:
        self._latencies: list[float] = []
        self._refusals: Counter[Refusal] = Counter()

    async def make(self, call: Call, due: float) -> None:
        try:
            await call()
        except grpc.aio.AioRpcError as error:
            self._refusals[refusal(error)] += 1
        else:
            self._latencies.append(1000 * (time.monotonic() - due))

    def answers(self, seconds: float) -> Answers:
        return Answers(
            seconds=seconds, latencies=tuple(sorted(self._latencies)), refusals=dict(self._refusals)
        )


def refusal(error: grpc.aio.AioRpcError) -> Refusal:
    """What an error tells of why, and of when to try again."""
    status = from_call(error)
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    wait = None
    for detail in status.details if status is not None else ():
        detail.Unpack(info)
        if detail.Unpack(retry):
            wait = retry.retry_delay.ToTimedelta().total_seconds()
    return Refusal(code=error.code().name, reason=info.reason, retry_after=wait)
