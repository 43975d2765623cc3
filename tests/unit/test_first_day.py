"""The first day that is computed for a shop whose settings have no start_date."""

from __future__ import annotations

import datetime as dt
import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipelines.compute.planner import LONGEST_SILENCE_DAYS, first_of_shop

DAY = dt.date(2026, 3, 1)


def after(*gaps: int) -> set[dt.date]:
    """Days with records, from DAY on, with *gaps* days without records between them."""
    days = [DAY]
    for gap in gaps:
        days.append(days[-1] + dt.timedelta(days=gap + 1))
    return set(days)


def test_a_silence_of_31_days_is_the_shops_and_one_of_32_is_not():
    assert first_of_shop({DAY}) == DAY
    assert first_of_shop(after(31)) == DAY
    assert first_of_shop(after(32)) == max(after(32))
    assert first_of_shop(after(32, 31, 0, 0)) == sorted(after(32, 31, 0, 0))[1]
    assert first_of_shop(after(400, 5, 400, 5, 31)) == sorted(after(400, 5, 400, 5, 31))[3]


@given(st.lists(st.integers(0, 60), max_size=30))
def test_a_longer_silence_comes_before_the_first_day_not_after(gaps):
    days = sorted(after(*gaps))
    first = first_of_shop(days)
    kept = [day for day in days if day >= first]
    assert all((b - a).days - 1 <= LONGEST_SILENCE_DAYS for a, b in itertools.pairwise(kept))
    if earlier := [day for day in days if day < first]:
        assert (first - earlier[-1]).days - 1 > LONGEST_SILENCE_DAYS
