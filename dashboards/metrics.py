"""Metrics as text: in the unit that each is in.

Here: which metrics are money, rates, or counts, in short for the screen and in full for the hover.
Not here: their names (``dashboards.texts``).
"""

from __future__ import annotations

from dashboards.numbers import Number, Numbers

_MONEY = frozenset(
    {
        "assisted_revenue",
        "average_order_value",
        "closing_revenue",
        "cost",
        "expected_value",
        "list_price",
        "margin",
        "mean_expected_value",
        "mean_monetary",
        "monetary",
        "net_order_value",
        "net_revenue",
        "refunded",
        "revenue",
        "revenue_by_visit",
        "revenue_per_buyer",
        "revenue_per_mille",
        "revenue_per_visitor",
        "revenue_per_mille_impressions",
    }
)
_NO_RATES = frozenset({"relative_share"})


def is_money(metric: str) -> bool:
    """Whether *metric* is an amount of money."""
    return metric in _MONEY


def is_rate(metric: str) -> bool:
    """Whether *metric* is a share or rate, shown as a percentage."""
    return metric.endswith(("_rate", "_share")) and metric not in _NO_RATES


def short_text(numbers: Numbers, metric: str, value: Number) -> str:
    """A value of *metric* in three digits or so."""
    if is_money(metric):
        return numbers.money(value)
    return numbers.percent(value) if is_rate(metric) else numbers.short(value)


def tick_text(numbers: Numbers, metric: str, value: float) -> str:
    """A round value of *metric* as it stands at an axis."""
    return numbers.round_percent(value) if is_rate(metric) else short_text(numbers, metric, value)


def full_text(numbers: Numbers, metric: str, value: Number) -> str:
    """A value of *metric* in full: money to the cent, percentages to the hundredth."""
    if is_money(metric):
        return numbers.full_money(value)
    if is_rate(metric):
        return numbers.full_percent(value)
    decimals = 0 if value is None or float(value).is_integer() else 2
    return numbers.full(value, decimals)
