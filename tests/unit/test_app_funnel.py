"""The funnel beside comparison days: how they are compared if the data ends before all windows are over."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dashboards.app.marts import Copy
from dashboards.copy.build import CopyFile
from pipelines.home.folder import init_home
from tests.app_pages import chart, choice, look_at, table, texts, values

Row = dict[str, Any]

MONDAY = dt.date(2026, 11, 2)
STEPS = "s1=exposure&s2=order&s3=none&s4=none"
WEEK = "from=2026-11-09&to=2026-11-15"
COLUMNS = "dt DATE, person_id VARCHAR, kind VARCHAR, page_type VARCHAR, module VARCHAR, entrance_id VARCHAR, "
COLUMNS += "first_at TIMESTAMP, last_at TIMESTAMP, events BIGINT"


def step(person: str, day: int, hour: int, kind: str, entrance: str | None = None) -> tuple[Any, ...]:
    """A row of attribution.person_steps, *day* days after MONDAY."""
    date = MONDAY + dt.timedelta(days=day)
    at = dt.datetime.combine(date, dt.time(hour))
    return date, person, kind, None, None, entrance, at, at, 1


def shop(folder: Path, last_day: int, *steps: tuple[Any, ...]) -> Copy:
    """A copy of the lake with *steps* as rows of person_steps, and with days up to *last_day*.

    It has no sessions, like the copy of a large shop.
    """
    path = folder / "marts.duckdb"
    days = [(MONDAY + dt.timedelta(days=n),) for n in range(last_day + 1)]
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA attribution")
        connection.execute("CREATE SCHEMA core")
        connection.execute(f"CREATE TABLE attribution.person_steps ({COLUMNS})")
        connection.execute("CREATE TABLE core.traffic_daily (dt DATE)")
        connection.execute("CREATE TABLE attribution.entrance_daily (dt DATE, entrance_id VARCHAR)")
        connection.execute("CREATE TABLE core.first_visits (dt DATE, person_id VARCHAR)")
        names = "entrance_id VARCHAR, name_zh VARCHAR, name_en VARCHAR, position_no INTEGER"
        connection.execute(f"CREATE TABLE core.entrances ({names})")
        connection.executemany(f"INSERT INTO attribution.person_steps VALUES ({', '.join('?' * 9)})", steps)
        connection.executemany("INSERT INTO core.traffic_daily VALUES (?)", days)
        connection.executemany("INSERT INTO attribution.entrance_daily VALUES (?, '(direct)')", days)
    tables = frozenset({"attribution.person_steps", "core.traffic_daily", "attribution.entrance_daily"})
    copy_file = CopyFile(path, "v", tables | {"core.first_visits"}, {}, dt.datetime(2026, 11, 30, tzinfo=dt.UTC), True)
    return Copy(init_home(folder / "home")[0], copy_file)


# Ann orders two days after the last comparison day, Bob within the week that is shown.
ANN = (step("ann", 6, 9, "exposure", "search"), step("ann", 8, 9, "order"))
BOB = (step("bob", 7, 9, "exposure", "search"), step("bob", 13, 9, "order"))


@pytest.mark.parametrize(("last_day", "ordered_before"), [(13, 0), (14, 0), (15, 1), (30, 1)])
def test_both_periods_are_followed_for_as_many_days(tmp_path, last_day, ordered_before):
    copy = shop(tmp_path, last_day, *ANN, *BOB)
    shown = chart(look_at(copy, f"/funnel?{WEEK}&{STEPS}&lang=en")[1], "funnel").table
    assert values(shown, "funnel_persons") == [1, 1]
    assert [row["funnel_persons_before"] for row in shown.rows] == [1, ordered_before]


def test_changes_are_those_of_the_rates_too(tmp_path):
    copy = shop(tmp_path, 30, *ANN, *BOB, step("eve", 9, 9, "exposure", "home_feed"))
    shown = chart(look_at(copy, f"/funnel?{WEEK}&{STEPS}&lang=en")[1], "funnel").table
    assert [row["funnel_rate"] for row in shown.rows] == [1.0, 0.5]
    assert shown.rows[1]["funnel_rate_change"] == shown.rows[1]["funnel_step_rate_change"] == -0.5
    parts = {row["key"]: row for row in table(look_at(copy, f"/funnel?{WEEK}&{STEPS}")[1], "parts").rows}
    assert {key: (row["step_1"], row["funnel_rate"], row["funnel_rate_before"]) for key, row in parts.items()} == {
        "search": (1, 1.0, 1.0),
        "home_feed": (1, 0.0, None),
    }


def test_without_a_comparison_nothing_is_compared(tmp_path):
    copy = shop(tmp_path, 30, *ANN, *BOB)
    shown = chart(look_at(copy, f"/funnel?{WEEK}&{STEPS}&compare=none")[1], "funnel")
    assert len(shown.figure.data) == 1
    assert not [column for column in shown.table.columns if column.field == "funnel_rate_change"]


def test_a_table_too_large_for_the_copy_is_named(tmp_path):
    copy = shop(tmp_path, 30, *ANN, *BOB)
    blocks = look_at(copy, f"/funnel?{WEEK}&{STEPS}&by=channel&lang=en")[1]
    assert "core.sessions" in texts(blocks, "missing")[0].text
    assert choice(blocks, "by").value == "channel"
    retention = look_at(copy, f"/retention?{WEEK}&lang=en")[1]
    assert "core.visitors" in texts(retention, "missing")[0].text
