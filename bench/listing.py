"""Which measurements there are, and what the numbered ones ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from bench.measurement import Measure, Size

TITLES = MappingProxyType(
    {
        1: "Time to first segment",
        2: "Whole job",
        3: "Two workers of one thread, and 32",
        4: "Memory",
        5: "Same words",
        6: "Orchestration",
        7: "Event latency",
        8: "Search",
        9: "Cost of a long queue",
        10: "On a GPU",
        11: "Load",
    }
)
"""The measures that docs/benchmarks.md has a row for, whether they were taken or not."""

SMOKE_LIMIT = 180.0
"""Seconds that a measurement may take at size SMOKE, for machines that are slow and busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A measurement that can be run."""

    name: str
    """Its module in this package."""
    number: int
    """Which of the numbered measures it takes."""
    limit: float
    """Seconds that it may take at size FULL."""

    def load(self) -> Measure:
        """Its function. Raises ImportError where what it compares with is not installed."""
        measure: Measure = import_module(f"bench.{self.name}").measure
        return measure

    def seconds(self, size: Size) -> float:
        """How long it may take."""
        return SMOKE_LIMIT if size is Size.SMOKE else self.limit


LISTED = (
    Listed(name="first_segment", number=1, limit=240),
    Listed(name="raw_ratio", number=2, limit=480),
    Listed(name="workers", number=3, limit=630),
    Listed(name="memory", number=4, limit=600),
    Listed(name="same_words", number=5, limit=300),
    Listed(name="orchestration", number=6, limit=240),
    Listed(name="watchers", number=7, limit=180),
    Listed(name="search", number=8, limit=780),
    Listed(name="queue", number=9, limit=150),
    Listed(name="gpu", number=10, limit=300),
    Listed(name="load", number=11, limit=300),
)
"""All of them, in the order in which they are run and shown."""


def choose(names: Sequence[str], among: Sequence[Listed] = LISTED) -> tuple[Listed, ...]:
    """Those with these names or numbers, in their own order; all where none is given. Raises LookupError."""
    known = {listed.name for listed in among} | {str(listed.number) for listed in among}
    for name in names:
        if name not in known:
            raise LookupError(
                f"there is no measurement {name!r}; there are {', '.join(listed.name for listed in among)}"
            )
    return tuple(
        listed for listed in among if not names or listed.name in names or str(listed.number) in names
    )
