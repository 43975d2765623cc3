"""Dagster's UI and the project's planner agree on which partitions are stale."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from assets.engine import DagsterEngine
from assets.instance import open_instance
from pipelines.home.folder import Home
from pipelines.lake.partitions import DaySpan
from tests.integration.small_shop import DAYS, compute_stale, order, plan_of, undescribed, visit
from tests.integration.test_automation import tick
from tests.support import land

Stale = set[tuple[str, dt.date | None]]


def dagster_stale(home: Home) -> Stale:
    """(table, day) of the expected partitions that Dagster's UI would show as stale."""
    _, plan = plan_of(home)
    with open_instance(home) as instance:
        graph = undescribed(home).resolve_asset_graph()
        resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
        return {
            (name, day)
            for name, versions in plan.expected.items()
            for day in versions
            if resolver.get_status(dg.AssetKey(name.split(".")), day.isoformat() if day else None) != StaleStatus.FRESH
        }


def planner_stale(home: Home) -> tuple[Stale, Stale]:
    """(table, day) of all stale partitions by the planner, and of those that can be computed next.

    Those that can be computed next read no stale partition.
    """
    workspace, plan = plan_of(home)
    stale = {(name, key) for name, keys in plan.stale.items() for key in keys}
    ready = {
        (name, day)
        for name, day in stale
        if not any(
            (read.table, day - dt.timedelta(days=n) if day and workspace.project.is_partitioned(read.table) else None)
            in stale
            for read in workspace.project.reads[name]
            for n in range((read.days or 0) + 1)
        )
    }
    return stale, ready


def assert_staleness_agrees(home: Home) -> Stale:
    """Assert that Dagster marks as stale at least the partitions to compute next, and only stale ones.

    Returns the partitions that Dagster marks. Dagster compares a partition with its current inputs only; the planner
    also includes partitions that will be stale once stale inputs have been recomputed.
    """
    shown = dagster_stale(home)
    stale, ready = planner_stale(home)
    assert ready <= shown <= stale
    return shown


def test_nothing_is_stale_after_a_run(computed: Home) -> None:
    assert dagster_stale(computed) == set()
    assert planner_stale(computed) == (set(), set())


@pytest.mark.real
def test_late_events_make_dagsters_and_the_planners_days_stale(computed_copy: Home) -> None:
    home = computed_copy
    engine = DagsterEngine(home)
    land(home, "events", visit(DAYS[1], "d3"), "late")
    engine.ingest()
    assert_staleness_agrees(home)
    readers = ["core.event_pages", "core.events", "core.traffic_daily"]
    assert {(t, d) for t, d in dagster_stale(home) if d} == {(t, DAYS[1]) for t in readers}
    engine.compute(readers[:2], DaySpan(DAYS[1], DAYS[1]))
    shown = assert_staleness_agrees(home)
    # A click on an entrance is credited with events up to 36 hours later: of its own day and of the two days after it.
    assert {d for t, d in shown if t == "attribution.attributed_events"} == set(DAYS[1:4])
    assert {d for t, d in shown if t == "attribution.visitor_slots"} == {DAYS[1]}
    compute_stale(home, engine)
    assert_staleness_agrees(home)
    assert dagster_stale(home) == set()


def test_computing_again_without_need_makes_nothing_stale(computed_copy: Home) -> None:
    home = computed_copy
    engine = DagsterEngine(home)
    engine.compute(["core.event_pages", "core.events", "core.orders"], DaySpan(*DAYS[:2]))
    engine.compute(["core.entrances", "core.products"], None)
    assert dagster_stale(home) == set()


@pytest.mark.real
def test_a_late_order_makes_no_other_day_stale(computed_copy: Home) -> None:
    home = computed_copy
    engine = DagsterEngine(home)
    header, line = order(DAYS[1], 2)
    land(home, "orders", [header], "late")
    land(home, "order_lines", [line], "late")
    land(home, "products", [{"sku": "s1", "unit_cost": "4.00"}], "late")
    engine.ingest()
    stale, _ = planner_stale(home)
    assert {day for name, day in stale if name == "core.orders"} == {DAYS[1]}
    assert dagster_stale(home) <= stale
    compute_stale(home, engine)
    assert planner_stale(home)[0] == dagster_stale(home) == set()


def test_an_edited_entrance_is_stale_once_the_sensor_has_looked(computed_copy: Home) -> None:
    home = computed_copy
    entrances = home.config / "entrances.csv"
    entrances.write_text(entrances.read_text(encoding="utf-8").replace("home,banner", "home,hero"), encoding="utf-8")
    with open_instance(home) as instance:
        for event in tick(home, instance).asset_events:
            instance.report_runless_asset_event(event)
    shown = assert_staleness_agrees(home)
    assert ("core.entrances", None) in shown
