"""The slot map in a browser: on a picture and as a wireframe, by mouse, keyboard and screen reader, in both themes."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

from dashboards.copy.build import publish
from pipelines.compute.run import run_home
from pipelines.simulator.pictures import write_pictures
from tests.browser.site import DAYS, PHONE, WIDE, Site, close, followed, opened, query, served
from tests.processes import made_up_shop

pytestmark = [pytest.mark.browser, pytest.mark.real]

LOOKS = [("zh", "light", WIDE), ("en", "dark", PHONE), ("en", "light", 1920), ("zh", "dark", WIDE)]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A shop with the demo's picture of its home page."""
    home = made_up_shop(tmp_path_factory.mktemp("map") / "home", days=10, devices=250)
    write_pictures(home.config, pl.read_parquet(home.root / "simulation" / "contents.parquet"))
    run_home(home)
    publish(home)
    yield from served(home)


@pytest.mark.parametrize(("language", "theme", "width"), LOOKS)
@pytest.mark.parametrize("page_type", ["home", "category"])
def test_a_map_fits_loads_and_can_be_used_by_all(browser, drawn, page_type, language, theme, width):
    axe_module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="uv sync --group browser")
    address = f"/slots?{DAYS}&lang={language}&theme={theme}&page_type={page_type}&compare=none"
    page, seen = opened(browser, drawn, address, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    pictures = page.locator("#main img")
    assert pictures.count() > 0
    assert pictures.evaluate_all("images => images.every(one => one.complete && one.naturalWidth > 0)")
    found = axe_module.Axe().run(page).response["violations"]
    serious = [
        (one["id"], node["html"][:160])
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]
    assert not serious
    assert not seen.wrong
    close(page)


def test_the_map_says_what_sql_says(browser, drawn):
    page, _ = opened(browser, drawn, f"/slots?{DAYS}&lang=en&metric=impressions")
    for slot, impressions in drawn.ask(
        "SELECT head_slot, sum(impressions) FROM attribution.slot_daily WHERE head_module = 'banner' GROUP BY 1"
    ):
        label = f"Home · Banner · slot {slot}: Slot impressions {impressions:,}"
        assert page.get_by_role("link", name=label, exact=True).count() == 1
    close(page)


def test_a_slot_lies_at_its_place_and_leads_to_its_page(browser, drawn):
    page, seen = opened(browser, drawn, f"/slots?{DAYS}&lang=en")
    picture = page.locator(".picture > img").bounding_box()
    slot = page.get_by_role("link", name="Home · Banner · slot 1: Sales")
    box = slot.bounding_box()
    scale = picture["width"] / 750
    assert box["x"] - picture["x"] == pytest.approx(24 * scale, abs=4)
    assert box["y"] - picture["y"] == pytest.approx(116 * scale, abs=4)
    assert (box["width"], box["height"]) == (pytest.approx(702 * scale, abs=6), pytest.approx(280 * scale, abs=6))
    followed(page, slot.click, "slot=home|banner|1")
    assert page.locator("h1").inner_text() == "Home · Banner · slot 1"
    assert page.title() == "Home · Banner · slot 1 · Headwater"
    thumbnails = page.locator("[data-table=contents] img")
    assert thumbnails.evaluate_all("images => images.length > 0 && images.every(one => one.naturalWidth > 0)")
    followed(page, page.get_by_role("link", name="Show on the slot map →").click, "page_type=home")
    assert page.locator("h1").inner_text() == "Slot map: Home"
    assert not seen.wrong
    close(page)


def test_the_keyboard_reaches_the_slots_in_reading_order(browser, drawn):
    page, _ = opened(browser, drawn, f"/slots?{DAYS}&lang=en")
    page.locator(".picture a.slot").first.focus()
    places = []
    for _ in range(page.locator(".picture a.slot").count()):
        active = page.evaluate_handle("document.activeElement")
        assert active.evaluate("one => one.matches('.picture a.slot') && getComputedStyle(one).outlineStyle") == "solid"
        places.append(
            active.evaluate("one => (box => [box.y + scrollY, box.x].map(Math.round))(one.getBoundingClientRect())")
        )
        page.keyboard.press("Tab")
    assert len(places) > 10
    assert places == sorted(places)
    page.locator(".picture a.slot").nth(1).focus()
    followed(page, lambda: page.keyboard.press("Enter"), "slot=home|banner|1")
    close(page)


def test_page_metric_and_colour_are_chosen(browser, drawn):
    days = "from=2026-05-20&to=2026-05-20"
    page, seen = opened(browser, drawn, f"/slots?{days}&lang=en")

    def choose(label: str, option: str, part: str) -> None:
        page.get_by_label(label, exact=True).first.click()
        followed(page, page.get_by_role("option", name=option, exact=True).click, part)

    choose("Metric", "Slot click rate", "metric=slot_click_rate")
    choose("Colour", "by change against the comparison days", "colour=change")
    assert page.locator(".legend").inner_text().split() == ["lower", "higher"]
    choose("Page", "Category", "page_type=category")
    assert page.locator("h1").inner_text() == "Slot map: Category"
    assert page.locator(".picture").count() == 0
    assert query(page)["metric"] == "slot_click_rate"
    assert not seen.wrong
    close(page)


def test_two_contents_are_compared_on_the_map(browser, drawn):
    page, seen = opened(browser, drawn, f"/slots?{DAYS}&lang=en&metric=impressions")
    page.get_by_label("Compare contents", exact=True).first.click()
    option = page.get_by_role("option").nth(1)
    name = option.inner_text()
    followed(page, option.click, "content=")
    content = query(page)["content"]
    rows = drawn.ask(
        f"""SELECT head_module, head_slot, sum(impressions) FROM attribution.slot_daily
        WHERE head_page_type = 'home' AND head_content_id = '{content}' GROUP BY ALL ORDER BY 3 DESC"""
    )
    table = page.locator("#table-map_contents")
    assert name in table.inner_text()
    assert f"{rows[0][2]:,}" in table.inner_text()
    figures = page.locator("a.slot .figure").all_inner_texts()
    assert any(text.splitlines()[0].replace(",", "") == str(rows[0][2]) for text in figures if rows[0][2] < 10_000)
    assert page.locator(".legend").inner_text().split() == ["lower", "higher"]
    assert not seen.wrong
    close(page)


def test_the_table_of_all_slots_sorts_and_shows_courses(browser, drawn):
    page, seen = opened(browser, drawn, f"/slots?{DAYS}&lang=en")
    table = page.locator("[data-table=slots]")
    assert table.locator("img.in-cell").first.get_attribute("alt").startswith("lowest ¥")
    followed(page, table.get_by_role("link", name="Sort by Slot impressions").click, "sort=slots:-impressions")
    first = table.locator(".ag-row[row-index='0'] [col-id=c0]").first.inner_text()
    assert first == "Home · Feed · slot 1"
    assert table.get_by_role("link", name="Sort by Sales by day").count() == 0
    assert not seen.wrong
    close(page)
