"""The report in a browser: it sends no requests, writes nothing to the console, and fits phones and paper."""

from __future__ import annotations

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


def test_no_chart_is_cut_by_the_edge_of_a_sheet(pages: dict[str, Path], browser: Any) -> None:
    page, wrong = opened(browser, pages["en"], 1440)
    assert page.pdf(prefer_css_page_size=True, print_background=True).startswith(b"%PDF")
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    widths = page.evaluate("[...document.querySelectorAll('.plot svg.main-svg')].map(svg => svg.clientWidth)")
    assert max(widths) <= 690  # no chart is wider than an A4 sheet can show, in pixels
    assert page.evaluate(
        "[...document.querySelectorAll('.plot')].every(p => getComputedStyle(p).breakInside === 'avoid')"
    )
    assert wrong == []
    page.close()


def test_without_scripts_the_numbers_are_still_there(pages: dict[str, Path], browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["en"].as_uri())
    assert "Charts need JavaScript" in page.inner_text("main")
    assert page.locator("figure details table").count() == page.locator("figure").count()
    context.close()
