"""Difference in differences: how much more a rate changed between two groups of days than a control's rate did.

Here: the estimate and its 95 % interval from the sums of each day.
Not here: which days and which control (``dashboards.app.pages.controls``), A/B tests (``dashboards.experiments``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from dashboards.intervals import Interval

LEAST_BEFORE, LEAST_DAYS = 3, 7
"""The minimum number of days before the change, and of days in total."""

LEAST_EVENTS = 10
"""There is no interval if the slot or the control has fewer clicks (or orders) than this before or after the change."""

_LARGEST_CORRELATION = 0.9

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Day:
    """The sums of a day, or of another unit such as a week.

    Attributes:
        number: Units are numbered by time; consecutive ones differ by 1.
        is_after: Whether the unit counts as after the change.
        top, bottom: Numerator and denominator of the slot's rate.
        control_top, control_bottom: The same of the control.
        events, control_events: The clicks, or orders, behind the numerators.
    """

    number: int
    is_after: bool
    top: float
    bottom: float
    control_top: float
    control_bottom: float
    events: float
    control_events: float


@dataclass(frozen=True)
class Judged:
    """A change judged against a control.

    Attributes:
        days_before, days_after: The days used: those on which both the slot and the control were seen.
        before, after: The slot's rate.
        control_before, control_after: The control's rate.
        expected: The rate that the slot would have had after the change, had it changed in the proportion of the
            control: before · control_after / control_before.
        interval: after − expected. Verdict few: too few days, or too few events.
    """

    days_before: int
    days_after: int
    before: float | None
    after: float | None
    control_before: float | None
    control_after: float | None
    expected: float | None
    interval: Interval

    @property
    def has_enough_days(self) -> bool:
        """Whether there are enough days for an interval."""
        n, m = self.days_before, self.days_after
        return n >= LEAST_BEFORE and m > 0 and n + m >= LEAST_DAYS


def judge(days: Sequence[Day]) -> Judged:
    """The change of a rate against the control; *days* in any order.

    The rate of a period is a ratio of sums over its days, as everywhere in Headwater. The control shows by which factor
    the rate would have changed anyway. It is a factor, not a difference, because slots have different levels and a busy
    day multiplies all of them (difference in differences with proportional trends: Wooldridge (2023), Simple approaches
    to nonlinear difference-in-differences with panel data, Econometrics Journal 26).

    The interval: a day is one observation, whatever the number of its impressions. Each day's contribution to the
    estimate is linearised (Cochran (1977), Sampling Techniques, section 6.3), so that noise that slot and control share
    on a day cancels out. One variance is estimated from the contributions of all days.

    Consecutive days are correlated. Their correlation r is corrected for its bias in short series (Marriott, Pope
    (1954), Biometrika 41) and is at least 0. Because of it the variance of a mean of n days is larger than that of n
    independent days. The effective number of days is n · (1 − r) / (1 + r); minus 2, it gives the degrees of freedom of
    Student's t (Bayley, Hammersley (1946), Supplement to the JRSS 8). docs/measurements.md has the measured coverage.
    """
    used = sorted((day for day in days if day.bottom > 0 and day.control_bottom > 0), key=lambda day: day.number)
    after = np.array([day.is_after for day in used], dtype=bool)
    slot = _sums([(day.top, day.bottom) for day in used], after)
    control = _sums([(day.control_top, day.control_bottom) for day in used], after)
    expected = None
    if slot.before is not None and control.after is not None and control.before:
        expected = slot.before * control.after / control.before
    n_after, n_before = int(after.sum()), int((~after).sum())
    is_few = n_before < LEAST_BEFORE or not n_after or len(used) < LEAST_DAYS
    events = np.array([(day.events, day.control_events) for day in used]).reshape(-1, 2)
    is_few |= bool(min(events[after].sum(axis=0).min(), events[~after].sum(axis=0).min()) < LEAST_EVENTS)
    interval = Interval(None, "few")
    if expected is not None and slot.after is not None and not is_few:
        noise = _contributions(slot, control, after)
        interval = Interval.around(slot.after - expected, _half_width(noise, after, [day.number for day in used]))
    return Judged(n_before, n_after, slot.before, slot.after, control.before, control.after, expected, interval)


@dataclass(frozen=True)
class _Sums:
    top: Floats
    bottom: Floats
    before: float | None
    after: float | None


def _sums(pairs: Sequence[tuple[float, float]], after: npt.NDArray[np.bool_]) -> _Sums:
    top, bottom = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    before, later = (float(top[days].sum() / bottom[days].sum()) if days.any() else None for days in (~after, after))
    return _Sums(top, bottom, before, later)


def _contributions(slot: _Sums, control: _Sums, after: npt.NDArray[np.bool_]) -> Floats:
    """The deviation of each day from the mean of its period, in units of the slot's rate after the change."""
    assert slot.before is not None
    assert slot.after is not None
    assert control.before is not None
    assert control.after is not None
    factor = control.after / control.before
    noise = np.zeros(len(after))
    for days, rate, control_rate, of_slot, of_control in (
        (after, slot.after, control.after, 1.0, slot.before / control.before),
        (~after, slot.before, control.before, factor, slot.before * factor / control.before),
    ):
        own = (slot.top[days] - rate * slot.bottom[days]) / slot.bottom[days].mean()
        others = (control.top[days] - control_rate * control.bottom[days]) / control.bottom[days].mean()
        noise[days] = of_slot * own - of_control * others
    return noise


def _half_width(noise: Floats, after: npt.NDArray[np.bool_], numbers: Sequence[int]) -> float:
    """Half the width of the 95 % interval of a difference: the mean of *noise* after the change minus that before."""
    n, squares = len(noise), float(noise @ noise)
    if not squares:
        return math.nan
    distance = np.abs(np.subtract.outer(numbers, numbers))
    is_pair = (np.diff(numbers) == 1) & (after[1:] == after[:-1])
    r = float((noise[1:] * noise[:-1])[is_pair].sum()) / squares
    # Correct the bias of r. Each of the two periods has its own mean, so a series has n / 2 days on average.
    r = min(max(r + 2 * (1 + 3 * r) / n, 0.0), _LARGEST_CORRELATION)
    weight = np.where(after, 1 / after.sum(), 0.0), np.where(after, 0.0, 1 / (~after).sum())
    correlation = r**distance
    variance = squares / (n - 2) * sum(float(each @ correlation @ each) for each in weight)
    free = max(n * (1 - r) / (1 + r) - 2, 1.0)
    return float(stats.t.ppf(0.975, free)) * math.sqrt(variance)
