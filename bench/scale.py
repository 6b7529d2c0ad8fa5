"""Where values stand along an axis, and where it has its ticks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One axis: from the value `low` at the pixel `begin` to the value `high` at the pixel `end`."""

    low: float
    high: float
    begin: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """The pixel of a value."""
        low, high, at = (self._even(number) for number in (self.low, self.high, value))
        return self.begin + (self.end - self.begin) * (at - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """Round values along the axis and what they are called."""
        values = _decades(self.low, self.high) if self.log else _steps(self.low, self.high)
        return [(value, f"{value:,.6f}".rstrip("0").rstrip(".")) for value in values]

    def _even(self, value: float) -> float:
        return math.log10(max(value, self.low)) if self.log else value


def fitted(values: Iterable[float], *, begin: float, end: float, log: bool) -> Scale:
    """An axis on which all values have their place: even ones from 0 on, unless a value is below."""
    there = [value for value in values if value > 0 or not log]
    if not there:
        return Scale(low=1 if log else 0, high=10 if log else 1, begin=begin, end=end, log=log)
    low, high = min(there), max(there)
    if log:
        low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
        return Scale(low=low, high=high if high > low else low * 10, begin=begin, end=end, log=True)
    low = min(low, 0.0)
    return Scale(low=low, high=high if high > low else low + 1, begin=begin, end=end)


def _steps(low: float, high: float) -> list[float]:
    """Four to eight even ticks at 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> list[float]:
    begin, end = round(math.log10(low)), round(math.log10(high))
    return [10.0**power for power in range(begin, end + 1)]
