"""Snapshots (tables as of a day): for which days they are kept, and which become obsolete or stale.

Runs remove the obsolete snapshots and compute the stale ones, and no others.
"""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipelines.compute.as_of_days import kept_days, snapshot_days
from pipelines.compute.planner import Plan, make_plan, steps
from pipelines.compute.run import RunSummary
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.folder import Home, init_home
from pipelines.home.settings import Settings, SnapshotSettings
from pipelines.lake.duck import session
from pipelines.lake.partitions import DaySpan
from pipelines.sqlproject.project import load_project
from tests.shared_homes import made_once
from tests.support import Row, land, make_home, partition_days, run_selected, table

SETTINGS = {
    "timezone": "UTC",
    "rfm": {"window_days": 10, "compare_days": 5},
    "lifecycle": {"period_days": 5, "churned_days": 12, "history_days": 20},
    "snapshots": {"daily_for_days": 3},
}
CHAIN = ["customers.rfm_values", "customers.rfm_thresholds", "customers.rfm"]
SHOWN = ["customers.rfm_daily", "customers.rfm_migration", "customers.pareto", "customers.sales_coverage"]
STAGES = "customers.lifecycle_daily"


def march(*numbers: int) -> list[dt.date]:
    """Days of March 2026; 0 is the last day of February, and so on backwards."""
    return [dt.date(2026, 2, 28) + dt.timedelta(days=number) for number in numbers]


ENDS = [dt.date(2026, 1, 31), dt.date(2026, 2, 28)]
COMPARED_WITH_ENDS = [dt.date(2026, 1, 26), dt.date(2026, 2, 23)]


# Days whose snapshots are kept ----------------------------------------------------------------------------


def days_of(first: dt.date, last: dt.date, daily: int = 3, home: Home | None = None) -> dict[str, list[dt.date]]:
    project = load_project(home, Settings.model_validate(SETTINGS))
    return snapshot_days(project, SnapshotSettings(daily_for_days=daily), DaySpan(first, last))


def test_last_days_month_ends_and_days_compared_with_are_kept():
    days = days_of(dt.date(2026, 1, 3), march(10)[0])
    for name in (*SHOWN, STAGES):
        assert days[name] == [*ENDS, *march(8, 9, 10)]
    for name in CHAIN:
        assert days[name] == sorted([*COMPARED_WITH_ENDS, *ENDS, *march(3, 4, 5), *march(8, 9, 10)])


def test_only_models_as_of_a_day_have_snapshots():
    project = load_project(None, Settings.model_validate(SETTINGS))
    assert set(days_of(*march(1, 2))) == {name for name, model in project.models.items() if model.as_of}
    assert set(days_of(*march(1, 2))) > {*CHAIN, *SHOWN, STAGES}


def test_no_snapshot_lies_outside_the_days_that_are_computed():
    days = days_of(*march(4, 6), daily=28)
    assert days["customers.rfm_daily"] == march(4, 5, 6)
    assert days["customers.rfm"] == march(4, 5, 6), "there is nothing before the first day to compare with"


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (dt.date(2026, 2, 28), dt.date(2026, 2, 28), [dt.date(2026, 2, 28)]),
        (dt.date(2024, 2, 1), dt.date(2024, 3, 15), [dt.date(2024, 2, 29), dt.date(2024, 3, 15)]),
        (dt.date(2025, 12, 31), dt.date(2026, 1, 2), [dt.date(2025, 12, 31), dt.date(2026, 1, 2)]),
        (dt.date(2026, 1, 31), dt.date(2026, 2, 27), [dt.date(2026, 1, 31), dt.date(2026, 2, 27)]),
    ],
)
def test_month_ends_are_the_calendars(first, last, expected):
    assert days_of(first, last, daily=1)["customers.pareto"] == expected


MONTHLY = """/* model
description: a test
grain: [dt]
partition: dt
as_of: month_end
{reads}columns:
  dt: {{type: DATE, description: day}}
  customers: {{type: BIGINT, description: customers}}
*/
SELECT $dt AS dt, COUNT(*) AS customers FROM customers.rfm WHERE dt = {day}
"""


def test_a_model_of_month_ends_has_those_and_what_it_compares(tmp_path):
    home, _ = init_home(tmp_path / "shop")
    path = home.sql / "mine" / "monthly.sql"
    path.parent.mkdir()
    path.write_text(MONTHLY.format(reads="", day="$dt"), encoding="utf-8")
    days = days_of(dt.date(2026, 1, 3), march(10)[0], home=home)
    assert days["mine.monthly"] == ENDS
    path.write_text(MONTHLY.format(reads="reads: {customers.rfm: 21}\n", day="$dt - 21"), encoding="utf-8")
    more = days_of(dt.date(2026, 1, 3), march(10)[0], home=home)
    named = {end - dt.timedelta(days=21) for end in ENDS}
    assert set(more["customers.rfm"]) - set(days["customers.rfm"]) == named
    assert set(more["customers.rfm_values"]) - set(days["customers.rfm_values"]) == named


def test_a_table_of_the_last_days_has_no_others():
    project = load_project(None, Settings.model_validate({**SETTINGS, "hours": {"days": 4}}))
    for last, expected in ((2, march(1, 2)), (10, march(7, 8, 9, 10))):
        days = kept_days(project, SnapshotSettings(), DaySpan(*march(1, last)))
        assert days["core.traffic_hourly"] == days["attribution.slot_hourly"] == expected
    assert "core.traffic_daily" not in days, "it is kept for all days"
    assert kept_days(project, SnapshotSettings(), None) == {}, "nothing has landed"


# Through the pipeline -------------------------------------------------------------------------------------


def land_orders(home: Home, days: list[dt.date], name: str, user: str = "u") -> None:
    """Land an order of one line on each of *days*, in files called *name*; *user*0 and *user*1 buy in turn."""
    orders: list[Row] = []
    lines: list[Row] = []
    for day in days:
        key, time = f"{name}-{day}", f"{day}T04:00:00Z"
        orders.append(
            {
                "order_id": key,
                "user_id": f"{user}{day.day % 2}",
                "status": "paid",
                "ordered_at": time,
                "paid_at": time,
            }
        )
        lines.append({"order_id": key, "line_no": 1, "sku": "s", "quantity": 1, "unit_price": "10.00"})
    land(home, "orders", orders, name)
    land(home, "order_lines", lines, name)


CHECKED = [f"+{name}" for name in (*SHOWN, STAGES, "customers.cohorts")]
"""The tables whose snapshots these tests check, and all that those tables read; no others are computed."""


def run_customers(home: Home) -> RunSummary:
    return run_selected(home, *CHECKED)


def plan_of(home: Home) -> tuple[Workspace, Plan]:
    """The home's workspace, and its plan for the tables of ``CHECKED``."""
    workspace = open_workspace(home)
    with session(home, workspace.settings) as connection:
        plan = make_plan(workspace, connection)
    checked = workspace.project.select(CHECKED)
    return workspace, replace(plan, stale={name: days for name, days in plan.stale.items() if name in checked})


def snapshots(keys: dict[str, set[dt.date | None]]) -> dict[str, set[dt.date | None]]:
    """The entries of *keys* (table → partitions) that are daily snapshots of customers' tables."""
    return {name: days for name in (*CHAIN, *SHOWN, STAGES) if (days := keys.get(name, set()) - {None})}


@pytest.fixture
def home(computed: Home, tmp_path: Path) -> Home:
    """A copy of the computed shop, to be changed."""
    shutil.copytree(computed.root, tmp_path / "shop", copy_function=shutil.copy2)
    return Home(tmp_path / "shop")


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A shop with an order on each day from 16 January to 10 March; the tables of ``CHECKED`` are computed."""

    def make(folder: Path) -> None:
        home = make_home(folder, settings=SETTINGS)
        first = dt.date(2026, 1, 16)
        land_orders(home, [first + dt.timedelta(days=n) for n in range((march(10)[0] - first).days + 1)], "first")
        run_customers(home)

    return Home(made_once(tmp_path_factory, "snapshots", make))


def test_a_run_keeps_the_days_and_the_next_one_does_nothing(home):
    for name in SHOWN:
        assert {row["dt"] for row in table(home, name)} == {*ENDS, *march(8, 9, 10)}
    rows = table(home, "customers.rfm")
    assert {row["dt"] for row in rows} == {*ENDS, *COMPARED_WITH_ENDS, *march(3, 4, 5, 8, 9, 10)}
    assert {row["orders"] for row in rows} == {5}, "ten days, two users"
    assert {row["compared_with"] for row in table(home, "customers.rfm_migration") if row["dt"] == march(10)[0]} == {
        march(5)[0]
    }
    assert run_customers(home).did_nothing


def test_the_next_day_computes_and_removes_only_what_changes(home):
    land_orders(home, march(11), "next")
    summary = run_customers(home)
    leaving = {name: set(march(8)) for name in (*SHOWN, STAGES)} | {name: set(march(3, 8)) for name in CHAIN}
    # The snapshot of 6 March was not kept, but is needed now, because that of 11 March is compared with it.
    coming = {name: set(march(11)) for name in (*SHOWN, STAGES)} | {name: set(march(6, 11)) for name in CHAIN}
    assert snapshots(summary.removed) == leaving
    assert snapshots(summary.published) == coming
    for name in SHOWN:
        assert {row["dt"] for row in table(home, name)} == {*ENDS, *march(9, 10, 11)}
    assert run_customers(home).did_nothing


def test_a_table_of_the_last_days_moves_on(home):
    settings = {**SETTINGS, "start_date": dt.date(2026, 1, 16), "hours": {"days": 3}}
    home.settings_file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    hours = "attribution.entrance_hourly"
    own = (f"+{hours}", "+attribution.entrance_daily")  # a check compares the tables of hours and of days
    run_selected(home, *own)
    assert partition_days(home, hours) == march(8, 9, 10)
    land_orders(home, march(11), "next")
    summary = run_selected(home, *own)
    assert partition_days(home, hours) == march(9, 10, 11)
    assert (summary.published[hours], summary.removed[hours]) == ({*march(11)}, {*march(8)})
    run_selected(home, hours, first=march(1)[0], force=True)
    assert partition_days(home, hours) == march(9, 10, 11), "earlier days are not computed, even if asked for"
    assert run_selected(home, *own).did_nothing


def test_a_month_end_stays_when_the_last_days_move_on(home):
    land_orders(home, march(*range(11, 36)), "weeks")  # the last of these days is 4 April
    run_customers(home)
    assert {row["dt"] for row in table(home, "customers.rfm_daily")} == {*ENDS, *march(31, 33, 34, 35)}


def test_a_late_order_makes_the_snapshots_that_hold_it_stale(home):
    land_orders(home, march(1), "late", user="late")
    summary = run_customers(home)
    # The windows of ten days that contain 1 March end on 1 to 10 March; those of twenty days end on 1 to 20 March.
    expected = {name: set(march(3, 4, 5, 8, 9, 10)) for name in CHAIN}
    expected |= {name: set(march(8, 9, 10)) for name in (*SHOWN, STAGES)}
    assert snapshots(summary.published) == expected
    assert snapshots(summary.removed) == {}
    assert summary.published["core.order_lines"] == set(march(1))
    found = {row["dt"] for row in table(home, "customers.rfm") if row["user_id"] == "late1"}
    assert found == set(march(3, 4, 5, 8, 9, 10))


def test_a_late_order_at_the_windows_edge_leaves_the_day_after(home):
    # The order is of 27 February, so it is in windows of ten days that end by 8 March.
    land_orders(home, march(-1), "late", user="late")
    summary = run_customers(home)
    in_rfm = {*march(0, 3, 4, 5, 8)}
    assert snapshots(summary.published) == {
        **dict.fromkeys(CHAIN, in_rfm),
        # The moves of 9 and 10 March are computed from the snapshots of 4 and 5 March, which changed.
        "customers.rfm_migration": {*march(0, 8, 9, 10)},
        "customers.rfm_daily": {*march(0, 8)},
        "customers.pareto": {*march(0, 8)},
        "customers.sales_coverage": {*march(0, 8)},
        STAGES: {*march(0, 8, 9, 10)},
    }


def test_a_late_order_that_no_window_holds_makes_none_stale(home):
    # The order is in windows up to 11 February, for lifecycle stages up to 21 February; no such snapshot is kept.
    land_orders(home, [dt.date(2026, 2, 2)], "late", user="late")
    summary = run_customers(home)
    assert snapshots(summary.published) == {}
    assert summary.published["customers.cohorts"] == {None}
    assert summary.published["core.order_lines"] == {dt.date(2026, 2, 2)}


@pytest.mark.real
def test_a_refund_makes_stale_what_holds_its_line_or_itself(home):
    refund = {"refund_id": "r", "order_id": "first-2026-02-27", "line_no": 1, "amount": "4.00"}
    land(home, "refunds", [{**refund, "refunded_at": "2026-03-09T04:00:00Z"}], "late")
    run_customers(home)
    money = {
        row["dt"]: row["net_revenue"] for row in table(home, "customers.rfm") if row["user_id"] == "u1"
    }  # the refunded order of 27 February was placed by u1
    assert {day: int(amount) for day, amount in money.items()} == dict.fromkeys(money, 50), (
        "27 February is in no window that ends on or after 9 March, and the refund in none before"
    )
    near = {**refund, "refund_id": "s", "order_id": "first-2026-03-03"}
    land(home, "refunds", [{**near, "refunded_at": "2026-03-09T05:00:00Z"}], "near")
    run_customers(home)
    rows = [row for row in table(home, "customers.rfm") if row["user_id"] == "u1"]
    assert {row["dt"]: int(row["net_revenue"]) for row in rows} == {
        **dict.fromkeys(money, 50),
        **dict.fromkeys(march(9, 10), 46),
    }


def test_a_setting_makes_the_tables_stale_that_name_it(home):
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(text.replace("churned_days: 12", "churned_days: 13"), encoding="utf-8")
    workspace, plan = plan_of(home)
    stale = plan.stale
    assert set(stale) == {STAGES}
    assert stale[STAGES] == {*ENDS, *march(8, 9, 10)}
    models = workspace.project.models
    assert [name for name in models if "lifecycle_churned_days" in models[name].parameters] == [STAGES]


def test_a_day_without_inputs_has_no_snapshot(tmp_path):
    home = make_home(tmp_path / "shop", settings=SETTINGS)
    land_orders(home, march(1), "only")
    visit = {"event_id": "e", "device_id": "d", "event_type": "exposure", "page_id": 1, "page_type": "home", "sku": "s"}
    land(home, "events", [{**visit, "device_time": f"{march(13)[0]}T04:00:00Z"}], "events")
    run_customers(home)
    # The window of ten days that ends on 11 March is empty, so all customers of five days before count as having left.
    assert table(home, "customers.rfm") == [row for row in table(home, "customers.rfm") if row["dt"] <= march(10)[0]]
    moves = [row for row in table(home, "customers.rfm_migration") if row["kind"] == "segment"]
    assert {(row["dt"], row["to_key"], row["customers"]) for row in moves} == {
        (day, "(left)", 1) for day in march(11, 12, 13)
    }
    assert {row["dt"] for row in table(home, STAGES)} == set(march(11, 12, 13))
    assert run_customers(home).did_nothing


def test_cohorts_are_computed_after_order_lines_and_held_too(home):
    land_orders(home, march(11), "next", user="new")
    workspace, plan = plan_of(home)
    assert "customers.cohorts" not in plan.stale, "nothing is ingested yet"
    check = home.sql / "checks" / "quiet.sql"
    check.parent.mkdir(exist_ok=True)
    check.write_text(
        "/* check\nmodel: core.order_lines\nseverity: error\ndescription: x\nremedy: y\n*/\n"
        f"SELECT dt FROM core.order_lines WHERE dt BETWEEN $from_dt AND $to_dt AND dt = DATE '{march(11)[0]}'\n",
        encoding="utf-8",
    )
    before = table(home, "customers.cohorts")
    with pytest.raises(AssertionError, match=r"quiet"):
        run_customers(home)
    assert table(home, "customers.cohorts") == before
    _, plan = plan_of(home)
    assert plan.stale["customers.cohorts"] == {None}
    order = [name for step in steps(workspace.project, plan.stale, plan.expected) for name in sorted(step.tables)]
    assert order[-1] == "customers.cohorts"
    check.unlink()
    run_customers(home)
    cohorts = {row["cohort_month"]: row["customers"] for row in table(home, "customers.cohorts")}
    assert cohorts == {dt.date(2026, 1, 1): 2, dt.date(2026, 3, 1): 1}
