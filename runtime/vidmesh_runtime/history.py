"""What is already on the EVENTS stream, read by JetStream's direct get (ADR-31): nothing is left behind on the broker."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from vidmesh_runtime.bus import EVENTS, Bus
from vidmesh_runtime.events import Event, read_event

BATCH = 256
BATCH_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Which sequences the stream holds."""

    first: int
    """The first that is still kept; one more than `last` where the stream is empty."""
    last: int
    """The last that was ever stored."""


class HistoryGoneError(Exception):
    """The broker did not answer while history was read."""


class History:
    """Reads stored events in order."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def bounds(self) -> Bounds:
        """The bounds of the stream now. Raises HistoryGoneError."""
        try:
            info = await self._bus.jetstream.stream_info(EVENTS)
        except (NatsError, TimeoutError, OSError) as error:
            raise HistoryGoneError(str(error)) from error
        return Bounds(first=info.state.first_seq, last=info.state.last_seq)

    async def after(self, sequence: int, subject: str, *, through: int) -> AsyncIterator[Event]:
        """The events on `subject` with greater sequences, up to `through`, in order. Raises HistoryGoneError."""
        position = sequence
        while position < through:
            events, pending = await self._get(
                {"seq": position + 1, "next_by_subj": subject, "batch": BATCH, "max_bytes": BATCH_BYTES}
            )
            for event in events:
                if event.sequence > through:
                    return
                yield event
                position = event.sequence
            if not events or not pending:
                return

    async def last_numbers(self, subject: str, *, through: int) -> dict[tuple[str, str], int]:
        """For each (job, stage) on `subject`, the number of its last fact up to a sequence. Raises HistoryGoneError."""
        # The broker knows of no facts at all up to a sequence that it has not come to.
        last = (await self.bounds()).last
        events, _ = await self._get({"multi_last": [subject], "up_to_seq": min(through, last)})
        numbers: dict[tuple[str, str], int] = {}
        for event in events:
            of = (event.job_id, event.stage)
            numbers[of] = max(numbers.get(of, 0), event.number)
        return numbers

    async def _get(self, request: dict[str, object]) -> tuple[list[Event], int]:
        """The events that answer a batched direct get, and how many more there are."""
        client = self._bus.client
        inbox = client.new_inbox()
        events: list[Event] = []
        try:
            subscription = await client.subscribe(inbox)
            try:
                await client.publish(
                    f"$JS.API.DIRECT.GET.{EVENTS}", json.dumps(request).encode(), reply=inbox
                )
                while True:
                    message: Msg = await subscription.next_msg(timeout=5)
                    headers = message.headers or {}
                    status = headers.get("Status")
                    if status == "204":
                        return events, int(headers.get("Nats-Num-Pending", "0"))
                    if status is not None:  # 404: nothing there
                        return events, 0
                    event = read_event(
                        headers["Nats-Subject"], headers, int(headers["Nats-Sequence"]), message.data
                    )
                    if event is not None:
                        events.append(event)
            finally:
                await subscription.unsubscribe()
        except (TimeoutError, NatsError, OSError) as error:
            raise HistoryGoneError(str(error) or type(error).__name__) from error
