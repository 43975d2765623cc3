"""The rules of alerts: the change relative to the comparison day, and the usual range of a weekday."""

import datetime as dt
import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.app.watch.rules import WEEKS, WIDTH, Bounds, period_bounds, share_bounds, usual_bounds
from dashboards.app.watch.texts import bars

DAY = dt.date(2026, 6, 20)


def ago(days: int) -> dt.date:
    return DAY - dt.timedelta(days=days)


@pytest.mark.parametrize(
    ("bounds", "value", "side"),
    [
        (Bounds(low=10), 9.99, "low"),
        (Bounds(low=10), 10, None),
        (Bounds(high=10), 10.01, "high"),
        (Bounds(5, 10), 7, None),
        (Bounds(), 1e9, None),
    ],
)
def test_a_value_on_its_bound_is_inside(bounds: Bounds, value: float, side: str | None) -> None:
    assert bounds.side(value) == side


def test_shares_are_of_the_value_compared_with() -> None:
    assert share_bounds(200, 0.3, None) == Bounds(140, None, 200)
    assert share_bounds(200, None, 0.5) == Bounds(None, 300, 200)
    # A margin can be negative. Lower by a tenth then means further below 0.
    assert share_bounds(-200, 0.1, None) == Bounds(-220, None, -200)
    assert share_bounds(0, 0.3, None) is None
    assert share_bounds(None, 0.3, None) is None


def plain_bounds(history: dict[dt.date, float | None], festivals: set[dt.date]) -> tuple[float, float, float] | None:
    """The usual range, computed step by step without the tested code."""
    kept: list[tuple[int, int, float]] = []
    for days in range(1, 7 * WEEKS + 1):
        value = history.get(ago(days))
        if value is not None and ago(days) not in festivals:
            kept.append((days, ago(days).weekday(), value))
    level: dict[int, float] = {}
    for weekday in range(7):
        values = sorted(value for _, own, value in kept if own == weekday)
        if len(values) >= 4:
            middle = len(values) // 2
            median = values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
            if median > 0:
                level[weekday] = median
    if DAY.weekday() not in level:
        return None
    logs = [(days, math.log(max(value / level[own], 0.01))) for days, own, value in kept if own in level]
    recent = [log for days, log in logs if days <= 14]
    moved = statistics.median(recent) if len(recent) >= 7 else 0.0
    middle_log = statistics.median([log for _, log in logs])
    sigma = max(1.4826 * statistics.median([abs(log - middle_log) for _, log in logs]), 0.04)
    expected = level[DAY.weekday()] * math.exp(moved)
    return expected / math.exp(WIDTH * sigma), expected * math.exp(WIDTH * sigma), expected


@given(
    st.dictionaries(
        st.integers(0, 80), st.one_of(st.none(), st.just(0.0), st.floats(0.001, 1e9)), min_size=30, max_size=80
    ),
    st.sets(st.integers(1, 60), max_size=20),
)
def test_the_usual_range_equals_a_plain_computation(values: dict[int, float | None], festivals: set[int]) -> None:
    history = {ago(days): value for days, value in values.items()}
    days = {ago(one) for one in festivals}
    expected, found = plain_bounds(history, days), usual_bounds(history, DAY, days)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.low, found.high, found.expected) == pytest.approx(expected, rel=1e-9)


def a_shop(days: int = 80) -> dict[dt.date, float | None]:
    noise = random.Random(1)
    weekday = [1.0, 0.9, 0.9, 1.0, 1.2, 1.9, 1.7]
    return {ago(n): 1000 * weekday[ago(n).weekday()] * math.exp(noise.gauss(0, 0.06)) for n in range(days)}


def test_a_weekend_is_not_unusual_but_a_weak_saturday_is() -> None:
    history = a_shop()
    for days in range(14):
        bounds, value = usual_bounds(history, ago(days)), history[ago(days)]
        assert bounds is not None
        assert value is not None
        assert bounds.side(value) is None, ago(days)
    assert DAY.weekday() == 5
    bounds = usual_bounds(history, DAY)
    assert bounds is not None
    assert bounds.side(1000) == "low"  # 1,000 is usual on a Monday, but not on a Saturday


def test_the_day_itself_and_festivals_do_not_count() -> None:
    history = a_shop()
    usual = usual_bounds(history, DAY)
    assert usual_bounds(history | {DAY: 1e6}, DAY) == usual
    festival = {ago(n) for n in range(2, 12)}
    assert usual_bounds(history | dict.fromkeys(festival, 9_000.0), DAY, festival) == usual_bounds(
        {day: value for day, value in history.items() if day not in festival}, DAY
    )
    assert usual_bounds(history | dict.fromkeys(festival, 9_000.0), DAY) != usual


def test_the_level_of_the_last_two_weeks_counts() -> None:
    grown = {day: value * 2 if (DAY - day).days <= 14 else value for day, value in a_shop().items() if value}
    bounds = usual_bounds(grown, DAY)
    assert bounds is not None
    assert bounds.expected == pytest.approx(2 * 1900, rel=0.1)


def test_too_little_history_gives_no_range() -> None:
    assert usual_bounds(a_shop(28), DAY) is None
    assert usual_bounds(a_shop(29), DAY) is not None
    assert usual_bounds(dict.fromkeys(a_shop(), 0.0), DAY) is None


def test_longer_periods_vary_less() -> None:
    history = a_shop()
    day, week, fortnight = (period_bounds(100.0, history, DAY, number) for number in (1, 7, 14))
    usual = usual_bounds(history, DAY)
    assert day
    assert week
    assert fortnight
    assert usual
    assert usual.low
    assert usual.expected
    width = math.log(usual.expected / usual.low)
    for bounds, number in ((day, 1), (week, 7), (fortnight, 14)):
        assert bounds.low == pytest.approx(100 * math.exp(-width * math.sqrt(2 / number)))
        assert bounds.high == pytest.approx(100 * math.exp(width * math.sqrt(2 / number)))


def test_a_period_has_no_bounds_without_history_or_value() -> None:
    assert period_bounds(100.0, a_shop(10), DAY, 7) is None
    assert period_bounds(0.0, a_shop(), DAY, 7) is None
    assert period_bounds(None, a_shop(), DAY, 7) is None
    assert period_bounds(-1.0, a_shop(), DAY, 7) is None


def falls_found(rng: random.Random, fall: float, shops: int) -> int:
    """How many of *shops*, whose days vary by a tenth, fell unusually in the last week."""
    found = 0
    for _ in range(shops):
        history = {ago(n): 1000 * math.exp(rng.gauss(0, 0.1)) for n in range(7, 70)}
        week = sum(1000 * fall * math.exp(rng.gauss(0, 0.1)) for _ in range(7))
        bounds = period_bounds(sum(history[ago(n)] for n in range(7, 14)), history, ago(6), 7)
        assert bounds
        found += bounds.side(week) == "low"
    return found


def test_chance_is_not_listed_but_a_fall_of_a_third_is() -> None:
    assert falls_found(random.Random(2), 1.0, 500) == 0
    assert falls_found(random.Random(3), 0.67, 100) > 95


def test_bars_span_from_nothing_to_the_greatest() -> None:
    assert bars([0, 50, None, 100]) == "▁▅·█"
    assert bars([7, 7]) == "██"
    assert bars([-5, 0, 5]) == "▁▅█"
    assert bars([0, 0]) == "▁▁"
    assert bars([None]) == ""
