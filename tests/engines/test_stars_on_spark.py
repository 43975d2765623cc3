"""``SELECT *`` and USING give the same rows on DuckDB and, transpiled, on Spark; skipped without pyspark or Java."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
import sqlglot

pytest.importorskip("pyspark", reason="needs pyspark: pip install 'headwater[spark]'")
if shutil.which("java") is None:
    pytest.skip("needs Java", allow_module_level=True)

pytestmark = pytest.mark.real

STEPS = """
WITH a AS (SELECT t.x, t.k, t.v FROM (VALUES (10, 1, 'a1'), (20, 2, 'a2'), (30, NULL, 'an')) AS t(x, k, v)),
b AS (SELECT t.y, t.k, t.v FROM (VALUES (7, 2, 'a2'), (8, 3, 'b3'), (9, NULL, 'bn')) AS t(y, k, v)),
c AS (SELECT t.k, t.z FROM (VALUES (3, 'c3'), (4, 'c4'), (1, 'c1')) AS t(k, z))
"""
KINDS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
QUERIES = [
    "SELECT * FROM a",
    "SELECT a.*, x + 1 AS more FROM a",
    "SELECT a.* EXCLUDE (x), x + 1 AS x FROM a",
    "SELECT q.*, z FROM (SELECT b.* FROM b WHERE k > 1) AS q LEFT JOIN c USING (k)",
    "SELECT * FROM (SELECT a.x, a.k FROM a) AS q UNION ALL SELECT y AS x, k FROM b",
    "SELECT a.* FROM a SEMI JOIN b USING (k)",
    "SELECT a.* FROM a ANTI JOIN b USING (k)",
    "SELECT k, count(*) AS n FROM a FULL JOIN b USING (k) GROUP BY k",
    "SELECT a.*, row_number() OVER (PARTITION BY k ORDER BY x) AS nth FROM a LEFT JOIN b USING (k) WHERE k < 3",
    *(
        query
        for kind in KINDS
        for query in (
            f"SELECT k, x, y FROM a {kind} b USING (k)",
            f"SELECT k, v, x, y FROM a {kind} b USING (k, v)",
            f"SELECT a.k AS left_k, b.k AS right_k, k, x, y FROM a {kind} b USING (k)",
            f"SELECT a.*, y FROM a {kind} b USING (k)",
            f"SELECT b.*, x FROM a {kind} b USING (k)",
            f"SELECT k, x, y, z FROM a {kind} b USING (k) LEFT JOIN c USING (k)",
            f"SELECT k, x, y, z FROM a {kind} b USING (k) FULL JOIN c USING (k)",
        )
    ),
]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    settings = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1"}
    session = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    yield session
    session.stop()


@pytest.mark.parametrize("query", QUERIES)
def test_both_engines_return_the_same_columns_and_rows(query: str, spark: Any) -> None:
    on_duckdb = duckdb.sql(STEPS + query)
    (text,) = sqlglot.transpile(STEPS + query, read="duckdb", write="spark")
    on_spark = spark.sql(text)
    # The order of columns is not compared, because Spark puts those of USING first, and tables are written by column
    # name.
    assert sorted(on_spark.columns) == sorted(on_duckdb.columns)
    columns = on_duckdb.columns
    rows = [tuple(row[name] for name in columns) for row in on_spark.collect()]
    assert sorted(rows, key=repr) == sorted(on_duckdb.fetchall(), key=repr)
