"""Full disks, missing permissions and damaged files: commands print one clear error line and harm no data."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.home.folder import Home
from pipelines.home.settings import load_settings
from pipelines.ingest.run import ingest
from tests.integration.small_shop import DAYS, land_days, new_home, visit
from tests.processes import (
    Contents,
    Headwater,
    Outcome,
    assert_intact,
    assert_same_contents,
    assert_tidy,
    contents,
    copy_of,
    headwater,
    made_up_shop,
)
from tests.support import land, run, table

WITHOUT_POWERS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""The capabilities by which root may read and write any file, whatever its permissions."""


def bound_by_permissions() -> tuple[str, ...]:
    """The command-line prefix that makes root obey file permissions; skips the test if there is no such program."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("permissions do not bind root, and setpriv (util-linux) is not there")
    return WITHOUT_POWERS


@contextmanager
def disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a separate file system of *size* at *folder*, with the contents of the folder copied into it."""
    content = folder.with_name(f"{folder.name}.content")
    if folder.exists():
        shutil.copytree(folder, content)
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        if content.exists():
            shutil.copytree(content, folder, dirs_exist_ok=True)
        remount(folder, f"size={size}")
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def remount(folder: Path, options: str) -> None:
    """Change the options of a mounted file system."""
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def used(folder: Path) -> int:
    """The bytes that the files below *folder* occupy; each size is rounded up to a multiple of 4,096 bytes."""
    return sum(-(-path.lstat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file())


def only_line(outcome: Outcome) -> str:
    """Assert that a command failed with a single line on standard error, and return that line."""
    assert outcome.code == 1, (outcome.code, outcome.out, outcome.errors)
    assert len(outcome.errors) == 1, outcome.errors
    return outcome.errors[0]


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which a made-up shop's log has landed; tests copy it."""
    return made_up_shop(tmp_path_factory.mktemp("landed") / "home", days=3, devices=150)


@dataclass(frozen=True)
class Computed:
    """A home that is up to date, and the contents of its lake."""

    home: Home
    contents: Contents


@pytest.fixture(scope="module")
def wanted(landed: Home, tmp_path_factory: pytest.TempPathFactory) -> Computed:
    """The home ``landed`` after an undisturbed run, and the contents of its lake, which other runs must reach."""
    home = copy_of(landed, tmp_path_factory.mktemp("wanted") / "home")
    run(home)
    return Computed(home, contents(home))


@pytest.fixture
def small(tmp_path: Path) -> Home:
    """A home with a visit and an order on each of four days, computed."""
    home = new_home(tmp_path / "home")
    land_days(home, DAYS)
    run(home)
    return home


# Full disks --------------------------------------------------------------------------------------------

FULL = re.compile(r"error: \S+: (cannot be (written|published|made): )?No space left on device.*")
RECORDS_FULL = re.compile(
    r"error: \S+/\.dagster: Dagster's records cannot be read or written: database or disk is full; "
    "published partitions are intact; run again when this is fixed"
)


@pytest.mark.real
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
def test_a_full_lake_is_one_line_and_the_next_run_finishes(tmp_path, landed, wanted, share):
    home = copy_of(landed, tmp_path / "home")
    with disk(home.lake, f"{int(share * used(wanted.home.lake)) // 1024}k"):
        assert FULL.fullmatch(only_line(headwater(home, "run")))
        assert_intact(home, {}, wanted.contents)
        assert not list(home.lake.rglob(".*.tmp")), "unfinished files keep the disk full"
        remount(home.lake, "size=200m")
        assert headwater(home, "run").code == 0
        assert_same_contents(contents(home), wanted.contents)
        assert_tidy(home)


@pytest.mark.real
@pytest.mark.parametrize("room", [20, 60, 120])
def test_a_lake_that_fills_up_keeps_what_it_holds(tmp_path, landed, wanted, room):
    """Late events replace a day of every table; if the disk has no room for the new day, the old one stays."""
    home = copy_of(landed, tmp_path / "home")
    late = sorted((home.landing / "native" / "events").iterdir())[0]
    shutil.move(late, tmp_path / late.name)
    run(home)
    before = contents(home)
    shutil.move(tmp_path / late.name, late)
    with disk(home.lake, f"{used(home.lake) // 1024 + room}k"):
        assert FULL.fullmatch(only_line(headwater(home, "run")))
        assert_intact(home, before, wanted.contents)
        remount(home.lake, "size=200m")
        assert headwater(home, "run").code == 0
        assert_same_contents(contents(home), wanted.contents)


@pytest.mark.real
@pytest.mark.parametrize("size", ["16k", "300k", "800k"])
def test_full_records_of_dagster_are_told_and_harm_no_table(tmp_path, landed, wanted, size):
    home = copy_of(landed, tmp_path / "home")
    with disk(home.dagster, size):
        outcome = headwater(home, "run")
        assert outcome.code == 1
        assert RECORDS_FULL.fullmatch(outcome.errors[-1])  # Dagster may print a line of its own before the error
        assert not [line for line in outcome.errors if line.startswith("Traceback")]
        assert_intact(home, {}, wanted.contents)
        remount(home.dagster, "size=200m")
        assert headwater(home, "run").code == 0
        assert_same_contents(contents(home), wanted.contents)


@pytest.mark.real
@pytest.mark.parametrize("room", [0, 400, 1200, 2000])
def test_a_full_disk_stops_no_reader_and_harms_nothing(tmp_path, landed, wanted, room):
    home = copy_of(landed, tmp_path / "home")
    with disk(home.root, f"{used(home.root) // 1024 + room}k"):
        outcome = headwater(home, "run")
        assert outcome.code == 1
        assert FULL.fullmatch(outcome.errors[-1]) or RECORDS_FULL.fullmatch(outcome.errors[-1])
        assert_intact(home, {}, wanted.contents)
        assert headwater(home, "sql", "SELECT count(*) FROM core.events").code == 0
        assert headwater(home, "doctor").errors == []
        remount(home.root, "size=200m")
        assert headwater(home, "run").code == 0
        assert_same_contents(contents(home), wanted.contents)
        assert_tidy(home)


@pytest.mark.real
def test_no_room_for_spilling_names_the_folder_and_the_setting(tmp_path):
    home = made_up_shop(tmp_path / "home", days=2, devices=6000)
    settings = home.settings_file.read_text(encoding="utf-8")
    assert "memory_limit: 3GB" in settings
    home.settings_file.write_text(settings.replace("memory_limit: 3GB", "memory_limit: 120MB"), encoding="utf-8")
    with disk(home.root / ".tmp", "1m"):
        line = only_line(headwater(home, "run"))
        assert line.startswith(f"error: memory_limit 120MB is too small, or {home.root}/.tmp is full; ")
        home.settings_file.write_text(settings, encoding="utf-8")
        assert headwater(home, "run").code == 0
    run(home)


@pytest.mark.real
def test_files_that_may_not_grow_are_one_line(tmp_path, landed, wanted):
    """The test limits the size of files, which has the effect of a full disk and needs no root."""
    home = copy_of(landed, tmp_path / "home")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

    outcome = headwater(home, "run", preexec_fn=limit)
    assert outcome.code == 1
    assert re.fullmatch(
        r"error: \S+: File too large; free disk space and run again|error: .*Dagster's records.*", outcome.errors[-1]
    )
    assert not [line for line in outcome.errors if line.startswith("Traceback")]
    assert_intact(home, {}, wanted.contents)
    assert headwater(home, "run").code == 0
    assert_same_contents(contents(home), wanted.contents)


# Read-only and unreadable ------------------------------------------------------------------------------


@pytest.mark.real
def test_a_read_only_file_system_is_read_and_says_so_to_writers(small):
    before = contents(small)
    with disk(small.root, "200m"):
        remount(small.root, "ro")
        assert (
            only_line(headwater(small, "run")) == f"error: {small.root}/.lock: cannot be written: Read-only file system"
        )
        assert only_line(headwater(small, "catalog")) == (
            f"error: {small.root}/headwater.duckdb: cannot be written: Read-only file system"
        )
        assert "4" in headwater(small, "sql", "SELECT count(*) FROM attribution.entrance_daily").out
        assert headwater(small, "check").code == 0
        assert headwater(small, "doctor").errors == []
        assert_same_contents(contents(small), before)


@pytest.mark.real
def test_a_lake_that_may_not_be_written_stays_as_it_was(small):
    prefix = bound_by_permissions()
    before = contents(small)
    folders = [path for path in (small.lake / "core").rglob("*") if path.is_dir()]
    land(small, "events", visit(DAYS[1], "d2"), "late")
    for folder in folders:
        folder.chmod(0o500)
    line = only_line(headwater(small, "run", prefix=prefix))
    assert re.fullmatch(r"error: \S+/lake/core/\S+\.tmp: Permission denied", line)
    assert_same_contents(
        {key: v for key, v in contents(small).items() if key[0] != "core.batches"},
        {key: v for key, v in before.items() if key[0] != "core.batches"},
    )
    for folder in folders:
        folder.chmod(0o700)
    assert headwater(small, "run", prefix=prefix).code == 0
    assert len(table(small, "core.events")) == 10


@pytest.mark.real
def test_what_may_not_be_read_is_named_and_the_rest_is_ingested(tmp_path):
    prefix = bound_by_permissions()
    home = new_home(tmp_path / "home")
    land_days(home, DAYS)
    land(home, "events", visit(DAYS[1], "d2"), "closed").chmod(0)
    (home.landing / "native" / "products").mkdir()
    (home.landing / "native" / "products").chmod(0)
    outcome = headwater(home, "run", prefix=prefix)
    assert outcome.code == 1
    assert outcome.faults == [
        "error: landing/native/products: cannot be read: Permission denied",
        "error: landing/native/events/closed.ndjson: cannot be read: Permission denied",
    ]
    assert len(table(home, "core.events")) == 2 * len(DAYS)
    (home.landing / "native" / "products").chmod(0o700)
    (home.landing / "native" / "events" / "closed.ndjson").chmod(0o600)
    assert headwater(home, "run", prefix=prefix).code == 0
    assert len(table(home, "core.events")) == 2 * len(DAYS) + 2


@pytest.mark.real
def test_unwritable_records_of_dagster_are_one_line(tmp_path):
    prefix = bound_by_permissions()
    home = new_home(tmp_path / "home")
    land_days(home, DAYS[:1])
    home.dagster.chmod(0o500)
    line = only_line(headwater(home, "run", prefix=prefix))
    assert line == (
        f"error: {home.dagster}: Dagster's records cannot be opened: Permission denied; "
        "it must be a folder that this user can read and write"
    )
    home.dagster.chmod(0o700)
    shutil.rmtree(home.dagster)
    assert only_line(headwater(home, "run")) == (
        f"error: {home.dagster}: Dagster's records are gone; "
        f"'headwater init {home.root}' makes an empty folder for them; nothing is computed again"
    )
    home.dagster.write_text("", encoding="utf-8")
    assert only_line(headwater(home, "run")) == (
        f"error: {home.dagster}: Dagster's records cannot be opened: Not a directory; "
        "it must be a folder that this user can read and write"
    )


# Landing -----------------------------------------------------------------------------------------------


@pytest.mark.real
def test_what_is_no_file_in_landing_is_named_and_the_rest_read(tmp_path):
    home = new_home(tmp_path / "home")
    land_days(home, DAYS)
    events = home.landing / "native" / "events"
    (events / "a folder.ndjson").mkdir()
    (events / "nowhere.ndjson").symlink_to("gone.ndjson")
    (events / "outside.ndjson").symlink_to("/etc/hostname")
    os.mkfifo(events / "pipe.ndjson")
    outcome = headwater(home, "run")
    assert outcome.code == 1
    assert outcome.faults == [
        "error: landing/native/events/nowhere.ndjson: a link to what is not there; remove it or put the file there",
        "error: landing/native/events/outside.ndjson: a link to a file elsewhere is not read; copy the file here",
        "error: landing/native/events/pipe.ndjson: not a file; remove it or put the file there",
    ]
    assert len(table(home, "core.events")) == 2 * len(DAYS)


@pytest.mark.real
def test_a_file_that_vanishes_once_it_is_listed_is_named(tmp_path, monkeypatch):
    home = new_home(tmp_path / "home")
    land_days(home, DAYS)
    gone = land(home, "events", visit(DAYS[1], "d2"), "gone")
    young = land(home, "events", visit(DAYS[1], "d3"), "young")
    # This file's time is in the future, so ingestion waits after listing the files. Meanwhile ``gone`` is removed.
    os.utime(young, (time.time() + 3600,) * 2)
    monkeypatch.setattr(time, "sleep", lambda _seconds: gone.unlink())
    report = ingest(home, load_settings(home), settle_seconds=5)
    monkeypatch.undo()
    assert report.errors == ["landing/native/events/gone.ndjson: cannot be read: No such file or directory"]
    assert headwater(home, "run").code == 0
    assert {row["device_id"] for row in table(home, "core.events")} == {"d1", "d3"}


@pytest.mark.real
def test_a_file_that_grows_while_read_is_left_for_the_next_run(tmp_path):
    home = new_home(tmp_path / "home")
    land_days(home, DAYS)
    many = [event for n in range(20_000) for event in visit(DAYS[1], f"g{n}")]
    growing = land(home, "events", many, "growing")
    process = Headwater(home, "run")
    scratch = home.root / ".tmp"
    assert process.wait_for(lambda: scratch.exists() and any(path.is_dir() for path in scratch.iterdir()))
    while process.process.poll() is None:
        with growing.open("a", encoding="utf-8") as file:
            file.write("\n")
        time.sleep(0.002)
    outcome = process.end()
    assert outcome.faults == [
        "error: landing/native/events/growing.ndjson: was written to while it was read; the next run will read it"
    ]
    assert outcome.code == 1
    assert len(table(home, "core.events")) == 2 * len(DAYS)
    assert headwater(home, "run").code == 0
    assert len(table(home, "core.events")) == 2 * len(DAYS) + len(many)


# Files of the lake damaged or removed ------------------------------------------------------------------


def test_a_damaged_or_missing_partition_is_computed_again(small):
    before = contents(small)
    part = small.lake / "core" / "events" / f"dt={DAYS[1]}" / "part-0.parquet"
    for damage in (lambda: part.write_bytes(part.read_bytes()[:500]), part.unlink, lambda: part.write_bytes(b"")):
        damage()
        assert run(small).published == {"core.events": {DAYS[1]}}
        assert_same_contents(contents(small), before)


@pytest.mark.real
def test_a_folder_where_a_file_belongs_is_named(small):
    part = small.lake / "core" / "events" / f"dt={DAYS[1]}" / "part-0.parquet"
    part.unlink()
    part.mkdir()
    assert only_line(headwater(small, "run")) == f"error: {part}: cannot be written: Is a directory"
    shutil.rmtree(small.lake)
    small.lake.write_text("", encoding="utf-8")
    for command in (("run",), ("sql", "SELECT 1 FROM core.events")):
        assert only_line(headwater(small, *command)).endswith(": cannot be read: Not a directory")


@pytest.mark.real
def test_lost_raw_files_are_named_by_their_users_and_by_doctor(small):
    lost = next((small.lake / "raw" / "events" / f"dt={DAYS[1]}").iterdir())
    lost.unlink()
    told = headwater(small, "doctor")
    assert told.code == 1
    assert f"{lost}: damaged: the file is gone (batch {lost.stem})" in told.out
    # Without its landing file the batch cannot be read again; the run must fail, not compute without the batch's
    # records.
    away = small.root / "away"
    small.landing.rename(away)
    refused = only_line(headwater(small, "run", "--force"))
    assert f"{lost}: damaged: the file is gone (batch {lost.stem}); restore it from a backup" in refused
    away.rename(small.landing)
    assert "1 new" in headwater(small, "run").out
    assert headwater(small, "doctor").code == 0
    shutil.rmtree(small.lake / "raw")
    assert headwater(small, "run").code == 0
    assert headwater(small, "doctor").code == 0
