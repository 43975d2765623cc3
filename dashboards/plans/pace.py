"""How far a month has come towards a target, and where it will probably end.

Here: pace and forecast from the values of days.
Not here: reading these values, showing the result (``dashboards.app.pages.targets``).

The forecast is the value so far plus, for each day to come, the mean of its weekday over the last eight weeks. Its
interval is that of the sum of n new values whose mean is estimated from m values (the standard prediction interval of
linear regression, for example Montgomery, Peck and Vining, Introduction to Linear Regression Analysis, section 3.5): ±
t · s · √(n + n²/m), with s the standard deviation of days from the mean of their weekday and t the quantile for m − 7
degrees of freedom. It assumes that the days to come are like the last eight weeks; it does not include the effect of
future promotions.
"""

from __future__ import annotations

import calendar
import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass

from scipy import stats

HISTORY_DAYS = 56
"""Eight weeks, so that each weekday has eight values."""

FEWEST_DAYS = 14
"""With fewer known days there is no forecast, and all days of the month count alike."""

CONFIDENCE = 0.8


@dataclass(frozen=True)
class Pace:
    """The state of a month.

    Attributes:
        value: The value of the month so far.
        days, of_days: The days so far, and the days of the month.
        expected: The part of the target that should be reached by now, in the metric's unit.
        forecast: The value at the end of the month; None if it cannot be computed.
        low, high: The 80 % interval of the forecast; None if it cannot be computed.
    """

    value: float
    days: int
    of_days: int
    expected: float
    forecast: float | None
    low: float | None
    high: float | None


def pace(values: Mapping[dt.date, float], target: float, month: dt.date, last: dt.date) -> Pace:
    """The pace of a metric that adds up over days.

    Args:
        values: The value of each computed day up to *last*, also before the month.
        target: What the month should reach.
        month: The first day of the month.
        last: The last day of the value so far; later days are forecast.
    """
    of_days = calendar.monthrange(month.year, month.month)[1]
    every = [month + dt.timedelta(days=n) for n in range(of_days)]
    so_far = [day for day in every if day <= last]
    to_come = every[len(so_far) :]
    value = math.fsum(values.get(day, 0.0) for day in so_far)
    recent = {day: found for day, found in values.items() if 0 <= (last - day).days < HISTORY_DAYS}
    means = _weekday_means(recent)
    weights = {day: means.get(day.weekday(), 0.0) for day in every}
    if len(recent) < FEWEST_DAYS or min(means.values(), default=0.0) < 0 or not any(weights.values()):
        weights = dict.fromkeys(every, 1.0)
    share = math.fsum(weights[day] for day in so_far) / math.fsum(weights.values())
    if not to_come:
        return Pace(value, len(so_far), of_days, target, value, value, value)
    forecast = spread = None
    if len(recent) >= FEWEST_DAYS:
        forecast = value + math.fsum(means.get(day.weekday(), 0.0) for day in to_come)
        spread = _spread(recent, means, len(to_come))
    low = high = None
    if forecast is not None and spread is not None:
        low, high = max(forecast - spread, min(value, forecast)), forecast + spread
    return Pace(value, len(so_far), of_days, target * share, forecast, low, high)


def _weekday_means(values: Mapping[dt.date, float]) -> dict[int, float]:
    found: dict[int, list[float]] = {}
    for day, value in values.items():
        found.setdefault(day.weekday(), []).append(value)
    return {weekday: math.fsum(own) / len(own) for weekday, own in found.items()}


def _spread(values: Mapping[dt.date, float], means: Mapping[int, float], days: int) -> float:
    """Half the width of the interval of a sum over *days* days to come; see the module's description."""
    known = len(values)
    freedom = known - len(means)
    variance = math.fsum((value - means[day.weekday()]) ** 2 for day, value in values.items()) / freedom
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom))
    return quantile * math.sqrt(variance * (days + days**2 / known))
