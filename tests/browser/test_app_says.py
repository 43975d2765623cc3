"""In a browser: pages do not mislead. Most tests guard against a mistake that a page once made.

Each number has the right name, each control is in the block that it changes, and an exported file has the row order of
the screen. Numbers are compared with the results of ``headwater sql`` on the same home.
"""

from __future__ import annotations

import csv
import io
import re
from urllib.parse import quote

import pytest

from tests.browser.site import DAYS, PHONE, WIDE, chart_of, close, followed, full, opened, query, settled, written

pytestmark = [pytest.mark.browser, pytest.mark.real]

LOOKS = [("zh", WIDE), ("en", PHONE)]


@pytest.fixture(scope="module")
def slot(site) -> tuple[str, str]:
    """home_banner's slot with the most impressions, as the value in an address and as a condition in SQL."""
    page, module, number = site.ask(
        """SELECT head_page_type, head_module, head_slot FROM attribution.slot_daily WHERE entrance_id = 'home_banner'
        GROUP BY ALL ORDER BY sum(impressions) DESC LIMIT 1"""
    )[0]
    place = f"head_page_type = '{page}' AND head_module = '{module}' AND head_slot = {number}"
    return quote(f"{page}|{module}|{number}"), f"entrance_id = 'home_banner' AND {place}"


def drawn(page, key: str, trace: int = 0) -> dict:
    """The x values, y values and name of trace number *trace* of the chart *key*."""
    found: dict = chart_of(page, key).evaluate(
        """(chart, n) => {
            const trace = chart.data[n];
            const plain = values => Array.from(values && values._inputArray ? values._inputArray : values || []);
            return {x: plain(trace.x), y: plain(trace.y), name: trace.name};
        }""",
        trace,
    )
    return found


def heads(page, key: str) -> list[str]:
    """The column headings of a table or grid, without the arrow that marks the sorted column."""
    found = page.locator(f"[data-table={key}] a.sort").all_inner_texts()
    return [re.sub(r"\s*[▲▼]$", "", said) for said in found]


def downloaded(page, part: str) -> list[dict[str, str]]:
    with page.expect_download() as waiting:
        page.locator(f"{part} a.export", has_text="CSV").first.click()
    return list(csv.DictReader(io.StringIO(waiting.value.path().read_text(encoding="utf-8-sig"))))


# The page of a slot ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "width"), LOOKS)
@pytest.mark.parametrize(
    ("metric", "sql"),
    [("revenue", "sum(revenue)"), ("impressions", "sum(impressions)"), ("exposures", "sum(exposures)")],
)
def test_the_page_of_a_slot_draws_the_slot(browser, site, slot, language, width, metric, sql):
    name, own = slot
    address = f"/entrances?{DAYS}&lang={language}&entrance=home_banner&slot={name}&slot_metric={metric}"
    page, seen = opened(browser, site, address, width)
    days = dict(site.ask(f"SELECT dt, {sql} FROM attribution.slot_daily WHERE {own} GROUP BY dt ORDER BY dt"))
    assert sum(drawn(page, "course")["y"]) == pytest.approx(float(sum(days.values())))
    of_entrance = site.ask(f"SELECT {sql} FROM attribution.slot_daily WHERE entrance_id = 'home_banner'")[0][0]
    assert sum(days.values()) < of_entrance
    amount = f"¥{sum(days.values()):,.2f}" if metric == "revenue" else f"{sum(days.values()):,}"
    assert full(page, metric) == amount
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not seen.wrong
    close(page)


# The choice of the attribution model -------------------------------------------------------------------


def test_the_model_stands_in_the_block_that_it_changes(browser, site):
    page, seen = opened(browser, site, f"/models?{DAYS}&lang=en")
    before = page.locator("#chart-disagreements figcaption").all_inner_texts()
    block = page.locator(".stack:has(#chart-models)")
    assert block.get_by_role("textbox", name="Attribution model").count() == 1
    assert page.get_by_role("textbox", name="Attribution model").count() == 1
    page.get_by_role("textbox", name="Attribution model").click()
    followed(page, lambda: page.get_by_role("option", name="Last touch", exact=True).click(), "model=last")
    last = site.ask(
        """SELECT touchpoint, sum(revenue) FROM attribution.model_daily
        WHERE model = 'last' AND touchpoint_type = 'entrance' GROUP BY 1 ORDER BY 2 DESC"""
    )
    shown = drawn(page, "models")
    assert shown["name"] == "Last touch"
    assert shown["x"][: len(last)] == [pytest.approx(float(revenue)) for _, revenue in last]
    assert page.locator("#chart-disagreements figcaption").all_inner_texts() == before
    assert not seen.wrong
    close(page)


# Slots and products ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "labels"),
    [
        (
            "zh",
            {"坑位曝光": "impressions", "坑位点击": "clicks", "商品曝光": "exposures", "商品点击": "product_clicks"},
        ),
        (
            "en",
            {"Slot impressions": "impressions", "Slot clicks": "clicks", "Product exposures": "exposures",
             "Product clicks": "product_clicks"},
        ),
    ],
)  # fmt: skip
def test_counts_of_slots_and_products_have_their_own_names(browser, site, slot, language, labels):
    page, seen = opened(browser, site, f"/entrances?{DAYS}&lang={language}&entrance=home_banner&slot={slot[0]}")
    shown = heads(page, "contents")
    assert len(set(shown)) == len(shown)
    total = page.locator("[data-table=contents] tfoot tr").locator("th, td")
    for label, column in labels.items():
        wanted = site.ask(f"SELECT sum({column}) FROM attribution.slot_daily WHERE {slot[1]}")[0][0]
        cell = total.nth(shown.index(label))
        assert (cell.get_attribute("title") or cell.inner_text()) == f"{wanted:,}"
    rates = {"zh": ("坑位点击率", "商品点击率"), "en": ("Slot click rate", "Product click-through rate")}[language]
    of_slot, of_products = site.ask(
        f"""SELECT sum(clicks) / sum(impressions), sum(product_clicks) / sum(exposures)
        FROM attribution.slot_daily WHERE {slot[1]}"""
    )[0]
    for label, rate in zip(rates, (of_slot, of_products), strict=True):
        cell = total.nth(shown.index(label))
        assert (cell.get_attribute("title") or cell.inner_text()) == f"{100 * rate:,.2f}%"
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize(
    ("language", "impressions", "rate"),
    [("zh", "模块曝光", "模块点击率"), ("en", "Module impressions", "Module click rate")],
)
def test_modules_have_names_of_their_own_too(browser, site, language, impressions, rate):
    page, seen = opened(browser, site, f"/modules?{DAYS}&lang={language}")
    rows = downloaded(page, "#chart-modules")
    assert not {"商品曝光", "坑位点击", "Product exposures", "Slot clicks"} & set(rows[0])
    found = {(row["page_type"], row["module"]): (int(row[impressions]), row[rate]) for row in rows}
    for page_type, module, seen_times, clicked in site.ask(
        "SELECT page_type, module, sum(exposures), sum(clicks) FROM attribution.module_daily GROUP BY 1, 2"
    ):
        times, share = found[page_type, module]
        assert times == seen_times
        assert (float(share) if share else None) == (pytest.approx(clicked / seen_times) if seen_times else None)
    assert not seen.wrong
    close(page)


# The workbench's chart ---------------------------------------------------------------------------------


def test_a_query_of_days_and_entrances_is_a_line_for_each(browser, site):
    sql = """SELECT dt, entrance_id, sum(revenue) AS revenue FROM attribution.entrance_daily
        WHERE entrance_id IN ('search', 'home_feed') GROUP BY ALL ORDER BY revenue DESC"""
    page, seen = opened(browser, site, "/sql?lang=en")
    written(page, sql)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#chart-chart .main-svg", timeout=30_000)
    settled(page)
    for place in (0, 1):
        line = drawn(page, "chart", place)
        own = site.ask(
            f"""SELECT dt, sum(revenue) FROM attribution.entrance_daily
            WHERE entrance_id = '{line["name"]}' GROUP BY 1 ORDER BY 1"""
        )
        assert line["x"] == [str(day) for day, _ in own]
        assert line["y"] == [pytest.approx(float(revenue)) for _, revenue in own]
    page.get_by_role("textbox", name="Series").click()
    followed(page, lambda: page.get_by_role("option", name="none").click(), "series=*")
    assert len(drawn(page, "chart")["y"]) == len(site.ask(sql))
    assert not seen.wrong
    close(page)


# Sorting and exported files ----------------------------------------------------------------------------


def test_a_head_sorts_all_rows_and_not_those_that_are_shown(browser, site):
    page, seen = opened(browser, site, f"/products?{DAYS}&lang=en&part=list")
    window = re.sub(r"\D", "", page.get_by_role("textbox", name="Window").input_value())
    products = f"FROM products.metrics WHERE dt = '2026-05-20' AND window_days = {window}"
    assert site.ask(f"SELECT count(*) {products}")[0][0] > 200
    head = page.locator("[data-sort='products:exposures']")
    followed(page, head.click, "sort=products:-exposures")
    followed(page, head.click, "sort=products:exposures")
    least = site.ask(f"SELECT product_id {products} ORDER BY exposures, revenue DESC, product_id LIMIT 5")
    rows = page.locator("[data-table=products] .ag-center-cols-container .ag-row")
    assert [rows.nth(n).locator("[col-id=c1]").inner_text() for n in range(5)] == [sku for (sku,) in least]
    page.wait_for_function("document.activeElement.dataset.sort === 'products:exposures'", timeout=15_000)
    file = downloaded(page, "#table-products")
    assert [row["Product ID"] for row in file] == [
        sku for (sku,) in site.ask(f"SELECT product_id {products} ORDER BY exposures, revenue DESC, product_id")
    ]
    head.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("!location.search.includes('sort=')")
    assert not seen.wrong
    close(page)


def test_a_plain_table_sorts_too_and_says_so_to_screen_readers(browser, site):
    page, seen = opened(browser, site, f"/entrances?{DAYS}&lang=en")
    followed(page, page.locator("[data-sort='entrances:exposures']").click, "sort=entrances:-exposures")
    order = site.ask(
        """SELECT entrance_id FROM attribution.entrance_daily GROUP BY 1
        ORDER BY sum(exposures) DESC, sum(revenue) DESC, entrance_id"""
    )
    assert [row["entrance_id"] for row in downloaded(page, "#table-entrances")] == [key for (key,) in order]
    assert page.locator("[data-table=entrances] th[aria-sort=descending]").inner_text().startswith("Product exposures")
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_file_of_orders_can_be_joined(browser, site, language):
    page, seen = opened(browser, site, f"/entrances?{DAYS}&lang={language}&entrance=search")
    rows = downloaded(page, "#table-orders")
    order, line = {"zh": ("订单", "行"), "en": ("Order", "Line")}[language]
    found = {(row[order], int(row[line]), row["sku"], row["user_id"], row["entrance_id"]) for row in rows}
    assert found == set(
        site.ask(
            """SELECT order_id, line_no, sku, person_id, entrance_id FROM attribution.attributed_sales
            WHERE entrance_id = 'search'"""
        )
    )
    assert not seen.wrong
    close(page)


# Names, and addresses of things that do not exist ------------------------------------------------------


@pytest.mark.parametrize(("language", "width"), LOOKS)
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/entrances?entrance=nope", {"zh": "没有入口“nope”", "en": "No entrance “nope”"}),
        ("/entrances?entrance=search&slot=a|b|1", {"zh": "没有坑位“a|b|1”", "en": "has no slot “a|b|1”"}),
        ("/channels?channel=nope", {"zh": "没有渠道“nope”", "en": "No channel “nope”"}),
        (
            "/models?type=nope",
            {"zh": "触点类型“nope”不是可选项", "en": "“nope” (Touchpoint type), which is not an option"},
        ),
        ("/products?matrix=nope", {"zh": "矩阵“nope”不是可选项", "en": "“nope” (Matrix), which is not an option"}),
        ("/products?sku=nope", {"zh": "没有商品 nope", "en": "No product nope"}),
        ("/customers?user=nope", {"zh": "没有客户 nope", "en": "No customer nope"}),
        ("/paths?find=nope", {"zh": "没有找到订单、加购或设备“nope”", "en": "No order, add-to-cart or device"}),
    ],
)
def test_what_is_not_there_is_said_to_be_so(browser, site, language, width, address, said):
    page, seen = opened(browser, site, f"{address}&{DAYS}&lang={language}", width)
    told = page.get_by_role("status").filter(has_text=said[language])
    assert told.count() == 1
    # The page must not advise a run, because no run would create the item that the address names.
    assert "headwater run" not in told.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not seen.wrong
    close(page)


def test_keys_are_names_in_both_languages(browser, site):
    for language in ("zh", "en"):
        page, seen = opened(browser, site, f"/models?{DAYS}&lang={language}")
        names = site.ask(f"SELECT entrance_id, min(name_{language}) FROM core.entrances GROUP BY 1")
        shown = page.locator("[data-table=models] tbody th").all_inner_texts()
        said = page.locator("#main").inner_text()
        sold = {key for (key,) in site.ask("SELECT DISTINCT entrance_id FROM attribution.entrance_daily")}
        for key, name in names:
            assert (name in shown) == (key in sold), key
            assert not re.search(rf"(?<![\w]){re.escape(key)}(?![\w])", said) or key == name.lower()
        assert "(direct)" not in said
        assert "(unattributed)" not in said
        assert not seen.wrong
        close(page)


@pytest.mark.parametrize(
    ("language", "shapes"),
    [
        (
            "zh",
            {"star": "入口（星形）", "diamond": "加购（菱形）", "square": "空心方块是用户退回",
             "circle": "空心圆点是被同一页面"},
        ),
        (
            "en",
            {"star": "entrance (star)", "diamond": "add-to-cart (diamond)", "square": "A hollow square is a step the",
             "circle": "a hollow circle is a step replaced"},
        ),
    ],
)  # fmt: skip
def test_the_path_explorers_hint_names_the_shapes_it_draws(browser, site, language, shapes):
    order, line = site.ask(
        """SELECT order_id, line_no FROM attribution.attributed_sales JOIN attribution.path_steps
        ON end_event_id = matched_event_id GROUP BY ALL
        HAVING count(*) FILTER (WHERE effective_step_no IS NULL) > 0 AND count(*) FILTER (
            WHERE effective_step_no IS NOT NULL AND stack_step_no IS NULL) > 0 ORDER BY 1, 2 LIMIT 1"""
    )[0]
    page, seen = opened(browser, site, f"/paths?{DAYS}&lang={language}&find={order}&line={line}")
    symbols = chart_of(page, "steps").evaluate(
        """chart => Object.fromEntries(chart.data
            .filter(trace => trace.mode === 'markers+text').map(trace => [trace.name, trace.marker.symbol]))"""
    )
    names = {
        "zh": ("入口点击", "加购", "回退", "被替代"),
        "en": ("entrance", "add-to-cart", "went back from", "replaced"),
    }
    page.locator(".term:has(> h2) .help").first.focus()
    said = page.locator("#main").inner_text()
    for name in names[language]:
        assert shapes[symbols[name]] in said
    assert query(page)["find"] == order
    assert not seen.wrong
    close(page)
