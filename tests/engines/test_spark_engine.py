"""A home computed on Spark equals one computed by DuckDB, row for row; skipped without pyspark or Java.

Not here: single queries on both engines (``tests.engines.test_touch_tables_on_spark``), checks
(``tests.engines.test_checks_on_spark``), processes that die (``tests.engines.test_spark_faults``).
"""

from __future__ import annotations

import math
import shutil
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import Home
from pipelines.home.settings import load_settings
from pipelines.ingest import ingest
from pipelines.lake.partitions import relation_sql
from pipelines.simulator import SimulationParameters
from tests.processes import copy_of, headwater, made_up_shop
from tests.spark import connect_server, on_duckdb, on_spark, require_spark, standalone
from tests.support import land, run

require_spark()
pytestmark = pytest.mark.real

DAYS = 60
"""Days of the log: enough for customer lifetime values and for migrations between months."""

SAMPLES = Path(__file__).parents[1] / "samples"

SHOP = replace(SimulationParameters(), products=40, experiment_days=10)


def land_more(home: Home) -> None:
    """Land what the simulator lacks: a log without PageIds; an order with two equally new versions and no lines."""
    log = (SAMPLES / "segment" / "events.ndjson").read_text(encoding="utf-8")
    log = log.replace("2026-11-2", "2026-05-1").replace("USD", "CNY")
    folder = home.landing / "segment" / "events"
    folder.mkdir(parents=True)
    (folder / "log.ndjson").write_text(log, encoding="utf-8")
    times = dict.fromkeys(("ordered_at", "paid_at", "updated_at"), "2026-05-19T11:00:00Z")
    for user in ("ann", "bob"):
        land(home, "orders", [{"order_id": "alone", "user_id": user, "status": "paid", **times}], user)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home computed by DuckDB."""
    home = made_up_shop(tmp_path_factory.mktemp("spark") / "duckdb", days=DAYS, devices=60, parameters=SHOP)
    land_more(home)
    ingest(home, load_settings(home))
    shutil.copytree(home.root, f"{home.root}-ingested")
    run(home)
    return home


def ingested(plain: Home, folder: Path) -> Home:
    """A home in *folder* with the same log, not computed yet."""
    return copy_of(Home(Path(f"{plain.root}-ingested")), folder)


@pytest.fixture(scope="module", params=["local", "standalone", "connect"])
def on_cluster(request: pytest.FixtureRequest, plain: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The same log, computed on Spark by ``headwater run``. The path is one that Spark would read as a pattern."""
    folder = tmp_path_factory.mktemp(request.param)
    home = ingested(plain, folder / "shop [1] {a,b} *")
    with ExitStack() as stack:
        if request.param == "local":
            on_spark(home, master="local[2]")
        elif request.param == "standalone":
            on_spark(home, master=stack.enter_context(standalone(folder)).master)
        else:
            on_spark(home, remote=stack.enter_context(connect_server(folder)))
        outcome = headwater(home, "run")
    assert outcome.code == 0, outcome.errors
    return home


def rows_of(home: Home, table: str) -> list[tuple[Any, ...]]:
    """All rows of *table*, in a fixed order."""
    workspace = open_workspace(home)
    model = workspace.project.models[table]
    sql = relation_sql(model.types, workspace.files(table, None))
    order = ", ".join(f'"{name}"' for name in model.grain)
    return duckdb.sql(f"SELECT * FROM ({sql}) ORDER BY {order}").fetchall()


def is_same(value: Any, other: Any) -> bool:
    """Whether two values are equal; doubles with a relative tolerance of 1e-9, or near 0 an absolute one of 1e-12."""
    if isinstance(value, float) and isinstance(other, float):
        return math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-12)
    return bool(value == other)


def stored_types(home: Home, table: str) -> set[tuple[str, ...]]:
    """The distinct lists of columns and types that the files of *table* have; one list if all files agree."""
    found = set()
    for path in open_workspace(home).files(table, None):
        columns = duckdb.execute("DESCRIBE FROM read_parquet(?, hive_partitioning = false)", [str(path)]).fetchall()
        found.add(tuple(f"{name} {kind}" for name, kind, *_ in columns))
    return found


def test_every_table_has_the_same_rows(plain, on_cluster):
    tables = open_workspace(plain).project.models
    empty = []
    for table in tables:
        expected, found = rows_of(plain, table), rows_of(on_cluster, table)
        assert len(found) == len(expected), table
        assert stored_types(on_cluster, table) == stored_types(plain, table), table
        if not expected:
            empty.append(table)
        for one, other in zip(expected, found, strict=True):
            assert all(map(is_same, one, other)), (table, one, other)
    assert not empty


def test_nothing_is_stale_for_duckdb_after_a_run_on_spark(on_cluster, tmp_path):
    assert run(on_duckdb(copy_of(on_cluster, tmp_path / "home"))).did_nothing


def test_nothing_is_stale_for_spark_after_a_run_of_duckdb(plain, tmp_path):
    home = on_spark(copy_of(plain, tmp_path / "home"), master="local[2]")
    assert run(home).did_nothing, "Spark need not even start"


@pytest.mark.parametrize(
    ("days", "fault"),
    [
        ("SELECT dt FROM core.events WHERE dt BETWEEN $from_dt AND $to_dt", "mine_doubled_grain"),
        ("SELECT CAST(NULL AS DATE) AS dt FROM core.events WHERE dt BETWEEN $from_dt AND $to_dt", "dt NULL"),
        (
            "SELECT dt + 1 AS dt FROM core.events WHERE dt BETWEEN $from_dt AND $to_dt GROUP BY dt",
            "outside the computed days",
        ),
    ],
    ids=["twice", "without", "of another day"],
)
def test_a_day_with_wrong_rows_is_not_published(days, fault, plain, tmp_path):
    home = on_spark(copy_of(plain, tmp_path / "home"), master="local[2]")
    (home.sql / "mine").mkdir(parents=True)
    (home.sql / "mine" / "doubled.sql").write_text(
        "/* model\ndescription: Days more than once.\ngrain: [dt]\npartition: dt\n"
        f"columns: {{dt: {{type: DATE, description: day}}}}\n*/\n{days}\n",
        encoding="utf-8",
    )
    outcome = headwater(home, "run", "--select", "mine.doubled")
    assert outcome.code == 1
    assert fault in outcome.out + "\n".join(outcome.errors)
    assert "Traceback" not in "\n".join(outcome.errors)
    assert not rows_of(home, "mine.doubled")


def test_a_cluster_that_does_not_answer_is_one_line(plain, tmp_path):
    home = on_spark(ingested(plain, tmp_path / "home"), master="nowhere")
    outcome = headwater(home, "run")
    assert outcome.code == 1
    (line,) = [line for line in outcome.errors if "engine: spark" in line]
    assert "nowhere" in line
