"""products.catalog, names and metrics count a product with its variants; products.daily also has each sku."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference_products import catalogue
from tests.sql_models import Row, computed, found_by
from tests.strategies_customers import tried
from tests.strategies_products import LAST, MODELS, REPURCHASE, SETTINGS

READ = ["core.products", "core.events", "attribution.attributed_events", "core.order_lines", "core.refunds"]


def listed(sku: str, parent_sku: str | None = None, **known: Any) -> Row:
    """A row of core.products; *known* has further columns."""
    return {"sku": sku, "parent_sku": parent_sku, "product_id": parent_sku or sku, **known}


def sold(number: int, sku: str, product_id: str, day: dt.date = LAST, user: str = "u", revenue: int = 10) -> Row:
    """A row of core.order_lines: its order is ``number // 10``, its line number ``number % 10``."""
    key = {"order_id": f"o{number // 10}", "line_no": number % 10, "user_id": user, "dt": day}
    return {**key, "sku": sku, "product_id": product_id, "quantity": 1, "revenue": Decimal(revenue), "cost": Decimal(4)}


def tables_of(tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    days = [LAST - dt.timedelta(days=n) for n in range(8)]
    given_tables = {name: tables.get(name, []) for name in READ}
    return computed([*MODELS, "products.names"], given_tables, days, SETTINGS)


@st.composite
def catalogues(draw: st.DrawFn) -> list[Row]:
    """Rows of core.products: products, and variants whose parent is a product, a variant, the same sku or unlisted."""
    return [
        listed(
            sku,
            draw(st.sampled_from([None, "a", "b", "absent"])),
            name=draw(st.sampled_from([None, f"name of {sku}"])),
            category=draw(st.sampled_from([None, "x", "x", "y"])),
            launched_on=draw(st.sampled_from([None, LAST, LAST - dt.timedelta(days=9)])),
        )
        for sku in sorted(draw(st.sets(st.sampled_from("abcde"))))
    ]


@tried(4)
@given(catalogues())
def test_the_catalogue_has_one_row_a_product(rows: list[Row]) -> None:
    found = computed(["products.catalog", "products.names"], {"core.products": rows}, [LAST], SETTINGS)
    expected = catalogue(rows)
    for name, columns in (("products.catalog", ("category", "launched_on")), ("products.names", ("name", "variants"))):
        assert {row["product_id"]: {column: row[column] for column in columns} for row in found[name]} == {
            key: {column: row[column] for column in columns} for key, row in expected.items()
        }
        assert len(found[name]) == len(expected)


@pytest.mark.parametrize(
    ("rows", "category", "launched_on", "name"),
    [
        ([listed("p", category="x", launched_on=LAST, name="P"), listed("p-1", "p", category="y")], "x", LAST, "P"),
        ([listed("p-2", "p", category="y", name="2"), listed("p-1", "p", category="y", name="1")], "y", None, "1"),
        ([listed("p-1", "p", category="x"), listed("p-2", "p", category="y")], "(none)", None, "p"),
        ([listed("p"), listed("p-1", "p", category="y", launched_on=LAST, name="one")], "y", LAST, "one"),
        ([listed("p", "p", category="x")], "x", None, "p"),
    ],
)
def test_the_products_own_row_speaks_for_it_else_its_variants(rows, category, launched_on, name):
    found = computed(["products.catalog", "products.names"], {"core.products": rows}, [LAST], SETTINGS)
    (row,), (named,) = found["products.catalog"], found["products.names"]
    assert (row["product_id"], row["category"], row["launched_on"], named["name"]) == ("p", category, launched_on, name)


def test_variants_sum_to_their_product_and_keep_their_own_days():
    lines = [sold(1, "p-1", "p"), sold(2, "p-2", "p", revenue=30), sold(11, "p", "p", user="v"), sold(21, "q", "q")]
    refund = {**lines[1], "refund_id": "r", "amount": Decimal(5)}
    shown = [
        {"event_id": f"e{n}", "end_type": "exposure", "sku": sku, "product_id": "p", "dt": LAST}
        for n, sku in enumerate(("p", "p", "p-1"))
    ]
    found = tables_of(
        {
            "core.products": [listed("p", category="x"), listed("p-1", "p"), listed("p-2", "p")],
            "core.order_lines": lines,
            "core.refunds": [refund],
            "attribution.attributed_events": shown,
        }
    )
    daily = {row["sku"]: row for row in found["products.daily"]}
    assert {
        sku: (row["product_id"], row["revenue"], row["exposures"], row["refunded"]) for sku, row in daily.items()
    } == {
        "p": ("p", 10, 2, 0),
        "p-1": ("p", 10, 1, 0),
        "p-2": ("p", 30, 0, 5),
        "q": ("q", 10, 0, 0),
    }
    metrics = {
        row["product_id"]: row for row in found["products.metrics"] if (row["dt"], row["window_days"]) == (LAST, 1)
    }
    row = metrics["p"]
    assert metrics.keys() == {"p", "q"}
    assert (row["order_lines"], row["orders"], row["buyers"], row["units"]) == (3, 2, 2, 3)
    assert (row["revenue"], row["refunded"], row["net_revenue"], row["exposures"]) == (50, 5, 45, 3)
    assert (row["category"], row["margin"]) == ("x", 33)


def test_another_variant_bought_later_is_a_repurchase():
    first = LAST - dt.timedelta(days=REPURCHASE)
    again = first + dt.timedelta(days=1)
    lines = [sold(1, "p-1", "p", first), sold(11, "p-2", "p", again)]
    found = tables_of({"core.order_lines": lines, "core.products": [listed("p", launched_on=first)]})
    (row,) = (row for row in found["products.metrics"] if (row["dt"], row["window_days"]) == (LAST, 1))
    assert (row["product_id"], row["repurchase_base"], row["repurchasers"]) == ("p", 1, 1)


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        ([listed("p"), listed("p-1", "p"), listed("q-1", "not listed")], 0),
        ([listed("p", "p"), listed("p-1", "p")], 0),
        ([listed("p"), listed("p-1", "p"), listed("p-1-s", "p-1"), listed("p-1-m", "p-1")], 1),
        ([listed("a", "b"), listed("b", "a")], 2),
    ],
)
def test_a_variant_of_a_variant_is_warned_of(rows, faults):
    check = "variants_have_one_level"
    assert found_by([check], [], {"core.products": rows}, [LAST], SETTINGS, {}) == {check: faults}
