"""The tables of the touch models have the same rows on DuckDB and, transpiled, on Spark; skipped without both engines.

Not here: which rows are right (``tests.unit.test_touch_sql``), and Python steps, which run outside both engines.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlglot import exp

from pipelines.home.settings import Settings
from pipelines.lake.partitions import DaySpan
from tests.reference_core import paid_orders
from tests.sql_models import Row, computed, project_with
from tests.strategies_paths import TOUCH_TABLES
from tests.support import KEYS, assert_same_rows

pytest.importorskip("pyspark", reason="needs pyspark: pip install 'headwater[spark]'")
if shutil.which("java") is None:
    pytest.skip("needs Java", allow_module_level=True)

pytestmark = pytest.mark.real

DAYS = [dt.date(2026, 3, day) for day in range(1, 7)]
SETTINGS = {
    "plain": Settings.model_validate({"timezone": "UTC", "touch": {"window_days": 2, "effects_days": 4}}),
    "transformed": Settings.model_validate(
        {
            "timezone": "UTC",
            "touch": {
                "window_days": 3,
                "effects_days": 2,
                "markov_order": 2,
                "transform": [{"remove_if_not_all": ["feed"]}, {"remove_if_last_and_not_all": ["direct"]}, "frequency"],
            },
        }
    ),
}
ON_SPARK = [name for name in TOUCH_TABLES if name != "attribution.removal_effects"]


def given() -> dict[str, list[Row]]:
    """Touches of two types of three persons around three orders, one of three lines; one cost is unknown."""
    visits = [
        ("ann", "direct", 1, 9), ("ann", "feed", 1, 10), ("ann", "search", 2, 9), ("ann", "search", 2, 10),
        ("ann", "direct", 3, 9), ("ann", "feed", 4, 9), ("bob", "search", 2, 12), ("bob", "direct", 3, 12),
        ("bob", "search", 6, 12), ("device:d", "feed", 2, 1), ("device:d", "feed", 5, 1), ("bob", "direct", 6, 13),
    ]  # fmt: skip
    touches = [
        {
            "person_id": person,
            "touch_event_id": f"e{number}",
            "touchpoint_type": touchpoint_type,
            "touchpoint": touchpoint,
            "campaign": "spring" if number % 3 else None,
            "occurred_at": dt.datetime(2026, 3, day, hour),
            "dt": dt.date(2026, 3, day),
        }
        for number, (person, touchpoint, day, hour) in enumerate(visits)
        for touchpoint_type in ("entrance", "channel")
    ]
    orders = [("o1", "ann", 2, 3), ("o2", "bob", 3, 1), ("o3", "ann", 4, 1), ("o4", None, 4, 1)]
    lines = [
        {
            "order_id": order_id,
            "line_no": line_no,
            "user_id": user,
            "ordered_at": dt.datetime(2026, 3, day, 20),
            "paid_at": dt.datetime(2026, 3, day, 20, 1),
            "revenue": Decimal("99.9999") * line_no,
            "net_revenue": Decimal("33.3333"),
            "dt": dt.date(2026, 3, day),
        }
        for order_id, user, day, count in orders
        for line_no in range(1, count + 1)
    ]
    costs = [("search", 2, Decimal("12.5")), ("feed", 2, None), ("email", 4, Decimal("0.3333"))]
    return {
        "attribution.touches": touches,
        "core.order_lines": lines,
        "core.paid_orders": paid_orders(lines),
        "core.first_orders": [{"user_id": "ann", "order_id": "o1", "dt": dt.date(2026, 3, 2)}],
        "core.spend": [
            {"channel": channel, "campaign": "spring > sale", "cost": cost, "dt": dt.date(2026, 3, day)}
            for channel, day, cost in costs
        ],
    }


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
    }
    session = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="module", params=SETTINGS)
def on_duckdb(request: pytest.FixtureRequest) -> tuple[Settings, dict[str, list[Row]]]:
    settings = SETTINGS[request.param]
    return settings, computed(TOUCH_TABLES, given(), DAYS, settings)


@pytest.mark.parametrize("name", ON_SPARK)
def test_both_engines_compute_the_same_rows(
    name: str, on_duckdb: tuple[Settings, dict[str, list[Row]]], spark: Any
) -> None:
    settings, found = on_duckdb
    project = project_with(settings)
    model = project.models[name]
    days = DAYS[-1:] if model.as_of else DAYS
    query = project.bind(model, DaySpan(days[0], days[-1]) if model.is_partitioned else None).copy()
    for table in {table.name: table for table in query.find_all(exp.Table) if table.db}.values():
        relation = f"{table.db}.{table.name}"
        show(spark, relation, {**given(), **found}[relation], project.relation(relation))
    for table in query.find_all(exp.Table):
        if table.db:
            table.replace(exp.to_table(view_of(f"{table.db}.{table.name}"), alias=table.alias or table.name))
    result = spark.sql(query.sql(dialect="spark"))
    rows = [row.asDict() for row in result.collect()]
    expected = [row for row in found[name] if not model.as_of or row["dt"] in days]
    assert expected
    assert_same_rows(rows, expected, KEYS.get(name, ("model", "touchpoint_type")), name)


def view_of(relation: str) -> str:
    return relation.replace(".", "_")


def show(spark: Any, relation: str, rows: Iterable[Row], types: dict[str, str]) -> None:
    """Give Spark the *rows* of a table, as a view whose name has no schema."""
    names = {"VARCHAR": "string", "BIGINT": "bigint", "INTEGER": "int", "BOOLEAN": "boolean"}
    schema = ", ".join(f"`{name}` {names.get(kind, kind.lower())}" for name, kind in types.items())
    values = [tuple(row.get(name) for name in types) for row in rows]
    spark.createDataFrame(values, schema).createOrReplaceTempView(view_of(relation))
