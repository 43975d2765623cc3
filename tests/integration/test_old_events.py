"""Old events are deleted: totals do not change, and later days are computed as if nothing had been deleted."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from assets.engine import DagsterEngine
from assets.retention import pruning
from dashboards.report.file import write_report
from pipelines.commands import forget_run
from pipelines.commands.diagnosis import diagnose
from pipelines.compute import old_events as deleting
from pipelines.compute.old_events import OldEvents, delete, old_events
from pipelines.compute.workspace import open_workspace
from pipelines.home.archive import back_up, restore
from pipelines.home.folder import DATA, Home
from pipelines.home.settings import load_settings
from pipelines.ingest import old_events as raw_deleting
from pipelines.ingest.batches import RawLake
from pipelines.lake.partitions import DaySpan
from tests.integration.small_shop import land_days, plan_of, visit
from tests.support import land, make_home, partition_days, run, run_selected, table

pytestmark = pytest.mark.real

Row = dict[str, Any]

FIRST = dt.date(2026, 3, 1)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(13)]
KEPT = DAYS[2]
"""The first day whose events are kept."""

SETTINGS: dict[str, Any] = {
    "start_date": FIRST,
    "threads": 1,
    "snapshots": {"daily_for_days": 1},
    "attribution": {"cart_window_days": 2, "max_payment_delay_days": 1},
    "touch": {"window_days": 2, "effects_days": 3},
    "products": {"windows": [1, 2], "repurchase_days": 3},
    "retention": {"events_days": 10},
}


@pytest.fixture(scope="module", autouse=True)
def short_look_back(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The shipped models, but a visitor is new again after five days, so that a short history is enough."""
    copy = tmp_path_factory.mktemp("project")
    shutil.copytree(DATA / "sql", copy / "sql")
    model = copy / "sql" / "core" / "first_visits.sql"
    model.write_text(model.read_text(encoding="utf-8").replace("365", "5"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.sqlproject.project.DATA", copy)
        yield


@pytest.fixture(scope="module")
def computed(short_look_back: None, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = make_home(tmp_path_factory.mktemp("home") / "home", settings=SETTINGS)
    land_days(home, DAYS)
    run(home)
    return home


@pytest.fixture
def home(computed: Home, tmp_path: Path) -> Home:
    """A home of thirteen days from which nothing is deleted yet."""
    shutil.copytree(computed.root, tmp_path / "home")
    return Home(tmp_path / "home")


def prune(home: Home, last: dt.date = DAYS[-1]) -> OldEvents | None:
    found = old_events(home, dt.datetime.combine(last, dt.time(4), dt.UTC))
    if found is not None:
        delete(home, found)
    return found


def pruned(home: Home) -> Home:
    assert prune(home) is not None
    return home


def every_table(home: Home) -> dict[str, list[Row]]:
    """Table → its rows, in order."""
    return {name: sorted(table(home, name), key=repr) for name in open_workspace(home).project.models}


def details(home: Home) -> set[str]:
    return {name for name, model in open_workspace(home).project.models.items() if model.is_detail}


def change_settings(home: Home, **changes: Any) -> None:
    home.settings_file.write_text(yaml.safe_dump({**SETTINGS, **changes}), encoding="utf-8")


def test_totals_stay_and_details_go(home):
    before = every_table(home)
    assert prune(home).before == KEPT
    after = every_table(home)
    first_days = open_workspace(home).first_days
    for name in before:
        kept = before[name]
        if name in details(home):
            kept = [row for row in kept if row["dt"] >= first_days[name]]
            assert [day for day in partition_days(home, name) if day < first_days[name]] == [], name
        assert after[name] == kept, name
    assert min(table(home, "attribution.entrance_daily"), key=lambda row: row["dt"])["dt"] == FIRST
    assert min(row["dt"] for row in table(home, "core.events")) == KEPT
    assert min(RawLake.load(home).rows_by_day("raw.events")) == KEPT


def test_afterwards_nothing_is_to_do(home):
    counts = table(home, "core.batches")
    summary = run(pruned(home), verify=True)
    assert summary.did_nothing
    assert summary.closed == f"events before {KEPT} are deleted, the totals of these days stay as they are"
    assert table(home, "core.batches") == counts
    findings = diagnose(home, deep=True)
    assert {finding.level for finding in findings if finding.topic != "disk"} == {"ok"}
    assert summary.closed in {finding.message for finding in findings}
    assert prune(home) is None


def test_later_days_are_computed_as_if_nothing_were_deleted(home, tmp_path):
    shutil.copytree(home.root, tmp_path / "other")
    other = Home(tmp_path / "other")
    pruned(home)
    new = DAYS[-1] + dt.timedelta(days=1)
    for each in (home, other):
        land_days(each, [new], "new")
        land(each, "events", visit(DAYS[11], "late"), "late")
        run(each)
    ours, theirs, first_days = every_table(home), every_table(other), open_workspace(home).first_days
    for rows in (ours, theirs):
        rows.pop("core.batches")  # not compared, because it has the time of ingestion
    assert any(row["device_id"] == "late" for row in ours["core.events"])
    for name, rows in theirs.items():
        first = first_days.get(name, dt.date.min)
        assert [r for r in ours[name] if r.get("dt", FIRST) >= first] == [
            r for r in rows if r.get("dt", FIRST) >= first
        ], name


def test_a_late_refund_restates_orders_not_their_attribution(home):
    pruned(home)
    refund = {"refund_id": "r1", "order_id": f"{DAYS[1]}-1", "line_no": 1, "amount": "1.00"}
    land(home, "refunds", [refund | {"refunded_at": f"{DAYS[-1]}T06:00:00Z"}], "new")
    run_selected(home, "core.order_lines", "core.refunds", "attribution.entrance_daily")
    lines = {row["order_id"]: row["refunded"] for row in table(home, "core.order_lines")}
    assert lines[f"{DAYS[1]}-1"] == 1
    (day,) = (r for r in table(home, "attribution.entrance_daily") if r["dt"] == DAYS[1] and r["order_lines"])
    assert day["net_revenue"] == day["revenue"] == 10


def test_late_events_are_counted_and_not_computed(home):
    before = every_table(pruned(home))
    land(home, "events", visit(DAYS[1], "late"), "late")
    summary = run(home)
    assert "2 late events of these days are not computed" in summary.closed
    (finding,) = (finding for finding in diagnose(home) if finding.topic == "retention")
    assert (finding.level, finding.message) == ("warn", summary.closed)
    after = every_table(home)
    assert {name for name in before if before[name] != after[name]} == {"core.batches"}
    assert prune(home).raw_files == 2
    assert "late" not in run(home).closed


def test_force_and_new_settings_leave_old_totals(home):
    before = every_table(pruned(home))
    first_days = open_workspace(home).first_days
    forced = run_selected(home, "core.events", "core.traffic_daily", "attribution.entrance_daily", force=True)
    change_settings(home, attribution={**SETTINGS["attribution"], "head_lookback_hours": 12})
    changed = run_selected(home, "core", "attribution")
    assert "attribution.entrance_daily" in forced.published.keys() & changed.published.keys()
    after = every_table(home)
    for summary in (forced, changed):
        for name in first_days.keys() & summary.published.keys():
            assert min(summary.published[name]) >= first_days[name], name
    for name, first in first_days.items():
        old = [[row for row in rows[name] if row["dt"] < first] for rows in (before, after)]
        assert old[0] == old[1], name


def test_dagster_computes_no_day_from_nothing(home):
    before = every_table(pruned(home))
    span = DaySpan(FIRST, DAYS[-1])
    result = DagsterEngine(home).compute(["core.events", "core.traffic_daily", "products.daily"], span)
    assert {name: min(found.published) for name, found in result.tables.items()} == {
        "core.events": KEPT,
        "core.traffic_daily": KEPT,
        "products.daily": KEPT + dt.timedelta(days=2),
    }
    assert not any(found.removed for found in result.tables.values())
    assert every_table(home) == before


def test_the_nightly_job_deletes_old_events(home):
    job, _ = pruning(home, load_settings(home))
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance).success
    assert open_workspace(home).events_from == KEPT
    assert run(home).did_nothing


def test_a_longer_time_later_brings_nothing_back(home):
    before = every_table(pruned(home))
    change_settings(home, retention={"events_days": 14})
    assert run(home).did_nothing
    assert prune(home) is None
    land(home, "events", visit(FIRST - dt.timedelta(days=5), "late"), "late")
    run(home)
    assert prune(home).before == KEPT
    change_settings(home, retention={})
    assert run(home).did_nothing
    after = every_table(home)
    assert {name for name in before if before[name] != after[name]} == {"core.batches"}


@pytest.mark.parametrize(
    ("module", "name"), [(raw_deleting, "write_manifest"), (raw_deleting, "sweep"), (deleting, "open_workspace")]
)
def test_a_deletion_that_was_killed_is_finished(home, tmp_path, monkeypatch, module, name):
    shutil.copytree(home.root, tmp_path / "other")
    before = every_table(pruned(Home(tmp_path / "other")))
    found = old_events(home, dt.datetime.combine(DAYS[-1], dt.time(4), dt.UTC))
    with monkeypatch.context() as patch:
        patch.setattr(module, name, _killed)
        with pytest.raises(KeyboardInterrupt):
            delete(home, found)
    run(home)
    assert every_table(home) == before, "a run alone"
    prune(home)
    assert run(home).did_nothing
    assert every_table(home) == before
    raw = {path.relative_to(home.root) for path in home.raw.rglob("*.parquet")}
    assert raw == {path.relative_to(tmp_path / "other") for path in (tmp_path / "other/lake/raw").rglob("*.parquet")}


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_events_that_a_stale_total_needs_are_kept(home):
    land(home, "events", visit(DAYS[3], "late"), "late")
    run_selected(home, "core.traffic_daily")  # attribution.entrance_daily of the fourth day stays stale
    found = old_events(home, dt.datetime.combine(DAYS[-1], dt.time(4), dt.UTC))
    assert found.before < DAYS[3]
    assert f"of {DAYS[3]} is not up to date" in found.describe("deleted")


def test_a_record_with_a_later_date_deletes_nothing(home):
    assert prune(home, last=DAYS[9]) is None


def test_forgotten_persons_leave_nothing_behind(home):
    new = DAYS[-1] + dt.timedelta(days=1)
    pruned(home)
    land_days(home, [new], "new")
    totals = [row for row in table(home, "attribution.entrance_daily") if row["dt"] < KEPT]
    outcome = forget_run.forget(home, forget_run.Request("u1"), lambda _line: None)
    assert [hit.path for hit in outcome.left if not forget_run.is_yours(hit)] == []
    assert not [row for row in table(home, "core.events") if "u1" in (row["user_id"], row["person_id"])]
    assert [row for row in table(home, "attribution.entrance_daily") if row["dt"] < KEPT] == totals


@pytest.mark.parametrize(("language", "words"), [("en", "old events of some"), ("zh", "旧事件已按设置删除")])
def test_the_report_of_an_old_day_says_what_is_missing(home, tmp_path, language, words):
    for day, is_told in ((FIRST, True), (DAYS[-1], False)):
        text = write_report(pruned(home) if is_told else home, language, day=day, out=tmp_path / "r.html").read_text()
        assert (words in text) == is_told


def test_a_backup_knows_which_events_are_deleted(home, tmp_path):
    before = every_table(pruned(home))
    back_up(home, tmp_path / "backup.tar.zst", lambda _line: None)
    other, _ = restore(tmp_path / "backup.tar.zst", tmp_path / "restored")
    assert run(other).did_nothing
    assert every_table(other) == before


def test_a_damaged_old_total_is_named_and_kept(home):
    path = pruned(home) and open_workspace(home).lake.file("attribution.entrance_daily", FIRST)
    content = bytearray(path.read_bytes())
    content[10] ^= 0xFF
    path.write_bytes(bytes(content))
    workspace, plan = plan_of(home)
    assert plan.is_empty
    assert "restore it from a backup" in workspace.remedy_for_damage("attribution.entrance_daily", FIRST)
    found = [finding for finding in diagnose(home, deep=True) if finding.level == "error"]
    assert [(str(path) in finding.message, "backup" in finding.remedy) for finding in found] == [(True, True)]
