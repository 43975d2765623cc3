"""Checks find the same rows on Spark as on DuckDB, in sound and in damaged tables.

Here: every check, on the tables of its cases in ``tests/models/checks``; the grain check of every model.
Not here: which rows are right (``tests.unit.test_model_cases``).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.compute.checks import grain_query
from pipelines.compute.inputs import Inputs
from pipelines.compute.spark import Spark, spark_of
from pipelines.compute.workspace import create_table, open_workspace
from pipelines.home.folder import init_home
from pipelines.home.settings import Settings
from pipelines.lake.duck import identifier, literal
from pipelines.lake.partitions import DaySpan
from tests.case_tables import found_by, session_of_cases
from tests.cases import FOLDER, Case, read_cases, shipped_project
from tests.spark import OPTIONS, require_spark
from tests.sql_models import checks_of, project_with

require_spark()
pytestmark = pytest.mark.real

CASES = [case for case in read_cases(FOLDER) if case.path.parent.name == "checks"]
PROJECT = shipped_project()
VALUES = {"DATE": dt.date(2026, 11, 10), "TIMESTAMP": dt.datetime(2026, 11, 10, 9), "BOOLEAN": True, "VARCHAR": "a"}


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    """Spark in this process, without the tables of a home."""
    folder = tmp_path_factory.mktemp("checks")
    workspace = open_workspace(init_home(folder / "home")[0])
    settings = Settings.model_validate({"spark": {"master": "local[1]", "options": OPTIONS}})
    session = spark_of(settings, "spark")
    assert session is not None
    with duckdb.connect() as connection:
        yield Spark(workspace, session, connection, Inputs(workspace, connection).verifier, folder)


def show(spark: Spark, connection: duckdb.DuckDBPyConnection, table: str, folder: Path) -> None:
    """Make *table* of a DuckDB session readable in Spark, through a Parquet file in *folder*."""
    path = folder / f"{table}.parquet"
    connection.execute(f"COPY {identifier(table)} TO {literal(str(path))} (FORMAT parquet)")
    spark.show(table, [path])


def found_on_spark(spark: Spark, query: str) -> list[dict[str, Any]]:
    names, rows = spark.rows(query)
    return [dict(zip(names, row, strict=True)) for row in rows]


def assert_same(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    assert sorted(map(repr, one)) == sorted(map(repr, other))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.subject}: {case.name}")
def test_a_check_finds_the_same_rows(case: Case, spark: Spark, tmp_path: Path) -> None:
    expected, _ = found_by(case)
    check, project = checks_of(PROJECT)[case.subject], project_with(Settings.model_validate(case.settings))
    for read in project.reads[case.subject]:
        show(spark, session_of_cases(), read.table, tmp_path)
    is_partitioned = project.models[check.model].is_partitioned
    query = project.sql(check, DaySpan(case.days[0], case.days[-1]) if is_partitioned else None)
    assert_same(found_on_spark(spark, query), expected)


def test_the_cases_damage_the_tables_of_every_check() -> None:
    failing = Counter(case.subject for case in CASES if case.expect)
    assert set(failing) == set(checks_of(PROJECT))


@pytest.mark.parametrize("table", PROJECT.models)
def test_rows_that_are_twice_or_have_no_key_are_found(table: str, spark: Spark, tmp_path: Path) -> None:
    model = PROJECT.models[table]
    row = {name: VALUES.get(kind, 1) for name, kind in model.types.items()}
    without_key = {**row, model.grain[-1]: None}
    with duckdb.connect() as connection:
        create_table(connection, table, model.types, [tuple(one.values()) for one in (row, row, without_key)])
        show(spark, connection, table, tmp_path)
        query = grain_query(model)
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description or ()]
        expected = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    assert len(expected) == 2
    assert_same(found_on_spark(spark, query), expected)
