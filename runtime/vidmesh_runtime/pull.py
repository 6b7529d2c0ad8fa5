"""Pulling from a durable JetStream consumer: a few messages at a time, through restarts of the broker."""

import asyncio
import contextlib
import logging
from datetime import timedelta

from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError

from vidmesh_runtime.bus import Bus

log = logging.getLogger(__name__)


class Consumer:
    """A durable pull consumer that is made again whenever it is gone.

    `fetch` waits at most five seconds, because it blocks for its whole timeout over a restart of the broker.
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
        self._subscription: JetStreamContext.PullSubscription | None = None

    async def fetch(self, most: int) -> list[Msg]:
        """The next messages; none after five seconds without one, or while the broker is away."""
        try:
            if self._subscription is None:
                await self._bus.jetstream.add_consumer(self.stream, self._config)
                self._subscription = await self._bus.jetstream.pull_subscribe_bind(self.durable, self.stream)
            return await self._subscription.fetch(most, timeout=5)
        except TimeoutError:
            await self._make_sure()
            return []
        except ConnectionClosedError:
            raise
        except (NatsError, APIError, OSError) as error:
            log.warning("consumer %s: %s; making it again", self.durable, error or type(error).__name__)
            await self._forget()
            await asyncio.sleep(1)
            return []

    async def waiting(self) -> int:
        """How many messages there are that were not acknowledged: waiting or in work."""
        info = await self._bus.jetstream.consumer_info(self.stream, self.durable)
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def close(self) -> None:
        """Leave the consumer, which stays for others."""
        await self._forget()

    async def _make_sure(self) -> None:
        """A consumer that was deleted looks like one without messages: ask."""
        with contextlib.suppress(TimeoutError, NatsError, OSError):
            try:
                await self._bus.jetstream.consumer_info(self.stream, self.durable)
            except APIError:
                await self._forget()

    async def _forget(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with contextlib.suppress(NatsError, APIError, OSError):
                await subscription.unsubscribe()
