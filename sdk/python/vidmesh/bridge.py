"""An asynchronous channel as the services' blocking stubs want one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable
from typing import Any

import grpc.aio

from vidmesh.background import Background

_END = object()


class Bridge:
    """Has what a stub calls of a `grpc.Channel`, so that blocking calls go the way of asynchronous ones.

    Calls take `timeout` and `metadata` as gRPC's own do; `future` and `with_call` are not there.
    """

    def __init__(self, background: Background, channel: grpc.aio.Channel) -> None:
        self._background = background
        self._channel = channel

    def unary_unary(self, *args: Any, **options: Any) -> Callable[..., Any]:
        """Make a call of one request and one response."""
        method = self._channel.unary_unary(*args, **options)

        def call(request: Any, **wishes: Any) -> Any:
            return self._background.run(_answer(lambda: method(request, **wishes)))

        return call

    def unary_stream(self, *args: Any, **options: Any) -> Callable[..., Any]:
        """Make a call of one request and many responses."""
        method = self._channel.unary_stream(*args, **options)

        def call(request: Any, **wishes: Any) -> Generator[Any, None, None]:
            return self._background.iterate(_answers(lambda: method(request, **wishes)))

        return call

    def stream_unary(self, *args: Any, **options: Any) -> Callable[..., Any]:
        """Make a call of many requests and one response."""
        method = self._channel.stream_unary(*args, **options)

        def call(requests: Iterable[Any], **wishes: Any) -> Any:
            return self._background.run(_answer(lambda: method(_moved(requests), **wishes)))

        return call

    def stream_stream(self, *args: Any, **options: Any) -> Callable[..., Any]:
        """Make a call of many requests and many responses."""
        method = self._channel.stream_stream(*args, **options)

        def call(requests: Iterable[Any], **wishes: Any) -> Generator[Any, None, None]:
            return self._background.iterate(_answers(lambda: method(_moved(requests), **wishes)))

        return call


async def _answer(begin: Callable[[], Any]) -> Any:
    return await begin()


async def _answers(begin: Callable[[], Any]) -> AsyncGenerator[Any, None]:
    call = begin()
    try:
        async for response in call:
            yield response
    finally:
        call.cancel()


async def _moved(requests: Iterable[Any]) -> AsyncIterator[Any]:
    """Read the caller's requests in another thread: they may be as slow as a microphone."""
    remaining = iter(requests)
    while (request := await asyncio.to_thread(next, remaining, _END)) is not _END:
        yield request
