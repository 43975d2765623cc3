"""A shop with one visit and one order a day, for tests of runs and of Dagster.

Here: the shop's records and homes, and the steps of a run.
Not here: the expected rows of the tables (``tests.reference``).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import dagster as dg

from assets.definitions import define
from assets.engine import DagsterEngine
from pipelines.compute.planner import Plan, make_plan, steps
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.folder import Home
from pipelines.lake.duck import session
from tests.support import land, make_home

Row = dict[str, Any]

FIRST = dt.date(2026, 3, 1)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(4)]

DAYS_SQL = """/* model
description: Days.
grain: [dt]
partition: dt
columns: {dt: {type: DATE, description: A day.}, events: {type: BIGINT, description: its events}}
*/
SELECT dt, COUNT(*) AS events FROM core.events WHERE dt BETWEEN $from_dt AND $to_dt GROUP BY dt
"""
"""A model that a shop adds to the shipped ones: the number of events on each day."""


def visit(day: dt.date, device: str = "d1", sku: str = "s1") -> list[Row]:
    """The two events of a visit of *device*: a click on the home banner, and an add-to-cart of *sku*."""
    click = {"event_type": "click", "page_id": 1, "page_type": "home", "module": "banner", "slot": 1, "sku": None}
    cart = {"event_type": "add_to_cart", "page_id": 2, "page_type": "item", "module": "buy", "slot": 1, "sku": sku}
    rows = []
    for number, event in enumerate((click, cart)):
        time = f"{day}T03:00:{number:02d}Z"
        name = f"{day}-{device}-{number}"
        rows.append({"event_id": name, "device_id": device, "user_id": "u1", "device_time": time, **event})
    return rows


def order(day: dt.date, number: int = 1) -> tuple[Row, Row]:
    """The records of an order that is paid at once, and of its only line."""
    time = f"{day}T05:00:00Z"
    key = f"{day}-{number}"
    header = {"order_id": key, "user_id": "u1", "status": "paid", "ordered_at": time, "paid_at": time}
    line = {"order_id": key, "line_no": 1, "sku": "s1", "quantity": 1, "unit_price": "10.00", "discount": "0"}
    return header, line


def land_days(home: Home, days: list[dt.date], name: str = "first") -> None:
    """Land a visit and an order of each day, in files called *name*."""
    orders = [order(day) for day in days]
    land(home, "events", [event for day in days for event in visit(day)], name)
    land(home, "orders", [header for header, _ in orders], name)
    land(home, "order_lines", [line for _, line in orders], name)


def new_home(folder: Path) -> Home:
    """A new home in *folder* whose start_date is the first day."""
    return make_home(folder, settings={"start_date": FIRST, "threads": 1, "snapshots": {"daily_for_days": 1}})


def add_sql(home: Home, path: str, text: str) -> None:
    """Put a model or check below the home's ``sql/``."""
    file = home.sql / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def plan_of(home: Home) -> tuple[Workspace, Plan]:
    """Open the home anew from its files; returns its workspace and the plan of its stale partitions."""
    workspace = open_workspace(home)
    with session(home, workspace.settings) as connection:
        return workspace, make_plan(workspace, connection)


def ingest_and_compute(home: Home) -> DagsterEngine:
    """Ingest and compute through Dagster; returns the engine, for further runs."""
    engine = DagsterEngine(home)
    engine.ingest()
    compute_stale(home, engine)
    return engine


def undescribed(home: Home) -> dg.Definitions:
    """The home's Dagster definitions, without the descriptions that only the UI shows and that take long to derive."""
    return define(open_workspace(home), is_described=False)


def compute_stale(home: Home, engine: DagsterEngine) -> None:
    """Compute the stale partitions through *engine*, as ``headwater run`` does after ingestion."""
    workspace, plan = plan_of(home)
    for step in steps(workspace.project, plan.stale, plan.expected):
        engine.compute(step.tables, step.span)
