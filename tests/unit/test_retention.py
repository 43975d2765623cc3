"""Retention of visitors: for random visits the triangle and the curve are those of plain loops over the visits."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.app.pages.retention import MOST, curve_rows, later, observed, triangle_rows
from dashboards.figures.retention import METRIC
from dashboards.queries import query
from tests.reference_persons import first_visits, period_of, retention
from tests.sql_models import computed

Row = dict[str, Any]

FIRST = dt.date(2026, 9, 14)
LENGTH = 75
BY = {"none": None, "entrance": "entrance_id", "channel": "channel"}


@st.composite
def logs(draw: st.DrawFn) -> dict[str, list[Row]]:
    """Rows of core.events and core.sessions: visits of a few persons, some of the visits about a year earlier."""
    rows: dict[str, list[Row]] = {"core.events": [], "core.sessions": []}
    back = st.one_of(st.integers(0, LENGTH - 1), st.sampled_from([-366, -365, -364, -290]))
    for number in range(draw(st.integers(1, 20))):
        day = FIRST + dt.timedelta(days=draw(back))
        at = dt.datetime.combine(day, dt.time(draw(st.integers(0, 23))))
        who = {"person_id": draw(st.sampled_from(["ann", "bob", "eve"])), "dt": day}
        kind = draw(st.sampled_from(["click", "page_view"]))
        entrance = draw(st.sampled_from(["search", "home_feed", None]))
        event = {"event_id": f"e{number}", "occurred_at": at, "event_type": kind, "entrance_id": entrance}
        rows["core.events"].append(who | event)
        if draw(st.booleans()):
            channel = draw(st.sampled_from(["direct", "email"]))
            rows["core.sessions"].append(who | {"session_id": f"e{number}", "started_at": at, "channel": channel})
    return rows


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    log=logs(),
    unit=st.sampled_from(sorted(MOST)),
    by=st.sampled_from(sorted(BY)),
    shown=st.tuples(st.integers(0, LENGTH - 1), st.integers(0, LENGTH - 1)),
    missing=st.sets(st.integers(0, LENGTH - 1), max_size=3),
    newest=st.integers(0, LENGTH - 1),
)
def test_retention_is_that_of_a_loop_over_all_visits(
    log: dict[str, list[Row]], unit: str, by: str, shown: tuple[int, int], missing: set[int], newest: int
) -> None:
    first, last = (FIRST + dt.timedelta(days=n) for n in sorted(shown))
    days = {event["dt"] for event in log["core.events"]}
    known = {FIRST + dt.timedelta(days=n) for n in range(LENGTH) if n not in missing} | days
    tables = computed(["core.visitors", "core.first_visits"], log, days)
    own = _queries(tables, unit, by, first, last)
    seen = observed({cohort for cohort, _ in own[0]}, unit, known, newest_day := FIRST + dt.timedelta(days=newest))

    new = [row for row in first_visits(log["core.events"], log["core.sessions"]) if first <= row["dt"] <= last]
    visits = {(event["person_id"], event["dt"]) for event in log["core.events"]}
    expected = retention(visits, new, unit, BY[by], known, newest_day, MOST[unit])
    assert _cells(*own, unit, seen) == expected

    sums: dict[tuple[str, int], Counter[str]] = {}
    for (_, part, after), (people, returned) in expected.items():
        if returned is not None:
            sums.setdefault((part, after), Counter()).update(people=people, returned=returned)
    curve = {(row["part"], row["period_no"]): row for row in curve_rows(*own, unit, seen)}
    assert curve.keys() == sums.keys()
    for key, sum_ in sums.items():
        assert (curve[key]["new_visitors"], curve[key]["returned_visitors"]) == (sum_["people"], sum_["returned"])
        assert curve[key][METRIC] == pytest.approx(sum_["returned"] / sum_["people"])


def _queries(
    tables: dict[str, list[Row]], unit: str, by: str, first: dt.date, last: dt.date
) -> tuple[dict[Any, int], dict[Any, int]]:
    """(Cohort, part) → new visitors, and (cohort, part, period) → those who returned, by the queries of the page."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA core")
        connection.execute("CREATE TABLE core.visitors (dt DATE, person_id VARCHAR, platform VARCHAR, channel VARCHAR)")
        connection.execute(
            "CREATE TABLE core.first_visits (dt DATE, person_id VARCHAR, entrance_id VARCHAR, channel VARCHAR)"
        )
        for table, rows in tables.items():
            for row in rows:
                marks = ", ".join(f"${name}" for name in row)
                connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", row)
        values = {"unit": unit, "by": by, "first": first, "last": last}
        new = connection.execute(query("retention.new"), values).fetchall()
        returned = connection.execute(query("retention.returned"), values | {"most": MOST[unit]}).fetchall()
    return {tuple(key): count for *key, count in new}, {tuple(key): count for *key, count in returned}


def _cells(
    sizes: dict[Any, int], returned: dict[Any, int], unit: str, seen: set[tuple[dt.date, int]]
) -> dict[tuple[int, str, int], tuple[int, int | None]]:
    """The triangles of all parts by ``triangle_rows``, in the form that ``reference_persons.retention`` returns."""
    cells = {}
    for part in {part for _, part in sizes}:
        own = {key: count for key, count in sizes.items() if key[1] == part}
        for row in triangle_rows(own, returned, unit, seen):
            assert (row[METRIC] is None) == (row["returned_visitors"] is None)
            key = (period_of(row["cohort"], unit), part, row["period_no"])
            cells[key] = row["new_visitors"], row["returned_visitors"]
    return cells


@pytest.mark.parametrize(
    ("cohort", "unit", "periods", "first"),
    [
        ("2026-11-30", "day", 1, "2026-12-01"),
        ("2026-12-28", "week", 1, "2027-01-04"),
        ("2026-11-01", "month", 2, "2027-01-01"),
        ("2026-01-01", "month", 11, "2026-12-01"),
    ],
)
def test_periods_follow_the_calendar(cohort: str, unit: str, periods: int, first: str) -> None:
    assert later(dt.date.fromisoformat(cohort), unit, periods) == dt.date.fromisoformat(first)


def test_a_week_that_is_not_over_is_not_observed() -> None:
    monday = dt.date(2026, 11, 2)
    days = [monday + dt.timedelta(days=n) for n in range(21)]
    assert observed({monday}, "week", days, days[19]) == {(monday, 1)}
    assert observed({monday}, "week", days, days[20]) == {(monday, 1), (monday, 2)}
    assert observed({monday}, "week", [day for day in days if day != days[8]], days[20]) == {(monday, 2)}
