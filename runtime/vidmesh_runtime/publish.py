"""Publishing to JetStream, many messages at a time."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import APIError, NoStreamResponseError

from vidmesh_runtime.bus import Bus


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to be published."""

    subject: str
    payload: bytes
    headers: dict[str, str]


class SilenceError(NatsError):
    """Nothing was heard of a message: a broker whose disk is full refuses nothing, it says nothing."""


@dataclass(slots=True, kw_only=True)
class _Batch:
    """Messages that wait for their acknowledgements."""

    outcomes: list[Exception | None]
    left: int
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Publisher:
    """Publishes and waits until all is stored, with one subscription for all acknowledgements."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._inbox = ""
        self._numbers = itertools.count()
        self._batches: dict[str, _Batch] = {}

    async def publish(self, messages: Sequence[Outgoing], *, within: float) -> Sequence[Exception | None]:
        """Publish messages in their order; for each, None where it is stored, else what came of it.

        That is an APIError where the stream refused it, or a SilenceError where nothing was heard after `within` seconds.
        """
        if not self._inbox:
            inbox = self._bus.client.new_inbox()
            await self._bus.client.subscribe(f"{inbox}.*.*", cb=self._answered)
            self._inbox = inbox
        number = str(next(self._numbers))
        silence = SilenceError("the bus does not answer")
        batch = self._batches[number] = _Batch(outcomes=[silence] * len(messages), left=len(messages))
        try:
            for place, message in enumerate(messages):
                await self._bus.client.publish(
                    message.subject,
                    message.payload,
                    reply=f"{self._inbox}.{number}.{place}",
                    headers=message.headers,
                )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await batch.done.wait()
        finally:
            del self._batches[number]
        return batch.outcomes

    async def _answered(self, message: Msg) -> None:
        _, number, place = message.subject.rsplit(".", 2)
        batch = self._batches.get(number)
        if batch is None:
            return
        batch.outcomes[int(place)] = _outcome(message)
        batch.left -= 1
        if not batch.left:
            batch.done.set()


def _outcome(message: Msg) -> Exception | None:
    if JetStreamContext.is_status_msg(message) == "503":
        return NoStreamResponseError()
    if b'"error"' not in message.data:
        return None
    error = json.loads(message.data)["error"]
    return APIError(
        code=error.get("code"), err_code=error.get("err_code"), description=error.get("description")
    )
