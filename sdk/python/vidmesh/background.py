"""An event loop in a thread of its own, for callers that have none."""

import asyncio
import atexit
import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Generator
from concurrent.futures import CancelledError, Future, wait
from typing import TypeVar

T = TypeVar("T")

_LEAVING = 5.0
"""Seconds that interrupted work may take to leave."""

_END = object()


class Background:
    """Runs asynchronous work for callers in any other thread, which wait for it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="vidmesh", daemon=True)
        self._thread.start()
        # Whoever reads an iterator no further would wait at exit for a thread that is gone by then.
        atexit.register(self.close)

    @property
    def closed(self) -> bool:
        """Whether nothing runs here any more."""
        return self._loop.is_closed()

    def run(self, work: Awaitable[T]) -> T:
        """Do work and give its result. What interrupts the caller, such as Ctrl-C, cancels the work first."""
        if threading.current_thread() is self._thread:
            raise _refused(
                work, "a callback of the client runs in the client's own thread and may not wait for it"
            )
        if self.closed:
            raise _refused(work, "the client is closed")
        outcome: Future[T] = Future()
        tasks: list[asyncio.Future[T]] = []

        def begin() -> None:
            tasks.append(asyncio.ensure_future(work))
            tasks[0].add_done_callback(lambda task: _hand_over(task, outcome))

        def stop() -> None:
            tasks[0].cancel()

        self._loop.call_soon_threadsafe(begin)
        try:
            return outcome.result()
        except BaseException:
            if not outcome.done():
                self._loop.call_soon_threadsafe(stop)
                wait([outcome], _LEAVING)
            raise

    def iterate(self, items: AsyncIterator[T]) -> Generator[T, None, None]:
        """Yield what an asynchronous iterator yields, and close it when the caller has had enough."""
        try:
            while (item := self.run(_next(items))) is not _END:
                yield item  # type: ignore[misc] # it is no _END
        finally:
            if threading.current_thread() is self._thread:  # left there to the garbage collector
                self._loop.create_task(_close(items))
            elif not self.closed:
                self.run(_close(items))

    def close(self) -> None:
        """End the thread. What is still under way is cancelled."""
        if self.closed:
            return
        atexit.unregister(self.close)
        self.run(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _refused(work: Awaitable[object], why: str) -> RuntimeError:
    if inspect.iscoroutine(work):
        work.close()  # nobody will await it
    return RuntimeError(why)


def _hand_over(task: "asyncio.Future[T]", outcome: "Future[T]") -> None:
    if task.cancelled():
        outcome.set_exception(CancelledError())
    elif (error := task.exception()) is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())


async def _next(items: AsyncIterator[T]) -> T | object:
    return await anext(items, _END)


async def _close(items: AsyncIterator[T]) -> None:
    close = getattr(items, "aclose", None)
    if close is not None:
        await close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
