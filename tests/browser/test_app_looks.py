"""In a browser: how pages use the screen, and the meaning of their colours, bars and question marks."""

from __future__ import annotations

import pytest

from tests.browser.site import DAYS, PHONE, close, followed, opened, settled

pytestmark = [pytest.mark.browser, pytest.mark.real]

FULL_HD = 1920


def test_pages_use_the_width_of_a_large_screen(browser, site):
    page, seen = opened(browser, site, f"/?{DAYS}&lang=en", FULL_HD)
    for path in ("/", "/entrances", "/journeys", "/slots", "/quality"):
        page.goto(f"{site.url}{path}?{DAYS}&lang=zh")
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= FULL_HD, path
        width = page.locator("#main .card").evaluate_all(
            "cards => { const all = cards.map(card => card.getBoundingClientRect()); "
            "return Math.max(...all.map(one => one.right)) - Math.min(...all.map(one => one.left)); }"
        )
        assert width > FULL_HD - 60, path
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("path", ["/", "/channels", "/funnel", "/retention", "/journeys", "/slots", "/quality"])
def test_a_phone_shows_the_first_number_without_scrolling(browser, site, path):
    page, seen = opened(browser, site, f"{path}?{DAYS}&lang=en", PHONE)
    page.set_viewport_size({"width": PHONE, "height": 844})
    number = page.locator(".kpi .value").first.bounding_box()
    assert number["y"] + number["height"] <= 844
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_change_in_a_grid_has_arrow_and_colour_at_the_right(browser, site, theme):
    page, seen = opened(browser, site, f"/slots?from=2026-05-18&to=2026-05-20&lang=en&theme={theme}")
    cells = page.locator("[data-table=slots] .ag-row .ag-cell.better, [data-table=slots] .ag-row .ag-cell.worse")
    assert cells.count() > 5
    found = cells.evaluate_all(
        "cells => cells.map(cell => [cell.innerText[0], cell.classList.contains('better'), "
        "getComputedStyle(cell).color, getComputedStyle(cell).textAlign])"
    )
    assert {(arrow, is_better) for arrow, is_better, *_ in found} <= {("▲", True), ("▼", False)}
    assert len({color for *_, color, _ in found}) == len({is_better for _, is_better, *_ in found})
    assert {align for *_, align in found} == {"right"}
    assert not seen.wrong
    close(page)


def test_the_bars_of_a_grid_are_as_long_as_their_values(browser, site):
    page, seen = opened(browser, site, f"/slots?{DAYS}&lang=en")
    cells = page.locator("[data-table=slots] .ag-center-cols-container .ag-cell.bar-cell").evaluate_all(
        "cells => cells.map(cell => [cell.innerText, parseFloat(getComputedStyle(cell).backgroundSize)])"
    )
    sales = site.ask(
        """SELECT sum(revenue)::DOUBLE FROM attribution.slot_daily
        GROUP BY entrance_id, head_page_type, head_module, head_slot HAVING sum(revenue) > 0 ORDER BY 1 DESC"""
    )
    lengths = {(f"¥{amount:,.0f}", round(100 * amount / sales[0][0], 1)) for (amount,) in sales}
    assert len(cells) > 5
    assert cells[0] == [f"¥{sales[0][0]:,.0f}", 100]
    assert not [cell for cell in cells if tuple(cell) not in lengths]
    assert not seen.wrong
    close(page)


def test_what_a_table_shows_is_behind_its_question_mark(browser, site):
    page, seen = opened(browser, site, f"/entrances?{DAYS}&lang=en")
    definition = page.locator("#table-entrances .definition")
    assert not definition.is_visible()
    page.locator("#table-entrances .help").focus()
    assert definition.is_visible()
    assert definition.inner_text() == page.locator("#table-entrances .help").get_attribute("aria-label")
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_width_cuts_the_search_hint_or_a_table(browser, site, language):
    page, seen = opened(browser, site, f"/products?{DAYS}&lang={language}")
    for width in (700, 1000, 1200, 1440, FULL_HD):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(250)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
        needed, room = page.locator(".find input").evaluate(
            """input => {
                const style = getComputedStyle(input), pen = document.createElement("canvas").getContext("2d");
                pen.font = style.font;
                const room = input.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
                return [pen.measureText(input.placeholder).width, room];
            }"""
        )
        assert needed <= room, width
        over = page.locator("#table-health .scroll").evaluate("box => box.scrollWidth - box.clientWidth")
        assert over <= 1, width
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", ["/", "/slots", "/plan", "/alerts", "/views"])
def test_no_page_of_a_phone_scrolls_sideways(browser, site, path, language):
    page, seen = opened(browser, site, f"{path}?{DAYS}&lang={language}", PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    over = "boxes => boxes.filter(box => box.scrollWidth > box.clientWidth + 1).length"
    assert page.locator(".scroll:has([data-table=attention])").evaluate_all(over) == 0
    assert not seen.wrong
    close(page)


def test_chinese_headings_break_between_words(browser, site):
    page, seen = opened(browser, site, f"/entrances?{DAYS}&lang=zh", PHONE)
    lines = page.locator("#table-entrances thead th").evaluate_all(
        """heads => heads.flatMap(head => {
            const lines = new Map(), walk = document.createTreeWalker(head, NodeFilter.SHOW_TEXT);
            for (let node = walk.nextNode(); node; node = walk.nextNode()) {
                for (let at = 0; at < node.data.length; at++) {
                    const range = document.createRange();
                    range.setStart(node, at);
                    range.setEnd(node, at + 1);
                    const top = Math.round(range.getBoundingClientRect().top);
                    lines.set(top, (lines.get(top) || "") + node.data[at]);
                }
            }
            return [...lines.values()];
        })"""
    )
    assert "".join(lines).count("千次商品曝光销售额") == 1
    assert not [line for line in lines if line.startswith(("额", "率", "售", "击", "光", "品"))]
    assert not seen.wrong
    close(page)


def test_the_keyboard_leaves_a_grid_with_tab_and_opens_a_link(browser, site):
    page, seen = opened(browser, site, f"/products?{DAYS}&lang=en&part=list")
    focus = "document.activeElement.closest('.ag-root') !== null"
    page.locator("[data-table=products] a.sort").last.focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.ag-cell')")
    page.keyboard.press("Tab")
    assert not page.evaluate(focus)
    page.keyboard.press("Shift+Tab")
    page.locator("[data-table=products] a.sort").last.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    followed(page, lambda: page.keyboard.press("Enter"), "sku=")
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_controls_of_the_funnel_fit_one_line(browser, site, language):
    page, seen = opened(browser, site, f"/funnel?{DAYS}&lang={language}")
    controls = page.locator(".controls").first.locator(".mantine-InputWrapper-root")
    assert controls.count() == 6
    assert len({round(box["y"]) for box in (one.bounding_box() for one in controls.all())}) == 1
    cut = controls.locator("input").evaluate_all(
        """inputs => inputs.filter(input => {
            const style = getComputedStyle(input), pen = document.createElement("canvas").getContext("2d");
            pen.font = style.font;
            const room = input.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
            return pen.measureText(input.value).width > room;
        }).map(input => input.value)"""
    )
    assert cut == []
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_contents_of_a_slot_fit_a_screen(browser, site, language):
    address = f"/entrances?{DAYS}&entrance=home_banner&slot=home|banner|1&lang={language}"
    page, seen = opened(browser, site, address)
    assert page.locator("#table-contents .scroll").evaluate("box => box.scrollWidth - box.clientWidth") <= 1
    assert not seen.wrong
    close(page)
