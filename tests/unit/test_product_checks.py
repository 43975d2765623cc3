"""The checks of the products' tables pass on the models' results, and fail when a model is broken."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given

from pipelines.home.settings import Settings
from pipelines.sqlproject.project import load_project
from tests.sql_models import Row, found_by
from tests.strategies_customers import tried
from tests.strategies_products import ENDS, LAST, SETTINGS, shops

MODELS = [
    "attribution.visitor_ends",
    "products.catalog",
    "products.daily",
    "products.metrics",
    "products.rate_priors",
    "products.axis_values",
    "products.quadrants",
    "products.quadrant_migration",
]
READ = ["core.products", "core.events", "attribution.attributed_events", "core.order_lines", "core.refunds"]
CHECKS = {
    "products_equal_order_lines": "products.daily",
    "product_metrics_equal_days": "products.metrics",
    "quadrants_partition_the_products": "products.quadrants",
    "migrations_lose_no_product": "products.quadrant_migration",
}
DAYS = [LAST - dt.timedelta(days=n) for n in reversed(range(5))]


def found(shop: dict[str, list[Row]], checks: list[str], broken: dict[str, tuple[str, str]]) -> dict[str, int]:
    tables = {name: shop.get(name, []) for name in READ}
    models = MODELS[: 1 + max(MODELS.index(CHECKS[check]) for check in checks)]
    return found_by(checks, models, tables, DAYS, SETTINGS, broken)


def test_they_are_errors_of_their_tables():
    project = load_project(None, Settings())
    shipped = {check.name: check for checks in project.checks.values() for check in checks}
    assert {name: shipped[name].model for name in CHECKS} == CHECKS
    assert {shipped[name].severity for name in CHECKS} == {"error"}


@tried(1)
@given(shops())
def test_they_find_nothing_in_what_the_models_compute(made_up: dict[str, list[Row]]) -> None:
    assert set(found(made_up, list(CHECKS), {}).values()) == {0}


def shop() -> dict[str, list[Row]]:
    """Table → rows of five products on five days.

    All five are sold; four of them also have events, the fifth has none. Some sales are refunded.
    """
    lines: list[Row] = []
    ends: list[Row] = []
    for number, day in enumerate(DAYS):
        for product in range(5):
            sku = "abcde"[product]
            times = (product + 2 * number) % 5
            if product < 4:
                ends += [
                    {"event_id": f"{sku}{number}{kind}{n}", "end_type": kind, "sku": sku, "product_id": sku, "dt": day}
                    for kind, several in zip(ENDS, (3, 2, 1), strict=True)
                    for n in range(several * times)
                ]
            lines += [
                {
                    "order_id": f"{sku}{number}{n}",
                    "line_no": 1,
                    "user_id": "u",
                    "sku": sku,
                    "product_id": sku,
                    "dt": day,
                    "quantity": 2,
                    "revenue": Decimal(10 + product),
                    "cost": Decimal(product) if product else None,
                }
                for n in range(times)
            ]
    return {
        "core.products": [{"sku": sku, "product_id": sku, "category": "c", "launched_on": DAYS[0]} for sku in "abcd"],
        "attribution.attributed_events": ends,
        "core.events": [{"event_id": "v", "event_type": "page_view", "sku": "a", "product_id": "a", "dt": LAST}],
        "core.order_lines": lines,
        "core.refunds": [{**lines[0], "refund_id": "r", "amount": Decimal(3), "dt": LAST}],
    }


def test_they_find_nothing_in_a_sound_shop():
    assert set(found(shop(), list(CHECKS), {}).values()) == {0}


@pytest.mark.parametrize(
    ("check", "model", "part", "instead"),
    [
        ("products_equal_order_lines", "products.daily", "SUM(quantity) AS units", "COUNT(quantity) AS units"),
        ("products_equal_order_lines", "products.daily", "SUM(revenue) AS revenue", "MAX(revenue) AS revenue"),
        ("products_equal_order_lines", "products.daily", "SUM(cost) AS cost", "7 * SUM(cost) AS cost"),
        ("products_equal_order_lines", "products.daily", "cost IS NULL", "revenue IS NULL"),
        ("products_equal_order_lines", "products.daily", "SUM(amount) AS refunded", "-SUM(amount) AS refunded"),
        ("products_equal_order_lines", "attribution.visitor_ends", "end_type = 'exposure'", "end_type = 'click'"),
        ("products_equal_order_lines", "products.daily", "COUNT(*) AS views", "9 * COUNT(*) AS views"),
        ("products_equal_order_lines", "products.daily", "FULL JOIN sales", "LEFT JOIN sales"),
        (
            "product_metrics_equal_days",
            "products.metrics",
            "daily.dt > windows.dt - windows.window_days",
            "daily.dt >= windows.dt - windows.window_days",
        ),
        ("product_metrics_equal_days", "products.metrics", "COALESCE(sums.units, 0)", "COALESCE(sums.order_lines, 0)"),
        (
            "product_metrics_equal_days",
            "products.metrics",
            "COALESCE(sums.exposures, 0)",
            "3 * COALESCE(sums.exposures, 0)",
        ),
        (
            "product_metrics_equal_days",
            "products.metrics",
            "COALESCE(sums.refunded, 0) AS DECIMAL(18, 4)) AS refunded",
            "0 AS DECIMAL(18, 4)) AS refunded",
        ),
        ("product_metrics_equal_days", "products.metrics", "SELECT dt, window_days, product_id FROM sums UNION", ""),
        (
            "quadrants_partition_the_products",
            "products.axis_values",
            "CROSS JOIN wanted",
            "JOIN wanted ON metrics.exposures > 0",
        ),
        (
            "quadrants_partition_the_products",
            "products.quadrants",
            "COALESCE(cells.key, 'unknown')",
            "'star'",
        ),
        (
            "quadrants_partition_the_products",
            "products.quadrants",
            "CASE WHEN sides.x_high THEN '1'",
            "CASE WHEN sides.y_high THEN '1'",
        ),
        ("quadrants_partition_the_products", "products.quadrants", "metrics.revenue,", "0 AS revenue,"),
        ("quadrants_partition_the_products", "products.axis_values", "THEN NOT is_low_high", "THEN is_low_high"),
        ("migrations_lose_no_product", "products.quadrant_migration", "FULL JOIN before", "JOIN before"),
        ("migrations_lose_no_product", "products.quadrant_migration", "matrix_id, product_id)", "matrix_id)"),
        ("migrations_lose_no_product", "products.quadrant_migration", "COUNT(*) AS products", "1 AS products"),
        (
            "migrations_lose_no_product",
            "products.quadrant_migration",
            "GROUP BY dt, window_days, matrix_id, moves",
            "WHERE moves.from_key = 'none' GROUP BY dt, window_days, matrix_id, moves",
        ),
    ],
)
def test_it_finds_what_is_wrong_when_a_model_is_broken(check, model, part, instead):
    assert found(shop(), [check], {model: (part, instead)})[check] > 0
