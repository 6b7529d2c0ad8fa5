"""Pulling from a durable JetStream consumer: no more than there is room for, through restarts of the broker."""

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Awaitable
from datetime import timedelta

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import ConnectionClosedError
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from vidmesh_runtime.bus import Bus

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a request for messages stands, at the broker and here: one is lost when the broker restarts."""
ENDED = frozenset({"404", "408"})
"""JetStream's statuses for a request that has ended; every other one but a heartbeat's means that the consumer is gone."""
HEARTBEAT = "100"


class Consumer:
    """A durable pull consumer that is made again whenever it is gone.

    A request stands until as many messages came as it asks for, so that a busy consumer asks once for many; what is asked
    for never exceeds the room that the caller has.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        stream: str,
        durable: str,
        subjects: list[str],
        ack_wait: timedelta,
        unacknowledged: int,
    ) -> None:
        self.durable = durable
        self.stream = stream
        self._bus = bus
        self._config = ConsumerConfig(
            durable_name=durable,
            filter_subjects=subjects,
            ack_policy=AckPolicy.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            ack_wait=ack_wait.total_seconds(),
            max_ack_pending=unacknowledged,
            max_deliver=-1,
        )
        self._subscription: Subscription | None = None
        self._arrived: deque[Msg] = deque()
        self._asked: deque[int] = deque()
        """How many messages each standing request may still bring, the oldest first."""
        self._trouble = ""
        self._news = asyncio.Event()

    async def take(self, room: int) -> list[Msg]:
        """The next messages, at most `room`; none after five seconds at most without one, or while the broker is away."""
        try:
            if self._subscription is None:
                await self._open()
            if sum(self._asked) + len(self._arrived) <= room // 2:
                await self._ask(room - sum(self._asked) - len(self._arrived))
            if not self._arrived:
                self._news.clear()
                async with asyncio.timeout(PATIENCE):
                    await self._news.wait()
            if self._trouble:
                raise NatsError(self._trouble)
        except TimeoutError:
            self._asked.clear()
            await self._make_sure()
        except ConnectionClosedError:
            raise
        except NotFoundError:
            log.warning("consumer %s: the stream %s is gone; making it again", self.durable, self.stream)
            await self._forget()
            await self._bus.ensure()
        except (NatsError, APIError, OSError) as error:
            log.warning("consumer %s: %s; making it again", self.durable, error or type(error).__name__)
            await self._forget()
            await asyncio.sleep(1)
        return [self._arrived.popleft() for _ in range(min(room, len(self._arrived)))]

    async def pending(self) -> int:
        """How many messages no process has been given yet."""
        info = await self._bus.jetstream.consumer_info(self.stream, self.durable)
        return info.num_pending or 0

    async def close(self) -> None:
        """Leave the consumer, which stays for others, and what was brought and not taken."""
        await self._forget()
        while self._arrived:
            with contextlib.suppress(NatsError, OSError):
                await self._arrived.popleft().nak()

    async def _open(self) -> None:
        await self._bus.jetstream.add_consumer(self.stream, self._config)
        self._subscription = await self._bus.client.subscribe(self._bus.client.new_inbox(), cb=self._receive)

    async def _ask(self, most: int) -> None:
        assert self._subscription is not None
        self._asked.append(most)
        await self._bus.client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self.durable}",
            json.dumps({"batch": most, "expires": int(PATIENCE * 1e9)}).encode(),
            reply=self._subscription.subject,
        )

    async def _receive(self, message: Msg) -> None:
        status = JetStreamContext.is_status_msg(message)
        if status is None:
            self._arrived.append(message)
            if self._asked:
                self._asked[0] -= 1
                if not self._asked[0]:
                    self._asked.popleft()
        elif status in ENDED:
            if self._asked:
                self._asked.popleft()
            if self._asked:
                return
        elif status == HEARTBEAT:
            return
        else:
            self._trouble = f"{status} {(message.headers or {}).get('Description', '')}".strip()
        self._news.set()

    async def _make_sure(self) -> None:
        """A consumer that was deleted looks like one without messages: ask."""
        with contextlib.suppress(TimeoutError, NatsError, OSError):
            try:
                await self._bus.jetstream.consumer_info(self.stream, self.durable)
            except APIError:
                await self._forget()

    async def _forget(self) -> None:
        subscription, self._subscription = self._subscription, None
        self._asked.clear()
        self._trouble = ""
        if subscription is not None:
            with contextlib.suppress(NatsError, APIError, OSError):
                await subscription.unsubscribe()


async def quietly(answer: Awaitable[object]) -> None:
    """Tell the broker something that it can do without: a message that is not acknowledged comes again and finds nothing to do."""
    try:
        await answer
    except (NatsError, TimeoutError, OSError) as error:
        log.debug("bus: %s", error or type(error).__name__)
