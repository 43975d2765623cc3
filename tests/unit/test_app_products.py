"""The products' page: its numbers equal those of the tables, its choices work, and it names missing data."""

from __future__ import annotations

import pytest

from dashboards.app.export import csv_of
from dashboards.app.marts import Copy
from dashboards.app.pages import PAGE_OF
from dashboards.app.pages.products import PARTS
from dashboards.blocks import Choice, Controls, Empty, Tabs, tables, title
from dashboards.figures.course import LINES
from tests.app_pages import chart, choice, flat, look_at, table, texts, values
from tests.shared_homes import EVIL

DAY = "2026-05-20"


def test_the_quadrants_are_those_of_the_last_day(shop: Copy) -> None:
    _, blocks = look_at(shop, f"products?from=2026-05-18&to={DAY}&window=7")
    expected = shop.rows(
        "SELECT quadrant, count(*) AS n, sum(revenue) AS revenue FROM products.quadrants "
        f"WHERE dt = '{DAY}' AND window_days = 7 AND matrix_id = 'exposure_margin' GROUP BY 1"
    )
    shown = table(blocks, "quadrants")
    assert sum(values(shown, "products")) == sum(row["n"] for row in expected)
    stars = next(row for row in expected if row["quadrant"] == "star")
    assert shown.rows[0]["products"] == stars["n"]
    assert shown.rows[0]["revenue"] == pytest.approx(stars["revenue"])


@pytest.mark.parametrize("window", [1, 7, 28])
def test_the_window_of_the_address_is_shown(shop: Copy, window: int) -> None:
    _, blocks = look_at(shop, f"products?to={DAY}&part=list&window={window}")
    expected = shop.rows(
        "SELECT product_id, revenue FROM products.metrics "
        f"WHERE dt = '{DAY}' AND window_days = {window} ORDER BY revenue DESC, exposures DESC, product_id"
    )
    shown = table(blocks, "products")
    assert values(shown, "product_id") == [row["product_id"] for row in expected]
    assert values(shown, "revenue") == [row["revenue"] for row in expected]
    assert choice(blocks, "window").value == str(window)


def test_only_the_chosen_category_is_shown(shop: Copy) -> None:
    (row,) = shop.rows(
        f"SELECT min(category) AS name FROM products.metrics WHERE dt = '{DAY}' AND category NOT LIKE '%script%'"
    )
    _, listed = look_at(shop, f"products?to={DAY}&part=list&category={row['name']}")
    assert set(values(table(listed, "products"), "category")) == {row["name"]}
    _, blocks = look_at(shop, f"products?to={DAY}&category={row['name']}")
    assert {one["category"] for one in chart(blocks, "matrix").table.rows} == {row["name"]}


def test_each_part_of_the_page_has_its_own_tables(shop: Copy) -> None:
    _, blocks = look_at(shop, f"products?to={DAY}&window=1")
    (links,) = (block for block in blocks if isinstance(block, Tabs))
    found = {}
    for option in links.choice.options:
        _, there = look_at(shop, f"products?to={DAY}&window=1&part={option.value}")
        found[option.value] = [one.key for one in tables(there)]
        assert {one.choice.value for one in there if isinstance(one, Tabs)} == {option.value}
    assert found == {
        "matrix": ["matrix", "quadrants", "health"],
        "moves": ["moves_flow", "moves"],
        "new": ["launches"],
        "assortment": ["sales_classes", "abc_xyz"],
        "unplaced": ["without_cost", "unplaced"],
        "list": ["products"],
    }
    assert [one.key for one in tables(blocks)] == found["matrix"]


def test_a_part_offers_only_the_choices_that_it_shows(shop: Copy) -> None:
    offered = {}
    for part in PARTS:
        _, blocks = look_at(shop, f"products?to={DAY}&part={part}")
        controls = next(block for block in blocks if isinstance(block, Controls)).controls
        offered[part] = [control.key for control in controls if isinstance(control, Choice)]
    both = ["matrix", "window"]
    assert offered == {
        "matrix": both, "moves": both, "new": [], "assortment": [], "unplaced": ["window"], "list": both,
    }  # fmt: skip


def test_an_unknown_part_is_said_to_be_none(shop: Copy) -> None:
    _, blocks = look_at(shop, f"products?to={DAY}&part=nothing")
    (warning,) = texts(blocks, "warning")
    assert "“nothing”" in warning.text
    assert "Quadrants" in warning.text


@pytest.mark.parametrize("query", ["matrix=nothing", "window=5", "window=x", "measure=dt;"])
def test_what_an_address_says_wrong_is_left_out(shop: Copy, query: str) -> None:
    _, blocks = look_at(shop, f"products?to={DAY}&{query}")
    for key in ("matrix", "window"):
        assert choice(blocks, key).value == choice(blocks, key).default


def test_a_matrix_is_chosen_by_its_row(shop: Copy) -> None:
    _, blocks = look_at(shop, f"products?to={DAY}&window=1")
    shown = table(blocks, "health")
    href = shown.columns[0].href
    assert href is not None
    other = next(row for row in shown.rows if row["matrix_id"] == "exposure_conversion")
    _, there = look_at(shop, str(href(other)).lstrip("/"))
    assert choice(there, "matrix").value == "exposure_conversion"
    assert choice(there, "window").value == "1"


def test_a_box_over_the_matrix_lists_products(shop: Copy) -> None:
    _, blocks = look_at(shop, f"products?to={DAY}")
    shown = chart(blocks, "matrix")
    assert shown.selects == "product_id"
    names = {row["product_id"]: row["name"] for row in shown.table.rows}
    listed = [tuple(pair) for trace in shown.figure.data for pair in trace.customdata]
    assert listed
    assert all(names[product] == name for product, name in listed)


def test_moves_are_shown_twice_with_the_same_numbers(shop: Copy) -> None:
    _, blocks = look_at(shop, f"products?to={DAY}&part=moves&window=1")
    (expected,) = shop.rows(
        "SELECT sum(products)::BIGINT AS n FROM products.quadrant_migration "
        f"WHERE dt = '{DAY}' AND window_days = 1 AND matrix_id = 'exposure_margin'"
    )
    assert sum(values(table(blocks, "moves"), "members")) == expected["n"]
    assert sum(chart(blocks, "moves_flow").figure.data[0].link.value) == expected["n"]


def test_new_products_are_those_launched_lately(shop: Copy) -> None:
    _, blocks = look_at(shop, f"products?to={DAY}&part=new")
    expected = shop.rows(
        "SELECT product_id, coalesce(sum(daily.revenue), 0) AS revenue FROM products.catalog "
        "LEFT JOIN products.daily USING (product_id) "
        f"WHERE launched_on BETWEEN DATE '{DAY}' - 60 AND '{DAY}' GROUP BY product_id"
    )
    shown = chart(blocks, "launches")
    assert dict(zip(values(shown.table, "product_id"), values(shown.table, "revenue"), strict=True)) == {
        row["product_id"]: pytest.approx(row["revenue"]) for row in expected
    }
    ends = [trace.y[-1] for trace in shown.figure.data]
    assert ends == [pytest.approx(row["revenue"]) for row in shown.table.rows[: len(LINES)] if row["revenue"]]


def test_one_product_has_its_numbers(shop: Copy) -> None:
    best = "SELECT product_id FROM core.order_lines GROUP BY 1 ORDER BY sum(revenue) DESC, 1 LIMIT 1"
    product = shop.one(best)["product_id"]
    _, blocks = look_at(shop, f"products?from=2026-05-17&to={DAY}&sku={product}")
    sold = shop.one(f"SELECT sum(revenue) AS revenue FROM core.order_lines WHERE product_id = '{product}'")["revenue"]
    assert sum(values(table(blocks, "entrances"), "revenue")) == pytest.approx(sold)
    assert sum(values(table(blocks, "course"), "revenue")) == pytest.approx(sold)
    own = f"dt = '{DAY}' AND product_id = '{product}'"
    windows = shop.rows(f"SELECT * FROM products.metrics WHERE {own} ORDER BY window_days")
    assert values(table(blocks, "windows"), "exposures") == [row["exposures"] for row in windows]
    assert {row["matrix_id"] for row in table(blocks, "places").rows} >= {"exposure_margin", "views_age"}


def test_the_course_of_another_metric_is_chosen(shop: Copy) -> None:
    most = "SELECT product_id FROM products.daily GROUP BY 1 ORDER BY sum(exposures) DESC, 1 LIMIT 1"
    product = shop.one(most)["product_id"]
    _, blocks = look_at(shop, f"products?from=2026-05-17&to={DAY}&sku={product}&measure=exposures")
    expected = shop.one(f"SELECT sum(exposures)::BIGINT AS n FROM products.daily WHERE product_id = '{product}'")["n"]
    assert sum(values(table(blocks, "course"), "exposures")) == expected


def test_an_unknown_product_is_said_to_be_none(shop: Copy) -> None:
    _, blocks = look_at(shop, "products?sku=nothing")
    assert [one.text for one in texts(blocks, "missing")] == ["No product nothing. Check the product ID or SKU."]


def test_a_hostile_name_stays_text(shop: Copy) -> None:
    _, blocks = look_at(shop, f"products?to={DAY}&sku=EVIL")
    assert title(blocks) == f"{EVIL} · EVIL"
    _, listed = look_at(shop, f"products?to={DAY}&part=list")
    assert EVIL in values(table(listed, "products"), "name")
    assert b"\"'=HYPERLINK(" in csv_of(table(listed, "products"))
    _, blocks = look_at(shop, f"products?to={DAY}&matrix=views_age")
    figure = chart(blocks, "matrix").figure
    assert EVIL in {name for trace in figure.data for _, name in trace.customdata}
    drawn = [text for trace in figure.data for text in trace.hovertext]
    drawn += [note.text for note in figure.layout.annotations]
    assert any("&lt;script&gt;" in text for text in drawn)
    assert not any("<script" in text for text in drawn)


def test_the_nearest_snapshot_before_is_shown_and_said(shop: Copy) -> None:
    _, blocks = look_at(shop, "products?from=2026-06-01&to=2026-06-07")
    (said,) = texts(blocks, "warning")
    assert said.text == "There is no snapshot for 2026-06-07. Shown is 2026-05-20, the latest snapshot before it."
    assert table(blocks, "quadrants").rows


def test_without_a_snapshot_it_is_said_how_to_get_one(shop: Copy) -> None:
    context, _ = look_at(shop, "products?from=2026-05-01&to=2026-05-02")
    blocks = PAGE_OF["products"](context)
    assert texts(blocks, "missing")[0].remedy == "headwater run"
    assert all(one.remedy for one in flat(blocks) if isinstance(one, Empty) and one.is_missing)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_matrix_can_be_shown_in_both_languages(shop: Copy, language: str) -> None:
    for row in shop.rows("SELECT matrix_id FROM config.matrices"):
        context, _ = look_at(shop, f"products?to={DAY}&lang={language}&theme=dark&matrix={row['matrix_id']}")
        assert context.locale.language == language
