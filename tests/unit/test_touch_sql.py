"""The SQL of the touch models' tables on made-up touches and orders: its rows equal the reference implementation's.

Not here: how touches come from events and sessions, and first orders from landed orders (``test_against_reference``).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from itertools import zip_longest

import pytest
from hypothesis import given

from tests.reference import restate_touches
from tests.reference_touch import days_read, touched_until
from tests.sql_models import Row, computed
from tests.strategies_customers import tried
from tests.strategies_paths import DAYS, TOUCH_TABLES, Visits, visits
from tests.support import EXACTNESS, KEYS, assert_same_rows


@pytest.mark.parametrize(
    "day_by_day", [pytest.param(False, id="at once"), pytest.param(True, id="day by day", marks=pytest.mark.real)]
)
@tried(1)
@given(made_up=visits())
def test_every_table_of_the_touch_models_equals_its_restatement(made_up: Visits, day_by_day: bool) -> None:
    found = computed(TOUCH_TABLES, made_up.given, DAYS, made_up.settings, day_by_day=day_by_day)
    expected = restate_touches(made_up.given, {**made_up.given, **found}, made_up.shop, DAYS, DAYS)
    for name in TOUCH_TABLES[1:]:
        assert_same_rows(found[name], expected[name], KEYS[name], name, EXACTNESS.get(name, 1e-12))


@tried(2)
@given(made_up=visits())
def test_open_paths_are_the_runs_of_touches_without_an_order(made_up: Visits) -> None:
    """Open paths equal runs of touches: a run ends with an order, or with a gap longer than the window."""
    names = ["attribution.touch_models", *(f"attribution.{name}" for name in ("order_touches", "paths"))]
    found = computed([*names, "attribution.touch_path_daily"], made_up.given, DAYS, made_up.settings)
    daily = found["attribution.touch_path_daily"]
    for day in DAYS:
        known = [row for row in daily if row["dt"] <= day]
        assert sum(row["non_conversions"] for row in known) == runs_without_an_order(made_up, day)
        for first in DAYS:
            counts: Counter[tuple[str, str]] = Counter()
            for row in known:
                if row["dt"] >= first and row["counted_dt"] >= first:
                    counts[row["touchpoint_type"], row["transformed_path"]] += row["non_conversions"]
            assert all(count >= 0 for count in counts.values())


def runs_without_an_order(made_up: Visits, day: dt.date) -> int:
    """The number of touches up to the end of *day* without a later order or touch of the person and type."""
    shop = made_up.shop
    window = dt.timedelta(days=shop.touch_window_days)
    orders = {line["order_id"]: line for line in made_up.lines if line["dt"] <= day}.values()
    by_person: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for touch in made_up.touches:
        if touch["dt"] <= day:
            by_person[touch["person_id"], touch["touchpoint_type"]].append(touch)
    count = 0
    for (person, _), touches in by_person.items():
        touches.sort(key=lambda touch: (touch["occurred_at"], touch["touch_event_id"]))
        ends = [(order, touched_until(order, shop)) for order in orders if order["user_id"] == person]
        for touch, following in zip_longest(touches, touches[1:]):
            at = touch["occurred_at"]
            is_ordered = any(
                order["ordered_at"] - window <= at <= end and order["dt"] - touch["dt"] <= days_read(shop)
                for order, end in ends
            )
            is_continued = following is not None and following["dt"] - touch["dt"] <= window
            is_cut = following is not None and any(at <= end < following["occurred_at"] for _, end in ends)
            count += not is_ordered and not (is_continued and not is_cut)
    return count
