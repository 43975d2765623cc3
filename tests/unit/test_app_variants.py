"""Pages of a shop with variants: product totals, sales by variant, and order lines of products and variants."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dashboards.app.export import csv_of
from dashboards.app.marts import Copy
from dashboards.blocks import Cards, tables, title
from dashboards.copy.build import publish
from tests.app_pages import choice, flat, look_at, table, texts, values
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
    # The product was seen in a list, its red variant was put into the cart, and its blue variant was ordered.
    ("o1", 1, "SHIRT-BLUE", 2, 70),
    ("o1", 2, "GIFT", 1, 5),
    ("o2", 1, "CAP-S", 1, 25),
    ("o3", 1, "MUG", 1, 12),
]
BUYERS = {"o1": "u", "o2": "u", "o3": "stranger"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The dashboards' copy of the lake of a shop with one visit.

    A list shows a product, one variant of it is put into the cart, and another one is ordered.
    """
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


def test_products_are_listed_once_by_own_or_variants_name(shop: Copy) -> None:
    shown = table(page(shop, "products?part=list"), "products")
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
    assert title(blocks) == "Shirt · SHIRT"
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
    assert title(blocks) == heading
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


# How sales were matched --------------------------------------------------------------------------------


def test_sales_by_match_sum_to_all_sales(shop: Copy) -> None:
    shown = table(page(shop, "entrances"), "matches")
    found = {row["matched_by"]: (row["order_lines"], row["revenue"]) for row in shown.rows}
    assert found == {"cart": (1, 140), "click": (0, 0), "order": (1, 5), "visit": (1, 25), "none": (1, 12)}
    assert shown.total is not None
    assert (shown.total["order_lines"], shown.total["revenue"]) == (4, 182)
    assert sum(values(shown, "revenue_share")) == pytest.approx(1)
    assert all(row["definition"] for row in shown.rows)


@pytest.mark.parametrize("kind", ["cart", "click", "order", "visit", "none"])
def test_the_page_of_the_entrances_is_narrowed_to_one_kind(shop: Copy, kind: str) -> None:
    own = f"FROM attribution.attributed_sales WHERE matched_by = '{kind}'"
    expected = shop.rows(f"SELECT entrance_id, sum(revenue) AS revenue {own} GROUP BY 1")
    blocks = page(shop, f"entrances?matched_by={kind}")
    assert choice(blocks, "matched_by").value == kind
    assert len(texts(blocks, "warning")) == 1
    if not expected:
        assert texts(blocks, "missing")[0].text == "No sales were matched by “click” on these days."
        return
    shown = table(blocks, "entrances")
    assert {row["entrance_id"]: row["revenue"] for row in shown.rows} == {
        row["entrance_id"]: row["revenue"] for row in expected
    }
    assert "exposures" not in {column.metric for column in shown.columns}
    assert all(one.key == "entrances" for one in tables(blocks))


@pytest.mark.parametrize(("kind", "order"), [("cart", ("o1", 1)), ("order", ("o1", 2)), ("visit", ("o2", 1))])
def test_slots_contents_and_orders_are_narrowed_too(shop: Copy, kind: str, order: tuple[str, int]) -> None:
    for slot, key in (("", "slots"), ("&slot=home|banner|1", "contents")):
        blocks = page(shop, f"entrances?entrance=banner{slot}&matched_by={kind}")
        lines = table(blocks, "orders")
        assert [(row["order_id"], row["line_no"]) for row in lines.rows] == [order]
        assert [row["matched_by"] for row in lines.rows] == [kind]
        assert sum(values(table(blocks, key), "revenue")) == sum(values(lines, "revenue"))


def test_entrances_and_slots_carry_the_sales_by_visit_alone(shop: Copy) -> None:
    whole = table(page(shop, "entrances"), "entrances")
    assert {row["entrance_id"]: (row["revenue"], row["revenue_by_visit"]) for row in whole.rows} == {
        "banner": (170, 25),
        "(unattributed)": (12, 0),
    }
    assert whole.total is not None
    assert whole.total["revenue_by_visit"] == 25
    assert b"Sales matched by visit only" in csv_of(whole)
    blocks = page(shop, "entrances?entrance=banner")
    assert values(table(blocks, "slots"), "revenue_by_visit") == [25]
    assert sum(values(table(blocks, "matches"), "revenue")) == 170
    blocks = page(shop, "entrances?entrance=banner&slot=home|banner|1")
    contents = table(blocks, "contents")
    assert [row["revenue_by_visit"] for row in contents.rows] == [25]
    assert b"revenue_by_visit" in csv_of(contents), "only the file has this column"
    assert values(table(page(shop, "products?sku=CAP"), "entrances"), "revenue_by_visit") == [25]


def test_an_unknown_kind_of_match_is_said(shop: Copy) -> None:
    blocks = page(shop, "entrances?matched_by=magic")
    assert choice(blocks, "matched_by").value == ""
    assert "magic" in texts(blocks, "warning")[0].text
    assert table(blocks, "entrances").total is not None


def test_a_borrowed_path_says_from_which_line(shop: Copy) -> None:
    blocks = page(shop, "paths?find=o1&line=2")
    assert texts(blocks, "warning")[0].text == (
        "This line has no cart or click of its own, so it takes the entrance of line 1 of the same order "
        "(Shirt · Shirt, blue), which is matched by add-to-cart. So the path below is that of line 1."
    )
    assert values(table(blocks, "steps"), "event_id")[-1] == "cart"
    assert values(table(blocks, "order_lines"), "matched") == ["add-to-cart", "its order"]


def test_a_sale_by_visit_shows_the_visit(shop: Copy) -> None:
    blocks = page(shop, "paths?find=o2")
    (row,) = table(blocks, "visit").rows
    assert (row["event_id"], row["entrance"], row["module"], row["slot"]) == ("head", "Banner", "banner", 1)
    assert f"{row['at']:%Y-%m-%d %H:%M}" == "2026-03-02 11:00"
    assert "there is no path" in texts(blocks, "warning")[0].text


def test_a_sale_by_nothing_says_so(shop: Copy) -> None:
    assert [one.text for one in texts(page(shop, "paths?find=o3"), "missing")] == [
        "This line is matched to no add-to-cart, click or entrance visit, so there is no path."
    ]
