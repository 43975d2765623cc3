"""The copy of the lake for the dashboards: made from the last copy and the partitions that have changed."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from dashboards.copy.build import CopyFile, publish
from dashboards.copy.tables import write_tables
from dashboards.workbench.confined import Limits, run_confined
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import Home
from pipelines.lake.duck import identifier
from tests.integration.small_shop import DAYS, DAYS_SQL, add_sql, land_days, new_home, visit
from tests.support import land, run, run_selected

PATIENT = Limits(seconds=120)


@pytest.fixture(scope="module")
def computed(tmp_path_factory) -> Home:
    """A home with three computed days and a copy."""
    made = new_home(tmp_path_factory.mktemp("copy") / "home")
    add_sql(made, "mine/days.sql", DAYS_SQL)
    land_days(made, DAYS[:3])
    run_selected(made, "core", "attribution", "mine")
    publish(made)
    return made


@pytest.fixture
def home(computed, tmp_path) -> Home:
    return Home(shutil.copytree(computed.root, tmp_path / "home"))


def content(file: Path) -> dict[str, Counter[tuple[object, ...]]]:
    """The rows of each table of a copy, with its comments."""
    with duckdb.connect(str(file), read_only=True) as connection:
        names = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
        tables = {name: Counter(connection.sql(f"FROM {identifier(name)}").fetchall()) for (name,) in names}
        comments = "SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns()"
        return {**tables, "comments": Counter(connection.sql(comments).fetchall())}


def anew(home: Home, copy_file: CopyFile, file: Path) -> dict[str, Counter[tuple[object, ...]]]:
    """The content of a copy with the tables of *copy_file* that is made in *file* without reuse of an earlier copy."""
    workspace = open_workspace(home)
    write_tables(workspace, copy_file.tables & workspace.project.models.keys(), file)
    return content(file)


def late_visit(home: Home, day: dt.date) -> None:
    """Land another visit on *day*, and compute the tables that depend on it."""
    land(home, "events", visit(day, "d2"), "late")
    run_selected(home, "core", "attribution", "mine")


def removed_day(home: Home) -> None:
    """Remove a day of two tables from the lake."""
    for table in ("core.events", "attribution.entrance_daily"):
        open_workspace(home).lake.remove(table, DAYS[0])


def other_description(home: Home) -> None:
    """Change the description of a column; the rows stay the same."""
    add_sql(home, "mine/days.sql", DAYS_SQL.replace("A day.", "A day with events."))


@pytest.mark.parametrize(
    "change",
    [
        lambda home: late_visit(home, DAYS[0]),
        lambda home: late_visit(home, DAYS[3]),
        removed_day,
        other_description,
    ],
    ids=["a late event", "a new day", "a day removed", "another description"],
)
def test_an_updated_copy_equals_one_made_anew(home, tmp_path, change):
    before = publish(home)
    change(home)
    after = publish(home)
    assert after.path != before.path
    assert content(after.path) == anew(home, after, tmp_path / "anew.duckdb") != content(before.path)


def test_unchanged_days_are_not_read_again(home, tmp_path):
    late_visit(home, DAYS[2])
    kept, expected = home.lake / "core/events" / f"dt={DAYS[0]}" / "part-0.parquet", tmp_path / "anew.duckdb"
    rows = anew(home, publish(Home(shutil.copytree(home.root, tmp_path / "other"))), expected)
    written_at = kept.stat().st_mtime_ns
    kept.write_bytes(b"x" * kept.stat().st_size)  # make the file unreadable; its size and time stay
    os.utime(kept, ns=(written_at, written_at))
    assert content(publish(home).path) == rows


def test_a_run_killed_between_checksum_and_file_leaves_no_gap(home, tmp_path):
    lake = open_workspace(home).lake
    file, again = lake.file("core.events", DAYS[0]), tmp_path / "again"
    before = file.read_bytes()
    late_visit(home, DAYS[0])
    again.write_bytes(file.read_bytes())
    file.write_bytes(before)  # restore the state after a kill: a new line of the checksums, but the old file
    publish(home)
    lake.publish("core.events", {DAYS[0]: (again, lake.footer_version("core.events", DAYS[0]))})
    after = publish(home)
    assert content(after.path) == anew(home, after, tmp_path / "anew.duckdb")


def test_a_table_without_rows_that_is_gone_leaves_the_copy(home, tmp_path):
    add_sql(home, "mine/nothing.sql", DAYS_SQL.replace("WHERE dt", "WHERE dt > DATE '2030-01-01' AND dt"))
    publish(home)
    (home.sql / "mine/nothing.sql").unlink()
    after = publish(home)
    assert content(after.path) == anew(home, after, tmp_path / "anew.duckdb")


def test_tables_that_have_grown_too_large_leave_the_copy(home, tmp_path):
    sizes = open_workspace(home).lake.files("core.events").values()
    small = publish(home, largest=sum(path.stat().st_size for path in sizes) - 1)
    assert "core.events" in small.excluded
    assert content(small.path) == anew(home, small, tmp_path / "anew.duckdb")
    assert content(publish(home).path) == content(publish(home, anew=True).path)


def test_an_unreadable_earlier_copy_is_not_used(home, tmp_path):
    before = publish(home).path
    before.chmod(0o644)
    before.write_bytes(b"no database")
    late_visit(home, DAYS[0])
    after = publish(home)
    assert content(after.path) == anew(home, after, tmp_path / "anew.duckdb")


@pytest.mark.real
def test_many_updates_do_not_make_the_file_larger(home):
    size = publish(home, anew=True).path.stat().st_size
    for number in range(12):
        land(home, "events", visit(DAYS[0], f"d{number}"), f"late-{number}")
        run(home, tables=frozenset({"core.events", "core.entrances"}))
        after = publish(home).path.stat().st_size
    assert after < 1.5 * size


def test_a_copy_is_made_again_only_when_the_lake_has_changed(tmp_path):
    home = new_home(tmp_path / "home")
    land_days(home, DAYS[:1])
    tables = frozenset({"core.entrances", "core.events"})
    run(home, tables=tables)
    first = publish(home)
    made = first.path.stat().st_mtime_ns
    assert publish(home) == first
    assert first.path.stat().st_mtime_ns == made
    assert run_confined(first.path, "SELECT count(*) FROM core.events", PATIENT).rows == [[2]]
    land(home, "events", visit(DAYS[0], "d2"), "late")
    run(home, tables=tables)
    second = publish(home)
    assert second.version != first.version
    assert run_confined(second.path, "SELECT count(*) FROM core.events", PATIENT).rows == [[4]]
    assert run_confined(first.path, "SELECT count(*) FROM core.events", PATIENT).rows == [
        [2]
    ]  # a copy that was replaced recently can still be read
    os.utime(first.path, (0, 0))
    publish(home)
    assert not first.path.exists()


def test_a_copy_without_room_leaves_nothing_but_a_line(tmp_path):
    made = new_home(tmp_path / "home")
    code = (
        "import resource, sys; from pipelines.commands.publisher import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(made.root)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the copy for the dashboards cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in (made.root / ".workbench").iterdir()] == [".lock"]


def test_a_table_that_is_too_large_is_left_out_and_named(home):
    assert publish(home).excluded == {}
    small = publish(home, largest=0)
    assert "core.events" in small.excluded
    assert "core.events" not in small.tables


def test_a_copy_carries_the_descriptions(computed):
    sql = "SELECT comment FROM duckdb_columns() WHERE table_name = 'entrance_daily' AND column_name = 'visitors'"
    assert run_confined(publish(computed).path, sql, PATIENT).rows == [
        ["distinct persons with one of these exposures, clicks or add-to-carts"]
    ]
