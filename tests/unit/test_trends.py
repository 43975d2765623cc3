"""Difference in differences: the estimate as in plain sums, intervals that cover planted effects, controls."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from dashboards.app.pages.controls import SlotDays
from dashboards.trends import Day, Judged, judge

Row = dict[str, Any]
MONDAY = dt.date(2026, 11, 2)
COUNTS = st.tuples(st.integers(10, 400), st.integers(500, 5000), st.integers(10, 400), st.integers(500, 5000))


def changed(before: int, after: int, sums: list[tuple[float, float, float, float]]) -> Judged:
    """The judged change of a slot between the first *before* days and the *after* days that follow.

    *sums*: for each day, numerator and denominator of the slot's rate, then of the control's.
    """
    units = enumerate(sums[: before + after])
    return judge([Day(nth, nth >= before, *one, one[0], one[2]) for nth, one in units])


@given(st.integers(3, 8), st.integers(4, 8), st.lists(COUNTS, min_size=16, max_size=16))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_estimate_is_that_of_plain_sums(before: int, after: int, sums: list[tuple[float, float, float, float]]):
    judged = changed(before, after, sums)
    then, now = sums[:before], sums[before : before + after]

    def rate(part: list[tuple[float, float, float, float]], first: int) -> float:
        return sum(one[first] for one in part) / sum(one[first + 1] for one in part)

    expected = rate(then, 0) * rate(now, 2) / rate(then, 2)
    assert judged.expected == pytest.approx(expected)
    assume(len(set(sums[: before + after])) > 3)  # if all days were alike, there would be no interval
    assert judged.interval.effect == pytest.approx(rate(now, 0) - expected)
    assert judged.interval.low is not None
    assert judged.interval.high is not None
    assert judged.interval.low < rate(now, 0) - expected < judged.interval.high


@pytest.mark.parametrize(("before", "after"), [(8, 6), (6, 8), (12, 4)])
def test_a_steady_control_gives_students_interval(before, after):
    # Days are above and below the mean in turn, so consecutive days have no positive correlation, and the effective
    # number of days is the number of days.
    rng = np.random.default_rng(before)
    turns = np.where(np.arange(before + after) % 2, 1, -1) * rng.uniform(8, 12, before + after)
    tops = 100 + turns + np.where(np.arange(before + after) < before, 0, 15)
    judged = changed(before, after, [(top, 1000, 50, 1000) for top in tops])
    expected = stats.ttest_ind(tops[before:] / 1000, tops[:before] / 1000).confidence_interval(0.95)
    assert (judged.interval.low, judged.interval.high) == pytest.approx((expected.low, expected.high))


def test_a_busy_day_of_all_slots_is_no_effect():
    busy = np.array([1, 3, 2, 1, 1, 4, 1, 1, 2, 5, 1, 2, 1, 3])
    judged = changed(7, 7, [(100 * factor, 1000, 30 * factor, 1000) for factor in busy])
    assert judged.after != pytest.approx(judged.before)
    assert judged.interval.effect is None or judged.interval.effect == pytest.approx(0, abs=1e-12)


def test_days_that_resemble_each_other_widen_the_interval():
    noise = [-12, -11, -9, -4, 2, 6, 10, 9, 4, 0, -3, -7, -10, -9, -5, -1, 3, 8, 11, 10]
    mixed = [noise[(nth * 7) % 20] for nth in range(20)]

    def width(order: list[int]) -> float:
        judged = changed(10, 10, [(200 + one, 1000, 50, 1000) for one in order])
        assert judged.interval.low is not None
        assert judged.interval.high is not None
        return judged.interval.high - judged.interval.low

    assert width(noise) > 1.5 * width(mixed)


@pytest.mark.parametrize(("before", "after"), [(2, 9), (3, 3), (7, 0), (0, 9), (0, 0)])
def test_few_days_have_no_interval(before, after):
    judged = changed(before, after, [(100 + nth, 1000, 50 + nth, 900) for nth in range(20)])
    assert judged.interval.verdict == "few"
    assert not judged.has_enough_days


def test_few_clicks_have_no_interval():
    judged = changed(7, 7, [(1 + nth % 2, 1000, 50 + nth, 900) for nth in range(14)])
    assert judged.interval.verdict != "few"
    assert changed(7, 7, [(nth % 2, 1000, 50 + nth, 900) for nth in range(14)]).interval.verdict == "few"


def test_days_without_the_slot_or_the_control_do_not_count():
    sums = [(100.0 + nth, 1000.0, 50.0 - nth, 900.0) for nth in range(16)]
    gaps = [*sums[:4], (0, 0, 70, 900), (80, 1000, 0, 0), *sums[4:]]
    assert changed(9, 9, gaps).days_before == 7
    assert changed(9, 9, gaps).expected == pytest.approx(changed(7, 9, sums).expected)


# Coverage ----------------------------------------------------------------------------------------------


def simulated(rng: np.random.Generator, before: int, after: int, likeness: float) -> tuple[Judged, float]:
    """A change with a planted effect, and the true effect on the days after it.

    Slot and control share the noise of the days and the weekdays; each has noise of its own, which is like that of the
    day before (*likeness* is the correlation).
    """
    days = before + after

    def noise(spread: float) -> np.ndarray:
        drawn = rng.normal(0, spread, days)
        for nth in range(1, days):
            drawn[nth] = likeness * drawn[nth - 1] + drawn[nth] * np.sqrt(1 - likeness**2)
        return drawn

    week = np.array([0, 0, 0, 0, 0.05, 0.15, 0.1])[(np.arange(days) + rng.integers(7)) % 7]
    shared, is_after = noise(0.1) + week, np.arange(days) >= before
    effect = rng.choice([-0.2, 0.0, 0.2])
    without = 0.08 * np.exp(shared + noise(0.08))
    chances = without * np.where(is_after, 1 + effect, 1), 0.04 * np.exp(shared + noise(0.08))
    seen = rng.poisson(600 * np.exp(week)), rng.poisson(1800 * np.exp(week))
    clicks = [rng.binomial(n, np.minimum(chance, 1)) for n, chance in zip(seen, chances, strict=True)]
    sums = np.column_stack([clicks[0], seen[0], clicks[1], seen[1]]).astype(float)
    truth = effect * float((without * seen[0])[is_after].sum() / seen[0][is_after].sum())
    return changed(before, after, [tuple(one) for one in sums]), truth


def coverage(rng: np.random.Generator, changes: int, before: int, after: int, likeness: float) -> float:
    """The share of intervals that contain the true effect."""
    covered = 0
    for _ in range(changes):
        judged, truth = simulated(rng, before, after, likeness)
        assert judged.interval.low is not None
        assert judged.interval.high is not None
        covered += judged.interval.low <= truth <= judged.interval.high
    return covered / changes


def test_intervals_of_200_changes_cover_the_planted_effects():
    share = coverage(np.random.default_rng(20_261), 200, 14, 10, 0.3)
    print(share)
    assert 0.90 <= share <= 0.99


@pytest.mark.real
@pytest.mark.parametrize("likeness", [0.0, 0.3, 0.6])
@pytest.mark.parametrize(("before", "after"), [(4, 4), (7, 3), (7, 7), (14, 7), (14, 14), (28, 14), (10, 1)])
def test_intervals_cover_whatever_the_days(before, after, likeness):
    share = coverage(np.random.default_rng(before * 100 + after), 1000, before, after, likeness)
    print(f"{before} days before, {after} after, correlation {likeness}: {share:.3f}")
    assert 0.90 <= share <= 0.99


# The control -------------------------------------------------------------------------------------------


def shown(slot: int, nth: int, content: str, *, module: str = "banner", clicks: int = 50) -> Row:
    """A row of slots.content_days, *nth* days after MONDAY."""
    place = {"head_page_type": "home", "head_module": module, "head_slot": slot, "head_content_id": content}
    zero = {"exposures": 0, "product_clicks": 0, "order_lines": 0, "revenue": 0, "revenue_with_impressions": 0}
    return {
        "dt": MONDAY + dt.timedelta(days=nth),
        **place,
        "impressions": 1000,
        "clicks_with_impressions": clicks,
        **zero,
    }


def banner(*, others: list[Row]) -> SlotDays:
    """The rows of the banner's first slot, which shows content a for a week, then b; and *others*."""
    own = [shown(1, nth, "a" if nth < 7 else "b", clicks=40 + nth % 3 + 20 * (nth >= 7)) for nth in range(14)]
    return SlotDays([*own, *others])


FORTNIGHT = {MONDAY + dt.timedelta(days=nth) for nth in range(14)}
SLOT = ("home", "banner", 1)


def test_other_slots_that_changed_are_no_control():
    steady = [shown(2, nth, "c", clicks=50 + nth % 2) for nth in range(14)]
    same_day = [shown(3, nth, "d" if nth < 7 else "e", clicks=50 * (1 + (nth >= 7))) for nth in range(14)]
    against = banner(others=[*steady, *same_day]).of_contents("slot_click_rate", SLOT, "b", "a", FORTNIGHT)
    assert (against.control, against.slots) == ("module", (("home", "banner", 2),))
    assert against.judged is not None
    assert (against.judged.days_before, against.judged.days_after) == (7, 7)
    assert against.judged.interval.verdict == "higher"


def test_without_a_steady_slot_the_page_is_the_control():
    changed_too = [shown(2, nth, "c" if nth < 9 else "e") for nth in range(14)]
    icons = [shown(4, nth, "icon", module="icons", clicks=50 + nth % 2) for nth in range(14)]
    against = banner(others=[*changed_too, *icons]).of_contents("slot_click_rate", SLOT, "b", "a", FORTNIGHT)
    assert (against.control, against.slots) == ("page", (("home", "icons", 4),))
    alone = banner(others=changed_too).of_contents("slot_click_rate", SLOT, "b", "a", FORTNIGHT)
    assert alone.judged is None


def test_from_a_day_on_all_contents_of_the_slot_count():
    steady = [shown(2, nth, "c", clicks=50 + nth % 2) for nth in range(14)]
    also = [shown(1, nth, "z", clicks=10) for nth in range(14)]
    seen = banner(others=[*steady, *also])
    day = MONDAY + dt.timedelta(days=5)
    judged = seen.since("slot_click_rate", SLOT, day, FORTNIGHT).judged
    assert judged is not None
    assert (judged.days_before, judged.days_after) == (5, 9)
    assert judged.before == pytest.approx(sum(40 + nth % 3 + 10 for nth in range(5)) / (5 * 2000))


def test_a_day_is_compared_with_that_day_of_earlier_weeks():
    rows = []
    for nth in range(70):
        is_last, is_sunday = nth == 69, nth % 7 == 6
        rows.append(shown(1, nth, "a", clicks=40 + nth % 5 + 30 * is_sunday + 60 * is_last))
    seen = SlotDays(rows)
    against = seen.weekday("slot_click_rate", SLOT, MONDAY + dt.timedelta(days=69))
    assert against.control == "weekdays"
    assert against.judged is not None
    assert (against.judged.days_before, against.judged.days_after) == (9, 1)
    assert against.judged.interval.verdict == "higher"
    usual = seen.weekday("slot_click_rate", SLOT, MONDAY + dt.timedelta(days=62)).judged
    assert usual is not None
    assert usual.interval.verdict == "unclear"
    early = seen.weekday("slot_click_rate", SLOT, MONDAY + dt.timedelta(days=20)).judged
    assert early is not None
    assert not early.has_enough_days
