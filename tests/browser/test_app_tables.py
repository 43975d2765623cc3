"""In a browser: the choices, lists, exported files and numbers of the pages Products, Customers and SQL."""

from __future__ import annotations

import csv
import io
import re

import pytest

from dashboards.app.pages import PAGE_OF, PARTS_OF
from tests.browser.site import DAYS, PHONE, chart_of, close, followed, opened, query, settled, written

pytestmark = [pytest.mark.browser, pytest.mark.real]


def downloaded(page, press) -> bytes:
    with page.expect_download() as waiting:
        press()
    content: bytes = waiting.value.path().read_bytes()
    return content


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def choose(page, label: str, option: str, part: str) -> None:
    page.get_by_role("textbox", name=label, exact=True).click()
    followed(page, lambda: page.get_by_role("option", name=option).first.click(), part)


# Products ----------------------------------------------------------------------------------------------


def test_the_matrix_and_its_window_are_chosen(browser, site):
    page, seen = opened(browser, site, f"/products?{DAYS}&lang=en")
    choose(page, "Matrix", "Exposure × click-to-order", "matrix=")
    choose(page, "Window", "7 days", "window=7")
    name = query(page)["matrix"]
    stars = site.ask(
        f"""SELECT count(*) FROM products.quadrants
        WHERE dt = '2026-05-20' AND window_days = 7 AND matrix_id = '{name}' AND quadrant <> 'unknown'"""
    )[0][0]
    shown = page.locator("#table-quadrants tbody tr, [data-table=quadrants] tbody tr").all_inner_texts()
    counts = [int(re.sub(r"\D", "", line.split("\t")[1])) for line in shown if not line.startswith("Unknown")]
    assert sum(counts) == stars
    assert not seen.wrong
    close(page)


def test_a_box_over_the_chart_lists_the_products_in_it(browser, site):
    page, seen = opened(browser, site, f"/products?{DAYS}&lang=en")
    graph = chart_of(page, "matrix").locator(".nsewdrag").first
    graph.scroll_into_view_if_needed()
    box = graph.bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=8)
    page.mouse.up()
    page.wait_for_selector(".selection .chosen li")
    said = page.locator(".selection .note").first.inner_text()
    content = downloaded(page, lambda: page.locator(".selection a.export").first.click())
    rows = rows_of(content)
    assert rows[0] == ["product_id", "name"]
    assert f"{len(rows) - 1} selected" in said
    assert len(rows) > 10
    assert not seen.wrong
    close(page)


def test_a_product_is_looked_at(browser, site):
    best = "SELECT product_id, sum(revenue) AS r FROM core.order_lines GROUP BY 1 ORDER BY r DESC"
    product, revenue = site.ask(best)[0]
    page, seen = opened(browser, site, f"/products?{DAYS}&lang=en&sku={product}")
    assert product in page.locator("#main").inner_text()
    windows = site.ask(
        "SELECT max(revenue) FROM products.metrics "
        f"WHERE dt = '2026-05-20' AND product_id = '{product}' AND window_days = 28"
    )[0][0]
    assert revenue == windows  # the window of 28 days includes all sales, because the shop is younger than that
    assert f"{windows:,.0f}" in page.locator("#main").inner_text() or f"{windows:,.2f}" in page.content()
    assert not seen.wrong
    close(page)


# Customers ---------------------------------------------------------------------------------------------


def test_a_segment_is_listed_and_taken_away_whole(browser, site):
    page, seen = opened(browser, site, f"/customers?{DAYS}&lang=en")
    segment, customers = site.ask(
        """SELECT segment, count(*) FROM customers.rfm WHERE dt = '2026-05-20' GROUP BY 1 ORDER BY 2 DESC, 1"""
    )[0]
    page.goto(f"{site.url}/customers?{DAYS}&lang=en&segment={segment}")
    settled(page)
    place = page.locator("#main a.export[aria-label*='Customers: '][aria-label*=CSV]").first
    rows = rows_of(downloaded(page, place.click))
    assert len(rows) - 1 == customers
    own = site.ask(f"SELECT user_id FROM customers.rfm WHERE dt = '2026-05-20' AND segment = '{segment}'")
    assert {row[0] for row in rows[1:]} == {user for (user,) in own}
    assert not seen.wrong
    close(page)


def test_a_group_is_chosen_and_a_customer_of_it_looked_at(browser, site):
    page, seen = opened(browser, site, f"/customers?{DAYS}&lang=en")
    choose(page, "List of an octant or segment", "Segment · ", "segment=")
    followed(page, lambda: page.locator("#main a[href*='user=']").first.click(), "user=")
    user = query(page)["user"]
    orders = site.ask(f"SELECT count(*) FROM core.orders WHERE user_id = '{user}'")[0][0]
    address = page.locator("#main a.export[aria-label*=Orders][aria-label*=CSV]").first
    assert len(rows_of(downloaded(page, address.click))) - 1 == orders
    assert not seen.wrong
    close(page)


# SQL ---------------------------------------------------------------------------------------------------


def test_a_query_is_written_run_and_taken_away(browser, site):
    page, seen = opened(browser, site, "/sql?lang=en")
    sql = "SELECT entrance_id, sum(revenue) AS revenue FROM attribution.entrance_daily GROUP BY 1 ORDER BY 2 DESC"
    written(page, sql)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("[data-table=result]")
    settled(page)
    rows = rows_of(downloaded(page, lambda: page.locator("a.export[href*=result], a.export").first.click()))
    direct = site.ask(sql)
    assert [row[0] for row in rows[1:]] == [row[0] for row in direct]
    assert [float(row[1]) for row in rows[1:]] == [pytest.approx(float(row[1])) for row in direct]
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "cannot be used as a table"),
        ("COPY core.orders TO '/tmp/x'", "only read-only queries can run"),
        ("SELECT getenv('HOME')", "is not on the list"),
        ("SELECT 1; SELECT 2", "one query at a time"),
        ("SELEC 1", "not valid SQL"),
        ("SELECT * FROM core.nothing", "there is no table"),
    ],
)
def test_what_may_not_run_says_why(browser, site, sql, said):
    page, seen = opened(browser, site, "/sql?lang=en")
    written(page, sql)
    page.locator("#sql-run").click()
    page.get_by_role("alert").filter(has_text=said).wait_for()
    assert not seen.wrong
    close(page)


def test_a_saved_query_is_opened_by_its_name(browser, site):
    page, seen = opened(browser, site, "/sql?lang=en")
    page.locator("#main a[href*='saved=']").first.click()
    page.wait_for_selector("[data-table=result]")
    assert page.locator("[data-table=result] tbody tr, [data-table=result] .ag-row").count() > 0
    assert not seen.wrong
    close(page)


def test_a_query_in_an_address_is_shown_and_not_run(browser, site):
    page, seen = opened(browser, site, "/sql?lang=en&q=SELECT%20%27%3Cb%3Ebold%3C/b%3E%27%20AS%20said")
    assert page.locator("#sql-text").input_value() == "SELECT '<b>bold</b>' AS said"
    assert page.locator("[data-table=result]").count() == 0
    page.locator("#sql-run").click()
    page.wait_for_selector("[data-table=result]")
    assert page.get_by_text("<b>bold</b>", exact=True).count() > 0
    assert not seen.wrong
    close(page)


# Phones ------------------------------------------------------------------------------------------------

_FIRST_ROWS = """() => [...document.querySelectorAll("#main [data-table]")].map(table => {
    const isGrid = table.matches(".grid-table");
    const cells = isGrid
        ? [...table.querySelectorAll(".ag-row[row-index='0'] .ag-cell")]
            .sort((one, other) => one.ariaColIndex - other.ariaColIndex)
        : [...table.querySelectorAll("tbody tr:first-child > *")];
    const box = (isGrid ? table : table.closest(".scroll")).getBoundingClientRect();
    const end = Math.min(innerWidth, box.right) + 1;
    const isNumber = cell => isGrid ? cell.matches(".ag-right-aligned-cell") : !cell.matches(".text");
    const name = cells[0].getBoundingClientRect();
    const numbers = cells.slice(1).filter(isNumber).map(cell => cell.getBoundingClientRect());
    const isCut = cells[0].scrollWidth > cells[0].clientWidth + 1;
    const isShown = numbers.some(one => one.left >= name.right - 2 && one.right <= end);
    return [table.dataset.table, !isCut && (isShown || !numbers.length)];
})"""


def _addresses(site) -> list[str]:
    """Addresses of all pages and their parts, and of one entrance, slot, product, customer, channel and order."""
    parts = [f"/{page}?{DAYS}&part={part}" for page, names in PARTS_OF.items() for part in names]
    whole = [f"/{page}?{DAYS}" for page in PAGE_OF if page not in PARTS_OF]
    product = site.ask("SELECT product_id FROM core.order_lines GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")[0][0]
    user = site.ask("SELECT user_id FROM core.orders GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")[0][0]
    order = site.ask("SELECT order_id FROM core.order_lines GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")[0][0]
    return [
        *whole,
        *parts,
        f"/entrances?{DAYS}&entrance=home_banner",
        f"/entrances?{DAYS}&entrance=home_banner&slot=home|banner|1",
        f"/products?{DAYS}&sku={product}",
        f"/customers?{DAYS}&user={user}",
        f"/channels?{DAYS}&channel=direct",
        f"/paths?{DAYS}&find={order}&line=1",
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_on_a_phone_show_a_number_beside_the_name(browser, site, language):
    page, seen = opened(browser, site, f"/?{DAYS}&lang={language}", PHONE)
    hidden, tables = [], 0
    for address in _addresses(site):
        page.goto(f"{site.url}{address}&lang={language}")
        settled(page)
        page.evaluate("document.querySelectorAll('#main details:not([open])').forEach(one => { one.open = true; })")
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, address
        found = page.evaluate(_FIRST_ROWS)
        tables += len(found)
        hidden += [(address, key) for key, is_shown in found if not is_shown]
    assert tables > 60
    assert not hidden
    assert not seen.wrong
    close(page)
