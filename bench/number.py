"""Numbers as people read them, and those that stand for many."""

import math
from collections.abc import Sequence


def readable(value: float) -> str:
    """A number with as many digits as mean something: 12,345 or 87.4 or 1.043 or 0.00213."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 0.1:
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return f"{value:.3g}"


def quantity(value: float, unit: str) -> str:
    """A number with its unit."""
    return f"{readable(value)} {unit}".rstrip()


def span(seconds: float) -> str:
    """How long something took: 42 s or 3 min 5 s."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The value that so many percent of some in rising order do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
