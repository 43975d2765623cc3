"""Several processes on one home: a writer waits for another and names the process it waits for; readers never wait."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.compute.reading import reading_session
from pipelines.compute.run import Request, run_home
from pipelines.home.folder import REPOSITORY, Home
from pipelines.home.lock import home_lock, lock_holder
from tests.integration.small_shop import DAYS, land_days, new_home
from tests.processes import Headwater, assert_same_contents, assert_tidy, contents, copy_of, headwater, made_up_shop
from tests.readers import Versions, versions_in
from tests.support import run, run_selected, table

SECONDS = float(os.environ.get("HEADWATER_READER_SECONDS", "300"))
"""Minimum time that readers read while a writer writes, long enough for some runs of the writer."""


@pytest.fixture
def small(tmp_path: Path) -> Home:
    """A home with a visit and an order on each of four days, computed."""
    home = new_home(tmp_path / "home")
    land_days(home, DAYS)
    run_selected(home, "+attribution.entrance_daily")
    return home


def first_error(command: Headwater) -> str:
    """Wait until *command* has written a line to standard error, and return that line."""
    assert command.process.stderr is not None
    return command.process.stderr.readline()


# Writers -----------------------------------------------------------------------------------------------


@pytest.mark.real
def test_a_second_run_says_for_whom_it_waits_then_has_no_work(tmp_path):
    home = made_up_shop(tmp_path / "home", days=2, devices=60)
    undisturbed = copy_of(home, tmp_path / "undisturbed")
    run(undisturbed)
    first = Headwater(home, "run")
    assert first.wait_until_at_work()
    first.process.send_signal(signal.SIGSTOP)  # pause the first run, so that it cannot end before the second starts
    second = Headwater(home, "run")
    said = first_error(second)
    first.process.send_signal(signal.SIGCONT)
    assert re.fullmatch(
        rf"waiting for process \d+, headwater run, since \d\d:\d\d:\d\d, which locks {re.escape(str(home.root))}\n",
        said,
    )
    assert first.end().code == 0
    waited = second.end()
    assert waited.code == 0
    assert waited.out.startswith("nothing to do")
    assert_same_contents(contents(home), contents(undisturbed))
    assert_tidy(home)


@pytest.mark.real
def test_readers_and_checks_wait_for_nobody(small):
    with home_lock(small, "a test"):
        assert f"process {os.getpid()}, a test, since " in (lock_holder(small) or "")
        waiting = Headwater(small, "run")
        assert f"waiting for process {os.getpid()}, a test, since " in first_error(waiting)
        assert "8" in headwater(small, "sql", "SELECT count(*) FROM core.events").out
        for command in (("doctor",), ("catalog",), ("check",), ("docs",)):
            outcome = headwater(small, *command)
            assert (outcome.code, outcome.errors) == (0, []), command
        assert waiting.process.poll() is None, "a run did not wait for the home"
    assert waiting.end().code == 0


@pytest.mark.real
def test_catalogues_written_at_once_are_each_whole(small):
    writers = [Headwater(small, "catalog") for _ in range(4)]
    assert [writer.end().code for writer in writers] == [0] * 4
    with duckdb.connect(str(small.catalog_file), read_only=True) as catalogue:
        assert catalogue.execute("SELECT count(*) FROM core.events").fetchall() == [(8,)]
    assert [path.name for path in small.root.glob(".headwater*")] == []


@pytest.mark.real
def test_a_run_of_dagsters_own_waits_for_the_home(tmp_path):
    """The test starts the run with ``dagster job execute``, in a process like those that Dagster's daemon starts."""
    home = new_home(tmp_path / "home")
    land_days(home, DAYS)
    variables = {"HEADWATER_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster)}
    command = [
        sys.executable,
        "-m",
        "dagster",
        "job",
        "execute",
        "-m",
        "assets.definitions",
        "-a",
        "defs",
        "-j",
        "ingestion",
    ]
    with home_lock(home, "a test"):
        job = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        told: list[str] = []
        assert job.stdout is not None
        waits = f"waiting for process {os.getpid()}, a test"
        for line in job.stdout:
            told.append(line)
            if waits in line:
                break
        assert job.poll() is None, "".join(told)
        assert not (home.lake / "raw" / "batches").exists()
    told += job.stdout.readlines()
    assert job.wait() == 0, "".join(told)
    assert headwater(home, "run").code == 0
    assert len(table(home, "core.events")) == 2 * len(DAYS)


# Readers -----------------------------------------------------------------------------------------------


def rewrite_while(home: Home, states: list[tuple[str, dt.date]], goes_on: Callable[[int], bool]) -> int:
    """Set *home* to each of *states* in turn and recompute it, as long as *goes_on*(number of runs) is true.

    Returns the number of runs.
    """
    runs = 0
    while goes_on(runs):
        set_state(home, *states[runs % len(states)])
        assert not run_home(home, Request(force=True)).has_errors
        runs += 1
    return runs


def set_state(home: Home, module: str, start: dt.date) -> None:
    """Make *module* the only entrance and *start* the first day of *home*; its files are replaced atomically."""
    entrances = home.config / "entrances.csv"
    text = (
        "entrance_id,name_zh,name_en,page_type,module,slot,valid_from,valid_to\n"
        + f"{module},一,One,home,{module},,,\n"
    )
    for path, content in ((entrances, text), (home.settings_file, f"start_date: {start}\n")):
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(path)


def read_beside_runs(
    home: Home, folder: Path, states: list[tuple[str, dt.date]], names: Sequence[str], seconds: float
) -> list[dict[str, Any]]:
    """Start a process for each reader in *names*; for *seconds*, runs change *home* between *states*.

    Returns the reports of the readers.
    """
    known: Versions = {}
    for state in states:
        set_state(home, *state)
        run_home(home)
        for key, found in versions_in(home).items():
            known.setdefault(key, set()).update(found)
    assert any(len(found) > 1 for found in known.values()), "the states do not differ"
    signs = folder / "signs"
    signs.mkdir()
    versions = {key: sorted(found) for key, found in known.items()}
    (signs / "versions.json").write_text(json.dumps(versions), encoding="utf-8")
    command = [sys.executable, "-m", "tests.readers"]
    readers = [
        subprocess.Popen(
            [*command, name, str(home.root), str(signs), str(number)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, name in enumerate(names)
    ]
    while len(list(signs.glob("reading-*"))) < len(readers):
        assert all(reader.poll() is None for reader in readers)
        time.sleep(0.05)
    end = time.monotonic() + seconds
    # Readers first see the second state. An odd number of runs ends with the first state, so readers see both.
    runs = rewrite_while(home, states, lambda runs: runs < 3 or runs % 2 == 0 or time.monotonic() < end)
    (signs / "stop").touch()
    told = [json.loads(reader.communicate()[0]) for reader in readers]
    shown = [
        f"{name}: {found['reads']} reads, {found['faults']} faults, {found['examples']}"
        for name, found in zip(names, told, strict=True)
    ]
    print(f"{runs} runs in {seconds:.0f} s or more", *shown, sep="\n")
    for name, found in zip(names, told, strict=True):
        assert found["versions"] > len(known), f"{name} saw no day change in {found['reads']} reads"
    return told


def test_a_query_keeps_the_files_that_it_began_with(small):
    query = "SELECT count(*), count(DISTINCT entrance_id) FROM Attribution.Entrance_Daily"
    with reading_session(small, query) as connection:
        before = connection.execute(query).fetchall()
        shutil.rmtree(small.lake / "attribution")
        assert connection.execute(query).fetchall() == before != [(0, 0)]
    with reading_session(small, query) as connection:
        assert connection.execute(query).fetchall() == [(0, 0)]


@pytest.mark.real
def test_four_readers_see_whole_days_while_runs_rewrite_them(tmp_path):
    """While the readers read, each run replaces every day of the tables that users read."""
    home = made_up_shop(tmp_path / "home", days=3, devices=300)
    first = dt.date(2026, 5, 18)
    told = read_beside_runs(home, tmp_path, [("banner", first), ("search", first)], ["sql"] * 4, SECONDS)
    assert [found["examples"] for found in told] == [[]] * 4


@pytest.mark.real
def test_readers_by_a_pattern_seldom_meet_a_replaced_file(tmp_path):
    """Readers that find files by a glob pattern fail rarely, even while runs replace every day again and again.

    DuckDB and Polars open a file several times in one query, first for its footer and then for its rows. The query
    fails if the file is replaced in between. No writer can prevent that, and the user guide warns of it.
    """
    home = made_up_shop(tmp_path / "home", days=3, devices=300)
    run_home(home)
    assert headwater(home, "catalog").code == 0
    first = dt.date(2026, 5, 18)
    states = [("banner", first), ("search", first)]
    for found in read_beside_runs(home, tmp_path, states, ["polars", "duckdb", "catalogue"], min(SECONDS, 60)):
        assert not [fault for fault in found["examples"] if fault.startswith("torn: ")]
        assert found["faults"] * 4 <= found["reads"]


@pytest.mark.real
def test_headwater_sql_reads_on_while_days_are_removed(tmp_path):
    """A query with a glob pattern fails if a file is removed after it was listed; ``headwater sql`` must not fail."""
    home = made_up_shop(tmp_path / "home", days=3, devices=100)
    first = dt.date(2026, 5, 18)
    states = [("banner", first), ("search", first + dt.timedelta(days=1))]
    (told,) = read_beside_runs(home, tmp_path, states, ["sql"], min(SECONDS, 60))
    assert told["examples"] == []
