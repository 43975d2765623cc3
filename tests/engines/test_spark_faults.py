"""Processes that are killed during a run on Spark: the lake has only complete tables, and the next run completes it.

Here: the driver's two processes, a worker and the master of a standalone cluster, each killed with SIGKILL.
Not here: kills of runs on DuckDB (``tests.integration``).
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.home.folder import Home
from pipelines.home.settings import load_settings
from pipelines.ingest import ingest
from tests.processes import (
    Contents,
    Headwater,
    Outcome,
    assert_intact,
    assert_same_contents,
    assert_tidy,
    contents,
    copy_of,
    made_up_shop,
)
from tests.spark import Cluster, on_duckdb, on_spark, require_spark, standalone
from tests.support import run_selected

require_spark()
pytestmark = pytest.mark.real

SELECTED = "+attribution.entrance_daily"
"""What is computed: enough tables for a kill between them, and few enough for many runs."""


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = made_up_shop(tmp_path_factory.mktemp("killed") / "ingested", days=3, devices=60)
    ingest(home, load_settings(home))
    return home


@pytest.fixture(scope="module")
def expected(ingested: Home) -> Contents:
    """The tables, computed by DuckDB."""
    home = copy_of(ingested, ingested.root.with_name("expected"))
    run_selected(home, SELECTED)
    return contents(home)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with standalone(tmp_path) as found:
        yield found


def started(home: Home) -> Headwater:
    """A run of *home* on Spark that has published core.events and is computing the next table."""
    running = Headwater(home, "run", "--select", SELECTED)
    events = home.lake / "core" / "events"
    assert running.wait_for(lambda: len(list(events.glob("dt=*/*.parquet"))) == 3), running.end()
    return running


def java_of(running: Headwater) -> int:
    """The process in which Spark's driver runs, a child of *running*."""
    found = subprocess.run(
        ["ps", "--ppid", str(running.process.pid), "-o", "pid=,comm="], capture_output=True, text=True, check=True
    )
    (pid,) = [line.split()[0] for line in found.stdout.splitlines() if line.split()[1] == "java"]
    return int(pid)


def assert_completed(home: Home, outcome: Outcome, reason: str, expected: Contents) -> None:
    """Assert that a failed run printed one error line with *reason* and left only complete partitions.

    Assert also that a run on DuckDB then computes the missing tables and removes temporary files.
    """
    assert_intact(home, {}, expected)
    assert len(contents(home)) < len(expected), "the kill came too late"
    (line,) = [line for line in outcome.errors if line.startswith("error: ")]
    assert reason in line
    assert not [line for line in outcome.errors if "Traceback" in line], "\n".join(outcome.errors)
    run_selected(on_duckdb(home), SELECTED)
    assert_same_contents(contents(home), expected)
    assert_tidy(home)


def test_a_killed_run_is_completed_by_the_next(ingested, expected, cluster, tmp_path):
    home = on_spark(copy_of(ingested, tmp_path / "home"), master=cluster.master)
    running = started(home)
    os.kill(running.process.pid, signal.SIGKILL)
    outcome = running.end()
    assert outcome.code == -signal.SIGKILL
    assert_intact(home, {}, expected)
    assert len(contents(home)) < len(expected), "the kill came too late"
    again = Headwater(home, "run", "--select", SELECTED).end()
    assert again.code == 0, again.errors
    assert_same_contents(contents(home), expected)
    assert_tidy(home)


def test_a_killed_driver_of_spark_is_one_line(ingested, expected, tmp_path):
    home = on_spark(copy_of(ingested, tmp_path / "home"), master="local[2]")
    running = started(home)
    os.kill(java_of(running), signal.SIGKILL)
    assert_completed(home, running.end(), "Spark: its driver", expected)


@pytest.mark.parametrize("lost", ["worker", "master"])
def test_a_run_survives_the_loss_of_one_process(ingested, expected, cluster, tmp_path, lost):
    home = on_spark(copy_of(ingested, tmp_path / "home"), master=cluster.master)
    running = started(home)
    (cluster.workers[0] if lost == "worker" else cluster.master_process).kill()
    outcome = running.end()
    assert outcome.code == 0, outcome.errors
    assert_same_contents(contents(home), expected)
    assert_tidy(home)


def test_a_run_that_waits_for_a_lost_cluster_can_be_stopped(ingested, expected, cluster, tmp_path):
    home = on_spark(copy_of(ingested, tmp_path / "home"), master=cluster.master)
    running = started(home)
    for process in (cluster.master_process, *cluster.workers):
        process.kill()
        process.wait()
    assert_completed(home, running.stop(signal.SIGINT), "stopped", expected)
