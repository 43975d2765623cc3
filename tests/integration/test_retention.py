"""Retention: what is deleted, and that the lake stays as it was."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path

import dagster as dg
import pytest

from assets.retention import pruning
from pipelines.compute.planner import verified_plan
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import Home
from pipelines.home.settings import RetentionSettings, load_settings
from pipelines.ingest import pending
from pipelines.ingest.retention import delete, expired
from tests.commands import headwater
from tests.integration.small_shop import DAYS, land_days, new_home
from tests.support import all_tables, assert_same_tables, run

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


def test_dagster_has_the_job(home):
    job, schedule = pruning(home, load_settings(home))
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance).success
    assert schedule.cron_schedule == "30 4 * * *"
