"""products.daily and products.metrics on made-up events and sales equal sums in plain loops, for each window."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from pipelines.home.settings import Settings
from tests.reference_products import catalogue
from tests.sql_models import Row, computed
from tests.strategies_customers import tried
from tests.strategies_products import ENDS, LAST, MODELS, REPURCHASE, SETTINGS, WINDOWS, shops


def metrics(
    tables: dict[str, list[Row]], day: dt.date = LAST, settings: Settings = SETTINGS
) -> dict[tuple[int, str], Row]:
    """(window, product) → row of products.metrics on *day*; earlier days are computed too, because *day* reads them."""
    days = [day - dt.timedelta(days=n) for n in range(12)]
    given_tables = {
        name: tables.get(name, [])
        for name in (
            "core.products",
            "core.events",
            "attribution.attributed_events",
            "core.order_lines",
            "core.refunds",
        )
    }
    rows = computed(MODELS, given_tables, days, settings)["products.metrics"]
    return {(row["window_days"], row["product_id"]): row for row in rows if row["dt"] == day}


def restated(shop: dict[str, list[Row]], window: int) -> dict[str, Row]:
    """Product → metrics of the *window* days up to the last day, computed in plain loops."""

    def within(table: str, days: int, until: int = 0) -> list[Row]:
        return [row for row in shop[table] if until <= (LAST - row["dt"]).days < until + days]

    catalog = catalogue(shop["core.products"])
    views = [row for row in within("core.events", window) if row["event_type"] in ("page_view", "product_view")]
    ends, lines = within("attribution.attributed_events", window), within("core.order_lines", window)
    refunds = within("core.refunds", window)
    products = {row["product_id"] for row in (*views, *ends, *lines, *refunds)}
    products |= {key for key, row in catalog.items() if row["launched_on"] and row["launched_on"] <= LAST}
    found: dict[str, Row] = {}
    for product in products:
        own = [row for row in lines if row["product_id"] == product]
        revenue = sum((row["revenue"] for row in own), Decimal())
        refunded = sum((row["amount"] for row in refunds if row["product_id"] == product), Decimal())
        without_cost = sum(row["cost"] is None for row in own)
        cost = None if without_cost else sum((row["cost"] for row in own), Decimal())
        before = [row for row in within("core.order_lines", window, window) if row["product_id"] == product]
        shown = [row["end_type"] for row in ends if row["product_id"] == product]
        found[product] = {
            **{name: shown.count(kind) for kind, name in ENDS.items()},
            "category": catalog[product]["category"] if product in catalog else "(none)",
            "views": sum(row["product_id"] == product for row in views),
            "buyers": len({row["user_id"] for row in own} - {None}),
            "orders": len({row["order_id"] for row in own}),
            "order_lines": len(own),
            "units": 2 * len(own),
            "revenue": revenue,
            "refunded": refunded,
            "net_revenue": revenue - refunded,
            "cost": cost,
            "lines_without_cost": without_cost,
            "margin": None if cost is None else revenue - refunded - cost,
            "previous_revenue": sum((row["revenue"] for row in before), Decimal()),
            **_repurchases(shop, product, window),
        }
    return found


def _repurchases(shop: dict[str, list[Row]], product: str, window: int) -> Row:
    base = again = 0
    for user in ("u", "v"):
        bought = sorted(
            {
                (LAST - row["dt"]).days
                for row in shop["core.order_lines"]
                if (row["product_id"], row["user_id"]) == (product, user)
            },
            reverse=True,
        )
        first = next((ago for ago in bought if REPURCHASE <= ago < REPURCHASE + window), None)
        if first is not None:
            base += 1
            again += any(first - REPURCHASE <= ago < first for ago in bought)
    return {"repurchase_base": base, "repurchasers": again}


@tried(2)
@given(shops())
def test_every_figure_equals_its_plain_sum(shop: dict[str, list[Row]]) -> None:
    found = metrics(shop)
    for window in WINDOWS:
        expected = restated(shop, window)
        assert {product for days, product in found if days == window} == expected.keys()
        for product, figures in expected.items():
            row = found[window, product]
            assert {name: row[name] for name in figures} == figures, (window, product)
            _assert_ratios(row, [other for key, other in expected.items() if key != product])


def _assert_ratios(row: Row, others: list[Row]) -> None:
    """Assert that each ratio equals dividend / divisor, or is null if the divisor is missing or not positive."""

    def ratio(part: Any, whole: Any) -> Any:
        return None if part is None or whole is None or whole <= 0 else pytest.approx(float(part) / float(whole))

    assert row["margin_rate"] == ratio(row["margin"], row["net_revenue"])
    assert row["click_through_rate"] == ratio(row["product_clicks"], row["exposures"])
    assert row["conversion_rate"] == ratio(row["order_lines"], row["product_clicks"])
    assert row["repurchase_rate"] == ratio(row["repurchasers"], row["repurchase_base"])
    growth = ratio(row["revenue"] - row["previous_revenue"], row["previous_revenue"])
    assert row["growth_rate"] == growth
    rivals = [other["revenue"] for other in others if other["category"] == row["category"]]
    assert row["relative_share"] == ratio(row["revenue"], max(rivals, default=None))
    assert row["days_since_launch"] is None or row["days_since_launch"] >= 0


def test_a_window_not_filled_by_records_is_no_base_of_growth():
    sales = [
        {
            "order_id": f"o{n}",
            "line_no": 1,
            "sku": "s",
            "product_id": "s",
            "quantity": 1,
            "revenue": Decimal(10),
            "dt": LAST - dt.timedelta(n),
        }
        for n in range(6)
    ]
    whole = SETTINGS.model_copy(update={"start_date": LAST - dt.timedelta(days=5)})
    found = metrics({"core.order_lines": sales}, settings=whole)
    assert {window: found[window, "s"]["growth_rate"] for window in WINDOWS} == {1: 0.0, 3: 0.0}
    short = SETTINGS.model_copy(update={"start_date": LAST - dt.timedelta(days=4)})
    found = metrics({"core.order_lines": sales[:5]}, settings=short)
    assert found[1, "s"]["growth_rate"] == 0.0
    assert (found[3, "s"]["growth_rate"], found[3, "s"]["previous_revenue"]) == (None, None)


def test_more_refunded_than_sold_no_cost_and_no_sale_at_all():
    key = {"order_id": "o", "line_no": 1, "user_id": "u", "dt": LAST}
    line = {**key, "sku": "back", "product_id": "back", "quantity": 1, "revenue": Decimal(10), "cost": Decimal(4)}
    unknown = {
        **key,
        "line_no": 2,
        "sku": "costless",
        "product_id": "costless",
        "quantity": 1,
        "revenue": Decimal(10),
        "cost": None,
    }
    dear = {
        **key,
        "line_no": 3,
        "sku": "dear",
        "product_id": "dear",
        "quantity": 1,
        "revenue": Decimal(10),
        "cost": Decimal(15),
    }
    refund = {**key, "refund_id": "r", "sku": "back", "product_id": "back", "amount": Decimal(12)}
    seen = {"event_id": "e", "end_type": "exposure", "sku": "seen", "product_id": "seen", "dt": LAST}
    found = metrics(
        {
            "core.order_lines": [line, unknown, dear],
            "core.refunds": [refund],
            "attribution.attributed_events": [seen],
        }
    )
    rows = {product: row for (window, product), row in found.items() if window == 1}
    assert (rows["back"]["net_revenue"], rows["back"]["margin"], rows["back"]["margin_rate"]) == (-2, -6, None)
    assert (rows["costless"]["margin"], rows["costless"]["lines_without_cost"]) == (None, 1)
    assert (rows["dear"]["margin"], rows["dear"]["margin_rate"]) == (-5, -0.5)
    assert (rows["seen"]["exposures"], rows["seen"]["revenue"], rows["seen"]["click_through_rate"]) == (1, 0, 0)
