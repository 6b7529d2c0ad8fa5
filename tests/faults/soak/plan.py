"""What is done to a mesh, drawn from a seed: the same seed, the same faults in the same order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tests.faults.mesh import CRASH_POINTS

SERVICES = ("ingest", "transcribe", "transcribe-2", "summarize", "query")
PARTS = (*SERVICES, "nats", "postgres", "gateway")
OWN_POINTS = {"after-recognition": ("transcribe", "transcribe-2"), "after-embed": ("query",)}
"""Crash points that are in some services alone."""
WIRES = ("nats", "postgres")
DISKS = ("nats", "media")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong."""

    kind: str
    """Which of `KINDS`."""
    part: str = ""
    """What it is done to: a part, a wire or a disk."""
    detail: str = ""
    seconds: float = 0.0
    """For how long, where it has a length."""

    def __str__(self) -> str:
        length = f" for {self.seconds:.1f} s" if self.seconds else ""
        return " ".join(word for word in (self.kind, self.part, self.detail) if word) + length


def _kill(draw: Random) -> Fault:
    return Fault(kind="kill", part=draw.choice(PARTS))


def _restart(draw: Random) -> Fault:
    return Fault(kind="restart", part=draw.choice((*SERVICES, "gateway")))


def _freeze(draw: Random) -> Fault:
    return Fault(kind="freeze", part=draw.choice(PARTS), seconds=draw.uniform(0.5, 8))


def _crash(draw: Random) -> Fault:
    point = draw.choice(CRASH_POINTS)
    return Fault(kind="crash", part=draw.choice(OWN_POINTS.get(point, SERVICES)), detail=point)


def _cut(draw: Random) -> Fault:
    return Fault(kind="cut", part=draw.choice(WIRES))


def _cut_off(draw: Random) -> Fault:
    return Fault(kind="cut off", part=draw.choice(WIRES), seconds=draw.uniform(0.5, 6))


def _stall(draw: Random) -> Fault:
    way = draw.choice(("both ways", "to far", "from far"))
    return Fault(kind="stall", part=draw.choice(WIRES), detail=way, seconds=draw.uniform(0.5, 8))


def _slow(draw: Random) -> Fault:
    return Fault(kind="slow", part=draw.choice(WIRES), seconds=draw.uniform(1, 5))


def _terminate(draw: Random) -> Fault:
    return Fault(kind="end connections", part="postgres", seconds=draw.uniform(0.5, 2))


def _consumers(draw: Random) -> Fault:
    return Fault(kind="delete consumers", part="nats")


def _stream(draw: Random) -> Fault:
    return Fault(kind="delete stream", part="nats", detail=draw.choice(("WORK", "EVENTS")))


def _empty(draw: Random) -> Fault:
    return Fault(kind="empty", part=draw.choice(("nats", "vectors")))


def _repeat(draw: Random) -> Fault:
    return Fault(kind="repeat messages", part="nats", seconds=draw.uniform(1, 4))


def _fill(draw: Random) -> Fault:
    return Fault(kind="fill", part=draw.choice(DISKS), seconds=draw.uniform(1, 5))


DRAWN: Sequence[tuple[int, Callable[[Random], Fault]]] = (
    (6, _kill),
    (2, _restart),
    (4, _freeze),
    (6, _crash),
    (2, _cut),
    (2, _cut_off),
    (3, _stall),
    (2, _slow),
    (2, _terminate),
    (1, _consumers),
    (1, _stream),
    (1, _empty),
    (1, _repeat),
    (2, _fill),
)
"""The kinds of faults, each with its weight."""


def plan(seed: int) -> Iterator[tuple[float, Fault]]:
    """Faults without end, each with the seconds to wait before it."""
    draw = Random(seed)
    weights, kinds = zip(*DRAWN, strict=True)
    while True:
        (kind,) = draw.choices(kinds, weights)
        yield draw.uniform(0.5, 6), kind(draw)


def kills_of_nats(seed: int, rounds: int) -> Iterator[tuple[float, Fault]]:
    """NATS killed so many times, at moments of the seed's."""
    draw = Random(seed)
    for _ in range(rounds):
        yield draw.uniform(0.5, 4), Fault(kind="kill", part="nats")
