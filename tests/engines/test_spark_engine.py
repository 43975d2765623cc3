"""A home computed on Spark equals one computed by DuckDB, row for row; skipped without pyspark or Java.

Not here: single queries on both engines (``tests.engines.test_touch_tables_on_spark``).
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import Home
from pipelines.home.settings import load_settings
from pipelines.ingest import ingest
from pipelines.lake.partitions import relation_sql
from tests.processes import copy_of, headwater, made_up_shop
from tests.support import run

pyspark = pytest.importorskip("pyspark", reason="needs pyspark: pip install 'headwater[spark]'")
if shutil.which("java") is None:
    pytest.skip("needs Java", allow_module_level=True)

pytestmark = pytest.mark.real

OPTIONS = "spark.sql.shuffle.partitions: 2, spark.default.parallelism: 2, spark.executor.memory: 1g"
PATIENCE = 120
"""Seconds that a cluster may take to start."""

ON_A_CLUSTER = "+attribution.entrance_daily"
"""What the tests compute on clusters. A query takes seconds there, and Spark on this machine computes every table."""


def on_spark(home: Home, **cluster: str) -> None:
    """Let runs of *home* compute on the cluster with these settings."""
    settings = home.settings_file.read_text(encoding="utf-8").replace("engine: duckdb", "engine: spark")
    for name, value in cluster.items():
        settings = re.sub(rf"^  {name}: \S+", f"  {name}: {value}", settings, count=1, flags=re.MULTILINE)
    home.settings_file.write_text(settings.replace("options: {}", f"options: {{{OPTIONS}}}"), encoding="utf-8")


@contextmanager
def spark_process(log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Spark's own, stopped at the end; it writes to *log*."""
    program = Path(pyspark.__file__).parent / "bin" / command[0]
    variables = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    with log.open("wb") as out:
        process = subprocess.Popen([program, *command[1:]], stdout=out, stderr=out, env=variables)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def found_in(log: Path, pattern: str) -> str:
    """The first group of *pattern* in *log*, as soon as it is there."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if match := re.search(pattern, log.read_text(encoding="utf-8")):
            return match[1]
        time.sleep(0.2)
    raise AssertionError(f"{log} has no {pattern}: {log.read_text(encoding='utf-8')[-2000:]}")


@contextmanager
def standalone(folder: Path) -> Iterator[str]:
    """The address of a cluster of a master and two workers."""
    log, place = folder / "master.log", ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
    with spark_process(log, "spark-class", "org.apache.spark.deploy.master.Master", *place):
        master = found_in(log, r"(spark://127\.0\.0\.1:\d+)")
        worker = ("spark-class", "org.apache.spark.deploy.worker.Worker", "-c", "1", "-m", "2g", "--webui-port", "0")
        logs = [folder / f"worker{number}.log" for number in (1, 2)]
        with (
            spark_process(logs[0], *worker, "-d", str(folder / "w1"), master),
            spark_process(logs[1], *worker, "-d", str(folder / "w2"), master),
        ):
            for one in logs:
                found_in(one, "(Successfully registered)")
            yield master


@contextmanager
def connect_server(folder: Path) -> Iterator[str]:
    """The address of a Spark Connect server."""
    log = folder / "connect.log"
    options = ("--conf", "spark.connect.grpc.binding.port=0", "--conf", "spark.ui.enabled=false")
    server = ("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal")
    with spark_process(log, "spark-submit", "--master", "local[2]", *options, *server):
        yield f"sc://127.0.0.1:{found_in(log, r'Connect server started at: .*:([0-9]+)')}"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home computed by DuckDB."""
    home = made_up_shop(tmp_path_factory.mktemp("spark") / "duckdb", days=3, devices=60)
    ingest(home, load_settings(home))
    shutil.copytree(home.root, f"{home.root}-ingested")
    run(home)
    return home


@pytest.fixture(scope="module", params=["local", "standalone", "connect"])
def on_cluster(request: pytest.FixtureRequest, plain: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The same ingested log, computed on Spark by ``headwater run``: all tables on this machine, some on clusters."""
    folder = tmp_path_factory.mktemp(request.param)
    home = copy_of(Home(Path(f"{plain.root}-ingested")), folder / "home")
    if request.param == "local":
        on_spark(home, master="local[2]")
        outcome = headwater(home, "run")
    elif request.param == "standalone":
        with standalone(folder) as master:
            on_spark(home, master=master)
            outcome = headwater(home, "run", "--select", ON_A_CLUSTER)
    else:
        if find_spec("grpc") is None or find_spec("pandas") is None:
            pytest.skip("needs the client of Spark Connect (pip install 'headwater[spark]')")
        with connect_server(folder) as remote:
            on_spark(home, remote=remote)
            outcome = headwater(home, "run", "--select", ON_A_CLUSTER)
    assert outcome.code == 0, outcome.errors
    return home


def rows_of(home: Home, table: str) -> list[tuple[Any, ...]]:
    """All rows of *table*, in a fixed order."""
    workspace = open_workspace(home)
    model = workspace.project.models[table]
    sql = relation_sql(model.types, workspace.files(table, None))
    order = ", ".join(f'"{name}"' for name in model.grain)
    return duckdb.sql(f"SELECT * FROM ({sql}) ORDER BY {order}").fetchall()


def test_every_table_has_the_same_rows(plain, on_cluster):
    project = open_workspace(plain).project
    is_whole = "local[2]" in on_cluster.settings_file.read_text(encoding="utf-8")
    tables = list(project.models) if is_whole else sorted(project.select([ON_A_CLUSTER]))
    filled = 0
    for table in tables:
        expected, found = rows_of(plain, table), rows_of(on_cluster, table)
        assert len(found) == len(expected), table
        filled += bool(expected)
        for one, other in zip(expected, found, strict=True):
            for value, own in zip(one, other, strict=True):
                same = math.isclose(value, own, rel_tol=1e-9) if isinstance(value, float) else value == own
                assert same, (table, one, other)
    assert filled > (50 if is_whole else 5)


def test_nothing_is_stale_for_duckdb_after_a_run_on_spark(on_cluster, tmp_path):
    home = copy_of(on_cluster, tmp_path / "home")
    settings = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(settings.replace("engine: spark", "engine: duckdb"), encoding="utf-8")
    tables = open_workspace(home).project.select([ON_A_CLUSTER])
    assert run(home, tables=frozenset(tables)).did_nothing


def test_nothing_is_stale_for_spark_after_a_run_of_duckdb(plain, tmp_path):
    home = copy_of(plain, tmp_path / "home")
    on_spark(home, master="local[2]")
    assert run(home).did_nothing, "Spark need not even start"


def test_a_failed_check_holds_back_the_day(plain, tmp_path):
    home = copy_of(plain, tmp_path / "home")
    on_spark(home, master="local[2]")
    (home.sql / "mine").mkdir(parents=True)
    (home.sql / "mine" / "doubled.sql").write_text(
        "/* model\ndescription: Days more than once.\ngrain: [dt]\npartition: dt\n"
        "columns: {dt: {type: DATE, description: day}}\n*/\n"
        "SELECT dt FROM core.events WHERE dt BETWEEN $from_dt AND $to_dt\n",
        encoding="utf-8",
    )
    outcome = headwater(home, "run", "--select", "mine.doubled")
    assert outcome.code == 1
    assert "mine_doubled_grain" in outcome.out + "\n".join(outcome.errors)
    assert not rows_of(home, "mine.doubled")


def test_a_cluster_that_does_not_answer_is_one_line(plain, tmp_path):
    home = copy_of(Home(Path(f"{plain.root}-ingested")), tmp_path / "home")
    on_spark(home, master="nowhere")
    outcome = headwater(home, "run")
    assert outcome.code == 1
    (line,) = [line for line in outcome.errors if "engine: spark" in line]
    assert "nowhere" in line
