"""Verdicts in words: an effect with its interval, as a sentence.

Here: the words of ``dashboards.intervals.Interval``.
Not here: how the interval is computed.
"""

from __future__ import annotations

from typing import Literal

from dashboards.intervals import Interval
from dashboards.locale import Locale
from dashboards.metrics import full_text, is_rate
from dashboards.numbers import NONE, Number

SIGN: dict[str, Literal["good", "bad"]] = {"higher": "good", "lower": "bad"}
"""Whether a verdict is good or bad for a metric where more is better; the other verdicts are neither."""


def difference_text(locale: Locale, metric: str, value: Number) -> str:
    """A difference of two values of *metric*, with its sign; if *metric* is a rate, in percentage points."""
    if value is None:
        return NONE
    if is_rate(metric):
        return locale.text("verdict.points", n=locale.numbers.points(value, 0.0))
    text = full_text(locale.numbers, metric, value)
    return f"+{text}" if value > 0 else text


def bounds(locale: Locale, metric: str, interval: Interval) -> str:
    """The interval as ``low to high``, in percentage points if *metric* is a rate; "–" if there is no interval."""
    if interval.low is None:
        return NONE
    if is_rate(metric):
        low, high = (locale.numbers.points(bound, 0.0) for bound in (interval.low, interval.high))
        return locale.text("verdict.points", n=locale.text("interval", low=low, high=high))
    low, high = (difference_text(locale, metric, bound) for bound in (interval.low, interval.high))
    return locale.text("interval", low=low, high=high)


def verdict_text(locale: Locale, metric: str, interval: Interval) -> str:
    """The verdict of *interval* as a sentence, for a *metric* where more is better."""
    if interval.effect is None:
        return locale.text("verdict.few")
    size = difference_text(locale, metric, abs(interval.effect)).removeprefix("+")
    return locale.text(f"verdict.{interval.verdict}", n=size, interval=bounds(locale, metric, interval))
