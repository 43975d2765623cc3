"""Values of metrics as text, each in its unit.

Here: a value, short for axes and labels, with more digits for cards and columns, in full for the hover; whether a
change is an improvement.
Not here: their units and definitions (``sql/metrics.yaml``), their names (``dashboards.texts``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dashboards.numbers import NONE, Number, Numbers, Scale, is_number
from pipelines.sqlproject.metrics import load_metrics


def _unit(metric: str) -> str | None:
    found = load_metrics().get(metric)
    return found.unit if found else None


def is_money(metric: str) -> bool:
    """Whether *metric* is an amount of money."""
    return _unit(metric) == "money"


def is_rate(metric: str) -> bool:
    """Whether *metric* is a rate or a difference of rates: shown as a percentage."""
    return _unit(metric) in ("rate", "points")


def tone(metric: str, change: str) -> str | None:
    """Whether a *change* of the metric, as signed text, is ``better`` or ``worse``; None if neither."""
    found = load_metrics().get(metric)
    way = {"+": "higher", "▲": "higher", "−": "lower", "▼": "lower"}.get(change[:1])
    if found is None or way is None or found.direction == "none":
        return None
    return "better" if found.direction == way else "worse"


def short_text(numbers: Numbers, metric: str, value: Number) -> str:
    """A value of *metric* with about three digits."""
    if is_money(metric):
        return numbers.money(value)
    return numbers.percent(value) if is_rate(metric) else numbers.short(value)


def whole(metric: str, value: Number) -> Number:
    """*value* without decimals if *metric* is a count, for estimates; other values are returned unchanged."""
    return round(value) if is_number(value) and not is_money(metric) and not is_rate(metric) else value


def card_text(numbers: Numbers, metric: str, value: Number) -> str:
    """A value of *metric* that stands alone: with the digits that a column has, so that both can be compared."""
    return short_text(numbers, metric, value) if is_rate(metric) else column_text(numbers, metric, [value])(value)


def column_text(numbers: Numbers, metric: str, values: Iterable[Number]) -> Callable[[Number], str]:
    """A function that writes the *values* of *metric* in a column, all in the same unit with the same decimals."""
    if is_rate(metric):
        percents = [100 * value for value in values if is_number(value)]
        decimals = Scale(decimals=1 if max(map(abs, percents), default=0) >= 9.995 else 2)
        return lambda value: NONE if not is_number(value) else _with(numbers.scaled(100 * value, decimals), "", "%")
    scale, sign = numbers.scale(values), numbers.symbol if is_money(metric) else ""
    return lambda value: NONE if not is_number(value) else _with(numbers.scaled(value, scale), sign, "")


def _with(text: str, before: str, after: str) -> str:
    """The number *text* between *before* and *after*; a minus sign stays in front of both."""
    sign, size = ("−", text[1:]) if text.startswith("−") else ("", text)
    return f"{sign}{before}{size}{after}"


def tick_text(numbers: Numbers, metric: str, value: float) -> str:
    """A round value of *metric* for the tick of an axis."""
    return numbers.round_percent(value) if is_rate(metric) else short_text(numbers, metric, value)


def full_text(numbers: Numbers, metric: str, value: Number) -> str:
    """A value of *metric* in full: money to the cent, percentages to the hundredth."""
    if is_money(metric):
        return numbers.full_money(value)
    if is_rate(metric):
        return numbers.full_percent(value)
    decimals = 0 if value is None or float(value).is_integer() else 2
    return numbers.full(value, decimals)
