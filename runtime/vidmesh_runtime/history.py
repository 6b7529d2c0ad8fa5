"""What is already on the EVENTS stream, read by JetStream's direct get (ADR-31): nothing is left behind on the broker."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from vidmesh_runtime.bus import EVENTS, Bus
from vidmesh_runtime.events import Event, read_event

BATCH = 256
BATCH_BYTES = 4 << 20
SHARED = 0.5
"""Seconds for which an answer is kept, so that a crowd that comes at once costs one reading and not one each."""
PROGRESS = "stage_progress"
"""The kind of event that a later one of its stage makes worthless."""
PATIENCE = 5.0
"""Seconds without a message after which the broker counts as away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Which sequences the stream holds."""

    first: int
    """The first that is still kept; one more than `last` where the stream is empty."""
    last: int
    """The last that was ever stored."""
    made: datetime
    """When the stream was made: what happened before is not on it, or only in part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Some events of a subject."""

    events: list[Event]
    through: int
    """Up to which sequence they are all that there is on the subject."""


class HistoryGoneError(Exception):
    """The broker did not answer while history was read."""


class History:
    """Reads stored events in order."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._pages: dict[tuple[int, str], asyncio.Task[_Page]] = {}

    async def bounds(self) -> Bounds:
        """The bounds of the stream now. Raises HistoryGoneError."""
        try:
            info = await self._bus.jetstream.stream_info(EVENTS)
        except (NatsError, TimeoutError, OSError) as error:
            raise HistoryGoneError(str(error)) from error
        made = info.created or datetime.now(UTC)
        return Bounds(first=info.state.first_seq, last=info.state.last_seq, made=made)

    async def after(
        self, sequence: int, subject: str, *, through: int, thinned: bool = False
    ) -> AsyncIterator[Event]:
        """The events on `subject` with greater sequences, up to `through`, in order.

        `thinned`: without progress that later progress soon takes the place of. Raises HistoryGoneError.
        """
        position = sequence
        while position < through:
            page = await self._page(position + 1, subject, through)
            events = [event for event in page.events if event.sequence <= through]
            for event in _newest_progress(events) if thinned else events:
                yield event
            if page.through >= through:
                return
            position = page.through

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

    async def last_sequence(self, subject: str) -> int:
        """The sequence of the last event on `subject`; 0 where there is none. Raises HistoryGoneError."""
        events, _ = await self._get({"multi_last": [subject]})
        return max((event.sequence for event in events), default=0)

    async def _page(self, first: int, subject: str, through: int) -> "_Page":
        """The events on `subject` from a sequence on, of which `through` is stored; those who ask at once share one answer."""
        key = (first, subject)
        asking = self._pages.get(key)
        if asking is None:
            asking = self._pages[key] = asyncio.create_task(self._ask_page(first, subject, through))
            asking.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(asking)

    async def _ask_page(self, first: int, subject: str, through: int) -> "_Page":
        events, pending = await self._get(
            {"seq": first, "next_by_subj": subject, "batch": BATCH, "max_bytes": BATCH_BYTES}
        )
        known = events[-1].sequence if events else first - 1
        return _Page(events=events, through=known if pending and events else max(known, through))

    def _forget(self, key: tuple[int, str], asked: "asyncio.Task[_Page]") -> None:
        if not asked.cancelled():
            asked.exception()  # taken note of: those who asked may be gone
        asyncio.get_running_loop().call_later(SHARED, self._pages.pop, key, None)

    async def _get(self, request: dict[str, object]) -> tuple[list[Event], int]:
        """The events that answer a batched direct get, and how many more there are."""
        client = self._bus.client
        inbox = client.new_inbox()
        answer = _Answer()
        try:
            subscription = await client.subscribe(inbox, cb=answer.take)
            try:
                await client.publish(
                    f"$JS.API.DIRECT.GET.{EVENTS}", json.dumps(request).encode(), reply=inbox
                )
                while not answer.whole.is_set():
                    heard = len(answer.events)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(PATIENCE):
                            await answer.whole.wait()
                    if not answer.whole.is_set() and len(answer.events) == heard:
                        raise HistoryGoneError("the broker does not answer")
            finally:
                await subscription.unsubscribe()
        except (NatsError, OSError) as error:
            raise HistoryGoneError(str(error) or type(error).__name__) from error
        return answer.events, answer.pending


def _newest_progress(events: Sequence[Event]) -> list[Event]:
    """Events of which each stage's progress is there once: the last. What followed a job for hours is thousands of ticks."""
    newest = {(event.job_id, event.stage): event.sequence for event in events if event.kind == PROGRESS}
    return [
        event
        for event in events
        if event.kind != PROGRESS or newest[event.job_id, event.stage] == event.sequence
    ]


class _Answer:
    """What has come of an answer. (Waiting for each message by itself would cost two tasks a message.)"""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.pending = 0
        self.whole = asyncio.Event()

    async def take(self, message: Msg) -> None:
        """Take a message: an event, or the end of the answer."""
        headers = message.headers or {}
        status = headers.get("Status")
        if status is not None:  # 204: that is all; 404: nothing there
            self.pending = int(headers.get("Nats-Num-Pending", "0")) if status == "204" else 0
            self.whole.set()
            return
        event = read_event(headers["Nats-Subject"], headers, int(headers["Nats-Sequence"]), message.data)
        if event is not None:
            self.events.append(event)
