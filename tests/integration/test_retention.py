"""Retention: which files are deleted, and that the lake does not change."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path

import dagster as dg
import pytest

from assets.engine import DagsterEngine
from assets.instance import open_instance, recorded_checks
from assets.old_runs import delete_runs, files_of, old_runs, shrink
from assets.retention import pruning
from pipelines.compute.planner import verified_plan
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import Home
from pipelines.home.settings import RetentionSettings, load_settings
from pipelines.ingest import pending
from pipelines.ingest.retention import delete, expired
from pipelines.lake.partitions import DaySpan
from tests.commands import headwater
from tests.integration.small_shop import DAYS, land_days, new_home, visit
from tests.support import all_tables, assert_same_tables, land, run

BOTH = RetentionSettings(landing_days=30, reports_days=7)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = new_home(tmp_path / "home")
    land_days(made, DAYS[:1])
    run(made)
    (made.reports / "2026-05-17-en.html").write_text("a report", encoding="utf-8")
    return made


def later(days: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(days=days)


def kinds(home: Home, days: float, retention: RetentionSettings = BOTH) -> set[str]:
    return {file.kind for file in expired(home, retention, later(days))}


def test_files_expire_after_their_days_and_not_before(home):
    assert kinds(home, 6.9) == set()
    assert kinds(home, 7.1) == {"reports"}
    assert kinds(home, 30.1) == {"reports", "landing"}
    assert kinds(home, 4000, RetentionSettings()) == set(), "without a number everything is kept"


def test_the_lake_stays_as_it_was_and_nothing_is_stale(home):
    before = all_tables(home)
    delete(expired(home, BOTH, later(31)))
    assert not [path for path in home.landing.rglob("*") if path.is_file()]
    assert run(home).did_nothing
    assert_same_tables(all_tables(home), before)
    assert not verified_plan(open_workspace(home)).stale


def test_a_file_that_nobody_has_read_yet_is_kept(home):
    changed, *_ = (file for file in expired(home, BOTH, later(4000)) if file.kind == "landing")
    shutil.copyfile(changed.path, changed.path.with_name(f"new-{changed.path.name}"))
    (waiting,) = pending(home)
    assert waiting.path not in {file.path for file in expired(home, BOTH, later(4000))}
    changed.path.write_bytes(changed.path.read_bytes() + b"\n")
    assert changed.path not in {file.path for file in expired(home, BOTH, later(4000))}


def test_the_command_lists_before_it_deletes(home):
    assert "everything is kept" in headwater("prune", home=home).stdout
    settings = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(f"{settings}\nretention: {{reports_days: 1}}\n", encoding="utf-8")
    report = home.reports / "2026-05-17-en.html"
    os.utime(report, (0, 0))
    listed = headwater("prune", "--dry-run", home=home)
    assert listed.stdout.splitlines()[0] == "reports/2026-05-17-en.html"
    assert "reports: 1 files of 0.0 MB would be deleted" in listed.stdout
    assert report.exists()
    assert "reports: 1 files of 0.0 MB deleted" in headwater("prune", home=home).stdout
    assert not report.exists()
    home.settings_file.write_text(f"{settings}\nretention: {{events_days: 400, runs_days: 1}}\n", encoding="utf-8")
    lines = headwater("prune", home=home).stdout.splitlines()
    assert lines[2:] == ["events: none are old enough", "runs: records of 0 runs, 0.0 MB deleted"]


def test_dagster_has_the_job(home):
    settings = home.settings_file.read_text(encoding="utf-8")
    every = "{landing_days: 1000, reports_days: 1000, events_days: 1000, runs_days: 1000}"
    home.settings_file.write_text(f"{settings}\nretention: {every}\n", encoding="utf-8")
    job, schedule = pruning(home, load_settings(home))
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance).success
    assert schedule.cron_schedule == "30 4 * * *"


def states(home: Home) -> object:
    """What Dagster shows of each table's partitions and of each check."""
    with open_instance(home) as instance:
        partitions = {
            key: instance.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
            for key in instance.get_asset_keys()
        }
        return partitions, recorded_checks(home, instance)


def land_and_record(home: Home, engine: DagsterEngine, name: str) -> None:
    """Land a visit of the day, and record runs that ingest it and compute a table with it."""
    land(home, "events", visit(DAYS[0], name), name)
    engine.ingest()
    engine.compute(["core.event_pages"], DaySpan(DAYS[0], DAYS[0]))


def test_runs_without_which_dagster_shows_the_same_are_deleted(home):
    engine = DagsterEngine(home)
    for number in range(3):
        land_and_record(home, engine, f"visitor{number}")
    before = states(home)
    with open_instance(home) as instance:
        assert old_runs(instance, later(-1)) == [], "they have ended today"
        old = old_runs(instance, later(1))
        assert len(old) == 3, "of ingestion the second, because the first reported the configuration; two that compute"
        files = [file for run_id in old for file in files_of(home, run_id)]
        assert len(files) >= 3
        assert delete_runs(home, instance, old) > 0
        assert not [file for file in files if file.exists()]
        left = {record.dagster_run.run_id for record in instance.get_run_records()}
    assert len(left) == 3
    assert states(home) == before
    assert shrink(home) > 0
    assert states(home) == before
