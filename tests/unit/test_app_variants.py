"""A shop of products with variants as its pages show it: one product, its variants' own sales, order lines of both."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dashboards.app.export import csv_of
from dashboards.app.marts import Copy
from dashboards.blocks import Cards
from dashboards.workbench.snapshot import publish
from tests.app_pages import flat, look_at, table, texts, values
from tests.support import Row, land, make_home, run

DAY = dt.date(2026, 3, 2)
PRODUCTS = [
    {
        "sku": "SHIRT",
        "name": "Shirt",
        "category": "clothes",
        "brand": "Loom",
        "list_price": 60,
        "launched_on": "2026-03-01",
    },
    {"sku": "SHIRT-RED", "parent_sku": "SHIRT", "name": "Shirt, red", "list_price": 50, "unit_cost": 20},
    {"sku": "SHIRT-BLUE", "parent_sku": "SHIRT", "name": "Shirt, blue", "list_price": 70, "unit_cost": 20},
    {"sku": "CAP-S", "parent_sku": "CAP", "name": "Cap, small", "category": "clothes", "launched_on": "2026-02-20"},
    {"sku": "CAP-L", "parent_sku": "CAP", "name": "Cap, large", "category": "clothes"},
    {"sku": "GIFT", "name": "Gift wrap"},
    {"sku": "MUG", "name": "Mug"},
]


def at(minute: int) -> str:
    return f"{DAY}T03:{minute:02d}:00Z"


def event(event_id: str, minute: int, kind: str, page_id: int, place: tuple[str, str, int], sku: str | None) -> Row:
    page_type, module, slot = place
    where = {"page_id": page_id, "page_type": page_type, "module": module, "slot": slot}
    who = {"device_id": "d", "user_id": "u"}
    return {"event_id": event_id, "event_type": kind, "device_time": at(minute), "sku": sku, **who, **where}


BANNER, LIST, BUY = ("home", "banner", 1), ("list", "results", 1), ("item", "buy", 1)
EVENTS = [
    event("head", 0, "click", 1, BANNER, None),
    event("shown", 1, "exposure", 2, LIST, "SHIRT"),
    event("seen", 2, "click", 2, LIST, "SHIRT"),
    event("cart", 3, "add_to_cart", 3, BUY, "SHIRT-RED"),
]
LINES = [
    # The listing and the cart name the product and one variant; the order the other.
    ("o1", 1, "SHIRT-BLUE", 2, 70),
    ("o1", 2, "GIFT", 1, 5),
    ("o2", 1, "CAP-S", 1, 25),
    ("o3", 1, "MUG", 1, 12),
]
BUYERS = {"o1": "u", "o2": "u", "o3": "stranger"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """One visit: a list shows the product, a variant goes into the cart, another one is ordered, with a gift wrap."""
    home = make_home(
        tmp_path_factory.mktemp("variants") / "home",
        settings={"snapshots": {"daily_for_days": 1}, "products": {"windows": [1]}},
        entrances=[
            {"entrance_id": "banner", "name_zh": "横幅", "name_en": "Banner", "page_type": "home", "module": "banner"}
        ],
    )
    orders = [
        {"order_id": key, "user_id": user, "status": "paid", "ordered_at": at(10), "paid_at": at(11)}
        for key, user in BUYERS.items()
    ]
    names = ("order_id", "line_no", "sku", "quantity", "unit_price")
    refund = {"refund_id": "r", "order_id": "o1", "line_no": 1, "refunded_at": at(30), "amount": "70.00"}
    land(home, "products", PRODUCTS, "products")
    land(home, "events", EVENTS, "events")
    land(home, "orders", orders, "orders")
    land(home, "order_lines", [dict(zip(names, line, strict=True)) for line in LINES], "lines")
    land(home, "refunds", [refund], "refunds")
    run(home)
    return Copy(home, publish(home))


def page(shop: Copy, address: str) -> list[Any]:
    mark = "&" if "?" in address else "?"
    return look_at(shop, f"{address}{mark}from={DAY}&to={DAY}")[1]


def test_products_are_listed_once_under_their_own_name_or_that_of_a_variant(shop: Copy) -> None:
    shown = table(page(shop, "products"), "products")
    assert dict(zip(values(shown, "product_id"), values(shown, "name"), strict=True)) == {
        "SHIRT": "Shirt",
        "CAP": "Cap, large",
        "GIFT": "Gift wrap",
        "MUG": "Mug",
    }
    assert shown.rows[0]["product_id"] == "SHIRT"
    assert (shown.rows[0]["revenue"], shown.rows[0]["exposures"]) == (140, 1)


def test_a_product_lists_what_each_variant_sold(shop: Copy) -> None:
    blocks = page(shop, "products?sku=SHIRT")
    assert texts(blocks, "heading")[0].text == "Shirt · SHIRT"
    variants = table(blocks, "variants")
    sold = {row["sku"]: row for row in variants.rows}
    assert sold.keys() == {"SHIRT", "SHIRT-RED", "SHIRT-BLUE"}
    blue = sold["SHIRT-BLUE"]
    assert (blue["units"], blue["revenue"], blue["refunded"], blue["net_revenue"]) == (2, 140, 70, 70)
    assert {sold[sku]["revenue"] for sku in ("SHIRT", "SHIRT-RED")} == {0}
    assert variants.total is not None
    assert variants.total["revenue"] == sum(values(table(blocks, "course"), "revenue")) == 140
    assert b"Shirt, blue,SHIRT-BLUE" in csv_of(variants).replace(b'"Shirt, blue"', b"Shirt, blue")


@pytest.mark.parametrize(("sku", "heading"), [("SHIRT-RED", "Shirt · SHIRT"), ("CAP-S", "Cap, large · CAP")])
def test_a_variant_leads_to_its_product(shop: Copy, sku: str, heading: str) -> None:
    blocks = page(shop, f"products?sku={sku}")
    assert texts(blocks, "heading")[0].text == heading
    assert any(one.text.startswith(f"{sku} is a variant of") for one in texts(blocks, "note"))


def test_a_product_without_variants_has_no_list_of_them(shop: Copy) -> None:
    assert all(one.key != "variants" for one in flat(page(shop, "products?sku=MUG")) if hasattr(one, "key"))


@pytest.mark.parametrize(
    ("typed", "key", "name"),
    [
        ("shirt-blue", "SHIRT", "Shirt · Shirt, blue"),
        ("shirt, red", "SHIRT", "Shirt · Shirt, red"),
        ("shirt", "SHIRT", "Shirt"),
        ("cap", "CAP", "Cap, large"),
        ("mug", "MUG", "Mug"),
    ],
)
def test_a_search_for_a_variant_finds_its_product(shop: Copy, typed: str, key: str, name: str) -> None:
    found = table(page(shop, f"search?q={typed}"), "found")
    assert [(row["key"], row["name"]) for row in found.rows] == [(key, name)]
    href = found.columns[0].href
    assert href is not None
    assert f"sku={key}" in str(href(found.rows[0]))


def test_order_lines_name_the_product_and_the_variant(shop: Copy) -> None:
    shown = table(page(shop, "entrances?entrance=banner"), "orders")
    lines = {(row["order_id"], row["line_no"]): (row["name"], row["variant"]) for row in shown.rows}
    assert lines["o1", 1] == ("Shirt", "Shirt, blue")
    assert lines["o1", 2] == ("Gift wrap", None)
    assert lines["o2", 1] == ("Cap, large", "Cap, small")
    assert b"product_id,sku" in csv_of(shown)
    cards = [card for block in flat(page(shop, "paths?find=o1")) if isinstance(block, Cards) for card in block.cards]
    assert "Shirt · Shirt, blue" in {card.value for card in cards}


def test_the_sum_of_the_products_is_that_of_their_variants(shop: Copy) -> None:
    metrics = shop.rows("SELECT product_id, revenue FROM products.metrics WHERE window_days = 1 ORDER BY 1")
    daily = shop.rows("SELECT product_id, sum(revenue) AS revenue FROM products.daily GROUP BY 1 ORDER BY 1")
    assert metrics == daily
    assert sum(row["revenue"] for row in daily) == 182
