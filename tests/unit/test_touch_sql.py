"""The SQL of the touch models' tables on made-up touches and orders: its rows equal the reference implementation's.

Not here: how touches come from events and sessions, and first orders from landed orders (``test_against_reference``).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from itertools import zip_longest

import duckdb
import pytest
from hypothesis import given

from pipelines.compute.workspace import create_table
from pipelines.home.settings import Settings
from pipelines.lake.partitions import DaySpan
from tests.reference import restate_touches
from tests.reference_touch import days_read, touched_until
from tests.sql_models import Row, computed, project_with
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
    """There are as many open paths as runs of touches that no order follows.

    A run of a person's touches ends with an order, or with a gap that is longer than the touch window.
    """
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


def test_transitions_of_a_very_long_path_fit_into_memory() -> None:
    """A query that copied the path's text for each of its touchpoints would need 10 GB; the limit is 1 GB."""
    day, touches = DAYS[0], 50_000
    path = " > ".join(["ab"] * touches)
    row = {"touchpoints": path, "transformed_path": path, "path_length": touches, "orders": 1, "non_conversions": 0}
    project, table = project_with(Settings()), "attribution.touch_path_daily"
    columns = project.relation(table)
    values = {"dt": day, "counted_dt": day, "touchpoint_type": "channel", "person_group": 0, **row}
    limits = {"memory_limit": "1GB", "temp_directory": "", "threads": "1"}
    with duckdb.connect(config=limits) as connection:
        create_table(connection, table, columns, [tuple(values.get(name) for name in columns)])
        query = project.sql(project.models["attribution.touch_transitions"], DaySpan(day, day))
        steps = {
            (start, end): paths
            for *_, start, end, paths in connection.execute(
                f"SELECT from_state, to_state, paths FROM ({query})"
            ).fetchall()
        }
    assert steps == {("(start)", "ab"): 1, ("ab", "ab"): touches - 1, ("ab", "(conversion)"): 1}


def runs_without_an_order(made_up: Visits, day: dt.date) -> int:
    """The number of open paths at the end of *day*: touches that are in no order's path and end a run of touches."""
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
            # The run continues with the next touch, unless an order that was paid by the day of that touch has ended
            # the run. That order ends it even if this touch is too old to be in the order's path.
            is_continued = (
                following is not None
                and following["dt"] - touch["dt"] <= window
                and not any(at <= end and order["dt"] <= following["dt"] for order, end in ends)
            )
            count += not is_ordered and not is_continued
    return count
