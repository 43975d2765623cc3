"""The checks of the customers' tables pass on the models' results, and fail when a model is broken."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given

from pipelines.home.settings import Settings
from pipelines.sqlproject.project import load_project
from tests.reference_customers import Row, Sales
from tests.sql_models import found_by
from tests.strategies_customers import LAST_DAY, sales, tried

SETTINGS = Settings.model_validate({"rfm": {"window_days": 30}})
RFM = ["customers.rfm_values", "customers.rfm_thresholds", "customers.rfm", "customers.rfm_daily"]
CHECKS = {
    "customers_equal_order_lines": "customers.rfm",
    "customers_have_an_octant_and_a_segment": "customers.rfm",
    "octants_and_segments_equal_customers": "customers.rfm_daily",
    "scores_go_by_the_value": "customers.rfm",
}


def found(made_up: Sales, checks: list[str], broken: dict[str, tuple[str, str]]) -> dict[str, int]:
    tables = {"core.order_lines": made_up.lines, "core.refunds": made_up.refunds}
    models = RFM[: 1 + max(RFM.index(CHECKS[check]) for check in checks)]
    return found_by(checks, models, tables, [LAST_DAY], SETTINGS, broken)


def test_they_are_errors_of_their_tables():
    project = load_project(None, SETTINGS)
    shipped = {check.name: check for checks in project.checks.values() for check in checks}
    assert {name: shipped[name].model for name in CHECKS} == CHECKS
    assert {shipped[name].severity for name in CHECKS} == {"error"}


@tried(1)
@given(sales())
def test_they_find_nothing_in_what_the_models_compute(made_up: Sales) -> None:
    assert set(found(made_up, list(CHECKS), {}).values()) == {0}


def shop() -> Sales:
    """Lines of six customers, some with equal values; some refunds, an order without a user, one before the window."""
    lines: list[Row] = []
    for order in range(30):
        user = order**2 % 11
        day = LAST_DAY - dt.timedelta(days=(user // 2) * 3 + order // 10 + (40 if order == 9 else 0))
        key = {
            "order_id": f"o{order}",
            "user_id": f"u{user}" if order < 29 else None,
            "sku": "s",
            "product_id": "s",
            "dt": day,
        }
        lines += [{**key, "line_no": n, "revenue": Decimal(10 + user // 3 * n)} for n in (1, 2)]
    refunds = [
        {**line, "refund_id": f"r{n}", "amount": Decimal(4), "dt": LAST_DAY - dt.timedelta(days=1)}
        for n, line in enumerate([*lines[::7], lines[19]])
    ]
    return Sales(lines, refunds)


def test_they_find_nothing_in_a_sound_shop():
    assert set(found(shop(), list(CHECKS), {}).values()) == {0}


@pytest.mark.parametrize(
    ("check", "model", "part", "instead"),
    [
        # This breaks the model, because NTILE gives customers with equal values different scores.
        (
            "scores_go_by_the_value",
            "customers.rfm",
            "r_scores.r_score,",
            "NTILE(5) OVER (ORDER BY customers.recency_days DESC) AS r_score,",
        ),
        ("scores_go_by_the_value", "customers.rfm", "(ORDER BY recency_days DESC)", "(ORDER BY recency_days)"),
        ("scores_go_by_the_value", "customers.rfm", "(ORDER BY monetary)", "(ORDER BY ABS(monetary - 100))"),
        ("scores_go_by_the_value", "customers.rfm", "f_scores.f_score,", "f_scores.f_score - 3 AS f_score,"),
        ("scores_go_by_the_value", "customers.rfm", "f_scores.f_score,", "NULLIF(f_scores.f_score, 5) AS f_score,"),
        ("customers_have_an_octant_and_a_segment", "customers.rfm", "octants.key AS octant", "'vip' AS octant"),
        ("customers_have_an_octant_and_a_segment", "customers.rfm", "octants.key AS octant", "NULL AS octant"),
        (
            "customers_have_an_octant_and_a_segment",
            "customers.rfm",
            "octants.code = scored.octant_code",
            "octants.code = REVERSE(scored.octant_code)",
        ),
        (
            "customers_have_an_octant_and_a_segment",
            "customers.rfm",
            "config.segment_scores USING (r_score, f_score, m_score)",
            "(SELECT r_score, f_score, m_score + 1 AS m_score, segment FROM config.segment_scores) AS segment_scores "
            "USING (r_score, f_score, m_score)",
        ),
        (
            "customers_have_an_octant_and_a_segment",
            "customers.rfm",
            "CASE WHEN f_scores.f_high THEN '1'",
            "CASE WHEN m_scores.m_high THEN '1'",
        ),
        (
            "octants_and_segments_equal_customers",
            "customers.rfm_daily",
            "UNION ALL SELECT 'segment' AS kind, segment AS key FROM config.segments",
            "",
        ),
        (
            "octants_and_segments_equal_customers",
            "customers.rfm_daily",
            "USING (kind, key)",
            "USING (kind, key) CROSS JOIN (VALUES (1), (2)) AS twice (n)",
        ),
        (
            "octants_and_segments_equal_customers",
            "customers.rfm_daily",
            "SUM(orders) AS orders",
            "MAX(orders) AS orders",
        ),
        (
            "octants_and_segments_equal_customers",
            "customers.rfm_daily",
            "SUM(net_revenue) AS net_revenue, AVG",
            "SUM(net_revenue) FILTER (WHERE net_revenue > 100) AS net_revenue, AVG",
        ),
        ("customers_equal_order_lines", "customers.rfm_values", "-amount AS net_revenue", "0 AS net_revenue"),
        ("customers_equal_order_lines", "customers.rfm_values", "-amount AS net_revenue", "-2 * amount AS net_revenue"),
        ("customers_equal_order_lines", "customers.rfm_values", "HAVING NOT MAX(dt) IS NULL", ""),
        (
            "customers_equal_order_lines",
            "customers.rfm_values",
            "SUM(net_revenue) AS net_revenue",
            "MAX(net_revenue) AS net_revenue",
        ),
        ("customers_equal_order_lines", "customers.rfm_values", "2026-03-02", "2026-03-22"),
        (
            "customers_equal_order_lines",
            "customers.rfm",
            "INNER JOIN m_scores USING (monetary)",
            "INNER JOIN m_scores ON m_scores.monetary <= customers.monetary",
        ),
    ],
)
def test_it_finds_what_is_wrong_when_a_model_is_broken(check, model, part, instead):
    assert found(shop(), [check], {model: (part, instead)})[check] > 0
