"""The map of a page as components: places, wireframes, reading order, labels; and small lines of values."""

from __future__ import annotations

from typing import Any

import pytest
from dash import html
from dash.development.base_component import Component

from dashboards.app.page_map import PageMap, Place, Spot, page_map
from pipelines.config_tables.pages import Area, PageModule, ShopPage
from tests.app_pages import written

SEARCH = PageModule("search", "", "", None, {0: Area(0, 0, 200, 40)})
BANNER = PageModule("banner", "", "", None, {2: Area(100, 50, 100, 50), 1: Area(0, 50, 100, 50)})
FEED = PageModule("feed", "", "", 3, {})
HOME = ShopPage("home", "首页", "Home", "pages/home page.png", 200, 400, (BANNER, SEARCH, FEED))
MODULES = {"banner": "Banner", "search": "Search", "feed": "Feed"}


def spot(name: str, heat: float | None = 0.5, change: str = "", picture: str = "") -> Spot:
    return Spot(name, f"value of {name}", change, heat, f"/to/{name}", f"{name}: all", f"more of {name}", picture)


def drawn(spots: dict[Place, Spot], page: ShopPage | None = HOME) -> Component:
    return html.Div(page_map(PageMap(page, spots, MODULES, "nothing here")))


def parts(component: Any, kind: str) -> list[Any]:
    """The components of *kind*, such as Img, below *component* in the order of the document."""
    return [child for child in component._traverse() if type(child).__name__ == kind]


def prop(component: Component, name: str) -> Any:
    return component.to_plotly_json()["props"].get(name)


def test_slots_lie_on_the_picture_in_reading_order() -> None:
    found = drawn({("banner", 2): spot("b2"), ("search", 0): spot("s"), ("banner", 1): spot("b1")})
    assert [link.href for link in parts(found, "A")] == ["/to/s", "/to/b1", "/to/b2"]
    places = [item.style for item in parts(found, "Li")]
    assert places[0] == {"left": "0.000%", "top": "0.000%", "width": "100.000%", "height": "10.000%"}
    assert places[2] == {"left": "50.000%", "top": "12.500%", "width": "50.000%", "height": "12.500%"}
    image = parts(found, "Img")[0]
    assert (image.src, image.alt) == ("/pictures/pages/home%20page.png", "")


def test_a_slot_tells_its_name_and_value_without_colour() -> None:
    found = drawn(
        {("banner", 1): spot("b1", 0.5, "▲ +3%"), ("banner", 2): spot("b2", -1.0), ("search", 0): spot("s", None)}
    )
    links = {link.href: link for link in parts(found, "A")}
    assert prop(links["/to/b1"], "aria-label") == "b1: all"
    assert written(links["/to/b1"]) == ["1", "value of b1", "▲ +3%"]
    assert written(links["/to/s"]) == ["value of s"]
    assert [links[f"/to/{name}"].className for name in ("b1", "b2", "s")] == ["slot more", "slot less", "slot few"]
    assert [links[f"/to/{name}"].style["--heat"] for name in ("b1", "b2", "s")] == ["50%", "100%", "0%"]


def test_a_slot_without_figures_is_hollow_and_no_link() -> None:
    found = drawn({("search", 0): spot("s")})
    assert len(parts(found, "A")) == 1
    assert [part.className for part in parts(found, "Div") if "empty" in (part.className or "")] == ["slot empty"] * 2
    assert written(found).count("–") == 2


def test_slots_that_are_not_on_the_picture_are_apart_from_it() -> None:
    found = drawn(
        {("feed", 2): spot("f2"), ("feed", 1): spot("f1"), ("banner", 7): spot("b7"), ("search", 0): spot("s")}
    )
    assert [link.href for link in parts(found, "A")] == ["/to/s", "/to/b7", "/to/f1", "/to/f2"]
    assert [text for text in written(found) if text in ("Banner", "Feed", "Search")] == ["Banner", "Feed"]
    assert [part.className for part in found.children] == ["picture", "wireframes"]
    styles = [prop(part, "style") for part in parts(found, "Ul")]
    assert {"gridTemplateColumns": "repeat(3, minmax(0, 1fr))"} in styles


@pytest.mark.parametrize("page", [None, ShopPage("home", "首页", "Home", "", 0, 0, (FEED,))])
def test_a_page_without_a_picture_is_a_wireframe(page: ShopPage | None) -> None:
    found = drawn({("search", 0): spot("s"), ("feed", 1): spot("f1")}, page)
    assert not parts(found, "Img")
    assert "not on the picture" not in written(found)
    assert [text for text in written(found) if text in MODULES.values()] == ["Search", "Feed"]


def test_a_slot_shows_the_picture_of_its_content() -> None:
    found = drawn({("feed", 1): spot("f1", picture="/pictures/spring.png")}, None)
    assert [(image.src, image.alt) for image in parts(found, "Img")] == [("/pictures/spring.png", "")]
