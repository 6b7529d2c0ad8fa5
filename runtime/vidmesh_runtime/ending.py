"""Ending tasks for certain."""

import asyncio
from collections.abc import Collection
from typing import Any


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they have ended.

    Once is not enough: before Python 3.12, `asyncio.wait_for` swallows a cancellation that comes just as what it waits
    for is done (CPython issue 86296), and the client of NATS waits so.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=1)
