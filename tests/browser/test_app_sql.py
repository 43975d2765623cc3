"""In a browser: the editor of the SQL page, the values of parameters, and what the address keeps of a chart."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.browser.site import PHONE, WIDE, chart_of, close, followed, in_editor, opened, query, settled, written

pytestmark = [pytest.mark.browser, pytest.mark.real]

TEXT = "document.getElementById('sql-text').value"
LATER = """wait => {
    const real = window.setTimeout;
    window.setTimeout = (run, after, ...given) => real(run, after && after + wait, ...given);
}"""
"""Delays every timer of the page by *wait* ms; timers of 0 ms stay as they are."""
SALES = "SELECT dt, entrance_id, sum(revenue) AS revenue, sum(orders) AS orders FROM attribution.entrance_daily"


def offered(page) -> list[str]:
    """The names in the list that the editor opens at the cursor, from top to bottom, without scrolling."""
    page.keyboard.press("Control+Space")
    page.wait_for_selector(".suggest-widget.visible .monaco-list-row")
    return [name.split("\n")[0] for name in page.locator(".suggest-widget .monaco-list-row").all_inner_texts()]


def colors(page) -> dict[str, str]:
    """Word → colour, of the first words of the editor."""
    found: dict[str, str] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('#sql-monaco .view-line span > span')]
            .map(one => [one.textContent.trim(), getComputedStyle(one).color]))"""
    )
    return found


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        ("SELECT d.", " FROM attribution.entrance_daily AS d", "add_to_carts"),
        ("SELECT d.dt, reve", " FROM attribution.entrance_daily d -- FROM core.orders", "revenue"),
        ("SELECT 1 FROM entrance_d", "", "attribution.entrance_daily"),
        ("SELECT 1 FROM attribution.", "", "attributed_events"),
        ("WITH mine AS (SELECT 1) SELECT * FROM mi", "", "mine"),
        ("SELECT date_tr", "", "date_trunc"),
        ("SELECT 1 QUALI", "", "QUALIFY"),
    ],
)
def test_the_editor_completes_names(browser, site, before, after, first):
    page, seen = opened(browser, site, "/sql?lang=en")
    written(page, before + after)
    for _ in after:
        page.keyboard.press("ArrowLeft")
    assert offered(page)[0] == first
    page.keyboard.press("Enter")
    assert first in page.evaluate(TEXT)
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_editor_colours_words_by_what_they_are(browser, site, theme):
    page, seen = opened(browser, site, f"/sql?lang=en&theme={theme}")
    written(page, "SELECT sum ( price ) , 'text' , $name , 12 FROM t")
    page.wait_for_timeout(500)
    found = colors(page)
    words = [found[word] for word in ("SELECT", "sum", "price", "'text'", "$name", "12")]
    assert len(set(words)) == len(words)
    assert found["FROM"] == found["SELECT"]
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_the_keyboard_writes_undoes_leaves_and_runs(browser, site, width):
    page, seen = opened(browser, site, "/sql?lang=zh", width)
    in_editor(page)
    page.keyboard.type("SELECT (1")
    page.keyboard.press("Escape")
    assert page.evaluate(TEXT) == "SELECT (1)"  # the editor adds the closing bracket
    page.keyboard.press("End")
    page.keyboard.type(" ")
    page.keyboard.press("Tab")
    assert page.evaluate(TEXT).rstrip() == "SELECT (1)"
    assert page.evaluate("document.activeElement.closest('#sql-monaco') !== null")  # Tab indents and keeps the focus
    page.keyboard.press("Control+z")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "sql-run"  # after Esc, Tab leaves the editor
    in_editor(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("[data-table=result]")
    # When the result is shown, the editor has the focus again.
    page.wait_for_function("document.activeElement.closest('#sql-monaco') !== null")
    settled(page)
    assert page.get_by_role("textbox", name="SQL 编辑器").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("waits", [0, 1000])
def test_what_is_typed_while_a_query_runs_stays(browser, site, waits):
    page, seen = opened(browser, site, "/sql?lang=en")
    page.evaluate(LATER, waits)
    written(page, "SELECT 1 AS first_one")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(", 2 AS another")
    page.wait_for_selector("[data-table=result]")
    settled(page)
    assert page.evaluate(TEXT) == "SELECT 1 AS first_one, 2 AS another"
    page.locator("#main a[href*='saved=sales_by_day']").first.click()
    page.wait_for_function(f"{TEXT}.includes('sales AS (')")
    in_editor(page)
    page.keyboard.press("Control+z")
    assert page.evaluate(TEXT) == "SELECT 1 AS first_one, 2 AS another"
    assert not seen.wrong
    close(page)


def test_the_page_is_left_without_an_error(browser, site):
    page, seen = opened(browser, site, "/sql?lang=en&q=SELECT+1")
    for _ in range(3):
        followed(page, page.get_by_role("link", name="Products", exact=True).click, "/products")
        page.go_back()
        settled(page)
    followed(page, page.get_by_role("link", name="Customers", exact=True).click, "/customers")
    assert not seen.wrong
    close(page)


def test_a_touch_screen_keeps_the_plain_text_area(browser, site):
    context = browser.new_context(viewport={"width": PHONE, "height": 900}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{site.url}/sql?lang=en")
    page.locator("#sql-text").fill("SELECT 42 AS answer")
    page.locator("#sql-run").tap()
    page.wait_for_selector("[data-table=result]")
    assert page.locator("#sql-monaco").is_hidden()
    page.close()
    context.close()


def test_without_the_editors_files_the_text_area_runs_queries(browser, site):
    page = browser.new_page()
    page.route("**/monaco/**", lambda route: route.abort())
    page.goto(f"{site.url}/sql?lang=en")
    page.locator("#sql-text").fill("SELECT 42 AS answer")
    page.locator("#sql-text").press("Control+Enter")
    page.wait_for_selector("[data-table=result]")
    page.wait_for_function("document.activeElement.id === 'sql-text'")
    page.locator(".schema button.insert").first.evaluate("button => button.click()")
    assert page.locator("#sql-text").input_value().startswith("SELECT 42 AS answer attribution.")
    page.close()


def test_parameters_are_asked_for_bound_and_kept_in_the_address(browser, site):
    page, seen = opened(browser, site, "/sql?lang=en")
    written(page, f"{SALES} WHERE dt >= $since AND entrance_id <> $other GROUP BY ALL ORDER BY dt LIMIT $most")
    most = page.get_by_label("$most", exact=True)
    most.wait_for()
    page.locator("#sql-run").click()
    page.get_by_role("alert").filter(has_text="Give a value for $since, $other, $most.").wait_for()
    page.get_by_label("$since", exact=True).fill("2026-05-15")
    page.get_by_label("$other", exact=True).fill("x' OR 1=1 --")
    most.fill("many")
    most.press("Control+Enter")
    page.get_by_role("alert").filter(has_text="$most takes a number, not “many”.").wait_for()
    most.fill("7")
    most.press("Control+Enter")
    page.wait_for_selector("[data-table=result]")
    settled(page)
    asked = query(page)
    assert (asked["p.since"], asked["p.other"], asked["p.most"]) == ("2026-05-15", "x' OR 1=1 --", "7")
    assert page.get_by_text("7 rows in").count() == 1
    page.goto(page.url.replace(asked["result"], "0" * 32))
    settled(page)
    assert page.get_by_label("$since", exact=True).input_value() == "2026-05-15"
    assert most.input_value() == "7"
    assert not seen.wrong
    close(page)


def test_the_address_keeps_the_choice_of_a_chart(browser, site):
    sql = "SELECT dt, sum(revenue) AS revenue, sum(orders) AS orders FROM attribution.entrance_daily GROUP BY 1"
    page, seen = opened(browser, site, f"/sql?lang=en&q={quote(sql)}&y=revenue&y=orders")
    page.locator("#sql-run").click()
    page.wait_for_selector("#chart-chart .main-svg")
    settled(page)
    page.get_by_role("textbox", name="Chart type").click()
    followed(page, lambda: page.get_by_role("option", name="Stacked bar").click(), "kind=stacked")
    assert "y=revenue&y=orders" in page.url
    names = chart_of(page, "chart").evaluate("chart => chart.data.map(one => [one.type, one.name])")
    assert names == [["bar", "revenue"], ["bar", "orders"]]
    assert not seen.wrong
    close(page)


def test_a_truncated_result_says_so_on_its_chart(browser, site):
    page, seen = opened(browser, site, f"/sql?lang=zh&q={quote('SELECT n, n * 2 AS m FROM range(20000) AS t(n)')}")
    page.locator("#sql-run").click()
    page.wait_for_selector("#chart-chart .main-svg")
    settled(page)
    assert page.locator("#chart-chart .annotation-text").text_content() == "只画了前 2,000 行，后面还有更多"
    assert not seen.wrong
    close(page)
