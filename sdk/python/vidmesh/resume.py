"""Following a stream through any number of broken connections."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import grpc
import grpc.aio

from vidmesh.backoff import backoff
from vidmesh.error import VidmeshError

SILENCE = 65.0
"""Seconds without a message after which a stream is taken for dead: three heartbeats of 20 seconds and some."""

PATIENCE = timedelta(minutes=2)
"""How long a break may last before it is raised."""

OnBreak = Callable[[VidmeshError], None]
"""Hears of each break that is about to be mended."""

OnOpen = Callable[[], None]
"""Hears that the stream is open, at first and after each break: what happens from then on is told."""

FIRST_PAUSE = 0.1

_BROKEN = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)

MessageT = TypeVar("MessageT")


async def followed(
    open_stream: Callable[[], grpc.aio.UnaryStreamCall[Any, MessageT]],
    *,
    take: Callable[[MessageT], bool],
    is_over: Callable[[], Awaitable[bool]],
    patience: timedelta,
    on_break: OnBreak | None,
    on_open: OnOpen | None = None,
) -> AsyncGenerator[MessageT, None]:
    """Yield a stream's messages for which `take` says that they are news.

    A stream that breaks, or ends before `is_over` says so, is opened again; `take` has noted where it goes on. Raises what
    broke it when no message has come for `patience`, and at once what trying again cannot mend.
    """
    failures, alive = 0, time.monotonic()
    while True:
        opened = False
        try:
            async for message in _messages(open_stream()):
                if not opened and on_open is not None:
                    on_open()
                opened, failures = True, 0
                if take(message):
                    yield message
                alive = time.monotonic()
            if await is_over():
                return
            problem = _dropped("The stream ended before what it follows did.")
        except VidmeshError as error:
            problem = error
        if not may_resume(problem) or time.monotonic() - alive > patience.total_seconds():
            raise problem
        if on_break is not None:
            on_break(problem)
        failures += 1
        await asyncio.sleep(backoff(failures, first=FIRST_PAUSE))


def may_resume(problem: VidmeshError) -> bool:
    """Say whether going on where it broke may help."""
    return problem.retryable if problem.told else problem.code in _BROKEN


async def _messages(call: grpc.aio.UnaryStreamCall[Any, MessageT]) -> AsyncGenerator[MessageT, None]:
    messages = aiter(call)
    try:
        while True:
            async with asyncio.timeout(SILENCE):
                message = await anext(messages, None)
            if message is None:
                return
            yield message
    except TimeoutError:
        raise _dropped(f"Nothing was heard from the mesh for {SILENCE:.0f} seconds.") from None
    finally:
        call.cancel()


def _dropped(message: str) -> VidmeshError:
    advice = "Follow it again; the work goes on meanwhile."
    return VidmeshError(
        message, reason="UNAVAILABLE", code=grpc.StatusCode.UNAVAILABLE, advice=advice, retryable=True
    )
