"""The rules of alerts: a fixed limit, a change since the comparison day, the usual range of the weekday.

Here: functions that test a value; the bounds of a period against another one, for the overview.
Not here: which rule an alert has (``dashboards.app.watch.settings``), reading values
(``dashboards.app.watch.measured``).

Why the usual range is computed like this, and how often it gives a false alarm: docs/decisions/0026-alerts.md.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

WEEKS = 8
"""The usual range of a day is computed from this many weeks before it."""

WIDTH = 4.5
"""Half the width of the usual range, as a number of robust standard deviations."""

_SMALLEST = 0.04
"""The smallest standard deviation used, as a share of the expected value: some metrics hardly change for weeks."""
_LEAST = 0.01
"""Values below this share of the expected value count as this share, because 0 has no logarithm."""
_ENOUGH = 4
"""The usual range needs this many days of the same weekday."""
_RECENT = 14
"""The number of days from which the recent change of level is computed."""
_MAD_TO_SIGMA = 1.4826
"""The standard deviation of normal values is this many median absolute deviations."""

Comparison = Literal["previous", "year"]
BACK: Mapping[Comparison, int] = {"previous": 7, "year": 364}
"""Comparison → days back, always to the same weekday."""


@dataclass(frozen=True)
class Bounds:
    """The range of values that cause no alert; None: no bound.

    *expected* is the value from which the bounds were computed; None for fixed limits.
    """

    low: float | None = None
    high: float | None = None
    expected: float | None = None

    def side(self, value: float) -> Literal["low", "high"] | None:
        """On which side of the bounds *value* lies; None: it is within them."""
        if self.low is not None and value < self.low:
            return "low"
        return "high" if self.high is not None and value > self.high else None


def share_bounds(then: float | None, falls_by: float | None, rises_by: float | None) -> Bounds | None:
    """The bounds around *then*, the value of the comparison day; None if it is unknown or 0."""
    if not then:
        return None
    low = None if falls_by is None else then - abs(then) * falls_by
    high = None if rises_by is None else then + abs(then) * rises_by
    return Bounds(low, high, then)


def usual_bounds(
    history: Mapping[dt.date, float | None], day: dt.date, festivals: Collection[dt.date] = ()
) -> Bounds | None:
    """The usual range on *day*, from the values of the ``WEEKS`` weeks before it; None if there are too few.

    The expected value is the median of the same weekday, adjusted by the recent change over all weekdays. The width is
    the median absolute deviation of all days from the median of their weekday; the days of one weekday alone are too
    few for it.

    Args:
        history: Day → value; days outside of these weeks are ignored.
        day: The day to judge; its own value is ignored.
        festivals: Days to ignore.
    """
    levels, logs = _by_weekday(history, day, festivals)
    if day.weekday() not in levels:
        return None
    recent = [value for one, value in logs.items() if (day - one).days <= _RECENT]
    moved = median(recent) if len(recent) >= _RECENT // 2 else 0.0
    expected = levels[day.weekday()] * math.exp(moved)
    width = WIDTH * _sigma(logs)
    return Bounds(expected * math.exp(-width), expected * math.exp(width), expected)


def period_bounds(
    then: float | None,
    history: Mapping[dt.date, float | None],
    first: dt.date,
    number: int,
    festivals: Collection[dt.date] = (),
) -> Bounds | None:
    """The bounds around *then*, a value over *number* days, for the same number of days from *first*; None if unknown.

    The width is that of the usual range of one day before *first*, divided by √*number*, because the variations of days
    partly cancel out, and times √2, because both periods vary.
    """
    _, logs = _by_weekday(history, first, festivals)
    if not then or then < 0 or not logs:
        return None
    width = WIDTH * _sigma(logs) * math.sqrt(2 / number)
    return Bounds(then * math.exp(-width), then * math.exp(width), then)


def _by_weekday(
    history: Mapping[dt.date, float | None], day: dt.date, festivals: Collection[dt.date]
) -> tuple[Mapping[int, float], Mapping[dt.date, float]]:
    """The median of each weekday with enough days before *day*, and each of these days' logarithmic difference from it.

    Logarithms, because a value can rise by more than 100 % but not fall by more: sales of few orders are skewed like
    this.
    """
    before = {
        one: value
        for one, value in history.items()
        if value is not None and 1 <= (day - one).days <= 7 * WEEKS and one not in festivals
    }
    levels = {}
    for weekday in range(7):
        found = [value for one, value in before.items() if one.weekday() == weekday]
        if len(found) >= _ENOUGH and median(found) > 0:
            levels[weekday] = median(found)
    logs = {
        one: math.log(max(value / levels[one.weekday()], _LEAST))
        for one, value in before.items()
        if one.weekday() in levels
    }
    return levels, logs


def _sigma(logs: Mapping[dt.date, float]) -> float:
    middle = median(logs.values())
    return max(_MAD_TO_SIGMA * median(abs(value - middle) for value in logs.values()), _SMALLEST)
