"""The report in a browser: it sends no requests, writes nothing to the console, and fits phones and paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.shared_homes import small_shop_reports

pytestmark = [pytest.mark.browser, pytest.mark.real]

PLOTS = "[...document.querySelectorAll('.plot')]"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return small_shop_reports(tmp_path_factory)


def opened(browser: Any, path: Path, width: int) -> tuple[Any, list[str]]:
    """The page of file *path* with all charts drawn, and a list of its errors, console messages and requests."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    wrong: list[str] = []
    page.on("request", lambda request: request.url == path.as_uri() or wrong.append(f"asked for {request.url}"))
    page.on("console", lambda message: wrong.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.goto(path.as_uri())
    page.wait_for_function(
        "document.querySelectorAll('.plot .main-svg').length >= document.querySelectorAll('.plot').length"
    )
    page.wait_for_timeout(300)
    return page, wrong


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_it_asks_nobody_and_fits(pages: dict[str, Path], browser: Any, language: str, width: int) -> None:
    page, wrong = opened(browser, pages[language], width)
    assert wrong == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    too_wide = (
        "[...document.querySelectorAll('.plot')].filter(p => p.querySelector('svg').clientWidth > p.clientWidth + 1)"
    )
    assert page.evaluate(f"{too_wide}.length") == 0
    page.close()


SHEET = 710
"""The width of an A4 sheet without its margins, in pixels."""


def sheets(page: Any) -> list[Any]:
    """The sheets of paper on which the page is printed."""
    pdfium = pytest.importorskip("pypdfium2", reason="uv sync --group browser")
    return list(pdfium.PdfDocument(page.pdf(prefer_css_page_size=True, print_background=True)))


def lines(sheet: Any) -> list[str]:
    """The lines of text on *sheet*, from top to bottom, without the page number."""
    text = sheet.get_textpage().get_text_range().replace("\r", "")
    return [line.strip() for line in text.split("\n") if line.strip() and not re.fullmatch(r"\d+ / \d+", line.strip())]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_paper_sections_begin_sheets_and_no_heading_is_last(
    pages: dict[str, Path], browser: Any, language: str
) -> None:
    page, wrong = opened(browser, pages[language], 1440)
    titles = page.locator("h2").all_inner_texts()
    headings = {*titles, *page.locator("h3, h4").all_inner_texts()}
    found = [lines(sheet) for sheet in sheets(page)]
    assert all(any(title in line for line in found[0]) for title in titles[:1])
    firsts = [text[0] for text in found]
    assert [title for title in titles[1:] if title not in firsts] == []
    assert [text[-1] for text in found if text[-1] in headings] == []
    assert wrong == []
    page.close()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_paper_nothing_is_cut_at_the_right(pages: dict[str, Path], browser: Any, language: str) -> None:
    page, wrong = opened(browser, pages[language], 1440)
    margin = 11 / 25.4 * 72 - 1
    for sheet in sheets(page):
        text = sheet.get_textpage()
        places = [place for place in range(text.count_chars()) if text.get_text_range(place, 1).strip()]
        assert max(text.get_charbox(place)[2] for place in places) <= sheet.get_width() - margin
    # A page that is wider than the sheet would be printed smaller.
    page.set_viewport_size({"width": SHEET, "height": 1000})
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= SHEET
    sticking_out = page.evaluate(
        """() => [...document.querySelectorAll('.card table, .card .plot svg')].filter(part => {
            const card = part.closest('.card'), room = parseFloat(getComputedStyle(card).paddingRight);
            return part.getBoundingClientRect().right > card.getBoundingClientRect().right - room + 1.5;
        }).map(part => part.closest('.card').innerText.slice(0, 60))"""
    )
    assert sticking_out == []
    assert page.evaluate(f"{PLOTS}.every(plot => getComputedStyle(plot).breakInside === 'avoid')")
    # Two charts fit on a sheet.
    assert page.evaluate(f"Math.max(...{PLOTS}.map(plot => plot.clientHeight))") < 1000 / 2
    assert wrong == []
    page.close()


def test_a_table_longer_than_a_sheet_repeats_its_headings(pages: dict[str, Path], browser: Any) -> None:
    page, _ = opened(browser, pages["en"], 1440)
    head = page.evaluate(
        """() => {
            const table = document.querySelector('#entrances table'), row = table.tBodies[0].rows[0];
            table.tHead.rows[0].cells[0].textContent = 'Repeated';
            for (let n = 0; n < 120; n += 1) { table.tBodies[0].append(row.cloneNode(true)); }
            return table.tHead.rows.length;
        }"""
    )
    assert head == 1
    assert sum("Repeated" in " ".join(lines(sheet)) for sheet in sheets(page)) >= 3
    page.close()


def test_after_printing_the_charts_are_as_before(pages: dict[str, Path], browser: Any) -> None:
    page, wrong = opened(browser, pages["en"], 1440)
    sizes = f"{PLOTS}.map(plot => [plot.clientHeight, plot.querySelector('svg').clientWidth])"
    before = page.evaluate(sizes)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for_timeout(300)
    assert page.evaluate(sizes) != before
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.wait_for_timeout(300)
    assert page.evaluate(sizes) == before
    assert wrong == []
    page.close()


def test_without_scripts_the_numbers_are_still_there(pages: dict[str, Path], browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["en"].as_uri())
    assert "Charts need JavaScript" in page.inner_text("main")
    assert page.locator("figure details table").count() == page.locator("figure").count()
    context.close()
