"""A home computed on Spark equals one computed by DuckDB, row for row; skipped without pyspark or Java.

Not here: single queries on both engines (``tests.engines.test_touch_tables_on_spark``).
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.compute.spark import _session
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import Home
from pipelines.home.settings import load_settings
from pipelines.ingest import ingest
from pipelines.lake.partitions import relation_sql
from tests.processes import copy_of, made_up_shop
from tests.support import run

pytest.importorskip("pyspark", reason="needs pyspark (pip install 'headwater[spark]')")
if shutil.which("java") is None:
    pytest.skip("needs Java", allow_module_level=True)

pytestmark = pytest.mark.real

OPTIONS = "{spark.sql.shuffle.partitions: 2, spark.default.parallelism: 2, spark.sql.adaptive.enabled: false}"


def on_spark(home: Home) -> None:
    """Let runs of *home* compute on Spark, with two threads of this machine."""
    settings = home.settings_file.read_text(encoding="utf-8")
    settings = settings.replace("engine: duckdb", "engine: spark").replace("local[*]   ", "local[2]   ")
    home.settings_file.write_text(settings.replace("options: {}", f"options: {OPTIONS}"), encoding="utf-8")


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Home]]:
    """The same ingested log, computed by DuckDB and on Spark."""
    folder = tmp_path_factory.mktemp("spark")
    plain = made_up_shop(folder / "duckdb", days=3, devices=60)
    ingest(plain, load_settings(plain))
    spark = copy_of(plain, folder / "spark")
    on_spark(spark)
    run(plain)
    run(spark)
    yield plain, spark
    _session.cache_clear()


def rows_of(home: Home, table: str) -> list[tuple[Any, ...]]:
    """All rows of *table*, in a fixed order."""
    workspace = open_workspace(home)
    model = workspace.project.models[table]
    sql = relation_sql(model.types, workspace.files(table, None))
    order = ", ".join(f'"{name}"' for name in model.grain)
    return duckdb.sql(f"SELECT * FROM ({sql}) ORDER BY {order}").fetchall()


def test_every_table_has_the_same_rows(homes):
    plain, spark = homes
    filled = 0
    for table in open_workspace(plain).project.models:
        expected, found = rows_of(plain, table), rows_of(spark, table)
        assert len(found) == len(expected), table
        filled += bool(expected)
        for one, other in zip(expected, found, strict=True):
            for value, own in zip(one, other, strict=True):
                same = math.isclose(value, own, rel_tol=1e-9) if isinstance(value, float) else value == own
                assert same, (table, one, other)
    assert filled > 50


def test_what_one_engine_computed_is_up_to_date_for_the_other(homes):
    for home in homes:
        other = copy_of(home, Path(f"{home.root}-other"))
        settings = other.settings_file.read_text(encoding="utf-8")
        turned = {"engine: spark": "engine: duckdb", "engine: duckdb": "engine: spark"}
        was = next(name for name in turned if name in settings)
        other.settings_file.write_text(settings.replace(was, turned[was], 1), encoding="utf-8")
        assert run(other).did_nothing


def test_a_failed_check_holds_back_the_day(homes, tmp_path):
    home = copy_of(homes[1], tmp_path / "home")
    own = home.sql / "mine"
    own.mkdir(parents=True)
    (own / "doubled.sql").write_text(
        "/* model\ndescription: Each day twice.\ngrain: [dt]\npartition: dt\n"
        "columns: {dt: {type: DATE, description: day}}\n*/\n"
        "SELECT dt FROM core.paid_orders WHERE dt BETWEEN $from_dt AND $to_dt\n",
        encoding="utf-8",
    )
    from pipelines.compute.run import Request, run_home

    summary = run_home(home, Request(tables=frozenset({"mine.doubled"})))
    assert summary.blocked["mine.doubled"]
    assert summary.failed_checks["mine_doubled_grain"].rows >= 1
    assert not rows_of(home, "mine.doubled")
