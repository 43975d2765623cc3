"""A shop without events: figures that need the event log are unknown, not zero, low or bad."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboards.app.marts import Copy, Marts
from dashboards.blocks import Block, Card, Cards, tables
from dashboards.copy.build import publish
from dashboards.report.file import write_report
from pipelines.compute.reading import query_rows
from pipelines.home.folder import Home
from tests.app_pages import chart, choice, flat, look_at, table, texts
from tests.orders_only import FIRST, LAST, orders_only_shop
from tests.support import table as rows_of

pytestmark = pytest.mark.real

DAYS = f"from={FIRST}&to={LAST}"
SECOND_WEEK = "from=2026-03-09&to=2026-03-15"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return orders_only_shop(tmp_path_factory.mktemp("orders_only") / "home")


@pytest.fixture(scope="module")
def copy(shop: Home) -> Copy:
    publish(shop)
    return Marts(shop).copy()


def asked(home: Home, sql: str) -> tuple[Any, ...]:
    return tuple(query_rows(home, sql).rows[0])


def cards(blocks: list[Block]) -> dict[str, Card]:
    return {card.metric or card.name: card for one in flat(blocks) if isinstance(one, Cards) for card in one.cards}


# Tables ------------------------------------------------------------------------------------------------


def test_no_product_is_called_low_in_what_was_never_logged(shop: Home) -> None:
    found = [row for row in rows_of(shop, "products.quadrants") if row["dt"] == LAST]
    unknown = {row["matrix_id"]: row["unknown_metrics"] for row in found if row["quadrant"] == "unknown"}
    assert unknown["exposure_margin"] == "exposures"
    assert "views" in unknown["views_age"]
    assert {row["quadrant"] for row in found if row["matrix_id"] == "exposure_margin"} == {"unknown"}
    growth = [row for row in found if row["matrix_id"] == "growth_share" and row["window_days"] == 7]
    assert sum(row["quadrant"] != "unknown" for row in growth) >= 4


def test_no_law_is_broken_for_want_of_exposures(shop: Home) -> None:
    found = [row for row in rows_of(shop, "products.portfolio_health") if row["dt"] == LAST]
    by_exposure = [row for row in found if row["matrix_id"] in ("exposure_margin", "exposure_conversion")]
    assert len(by_exposure) == 16  # two matrices × two windows × four rules
    assert {(row["verdict"], row["value"]) for row in by_exposure} == {(None, None)}
    assert {row["evidence_en"] for row in by_exposure} == {"No exposures in the log"}
    assert {row["evidence_zh"] for row in by_exposure} == {"日志中没有商品曝光"}
    growth = {row["rule"]: row for row in found if row["matrix_id"] == "growth_share" and row["window_days"] == 7}
    assert growth["crescent"]["verdict"] in ("good", "warn", "bad")


# Pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_overview_says_in_one_line_what_there_is_not(shop: Home, copy: Copy, language: str) -> None:
    context, blocks = look_at(copy, f"/?{DAYS}&lang={language}")
    found = cards(blocks)
    assert not {"visitors", "visitor_conversion_rate", "revenue_per_visitor", "exposures", "order_lines"} & set(found)
    assert [one.text for one in texts(blocks, "note")].count(context.locale.text("sales.no_events")) == 1
    assert context.locale.text("funnel.title") not in {one.text for one in texts(blocks, "heading")}
    assert {"movers_entrance", "movers_product"} & {one.key for one in tables(blocks)} <= {"movers_product"}
    revenue, buyers, known, orders, units = asked(
        shop,
        "SELECT sum(revenue), count(DISTINCT user_id), sum(revenue) FILTER (user_id IS NOT NULL), "
        "count(DISTINCT order_id), sum(quantity) FROM core.order_lines",
    )
    assert found["revenue"].full == f"¥{revenue:,.2f}"
    assert found["buyers"].full == f"{buyers:,}"
    assert found["revenue_per_buyer"].full == f"¥{known / buyers:,.2f}"
    assert found["average_order_value"].full == f"¥{revenue / orders:,.2f}"
    assert found["units_per_order"].full == f"{units / orders:,.2f}"


def test_sales_without_a_user_are_in_no_ratio_of_buyers(shop: Home, copy: Copy) -> None:
    _, blocks = look_at(copy, f"/?{DAYS}&lang=en")
    lines, amount = asked(shop, "SELECT count(*), sum(revenue) FROM core.order_lines WHERE user_id IS NULL")
    assert lines > 0
    assert f"Order lines without a user: {lines} (¥{amount:,.2f})." in " ".join(
        one.text for one in texts(blocks, "note")
    )


def test_what_came_new_and_what_is_gone_is_called_so(shop: Home, copy: Copy) -> None:
    _, blocks = look_at(copy, f"/?{SECOND_WEEK}&lang=en")
    movers = table(blocks, "movers_product")
    shown = {row["key"]: [column.cell(row) for column in movers.columns][-1] for row in movers.rows}
    assert shown["s5"] == "▲ new"
    assert movers.columns[-1].value(next(row for row in movers.rows if row["key"] == "s5")) == "▲ new"
    assert all(said[:2] in ("▲ ", "▼ ") for said in shown.values())
    _, blocks = look_at(copy, "/?from=2026-03-16&to=2026-03-16&lang=en")
    movers = table(blocks, "movers_product")
    sold = {
        "s" + str(n): asked(shop, f"SELECT count(*) FROM core.order_lines WHERE sku = 's{n}' AND dt = '{LAST}'")[0]
        for n in range(6)
    }
    for row in movers.rows:
        assert (movers.columns[-1].cell(row) == "▼ gone") == (not sold[row["key"]])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_products_open_on_a_matrix_that_has_values(copy: Copy, language: str) -> None:
    _, blocks = look_at(copy, f"/products?{DAYS}&lang={language}")
    assert choice(blocks, "matrix").value == choice(blocks, "matrix").default == "margin_repurchase"
    placed = [row for row in chart(blocks, "matrix").table.rows if row["quadrant"] != "unknown"]
    assert len(placed) >= 4
    listed = look_at(copy, f"/products?{DAYS}&lang={language}&part=list")[1]
    assert "exposures" not in {column.field for column in table(listed, "products").columns}
    _, there = look_at(copy, f"/products?{DAYS}&lang={language}&matrix=exposure_margin")
    notes = {card.note for one in flat(there) if isinstance(one, Cards) for card in one.cards}
    assert notes == {"No exposures in the log" if language == "en" else "日志中没有商品曝光"}
    assert {card.verdict for one in flat(there) if isinstance(one, Cards) for card in one.cards} == {None}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_report_folds_what_only_a_log_could_tell(shop: Home, tmp_path: Path, language: str) -> None:
    written = write_report(shop, language, day=LAST, out=tmp_path / "report.html").read_text(encoding="utf-8")
    assert written.count("没有行为日志" if language == "zh" else "These days have orders but no events") == 1
    for key in ("entrances", "slots"):
        assert f'id="{key}"' not in written
    assert 'id="products"' in written
    assert "verdict bad" not in written.split('id="products"')[0]
    assert ("日志中没有商品曝光" if language == "zh" else "No exposures in the log") in written
