"""In a browser: the numbers on pages have the right names, and the values that ``headwater sql`` returns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.site import DAYS, PHONE, WIDE, Site, chart_of, close, followed, full, opened, query, served
from tests.orders_only import FIRST, LAST, orders_only_shop

pytestmark = [pytest.mark.browser, pytest.mark.real]

WEEK = "from=2026-05-14&to=2026-05-20"
WITHIN = "dt BETWEEN '2026-05-14' AND '2026-05-20'"
NAMES = {
    "zh": {
        "visitors": "访客数", "visitor_conversion_rate": "支付转化率", "revenue_per_buyer": "客单价",
        "buyers": "支付买家数", "average_order_value": "笔单价", "units_per_order": "连带率",
        "revenue_per_visitor": "UV 价值",
    },
    "en": {
        "visitors": "Visitors", "visitor_conversion_rate": "Conversion rate", "revenue_per_buyer": "Revenue per buyer",
        "buyers": "Buyers", "average_order_value": "Average order value", "units_per_order": "Units per order",
        "revenue_per_visitor": "Revenue per visitor",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def orders_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    yield from served(orders_only_shop(tmp_path_factory.mktemp("orders_only") / "home"))


def card_of(page: Any, metric: str) -> Any:
    return page.locator(".card.kpi", has=page.locator(f"[data-metric='{metric}']")).first


@pytest.mark.parametrize(("language", "width"), [("zh", WIDE), ("en", PHONE)])
def test_each_figure_has_its_name_and_is_that_of_sql(browser, site, language, width):
    page, seen = opened(browser, site, f"/?{WEEK}&lang={language}", width)
    revenue, orders, buyers, units = site.ask(
        f"SELECT sum(revenue), count(DISTINCT order_id), count(DISTINCT user_id), sum(quantity) "
        f"FROM core.order_lines WHERE {WITHIN}"
    )[0]
    visitors = site.ask(f"SELECT count(DISTINCT person_id) FROM core.events WHERE {WITHIN}")[0][0]
    assert visitors < site.ask(f"SELECT sum(visitors) FROM core.traffic_daily WHERE {WITHIN}")[0][0]
    expected = {
        "visitors": f"{visitors:,}",
        "visitor_conversion_rate": f"{100 * buyers / visitors:.2f}%",
        "revenue_per_buyer": f"¥{revenue / buyers:,.2f}",
        "buyers": f"{buyers:,}",
        "average_order_value": f"¥{revenue / orders:,.2f}",
        "units_per_order": f"{units / orders:.2f}",
        "revenue_per_visitor": f"¥{revenue / visitors:,.2f}",
    }
    for metric, name in NAMES[language].items():
        assert card_of(page, metric).locator(".name").inner_text().startswith(name)
        assert full(page, metric) == expected[metric], metric
    assert not seen.wrong
    close(page)


def test_the_products_conversion_is_called_what_it_is(browser, site):
    sku, lines, clicks = site.ask(
        "SELECT product_id, order_lines, product_clicks FROM products.metrics "
        "WHERE dt = '2026-05-20' AND window_days = 7 "
        "AND order_lines > 0 AND product_clicks > 1 ORDER BY revenue DESC LIMIT 1"
    )[0]
    for language, name in (("zh", "点击成交率"), ("en", "Click-to-order rate")):
        page, _ = opened(browser, site, f"/products?{DAYS}&sku={sku}&lang={language}")
        head = page.locator("table[data-table=windows] thead th").all_inner_texts()
        assert not {"转化率", "Conversion rate"} & set(head)
        row = page.locator("table[data-table=windows] tbody tr").nth(1)  # row 1 is the window of 7 days
        cell = row.locator("th, td").nth(head.index(name))
        assert (cell.get_attribute("title") or cell.inner_text()) == f"{100 * lines / clicks:.2f}%"
        close(page)


def test_a_comparison_is_offered_only_where_it_is_made(browser, site):
    sku = site.ask("SELECT min(sku) FROM core.order_lines")[0][0]
    for path, is_made in (
        ("/?", True), ("/entrances?", True), (f"/products?sku={sku}&", True), ("/products?", False), ("/paths?", False),
        ("/modules?", False), ("/customers?", False), ("/quality?", False),
    ):  # fmt: skip
        page, _ = opened(browser, site, f"{path}{WEEK}&lang=en&compare=year")
        assert page.get_by_role("textbox", name="Compare with").count() == is_made, path
        assert ("ompared" in page.locator(".page-head").inner_text()) == is_made, path
        close(page)
    page, _ = opened(browser, site, f"/?{WEEK}&lang=en&compare=none")
    assert page.locator(".kpi .change", has_text="from").count() == 0
    assert "compare" not in page.locator("#main").inner_text().lower()
    close(page)


def test_what_was_not_there_before_is_called_new(browser, site):
    page, _ = opened(browser, site, "/?from=2026-05-19&to=2026-05-20&lang=en")
    now, then = (
        {
            name
            for (name,) in site.ask(
                "SELECT DISTINCT coalesce(names.name, lines.product_id) FROM core.order_lines AS lines "
                "LEFT JOIN products.names AS names ON names.product_id = lines.product_id "
                f"WHERE lines.dt BETWEEN {days}"
            )
        }
        for days in ("'2026-05-19' AND '2026-05-20'", "'2026-05-12' AND '2026-05-13'")
    )
    rows = page.locator("table[data-table=movers_product] tbody tr")
    said = {rows.nth(n).locator("th").inner_text(): rows.nth(n).locator("td").last.inner_text() for n in range(8)}
    assert {name: said[name] for name in said if name not in then} == dict.fromkeys(set(said) - then, "▲ new")
    assert {name: said[name] for name in said if name not in now} == dict.fromkeys(set(said) - now, "▼ gone")
    assert set(said) - then or set(said) - now
    close(page)


def test_the_badge_says_the_day_of_the_data_before_the_copys(browser, site):
    last = site.ask("SELECT max(dt) FROM attribution.entrance_daily")[0][0]
    for language, said in (
        ("zh", rf"^数据截至 {last}（(\S+ )?\d\d:\d\d 更新）$"),
        ("en", rf"^Through {last}, updated (\S+ )?\d\d:\d\d$"),
    ):
        page, _ = opened(browser, site, f"/?{WEEK}&lang={language}")
        assert re.search(said, page.locator("#badge .as-of").inner_text())
        close(page)


@pytest.mark.parametrize(
    ("language", "theme", "month", "weekdays", "day"),
    [
        ("zh", "light", "2026年5月", ["一", "二", "三", "四", "五", "六", "日"], "2026年5月12日"),
        ("en", "dark", "May 2026", ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"], "12 May 2026"),
    ],
)
def test_the_calendar_speaks_the_language_of_the_page(browser, site, language, theme, month, weekdays, day):
    page, seen = opened(browser, site, f"/?{DAYS}&lang={language}&theme={theme}")
    page.locator("#days").click()
    calendar = page.locator(".mantine-DatePickerInput-calendarHeader").locator("..")
    assert page.locator(".mantine-DatePickerInput-calendarHeaderLevel").inner_text() == month
    assert calendar.locator("thead th").all_inner_texts() == weekdays
    page.get_by_role("button", name=day, exact=True).click()
    page.wait_for_timeout(400)  # milliseconds; users need at least as long between two clicks
    followed(page, lambda: page.get_by_role("button", name=day, exact=True).click(), "from=2026-05-12")
    assert query(page)["to"] == "2026-05-12"
    revenue = site.ask("SELECT sum(revenue) FROM core.order_lines WHERE dt = '2026-05-12'")[0][0]
    assert full(page, "revenue") == f"¥{revenue:,.2f}"
    assert not seen.wrong
    close(page)


def test_the_calendar_changes_its_language_with_the_page(browser, site):
    page, seen = opened(browser, site, f"/?{DAYS}&lang=zh")
    followed(page, lambda: page.get_by_role("link", name="EN").click(), "lang=en")
    page.locator("#days").click()
    assert page.locator(".mantine-DatePickerInput-calendarHeaderLevel").inner_text() == "May 2026"
    assert not seen.wrong
    close(page)


def test_data_quality_goes_by_the_days_or_says_that_it_does_not(browser, site):
    page, seen = opened(browser, site, f"/quality?{WEEK}&lang=en")
    events, skewed = site.ask(f"SELECT sum(events), sum(skewed_events) FROM core.traffic_daily WHERE {WITHIN}")[0]
    assert full(page, "events") == f"{events:,}"
    assert full(page, "skewed_rate") == f"{100 * skewed / events:.2f}%"
    assert not seen.wrong
    close(page)
    for key, part in (("quarantine", "files"), ("batches", "files"), ("checks", "checks")):
        page, seen = opened(browser, site, f"/quality?{WEEK}&lang=en&part={part}")
        assert "whatever days are selected" in page.locator(f"#table-{key} .definition").inner_text()
        assert not seen.wrong
        close(page)


def test_an_order_of_a_customer_leads_to_its_path(browser, site):
    user, order = site.ask(
        "SELECT lines.user_id, min(order_id) FROM attribution.attributed_sales "
        "JOIN core.order_lines AS lines USING (order_id, line_no) "
        "WHERE matched_by = 'cart' AND lines.user_id IN (SELECT user_id FROM customers.rfm) "
        "GROUP BY 1 ORDER BY 1 LIMIT 1"
    )[0]
    page, seen = opened(browser, site, f"/customers?{DAYS}&user={user}&lang=en")
    followed(page, lambda: page.get_by_role("link", name=order, exact=True).first.click(), f"find={order}")
    assert urlsplit(page.url).path == "/paths"
    assert order in page.locator("#main").inner_text()
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize(("language", "said"), [("zh", "颜色越浓"), ("en", "a stronger colour")])
def test_captions_fit_the_dark_theme_too(browser, site, language, said):
    """In both themes the colour scale of the tiles starts near the background colour and ends far from it.

    So captions must not say "lighter" or "darker", which would be wrong in one of the two themes.
    """
    for theme in ("light", "dark"):
        page, _ = opened(browser, site, f"/customers?{DAYS}&lang={language}&theme={theme}")
        assert said in page.locator("#chart-tiles .definition").inner_text()
        ground, scale = chart_of(page, "tiles").evaluate(
            """graph => {
                const scale = graph.data[0].marker.colorscale.map(pair => pair[1]);
                return [getComputedStyle(graph.closest('.card')).backgroundColor, scale];
            }"""
        )
        ground = sum(int(part) for part in re.findall(r"\d+", ground)[:3])
        least, most = (sum(int(color[n : n + 2], 16) for n in (1, 3, 5)) for color in (scale[0], scale[-1]))
        assert abs(most - ground) > abs(least - ground)
        close(page)


# A shop without events ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "theme", "width"), [("zh", "dark", WIDE), ("en", "light", PHONE)])
def test_a_shop_without_events_is_judged_by_what_it_has(browser, orders_only, language, theme, width):
    days = f"from={FIRST}&to={LAST}&lang={language}&theme={theme}"
    page, seen = opened(browser, orders_only, f"/?{days}", width)
    line = {"zh": "只有订单，没有行为日志", "en": "These days have orders but no events"}[language]
    assert page.locator("#main").inner_text().count(line) == 1
    assert page.locator("[data-metric=exposures], [data-metric=visitors]").count() == 0
    revenue = orders_only.ask("SELECT sum(revenue) FROM core.order_lines")[0][0]
    assert full(page, "revenue") == f"¥{revenue:,.2f}"
    close(page)
    page, seen = opened(browser, orders_only, f"/products?{days}&matrix=exposure_margin", width)
    cards = page.locator(".cards.health .card")
    assert cards.count() == 4
    found = orders_only.ask(
        f"SELECT evidence_{language}, verdict FROM products.portfolio_health "
        f"WHERE dt = '{LAST}' AND window_days = 7 AND matrix_id = 'exposure_margin'"
    )
    assert set(found) == {({"zh": "日志中没有商品曝光", "en": "No exposures in the log"}[language], None)}
    for n in range(4):
        assert cards.nth(n).locator(".evidence").inner_text() == found[0][0]
        assert (
            cards.nth(n).locator(".verdict, .value").inner_text()
            == {"zh": "无法判断", "en": "not enough data"}[language]
        )
    close(page)
    page, seen = opened(browser, orders_only, f"/products?{days}", width)
    placed = orders_only.ask(
        f"SELECT count(*) FROM products.quadrants WHERE dt = '{LAST}' AND window_days = 7 "
        f"AND matrix_id = 'margin_repurchase' AND quadrant <> 'unknown'"
    )[0][0]
    assert chart_of(page, "matrix").locator(".main-svg").count() > 0
    shown = page.locator("[data-table=quadrants] tbody tr").all_inner_texts()
    unknown = {"zh": "未知", "en": "Unknown"}[language]
    assert sum(int(line.split("\t")[1]) for line in shown if not line.startswith(unknown)) == placed > 0
    assert not seen.wrong
    close(page)
