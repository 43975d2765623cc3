"""The web app in a browser, on a made-up shop: what people see, do and download.

A page sends requests only to its own server, writes nothing to the console, fits a phone, and has no serious finding of
axe, the accessibility checker. The numbers on a page equal those that ``headwater sql`` returns. Each filter,
drill-down and exported file works. An address that one user passes on shows the same page to another.
"""

from __future__ import annotations

import csv
import io
import os
import re
import threading
from urllib.parse import urlsplit

import pytest

from assets.engine import DagsterEngine
from dashboards.app.view import PAGES
from pipelines.lake.partitions import DaySpan
from tests.browser.site import DAYS, HOSTILE, PATIENCE, PHONE, WIDE, close, followed, full, opened, query, settled

pytestmark = [pytest.mark.browser, pytest.mark.real]

LOOKS = [
    ("zh", "light", WIDE), ("en", "dark", PHONE), ("en", "light", PHONE), ("zh", "dark", WIDE),
    ("en", "light", WIDE), ("zh", "dark", PHONE), ("zh", "light", PHONE), ("en", "dark", WIDE),
][: int(os.environ.get("HEADWATER_LOOKS", "8"))]  # fmt: skip
"""Language, theme and width. The first two cover both languages, both themes and both widths."""


# Appearance and accessibility --------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "theme", "width"), LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_quiet_fits_and_can_be_used_by_all(browser, site, name, language, theme, width):
    axe_module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="uv sync --group browser")
    path = "/" if name == PAGES[0] else f"/{name}"
    page, seen = opened(browser, site, f"{path}?{DAYS}&lang={language}&theme={theme}", width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.lang") == ("zh-CN" if language == "zh" else "en")
    found = axe_module.Axe().run(page).response["violations"]
    serious = [
        (one["id"], node["html"][:160], node.get("failureSummary", "")[:200])
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]
    assert not serious
    assert not seen.wrong
    close(page)


def test_names_in_the_data_are_shown_as_text(browser, site):
    page, seen = opened(browser, site, f"/entrances?{DAYS}&lang=en")
    assert page.get_by_text(HOSTILE).count() > 0
    assert page.locator("img[onerror]").count() == 0
    assert not seen.wrong
    close(page)


# Numbers -----------------------------------------------------------------------------------------------


def test_the_overview_says_what_sql_says(browser, site):
    page, _ = opened(browser, site, f"/?{DAYS}&lang=en")
    revenue, orders = site.ask("SELECT sum(revenue), count(DISTINCT order_id) FROM core.order_lines")[0]
    exposures = site.ask("SELECT sum(exposures) FROM attribution.entrance_daily")[0][0]
    assert full(page, "revenue") == f"¥{revenue:,.2f}"
    assert full(page, "orders") == f"{orders:,}"
    assert full(page, "exposures") == f"{exposures:,}"
    close(page)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_phone_shows_sales_without_scrolling(browser, site, language):
    page, _ = opened(browser, site, f"/?{DAYS}&lang={language}", PHONE)
    page.set_viewport_size({"width": PHONE, "height": 667})
    sales = page.locator("[data-metric='revenue']").first.bounding_box()
    assert sales["y"] + sales["height"] <= 667
    sales = page.locator("[data-metric='revenue']").first
    assert sales.evaluate("element => parseFloat(getComputedStyle(element).fontSize)") >= 30, "and large"
    close(page)


def test_the_entrances_say_what_sql_says(browser, site):
    page, _ = opened(browser, site, f"/entrances?{DAYS}&lang=en")
    rows = page.locator("table[data-table=entrances] tbody tr")
    shown = {
        rows.nth(n).locator("th").inner_text(): rows.nth(n).locator("td").first.get_attribute("title")
        or rows.nth(n).locator("td").first.inner_text()
        for n in range(rows.count())
    }
    direct = site.ask(
        """SELECT coalesce(names.name_en, entrance_id), sum(revenue) FROM attribution.entrance_daily
        LEFT JOIN (SELECT entrance_id, min(name_en) AS name_en FROM core.entrances GROUP BY 1) AS names
        USING (entrance_id) WHERE NOT starts_with(entrance_id, '(') GROUP BY 1"""
    )
    for name, revenue in direct:
        assert _amount(shown[name]) == pytest.approx(float(revenue), abs=0.006), name
    close(page)


def _amount(said: str) -> float:
    return float(re.sub(r"[^0-9.\-]", "", said.replace("−", "-")))


@pytest.mark.parametrize(
    ("address", "metric", "sql"),
    [
        ("/quality?part=files&", "records", "SELECT sum(records) FROM core.batches"),
        ("/quality?part=files&", "quarantined", "SELECT sum(quarantined) FROM core.batches"),
    ],
)
def test_cards_say_what_sql_says(browser, site, address, metric, sql):
    page, _ = opened(browser, site, f"{address}{DAYS}&lang=en")
    assert full(page, metric) == f"{site.ask(sql)[0][0]:,}"
    close(page)


def test_paths_say_what_sql_says(browser, site):
    page, _ = opened(browser, site, f"/paths?{DAYS}&lang=en")
    said = page.locator("[data-table=paths] .ag-floating-bottom .ag-cell").all_inner_texts()
    carts, lines = site.ask("SELECT sum(add_to_carts), sum(order_lines) FROM attribution.path_summary")[0]
    assert f"{carts:,}" in said
    assert f"{lines:,}" in said
    close(page)


def test_modules_say_what_sql_says(browser, site):
    page, _ = opened(browser, site, f"/modules?{DAYS}&lang=en")
    best = site.ask(
        "SELECT sum(assisted_revenue) AS a FROM attribution.module_daily GROUP BY page_type, module ORDER BY a DESC"
    )
    assert f"¥{best[0][0]:,.2f}" in page.locator("[data-table=modules]").first.inner_text()
    close(page)


# Interaction -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slower", [1, 8])
def test_days_are_filled_into_the_address_and_stay(browser, site, slower):
    """This must also hold on a slow device, which renders the page long before all scripts have run."""
    page = browser.new_context().new_page()
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.goto(f"{site.url}/?lang=en")
    page.wait_for_function("location.search.includes('from=2026-05-14')", timeout=PATIENCE)
    settled(page)
    page.wait_for_timeout(1000)  # milliseconds; a late script must not remove the days from the address
    assert query(page)["from"] == "2026-05-14"
    assert page.evaluate("history.length") == 2, "an empty tab and this page"
    close(page)


def test_preset_comparison_language_theme_are_in_the_address(browser, site):
    page, seen = opened(browser, site, "/?lang=en")
    followed(page, lambda: page.get_by_role("link", name="14 days").click(), "from=2026-05-11")
    page.get_by_role("textbox", name="Compare with").click()
    followed(page, lambda: page.get_by_role("option", name="no comparison").click(), "compare=none")
    followed(page, lambda: page.get_by_role("link", name="中文").click(), "lang=zh")
    followed(page, lambda: page.get_by_role("link", name="深色").click(), "theme=dark")
    assert page.locator("h1").inner_text() == "总览"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 21, 27)"
    assert not seen.wrong
    close(page)


def test_days_are_picked_in_a_calendar(browser, site):
    page, seen = opened(browser, site, f"/?{DAYS}&lang=en")
    page.locator("#days").click()
    page.get_by_role("button", name="12 May 2026").click()
    page.wait_for_timeout(400)  # milliseconds; users need at least as long between two clicks
    followed(page, lambda: page.get_by_role("button", name="13 May 2026").click(), "from=2026-05-12")
    assert query(page)["to"] == "2026-05-13"
    revenue = site.ask("SELECT sum(revenue) FROM core.order_lines WHERE dt BETWEEN '2026-05-12' AND '2026-05-13'")
    assert full(page, "revenue") == f"¥{revenue[0][0]:,.2f}"
    assert not seen.wrong
    close(page)


def test_from_a_number_down_to_the_one_path_behind_it(browser, site):
    page, seen = opened(browser, site, f"/entrances?{DAYS}&lang=en")
    followed(page, lambda: page.get_by_role("link", name="Search", exact=True).first.click(), "entrance=search")
    followed(page, lambda: page.locator("[data-table=slots] a:not(.sort)").first.click(), "slot=")
    followed(page, lambda: page.locator("[data-table=orders] a:not(.sort)").first.click(), "find=")
    assert urlsplit(page.url).path == "/paths"
    assert page.locator("#chart-steps .main-svg").count() > 0
    order = query(page)["find"]
    steps = site.ask(
        f"""SELECT count(*) FROM attribution.path_steps WHERE end_event_id IN (
            SELECT matched_event_id FROM attribution.attributed_sales
            WHERE order_id = '{order}' AND line_no = {query(page)["line"]})"""
    )[0][0]
    page.locator("#chart-steps summary").click()
    settled(page)
    shown = page.locator("#chart-steps tbody tr, #chart-steps .ag-center-cols-container .ag-row")
    assert shown.count() == steps
    page.go_back()
    settled(page)
    assert urlsplit(page.url).path == "/entrances"
    assert not seen.wrong
    close(page)


def test_the_model_is_switched(browser, site):
    page, seen = opened(browser, site, f"/models?{DAYS}&lang=en")
    page.get_by_role("textbox", name="Attribution model").click()
    followed(page, lambda: page.get_by_role("option", name="Linear").click(), "model=linear")
    assert page.get_by_role("heading", name="Attribution model: Linear").count() == 1
    page.get_by_role("textbox", name="Attribution model").click()
    page.get_by_role("option", name="Entrance attribution").click()
    page.wait_for_function("!location.search.includes('model=')")
    assert not seen.wrong
    close(page)


def test_a_search_leads_to_an_order(browser, site):
    order = site.ask("SELECT min(order_id) FROM attribution.attributed_sales WHERE matched_by = 'cart'")[0][0]
    page, seen = opened(browser, site, f"/?{DAYS}&lang=en")
    field_ = page.locator("#find")
    field_.fill(order)
    followed(page, lambda: field_.press("Enter"), f"/search?from=2026-05-11&to=2026-05-20&lang=en&q={order}")
    followed(page, lambda: page.get_by_role("link", name=order, exact=True).click(), f"find={order}")
    assert page.get_by_text("Credited entrance").count() == 1
    assert not seen.wrong
    close(page)


def test_an_address_shows_the_same_in_another_browser(browser, site):
    page, _ = opened(browser, site, f"/paths?{DAYS}&lang=zh&shape=icicle&metric=revenue")
    said = page.locator("#main").inner_text()
    other, _ = opened(browser, site, page.url.removeprefix(site.url))
    assert other.locator("#main").inner_text() == said
    close(page)
    close(other)


def test_a_chart_is_seen_as_table_too(browser, site):
    page, _ = opened(browser, site, f"/?{DAYS}&lang=en")
    card = page.locator("#chart-days")
    assert card.locator("table").is_hidden()
    card.locator("summary").click()
    card.locator("tbody tr").last.wait_for()  # a folded table gets its rows only when it is unfolded
    assert card.locator("tbody tr").count() == 10
    close(page)


def test_it_is_used_by_keyboard(browser, site):
    page, seen = opened(browser, site, f"/?{DAYS}&lang=en")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.locator(".help").first.focus()
    assert page.locator(".tip").first.is_visible()
    assert not seen.wrong
    close(page)


def test_who_chooses_or_types_goes_on_where_they_were(browser, site):
    page, seen = opened(browser, site, f"/paths?{DAYS}&lang=en&part=one")
    focused = "document.activeElement.id + document.activeElement.className + document.activeElement.value"
    page.locator(".controls input").first.focus()
    page.keyboard.type("20")
    # The app now redraws the page for "20", while the user goes on typing.
    page.wait_for_function("location.href.includes('find=20')")
    followed(page, lambda: page.keyboard.type("26-5", delay=50), "find=2026-5")
    assert "find" in page.evaluate(focused)
    assert page.evaluate(focused).endswith("2026-5")
    page.locator("a.preset").nth(1).focus()
    followed(page, lambda: page.keyboard.press("Enter"), "find=2026-5")
    page.wait_for_function("document.activeElement.classList.contains('preset')")
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("address", ["/nothing", "/entrances/more", "/entrances/../x"])
def test_an_address_that_leads_nowhere_says_so(browser, site, address):
    page, _ = opened(browser, site, f"{address}?lang=en")
    assert "Page not found" in page.locator("h1").inner_text()
    close(page)


def test_days_outside_of_the_records_are_said_to_be_so(browser, site):
    page, seen = opened(browser, site, "/?from=2026-01-01&to=2026-01-07&lang=en")
    assert "No data for these days: the shop's data runs from" in page.locator("#main").inner_text()
    assert not seen.wrong
    close(page)


# Exported files ----------------------------------------------------------------------------------------


def test_files_hold_what_is_shown(browser, site):
    page, seen = opened(browser, site, f"/entrances?{DAYS}&lang=zh")
    with page.expect_download() as waiting:
        page.locator("#table-entrances a.export", has_text="CSV").click()
    content = waiting.value.path().read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0][:2] == ["入口", "销售额"]
    assert len(rows) - 1 == page.locator("table[data-table=entrances] tbody tr").count()
    with page.expect_download() as waiting:
        page.locator("#table-entrances a.export", has_text="XLSX").click()
    assert waiting.value.path().read_bytes().startswith(b"PK")
    with page.expect_download() as waiting:
        page.locator("#chart-course button.png").click()
    assert waiting.value.path().read_bytes().startswith(b"\x89PNG")
    assert not seen.wrong
    close(page)


# Pages during a run ------------------------------------------------------------------------------------


def test_pages_stay_whole_in_a_run_and_the_badge_tells_of_it(browser, site):
    page, seen = opened(browser, site, f"/entrances?{DAYS}&lang=en")
    days = [row[0] for row in site.ask("SELECT DISTINCT dt FROM attribution.entrance_daily ORDER BY 1")]
    tables = ["core.order_lines", "attribution.attributed_sales", "attribution.entrance_daily", "core.traffic_daily"]
    work = threading.Thread(
        target=lambda: [DagsterEngine(site.home).compute(tables, DaySpan(days[0], days[-1])) for _ in range(3)]
    )
    work.start()
    looked = 0
    while work.is_alive() or looked < 3:
        for path in ("/entrances", "/", "/modules"):
            page.goto(f"{site.url}{path}?{DAYS}&lang=en")
            settled(page)
            looked += 1
            said = page.locator("#main").inner_text()
            assert "which does not equal the paid orders" not in said
            assert page.get_by_role("alert").count() == 0
    work.join()
    before = page.evaluate("document.querySelector('#badge').innerText")
    page.wait_for_selector("#badge .newer")
    page.locator("#badge .newer").click()
    settled(page)
    assert page.locator("#badge .newer").count() == 0
    assert page.evaluate("document.querySelector('#badge').innerText") != before or looked
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_menu_is_one_line_and_its_groups_open(browser, site, language):
    page, seen = opened(browser, site, f"/journeys?{DAYS}&lang={language}", 1280)
    links = page.locator(".menu a").evaluate_all("links => links.map(link => new URL(link.href).pathname)")
    assert sorted(links) == sorted("/" if name == PAGES[0] else f"/{name}" for name in PAGES)
    assert page.locator(".top").bounding_box()["height"] < 60
    group = page.locator(".menu .group").first
    assert not group.get_by_role("link").first.is_visible()
    group.get_by_role("button").focus()
    page.keyboard.press("Tab")
    followed(page, lambda: page.keyboard.press("Enter"), "/entrances")
    assert not page.locator(".menu .group").first.get_by_role("link").first.is_visible()
    close(page)
    page, again = opened(browser, site, f"/journeys?{DAYS}&lang={language}", PHONE)
    assert not page.locator(".menu button").first.is_visible()
    assert all(link.is_visible() for link in page.locator(".menu a").all())
    assert not seen.wrong + again.wrong
    close(page)


@pytest.mark.parametrize("width", [1280, WIDE])
def test_a_grid_of_long_paths_fits_the_page_and_is_drawn(browser, site, width):
    page, seen = opened(browser, site, f"/journeys?{DAYS}&lang=en&part=paths", width)
    view = page.locator("#table-paths .ag-center-cols-viewport")
    view.wait_for(state="attached")
    assert view.evaluate("view => view.scrollWidth <= view.clientWidth")
    root = page.locator("#table-paths .ag-root-wrapper")
    assert root.evaluate("grid => getComputedStyle(grid).contentVisibility") == "visible"
    assert not seen.wrong
    close(page)
