"""Filters and breakdowns in a browser: what is chosen is in the address, and the page's numbers are those of SQL."""

from __future__ import annotations

import pytest

from tests.browser.site import DAYS, PHONE, WIDE, close, followed, full, opened, query

pytestmark = [pytest.mark.browser, pytest.mark.real]

OF_IOS = """
    SELECT sum(revenue), count(DISTINCT order_id) FROM core.order_lines
    JOIN core.order_profiles USING (dt, order_id) WHERE platform = 'ios'
"""


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_a_filter_narrows_the_page_and_goes_again(browser, site, width):
    page, seen = opened(browser, site, f"/?{DAYS}&lang=en", width)
    whole = full(page, "revenue")
    page.locator(".filters summary").click()
    page.locator(".filters").get_by_role("textbox", name="Platform").click()
    followed(page, lambda: page.get_by_role("option", name="iOS").click(), "in.platform=ios")
    revenue, orders = site.ask(OF_IOS)[0]
    assert full(page, "revenue") == f"¥{revenue:,.2f}" != whole
    assert full(page, "orders") == f"{orders:,}"
    assert page.locator(".filters").get_attribute("open") is not None  # the list of filters stays unfolded
    assert "Filtered: Platform = iOS." in page.locator("p.days").inner_text()
    page.keyboard.press("Escape")
    followed(page, lambda: page.get_by_role("link", name="Remove the filter Platform: iOS").click(), "lang=en")
    assert "in.platform" not in query(page)
    assert full(page, "revenue") == whole
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not seen.wrong
    close(page)


def test_a_filter_goes_along_to_other_pages_and_files(browser, site):
    page, seen = opened(browser, site, f"/?{DAYS}&lang=en&in.platform=ios")
    revenue = site.ask(OF_IOS)[0][0]
    page.get_by_role("button", name="Traffic").hover()
    followed(page, lambda: page.get_by_role("link", name="Entrances", exact=True).click(), "/entrances?")
    assert query(page)["in.platform"] == "ios"
    assert f"sum to ¥{revenue:,.2f}, equal to the paid orders" in page.locator("#table-entrances").inner_text()
    with page.expect_download() as file:
        page.locator("#table-entrances a[href*='.csv']").click()
    assert "in.platform=ios" in file.value.url
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize(("language", "option", "name"), [("en", "Platform", "iOS"), ("zh", "平台", "iOS")])
def test_a_breakdown_says_what_sql_says(browser, site, language, option, name):
    page, seen = opened(browser, site, f"/?{DAYS}&lang={language}")
    label = "Break down by" if language == "en" else "按维度拆分"
    page.locator(".filters summary").click()
    page.get_by_role("textbox", name=label).click()
    followed(page, lambda: page.get_by_role("option", name=option).click(), "breakdown=platform")
    rows = page.locator("table[data-table=breakdown] tbody tr")
    shown = {row.locator("th").inner_text(): row.locator("td").first.get_attribute("title") for row in rows.all()}
    assert shown[name] == f"¥{site.ask(OF_IOS)[0][0]:,.2f}"
    followed(page, lambda: rows.get_by_role("link", name=name).click(), "in.platform=ios")
    assert "breakdown" not in query(page)
    assert full(page, "revenue") == shown[name]
    assert not seen.wrong
    close(page)


def test_other_pages_are_filtered_as_sql_says(browser, site):
    page, seen = opened(browser, site, f"/quality?{DAYS}&lang=en")
    page.locator(".filters summary").click()
    page.locator(".filters").get_by_role("textbox", name="Platform").click()
    followed(page, lambda: page.get_by_role("option", name="iOS").click(), "in.platform=ios")
    days = "events.dt BETWEEN '2026-05-11' AND '2026-05-20'"
    of_ios = "JOIN core.visitors AS visitors USING (dt, person_id) WHERE visitors.platform = 'ios'"
    events = site.ask(f"SELECT count(*) FROM core.events AS events {of_ios} AND {days}")[0][0]
    assert full(page, "events") == f"{events:,}"
    page.goto(f"{site.url}/customers?{DAYS}&lang=zh&in.platform=ios")
    page.locator("#chart-segments summary").click()
    rows = page.locator("table[data-table=segments] tbody tr")
    rows.first.wait_for(state="attached")
    assert "显示在筛选范围内买过的客户" in page.locator("#main").inner_text()
    customers = site.ask(
        """SELECT count(*) FROM customers.rfm WHERE dt = '2026-05-20' AND user_id IN (
            SELECT user_id FROM core.order_lines JOIN core.order_profiles USING (dt, order_id) WHERE platform = 'ios'
        )"""
    )[0][0]
    counts = [row.locator("td").first.text_content() for row in rows.all()]
    assert sum(int(count.replace(",", "")) for count in counts) == customers > 0
    page.goto(f"{site.url}/retention?{DAYS}&lang=en&in.entrance=search")
    page.wait_for_selector("[data-metric=new_visitors]")
    new = site.ask("SELECT count(*) FROM core.first_visits AS events WHERE entrance_id = 'search' AND " + days)[0][0]
    assert full(page, "new_visitors") == f"{new:,}"
    assert not seen.wrong
    close(page)
