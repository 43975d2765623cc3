"""The overview of a small shop: what needs attention and what changed, each with a link to its page."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from dashboards.app.marts import Copy, Marts
from dashboards.app.pages.sales_tree import PAGE_OF_METRIC
from dashboards.app.view import PAGES
from dashboards.blocks import Cards
from dashboards.copy.status import read_checks
from dashboards.totals import SALES, STEPS
from pipelines.compute.reading import reading_session
from pipelines.home.folder import Home
from tests.app_pages import flat, look_at, table, texts, values
from tests.processes import copy_of
from tests.shared_homes import EVIL, shop_with_dashboards

ALL_DAYS = "from=2026-05-17&to=2026-05-20"
LAST = dt.date(2026, 5, 20)

Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return copy_of(shop_with_dashboards(tmp_path_factory), tmp_path_factory.mktemp("app") / "home")


@pytest.fixture(scope="module")
def copy(home: Home) -> Copy:
    return Marts(home).copy()


@pytest.fixture(scope="module")
def lake(home: Home) -> Iterator[Ask]:
    """A function that runs a query on the lake and returns its rows."""
    with reading_session(home, "") as connection:
        yield lambda sql: connection.execute(sql).fetchall()


def attention(copy: Copy, kind: str) -> list[dict[str, Any]]:
    """The rows of one kind in the list of what needs attention."""
    rows = table(look_at(copy, f"/?lang=en&{ALL_DAYS}")[1], "attention").rows
    return [dict(row) for row in rows if row["kind"] == kind]


def test_every_metric_leads_to_a_page_that_explains_it(copy):
    _, blocks = look_at(copy, f"/?lang=en&{ALL_DAYS}")
    shown = [card for block in flat(blocks) if isinstance(block, Cards) for card in block.cards]
    assert {card.metric for card in shown} >= {*SALES, *(step for step, _ in STEPS)}
    assert set(PAGE_OF_METRIC.values()) <= set(PAGES)
    for card in shown:
        assert card.href.startswith(f"/{PAGE_OF_METRIC[card.metric]}?"), card.name
        assert ALL_DAYS in card.href


def test_sales_have_a_line_of_the_days_before(copy, lake):
    _, blocks = look_at(copy, f"/?lang=en&{ALL_DAYS}")
    root = next(block for block in flat(blocks) if isinstance(block, Cards)).cards[0]
    by_day = lake("SELECT CAST(sum(revenue) AS DOUBLE) FROM core.order_lines GROUP BY dt ORDER BY dt")
    assert root.course == pytest.approx([amount for (amount,) in by_day])
    assert "2026-05-17 to 2026-05-20" in root.course_title


def test_slots_that_changed_their_content_need_attention(copy, lake):
    contents: dict[tuple[Any, ...], str] = {}
    changes: dict[str, list[dt.date]] = {}
    for day, entrance, *slot, content in lake(
        """SELECT dt, entrance_id, head_page_type, head_module, head_slot, arg_max(head_content_id, impressions)
        FROM attribution.slot_daily
        WHERE head_slot > 0 AND head_content_id <> '(none)' AND impressions > 0 GROUP BY ALL ORDER BY dt"""
    ):
        key = (entrance, *slot)
        if contents.setdefault(key, content) != content:
            changes.setdefault(entrance, []).append(day)
        contents[key] = content
    assert changes, "the simulated shop changes contents"
    rows = {row["href"].split("entrance=")[1].split("&")[0]: row for row in attention(copy, "Content changed")}
    assert {entrance: row["since"] for entrance, row in rows.items()} == {
        entrance: max(days) for entrance, days in changes.items()
    }
    for entrance, days in changes.items():
        assert rows[entrance]["note"].startswith(f"{len(days)} changes, the latest: ") == (len(days) > 1)


def test_new_products_that_have_not_sold_need_attention(copy, lake):
    found = lake(
        f"""SELECT product_id FROM products.catalog
        WHERE launched_on BETWEEN DATE '{LAST}' - 60 AND DATE '{LAST}' - 7
        AND product_id NOT IN (SELECT product_id FROM core.order_lines)"""
    )
    rows = attention(copy, "New, nothing sold")
    assert len(rows) == min(len(found), 5) + (len(found) > 5)
    named = [row for row in rows if "sku=" in row["href"]]
    assert {row["href"].split("sku=")[1].split("&")[0] for row in named} <= {product for (product,) in found}
    assert EVIL not in [row["subject"] for row in rows], "it has sold"


def test_a_failed_check_needs_attention_first(home, copy):
    before = home.checks_file.read_text(encoding="utf-8")
    checks = [check | {"passed": True} for check in json.loads(before)]
    checks[0] |= {"passed": False, "found": "2 rows of device d1"}
    try:
        home.checks_file.write_text(json.dumps(checks), encoding="utf-8")
        assert [check.passed for check in read_checks(home)].count(False) == 1
        first, second, *_ = table(look_at(copy, f"/?lang=en&{ALL_DAYS}")[1], "attention").rows
        assert (first["kind"], first["note"]) == ("Check failed", "2 rows of device d1")
        assert first["href"].startswith("/quality?")
        assert second["kind"] != "Check failed"
    finally:
        home.checks_file.write_text(before, encoding="utf-8")


@pytest.mark.parametrize(
    ("address", "key", "metrics"),
    [
        ("/entrances?lang=en&entrance=search", "metric", ("revenue", "exposures", "product_clicks")),
        ("/entrances?lang=en&entrance=home_feed&slot=home|feed|2", "slot_metric", ("revenue", "clicks", "impressions")),
    ],
)
def test_hours_of_an_entrance_or_slot_sum_to_its_days(copy, address, key, metrics):
    for metric in metrics:
        _, blocks = look_at(copy, f"{address}&{key}={metric}&{ALL_DAYS}")
        by_hour, by_day = (values(table(blocks, name), metric) for name in ("hours", "course"))
        assert len(by_hour) == 24
        assert sum(by_hour) == pytest.approx(sum(by_day))
        assert sum(by_day) > 0


def test_rates_by_hour_are_of_the_hours_sums(copy, lake):
    _, blocks = look_at(copy, f"/entrances?lang=en&entrance=search&metric=click_through_rate&{ALL_DAYS}")
    found = dict(
        lake(
            """SELECT hour(occurred_at + INTERVAL 8 HOUR),
                count(*) FILTER (end_type = 'click') / count(*) FILTER (end_type = 'exposure')
            FROM attribution.attributed_events WHERE entrance_id = 'search' GROUP BY 1"""
        )
    )
    assert values(table(blocks, "hours"), "click_through_rate") == pytest.approx([found.get(n) for n in range(24)])


def test_days_whose_hours_are_not_kept_are_called_so(copy):
    without = Copy(copy.home, replace(copy.file, tables=copy.file.tables - {"attribution.entrance_hourly"}))
    _, blocks = look_at(without, f"/entrances?lang=en&entrance=search&{ALL_DAYS}")
    assert any("Hours are kept for the last 90 days only" in note.text for note in texts(blocks, "note"))


def test_without_a_comparison_what_changed_is_one_line(copy):
    _, blocks = look_at(copy, f"/?lang=en&{ALL_DAYS}")
    assert any("no earlier days to compare with" in note.text for note in texts(blocks, "note"))
    assert not any(getattr(block, "key", "").startswith("movers") for block in flat(blocks))
