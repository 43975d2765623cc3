"""Pace and forecast of a month's target."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from dashboards.plans.pace import CONFIDENCE, pace
from dashboards.plans.targets import TARGETED, adds_up
from pipelines.sqlproject.metric_sql import select
from pipelines.sqlproject.metrics import load_metrics

MONTH = dt.date(2026, 11, 1)


def days(last: dt.date, number: int) -> list[dt.date]:
    return [last - dt.timedelta(days=n) for n in range(number)][::-1]


def test_weekends_carry_more_of_the_target():
    """Saturdays and Sundays sell twice as much as other days, so they have twice the share of the month's target."""
    last = dt.date(2026, 11, 10)
    values = {day: 200.0 if day.weekday() >= 5 else 100.0 for day in days(last, 56)}
    found = pace(values, 4_000, MONTH, last)
    due = sum(200 if day.weekday() >= 5 else 100 for day in days(last, 10))
    whole = sum(200 if dt.date(2026, 11, n).weekday() >= 5 else 100 for n in range(1, 31))
    assert found.value == due
    assert found.expected == pytest.approx(4_000 * due / whole)
    assert found.forecast == pytest.approx(whole)
    assert (found.low, found.high) == (pytest.approx(whole), pytest.approx(whole)), "nothing varies"


def test_a_month_that_is_over_has_no_interval():
    values = dict.fromkeys(days(dt.date(2026, 11, 30), 40), 10.0)
    found = pace(values, 250, MONTH, dt.date(2026, 12, 5))
    assert (found.value, found.expected, found.forecast, found.low, found.high) == (300, 250, 300, 300, 300)


def test_few_days_give_an_even_pace_and_no_forecast():
    last = dt.date(2026, 11, 6)
    found = pace(dict.fromkeys(days(last, 6), 7.0), 300, MONTH, last)
    assert (found.expected, found.forecast, found.low) == (pytest.approx(60), None, None)


def test_a_first_day_without_sales_has_a_pace():
    last = dt.date(2026, 11, 1)
    found = pace(dict.fromkeys(days(last, 56), 0.0), 300, MONTH, last)
    assert found.expected == pytest.approx(10)


def test_the_interval_holds_as_often_as_it_says():
    """Of 1,000 simulated months, the share that ends within the interval is the stated confidence (± 4 points)."""
    chance = random.Random(7)
    last = dt.date(2026, 11, 12)
    inside = 0
    for _ in range(1_000):
        level = {day: chance.gauss(100 + 30 * (day.weekday() >= 5), 20) for day in days(dt.date(2026, 11, 30), 74)}
        found = pace({day: value for day, value in level.items() if day <= last}, 3_000, MONTH, last)
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= sum(value for day, value in level.items() if day >= MONTH) <= found.high
    assert abs(inside / 1_000 - CONFIDENCE) < 0.04


def test_every_metric_with_a_target_can_be_computed_by_day():
    for name in TARGETED:
        assert load_metrics()[name].formula is not None
        assert select((name,), by=("dt",))


def test_only_sums_add_up_over_days():
    assert {name for name in TARGETED if adds_up(name)} == {
        "revenue", "net_revenue", "margin", "units", "add_to_carts", "orders",
    }  # fmt: skip
    assert not adds_up("visitors")
    assert not adds_up("visitor_conversion_rate")
