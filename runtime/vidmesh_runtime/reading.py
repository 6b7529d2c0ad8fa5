"""Reading the EVENTS stream as it grows: a consumer that stands open, so that an event comes the moment it is stored.

The client library's `fetch` asks anew for each batch and waits through two requests; this asks once for many messages
and takes them as they come. What the broker sends is counted, and a reading that has lost something ends.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError

from vidmesh_runtime.bus import EVENTS, Bus

BATCH = 5000
"""How many messages one request asks for."""
EXPIRES = 60.0
"""Seconds for which a request stands."""
SIGN = 1.0
"""Seconds between the broker's signs of life while nothing happens."""
SILENCE = 3.5
"""Seconds without anything after which the reading is lost."""

_SIGN_OF_LIFE, _USED_UP = "100", frozenset({"404", "408"})


class ReadingLostError(Exception):
    """The consumer, or the broker, is gone, or messages were lost on the way."""


class Reading:
    """One reading of the stream from after a sequence. `take` gets each message with its sequence, in order."""

    def __init__(self, bus: Bus, *, after: int, take: Callable[[Msg, int], None]) -> None:
        self._bus = bus
        self._after = after
        self._take = take
        self._stirred = asyncio.Event()
        self._count = 0
        self._asked = 0
        self._heard = 0.0
        self._trouble = ""

    async def run(self, *, opened: Callable[[], None], wanted: Callable[[], bool]) -> None:
        """Read while it is `wanted`; `opened` is called once nothing can be missed any more.

        Raises ReadingLostError, and what NATS raises while the consumer is made.
        """
        client, jetstream = self._bus.client, self._bus.jetstream
        config = ConsumerConfig(
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._after + 1,
            inactive_threshold=30,
            mem_storage=True,
            num_replicas=1,
        )
        name = (await jetstream.add_consumer(EVENTS, config)).name
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox, cb=self._on_message)
        try:
            opened()
            await self._read(f"$JS.API.CONSUMER.MSG.NEXT.{EVENTS}.{name}", inbox, wanted)
        finally:
            with contextlib.suppress(NatsError, APIError, OSError):
                await subscription.unsubscribe()
                if client.is_connected:
                    await jetstream.delete_consumer(EVENTS, name)

    async def _read(self, subject: str, inbox: str, wanted: Callable[[], bool]) -> None:
        clock = asyncio.get_running_loop().time
        request = json.dumps(
            {"batch": BATCH, "expires": int(EXPIRES * 1e9), "idle_heartbeat": int(SIGN * 1e9)}
        ).encode()
        self._heard = clock()
        while wanted():
            if not self._asked:
                self._asked = BATCH
                await self._bus.client.publish(subject, request, reply=inbox)
            self._stirred.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SIGN):
                    await self._stirred.wait()
            if self._trouble:
                raise ReadingLostError(self._trouble)
            if clock() - self._heard > SILENCE:
                raise ReadingLostError("the broker is silent")

    async def _on_message(self, message: Msg) -> None:
        self._heard = asyncio.get_running_loop().time()
        if self._trouble:
            return
        status = message.headers.get("Status") if message.headers else None
        if status is None:
            self._count += 1
            self._asked -= 1
            place = message.metadata.sequence
            if place.consumer != self._count:
                self._lose("messages were lost on the way")
                return
            self._take(message, place.stream)
            if not self._asked:
                self._stirred.set()
        elif status in _USED_UP:
            self._asked = 0
            self._stirred.set()
        elif status != _SIGN_OF_LIFE:
            self._lose(message.headers.get("Description", status) if message.headers else status)

    def _lose(self, trouble: str) -> None:
        self._trouble = trouble
        self._stirred.set()
