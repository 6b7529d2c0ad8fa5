"""What a measurement is asked and what it finds."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Size(StrEnum):
    """How much to measure."""

    SMOKE = "smoke"
    """A few seconds, to see that a measurement works; its figures mean nothing."""
    FULL = "full"
    """What docs/benchmarks.md tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a measurement is given."""

    size: Size
    folder: Path
    """An empty folder of its own, removed after it."""
    say: Callable[[str], None]
    """Tells the person who waits what goes on, in a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that was measured."""

    name: str
    """What it is, such as "mesh, wall time"."""
    value: float
    unit: str
    """Such as "s", "MB", "jobs/s"; empty for a ratio."""
    target: str = ""
    """What is asked of it, such as "at most 1.05"; empty where nothing is."""
    met: bool | None = None
    """Whether it is what is asked; None where nothing is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points to be drawn as one line."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A picture of some series, written as SVG."""

    name: str
    """Its file's name in docs/benchmarks/, without the suffix."""
    title: str
    x: str
    """The axis' label with its unit."""
    y: str
    series: tuple[Series, ...]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a measurement found."""

    number: int
    """Its place in the table, from 1; several measurements may share one."""
    title: str
    method: str
    """How it was measured, in a few sentences: what against what, on what input, with which settings."""
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()
    """Where the time or the memory goes, what falls short and why."""
    plots: tuple[Plot, ...] = ()
    raw: dict[str, Any] = field(default_factory=dict)
    """Everything else, for build/bench/results.json."""


Measure = Callable[[Bench], Awaitable[Finding]]
"""A measurement: `async def measure(bench: Bench) -> Finding` in a module of this package named after what it measures."""


def figure(
    name: str, value: float, unit: str = "", *, at_most: float | None = None, at_least: float | None = None
) -> Figure:
    """A figure and what is asked of it."""
    if at_most is not None:
        return Figure(name=name, value=value, unit=unit, target=f"at most {at_most:g}", met=value <= at_most)
    if at_least is not None:
        return Figure(
            name=name, value=value, unit=unit, target=f"at least {at_least:g}", met=value >= at_least
        )
    return Figure(name=name, value=value, unit=unit)
