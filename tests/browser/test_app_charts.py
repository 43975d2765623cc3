"""In a browser: when pages are requested, when charts are drawn and drawn again, links to charts, folded tables."""

from __future__ import annotations

import pytest

from dashboards.figures.look import BLUE, INK, PAPER
from tests.browser.site import DAYS, PHONE, WIDE, chart_of, close, followed, opened, settled

pytestmark = [pytest.mark.browser, pytest.mark.real]

DRAWN = "() => [...document.querySelectorAll('[data-figure]')].map(one => one.querySelectorAll('.main-svg').length > 0)"
STARTS = """() => [performance.getEntriesByName(location.origin + "/_dash-update-component")[0].startTime,
    performance.getEntriesByType("navigation")[0].domInteractive]"""
WIDTHS = """() => [...document.querySelectorAll('[data-figure]')].map(
    one => [one.querySelector('.main-svg').clientWidth, one.clientWidth])"""


@pytest.mark.parametrize(("language", "theme"), [("zh", "dark"), ("en", "light")])
def test_a_chart_is_drawn_when_it_comes_near_the_window(browser, site, language, theme):
    page, seen = opened(browser, site, f"/customers?{DAYS}&lang={language}&theme={theme}", PHONE)
    drawn = page.evaluate(DRAWN)
    assert drawn[0]
    assert not any(drawn[2:])
    places = page.locator("[data-figure]")
    assert all(places.nth(n).get_attribute("aria-label") for n in range(4))
    height = page.evaluate("document.documentElement.scrollHeight")
    assert chart_of(page, "tiles").locator(".main-svg").count() > 0
    settled(page)
    assert page.evaluate("document.documentElement.scrollHeight") == height, "nothing moved"
    chart_of(page, "scores")
    chart_of(page, "segments")
    assert all(page.evaluate(DRAWN))
    assert not seen.wrong
    close(page)


def test_a_page_is_asked_for_once_and_before_scripts_start(browser, site):
    page = browser.new_context().new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or request.url))
    page.goto(f"{site.url}/products?{DAYS}&part=moves&lang=en")
    settled(page)
    assert len([what for what in asked if "root.children" in what]) == 1, "Dash gets the answer to our request"
    begun, started = page.evaluate(STARTS)
    assert begun < started
    assert len([what for what in asked if what.endswith(("/_dash-layout", "/_dash-dependencies"))]) == 2
    page.get_by_role("link", name="Customers").first.click()
    page.wait_for_function("document.title.startsWith('Customers')")
    assert len([what for what in asked if "root.children" in what]) == 2, "the next page is asked for as usual"
    close(page)


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_paper_shows_all_charts_and_none_is_cut(browser, site, width):
    page, seen = opened(browser, site, f"/customers?{DAYS}&lang=en", width)
    page.evaluate("""() => addEventListener('beforeprint', () => {
        window.onPaper = [...document.querySelectorAll('[data-figure] .main-svg')].map(one => one.clientWidth);
    })""")
    assert all(page.evaluate(DRAWN)) == (width == WIDE)
    assert page.pdf().startswith(b"%PDF")
    assert all(page.evaluate(DRAWN))
    on_paper = page.evaluate("window.onPaper")
    assert on_paper
    assert max(on_paper) <= 640
    settled(page)
    assert all(drawn == place for drawn, place in page.evaluate(WIDTHS)), "as before on the screen"
    assert not seen.wrong
    close(page)


PRINTED = """() => addEventListener('beforeprint', () => {
    const chart = document.querySelector('#chart-days [data-figure]');
    window.onPaper = [chart.layout.paper_bgcolor, chart.layout.font.color, chart.data[0].marker.color];
})"""


def test_a_dark_page_is_printed_in_the_light_colours(browser, site):
    page, seen = opened(browser, site, f"/?{DAYS}&lang=en&theme=dark")
    chart_of(page, "days")
    page.evaluate(PRINTED)
    page.pdf()
    assert page.evaluate("window.onPaper") == [PAPER, INK, BLUE]
    page.emulate_media(media="print")
    ink, bars = page.evaluate("""() => [getComputedStyle(document.querySelector('h1')).color,
        document.querySelector('#chart-days .bars path').getBoundingClientRect().height]""")
    assert ink == "rgb(29, 43, 54)"
    assert bars > 0
    page.emulate_media(media="screen")
    settled(page)
    assert page.evaluate("document.querySelector('#chart-days [data-figure]').layout.paper_bgcolor") == "#171e25"
    assert not seen.wrong
    close(page)


def test_charts_follow_the_theme_and_the_language(browser, site):
    page, seen = opened(browser, site, f"/customers?{DAYS}&lang=en")
    assert page.evaluate("document.querySelector('#chart-octants [data-figure]').layout.paper_bgcolor") == "#ffffff"
    followed(page, lambda: page.get_by_role("link", name="Dark").click(), "theme=dark")
    assert page.evaluate("document.querySelector('#chart-octants [data-figure]').layout.paper_bgcolor") == "#171e25"
    before = page.evaluate("document.querySelector('#chart-octants .main-svg').textContent")
    followed(page, lambda: page.get_by_role("link", name="中文").click(), "lang=zh")
    assert page.evaluate("document.querySelector('#chart-octants .main-svg').textContent") != before
    assert not seen.wrong
    close(page)


def test_charts_follow_the_width_of_the_window(browser, site):
    page, seen = opened(browser, site, f"/products?{DAYS}&lang=en")
    page.set_viewport_size({"width": PHONE, "height": 900})
    chart_of(page, "matrix")
    page.wait_for_function(
        "() => document.querySelector('#chart-matrix .main-svg').clientWidth"
        " === document.querySelector('#chart-matrix [data-figure]').clientWidth"
    )
    narrow = page.evaluate("document.querySelector('#chart-matrix [data-figure]').layout")
    assert narrow["annotations"] == narrow["meta"]["narrow"]["annotations"]
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.wait_for_function(f"() => document.querySelector('#chart-matrix .main-svg').clientWidth > {PHONE}")
    wide = page.evaluate("document.querySelector('#chart-matrix [data-figure]').layout")
    assert wide["annotations"] != wide["meta"]["narrow"]["annotations"]
    assert not seen.wrong
    close(page)


def test_an_address_leads_to_a_chart(browser, site):
    page, seen = opened(browser, site, f"/customers?{DAYS}&lang=en#chart-tiles", PHONE)
    page.wait_for_selector("#chart-tiles .main-svg")
    assert 0 <= page.locator("#chart-tiles").bounding_box()["y"] < 450
    assert page.url.endswith("#chart-tiles")
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize(
    ("name", "first", "second"), [("products", "matrix", "new"), ("customers", "octants", "value")]
)
def test_parts_of_a_page_are_links_reached_by_keyboard(browser, site, name, first, second):
    page, seen = opened(browser, site, f"/{name}?{DAYS}&lang=en")
    links = page.get_by_role("navigation", name="Part of the page").get_by_role("link")
    assert page.locator(f"#chart-{first}").count() == 1
    links.nth([link.get_attribute("href").endswith(f"part={second}") for link in links.all()].index(True)).focus()
    followed(page, lambda: page.keyboard.press("Enter"), f"part={second}")
    page.wait_for_function("document.activeElement.getAttribute('aria-current') === 'page'")
    assert page.locator(f"#chart-{first}").count() == 0
    page.go_back()
    page.wait_for_selector(f"#chart-{first} .main-svg")
    assert not seen.wrong
    close(page)


def test_a_folded_table_is_made_when_it_is_unfolded(browser, site):
    page, seen = opened(browser, site, f"/products?{DAYS}&lang=en")
    card = page.locator("#chart-matrix")
    assert card.locator("[data-table]").count() == 0
    card.locator("summary").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#chart-matrix [data-table=matrix] .ag-row")
    product = card.locator(".ag-center-cols-container .ag-row").first.locator("[col-id=c1]").inner_text()
    followed(page, card.locator(".ag-row a").first.click, f"sku={product}")
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_a_label_stands_clear_of_the_comparisons_mark(browser, site, width):
    page, seen = opened(browser, site, "/funnel?from=2026-05-18&to=2026-05-20&lang=zh", width)
    chart = chart_of(page, "funnel")
    rows = """many => many.map(one => one.getBoundingClientRect())
        .map(one => [one.left, one.right, one.top, one.bottom])"""
    labels = chart.locator(".scatterlayer .textpoint text").evaluate_all(rows)
    marks = chart.locator(".scatterlayer path.point").evaluate_all(rows)
    assert labels
    assert marks
    for left, right, top, bottom in labels:
        beside = [mark for mark in marks if mark[2] < bottom and mark[3] > top]
        assert not [mark for mark in beside if mark[1] > left + 5 and mark[0] < right]
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_tile_with_room_for_letters_has_some(browser, site, language, width):
    page, seen = opened(browser, site, f"/customers?{DAYS}&lang={language}", width)
    tiles = chart_of(page, "tiles").locator("g.slice:not(:first-child)")
    found = tiles.evaluate_all(
        """tiles => tiles.map(tile => [tile.querySelector('path.surface'), tile.querySelector('.slicetext')])
        .map(parts => parts.map(one => one && one.getBoundingClientRect()))
        .map(([area, text]) => [area.width, area.height, text ? text.height : 0])"""
    )
    assert len(found) > 4
    assert not [tile for tile in found if tile[0] > 50 and tile[1] > 24 and tile[2] < 9]
    assert not seen.wrong
    close(page)
