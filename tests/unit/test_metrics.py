"""Metrics: each is defined once, in one file, and the SQL of pages and models uses that definition."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlglot

from dashboards.metrics import tone
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import REPOSITORY
from pipelines.sqlproject.lint_rules.metrics import MetricFormula
from pipelines.sqlproject.linter import lint
from pipelines.sqlproject.metric_sql import expanded, formula_over, select
from pipelines.sqlproject.metrics import load_metrics

DAY = dt.date(2026, 5, 1)
ONE = """
sales:
  name: {zh: 销售额, en: Sales}
  unit: money
  direction: higher
  from: core.order_lines
  formula: SUM(revenue)
  definition: {zh: 和, en: Sum}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "metrics.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def with_formula(name: str, formula: str, key: str = "value") -> str:
    return f"""
{key}:
  name: {{zh: {name}, en: {name}}}
  unit: ratio
  direction: none
  formula: {formula}
  definition: {{zh: 比, en: Ratio}}
"""


@pytest.fixture
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database: three order lines of two platforms, one without user and cost; visitors of three platforms."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA core")
        connection.execute(
            """CREATE TABLE core.order_lines AS SELECT * FROM (VALUES
                (DATE '2026-05-01', 'ios', 'o1', 'ann', 1, 10.00, 10.00, 4.00),
                (DATE '2026-05-01', 'ios', 'o1', 'ann', 2, 20.00, 15.00, NULL),
                (DATE '2026-05-01', 'web', 'o2', NULL, 1, 5.00, 5.00, 1.00)
            ) AS lines(dt, platform, order_id, user_id, quantity, revenue, net_revenue, margin)"""
        )
        connection.execute(
            """CREATE TABLE core.visitors AS SELECT * FROM (VALUES
                (DATE '2026-05-01', 'ios', 'ann'), (DATE '2026-05-01', 'ios', 'bob'), (DATE '2026-05-01', 'pad', 'eve')
            ) AS seen(dt, platform, person_id)"""
        )
        yield connection


def rows(shop: duckdb.DuckDBPyConnection, tree: sqlglot.exp.Query, **values: object) -> list[dict[str, object]]:
    cursor = shop.execute(tree.sql(dialect="duckdb"), values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_a_ratio_is_made_of_sums_and_zero_below_gives_null(shop):
    names = ("revenue", "visitors", "visitor_conversion_rate", "revenue_per_buyer", "margin_rate")
    found = rows(shop, select(names, ("platform",), "dt = $day").order_by("platform"), day=DAY)
    assert [tuple(row.values()) for row in found] == [
        ("ios", 30, 2, 0.5, 30.0, 0.4),
        ("pad", 0, 1, 0.0, None, None),
        ("web", 5, 0, None, None, 0.2),
    ]


def test_all_together_is_no_mean_of_the_parts(shop):
    (found,) = rows(shop, select(("visitor_conversion_rate", "average_order_value", "units_per_order")))
    assert found == {"visitor_conversion_rate": 1 / 3, "average_order_value": 17.5, "units_per_order": 2.0}


def test_no_rows_are_no_sales_not_unknown_ones(shop):
    (found,) = rows(
        shop, select(("revenue", "margin", "buyers", "revenue_per_visitor"), where="dt = $day"), day=DAY.max
    )
    assert found == {"revenue": 0, "margin": 0, "buyers": 0, "revenue_per_visitor": None}


def test_a_query_gets_the_formulas_of_the_metrics_it_names():
    tree = sqlglot.parse_one(
        "SELECT dt, METRICS(orders, click_through_rate), METRICS(revenue) AS sold FROM t.x", read="duckdb"
    )
    assert expanded(tree).sql("duckdb") == (
        "SELECT dt, COUNT(DISTINCT order_id) AS orders, CAST(CAST(SUM(product_clicks) AS BIGINT) AS DOUBLE) / "
        "NULLIF(CAST(SUM(exposures) AS BIGINT), 0) AS click_through_rate, SUM(revenue) AS sold FROM t.x"
    )
    assert formula_over("orders", "attribution.entrance_daily").sql("duckdb") == "CAST(SUM(orders) AS BIGINT)"
    with pytest.raises(HeadwaterError, match="METRICS"):
        expanded(sqlglot.parse_one("SELECT 1 FROM t.x WHERE METRICS(revenue) > 0", read="duckdb"))


def test_an_unknown_metric_is_named_with_the_nearest():
    with pytest.raises(HeadwaterError, match=r"'revenues'.*did you mean 'revenue'"):
        select(("revenues",))
    with pytest.raises(HeadwaterError, match="cannot compute 'list_price'"):
        select(("list_price",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ONE.replace("money", "yen"), "'sales.unit' is 'yen'"),
        (ONE.replace("higher", "up"), "'sales.direction' is 'up'"),
        (ONE.replace("  formula: SUM(revenue)\n", ""), "add 'formula'"),
        (ONE.replace("SUM(revenue)", "SUM(revenue"), "'sales.formula' is 'SUM\\(revenue': not valid SQL"),
        (ONE.replace("SUM(revenue)", "SUM(revenue), 1"), "expected one expression"),
        (ONE.replace("SUM(revenue)", "SUM(revenue) FROM core.orders"), "expected one expression"),
        (ONE.replace("en: Sum", "fr: Somme"), "unknown key 'sales.definition.fr'|definition"),
        (
            ONE + with_formula("Rate", "sale / orders"),
            "'value.formula' names 'sale', which is not a metric.*; did you mean 'sales'",
        ),
        (ONE + with_formula("Rate", "SUM(refunded) / SUM(revenue)"), "'value.formula' aggregates columns"),
        (ONE + with_formula("A", "b / sales", "a") + with_formula("B", "a / sales", "b"), "on itself: a → b → a"),
        (ONE + with_formula("Sales", "sales / 2"), "'sales' and 'value' have the same name 'Sales'"),
    ],
)
def test_a_file_that_says_nonsense_is_refused(tmp_path, text, said):
    with pytest.raises(HeadwaterError, match=said):
        load_metrics(written(tmp_path, text))


def test_a_metric_that_is_another_may_share_its_name(tmp_path):
    text = ONE + with_formula("销售额", "sales").replace("en: 销售额", "en: Sales")
    assert set(load_metrics(written(tmp_path, text))) == {"sales", "value"}


def test_a_column_of_another_name_is_checked_too():
    tree = sqlglot.parse_one(
        "SELECT CAST(own.clicks AS DOUBLE) / NULLIF(own.exposures, 0) AS click_through_rate FROM own", read="duckdb"
    )
    alias = tree.expressions[0]
    assert MetricFormula().offends(alias)
    assert not MetricFormula("attribution.module_daily").offends(alias)
    assert [finding.rule for finding in lint(tree, {}, table="core.x")][:1] == ["metric-formula"]


@pytest.mark.parametrize(
    ("metric", "change", "said"),
    [
        ("revenue", "+3%", "better"),
        ("revenue", "▼ −3%", "worse"),
        ("refunded", "▲ +3%", "worse"),
        ("late_rate", "−1", "better"),
        ("events", "+3%", None),
        ("revenue", "–", None),
        ("my_metric", "+3%", None),
    ],
)
def test_which_way_is_better_is_the_metrics_own(metric, change, said):
    assert tone(metric, change) == said


def test_the_guide_in_chinese_calls_metrics_by_their_names():
    guide = (REPOSITORY / "docs" / "zh" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| 「(.+?)」 \|.*\| `(\w+)` \|$", guide, re.MULTILINE)
    metrics = load_metrics()
    assert [(name, key) for name, key in rows if key in metrics and metrics[key].names["zh"] != name] == []
    assert sum(key in metrics for _, key in rows) > 20
