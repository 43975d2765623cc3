"""Axes of figures that show a distribution: logarithmic if it is skewed, cut off if a few values lie far outside.

Here: the position of a value on the axis, the values of its ticks.
Not here: drawing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

_SKEWED = 10.0
"""An axis is logarithmic if its largest value is at least this many times the median."""
_FAR = 0.75
"""A value is drawn at the edge if it lies outside the range of the middle 90% by more than this share of that range."""


@dataclass(frozen=True)
class Scale:
    """Positions of values on an axis; *low* and *high* are its ends, as logarithms if the axis is logarithmic."""

    is_log: bool
    low: float
    high: float
    zero: float | None
    """Position of 0 on a logarithmic axis; None if no value is 0."""
    strip: float = 0.0
    """Length kept free of values at each end, in the same unit as *low* and *high*."""

    def with_strips(self, share: float) -> Scale:
        """The scale with a longer axis: at each end, a strip of *share* of its length stays free of values."""
        strip = (self.high - self.low) * share / (1 - 2 * share)
        return replace(self, low=self.low - strip, high=self.high + strip, strip=strip)

    def at(self, value: float) -> float:
        """The position of *value* on the axis; a value beyond the axis gets the position of its edge."""
        return min(max(self._raw(value), self.low + self.strip), self.high - self.strip)

    def is_beyond(self, value: float) -> bool:
        """Whether *value* lies beyond the axis."""
        return self.at(value) != self._raw(value)

    def share(self, value: float) -> float:
        """The position of *value* as a share of the axis's length."""
        return (self.at(value) - self.low) / (self.high - self.low)

    def ticks(self, write: Callable[[float], str]) -> tuple[list[float], list[str]]:
        """The ticks of the axis: the positions of some round values, and their texts, which *write* makes."""
        low, high = self.low + self.strip, self.high - self.strip
        if not self.is_log:
            values = round_values(low, high)
            return values, [write(value) for value in values]
        steps = (1, 2, 5) if high - low < 2.5 else (1,)
        powers = range(math.floor(low), math.ceil(high) + 1)
        floor = low if self.zero is None else self.zero + max(0.2, 0.12 * (high - low))
        values = [f * 10.0**p for p in powers for f in steps if floor <= math.log10(f * 10.0**p) <= high]
        places, texts = [math.log10(value) for value in values], [write(value) for value in values]
        return (places, texts) if self.zero is None else ([self.zero, *places], [write(0), *texts])

    def _raw(self, value: float) -> float:
        if not self.is_log:
            return value
        if value <= 0:
            return self.zero if self.zero is not None else self.low
        return math.log10(value)


def scale_of(values: Sequence[float], thresholds: Sequence[float]) -> Scale:
    """A scale for *values* that also has room for the *thresholds*; all are finite, and there is at least one value."""
    everything = [*values, *thresholds]
    positive = [value for value in everything if value > 0]
    median = sorted(values)[len(values) // 2]
    if min(everything) >= 0 and positive and max(everything) > _SKEWED * max(median, min(positive)):
        logs = [math.log10(value) for value in positive]
        zero = min(logs) - 0.4 if len(positive) < len(everything) else None
        low, high = (min(logs) if zero is None else zero), max(logs)
        pad = max((high - low) * 0.06, 0.05)
        return Scale(True, low - pad, high + pad, zero)
    ordered = sorted(values)
    low, high = ordered[len(ordered) // 20], ordered[-1 - len(ordered) // 20]
    reach = _FAR * (high - low) or math.inf
    low = min(max(ordered[0], low - reach), *thresholds, high)
    high = max(min(ordered[-1], high + reach), *thresholds, low)
    pad = (high - low) * 0.07 or max(abs(high) * 0.2, 0.05)
    return Scale(False, low - pad, high + pad, None)


def round_values(low: float, high: float, count: int = 5) -> list[float]:
    """About *count* round numbers in equal steps, from *low* to *high* (*low* < *high*)."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    factors = (1, 2, 2.5, 5, 10) if power >= 10 else (1, 2, 5, 10)  # without 2.5: counts have no fractions
    step = next(power * factor for factor in factors if power * factor >= rough * 0.999)
    first = math.ceil(low / step)
    return [round(step * n, 12) for n in range(first, math.floor(high / step) + 1)]
