"""The map of a page: its slots at their places on its picture, or as a wireframe, each coloured by a value.

Here: the components of the map.
Not here: the values of the slots (``dashboards.app.pages.slot_map``), what the page looks like (``config/pages.yaml``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboards.app.marks import clean, marks
from dashboards.app.pictures import picture_url
from dashboards.numbers import NONE
from pipelines.config_tables.pages import Area, ShopPage

Place = tuple[str, int]
"""Module and number of a slot."""

_PORTRAIT, _LANDSCAPE = 460, 1_100
"""Maximum width on screen, in pixels, of a picture that is higher than wide, and of any other picture."""


@dataclass(frozen=True)
class Spot:
    """A slot on the map.

    Attributes:
        name: Page, module and number.
        value: The value, as text.
        change: Its change against the comparison days, as text; '': no comparison.
        heat: The colour, from -1 (the second colour) over 0 (none) to 1 (the first colour); None: too few impressions
            to tell.
        href: The link of the slot.
        label: Name, value and change, for screen readers.
        hover: More figures, one in each line.
        picture: The URL of the picture of the content that the slot showed; '': none.
    """

    name: str
    value: str
    change: str
    heat: float | None
    href: str
    label: str
    hover: str
    picture: str


@dataclass(frozen=True)
class PageMap:
    """What a map shows.

    Attributes:
        page: The page's picture and the places of its slots; None: not in pages.yaml.
        spots: The slots that have figures.
        modules: The modules in the order in which wireframes show them, with their names.
        empty: The text for a slot without figures.
    """

    page: ShopPage | None
    spots: Mapping[Place, Spot]
    modules: Mapping[str, str]
    empty: str


def page_map(shown: PageMap) -> list[Component]:
    """The picture with the slots on it, and the wireframes of all other slots; each in reading order.

    One of the two may be missing.
    """
    on_picture = _on_picture(shown.page)
    others = {place: spot for place, spot in shown.spots.items() if place not in on_picture}
    parts: list[Any] = []
    if shown.page and shown.page.picture:
        parts.append(_picture(shown, shown.page, on_picture))
    if others or not parts:
        parts.append(html.Div(_wireframes(shown, others), className="wireframes"))
    return parts


def _on_picture(page: ShopPage | None) -> dict[Place, Area]:
    """The slots on the picture from top to bottom, and from left to right."""
    modules = page.modules if page else ()
    places = {(one.module, slot): area for one in modules for slot, area in one.areas.items()}
    return dict(sorted(places.items(), key=lambda item: (item[1].y, item[1].x)))


def _picture(shown: PageMap, page: ShopPage, places: Mapping[Place, Area]) -> Component:
    most = _PORTRAIT if page.height > page.width else _LANDSCAPE
    items = [
        html.Li(
            _slot(shown, place),
            style={
                "left": f"{100 * area.x / page.width:.3f}%",
                "top": f"{100 * area.y / page.height:.3f}%",
                "width": f"{100 * area.width / page.width:.3f}%",
                "height": f"{100 * area.height / page.height:.3f}%",
            },
        )
        for place, area in places.items()
    ]
    image = html.Img(src=picture_url(page.picture), alt="", width=page.width, height=page.height)
    return html.Div([image, html.Ul(items)], className="picture", style={"maxWidth": min(page.width, most)})


def _wireframes(shown: PageMap, others: Mapping[Place, Spot]) -> list[Component]:
    columns = {one.module: one.columns for one in shown.page.modules} if shown.page else {}
    frames: list[Component] = []
    for module, name in shown.modules.items():
        places = sorted(place for place in others if place[0] == module)
        if places:
            width = columns.get(module)
            style = {"gridTemplateColumns": f"repeat({width}, minmax(0, 1fr))"} if width else {}
            slots = html.Ul([html.Li(_slot(shown, place)) for place in places], style=style)
            heading = [html.P(clean(name), className="module")] if name else []
            frames.append(html.Div([*heading, slots], className="wireframe"))
    return frames


def _slot(shown: PageMap, place: Place) -> Component:
    number = [html.Span(str(place[1]), className="number")] if place[1] else []
    spot = shown.spots.get(place)
    if spot is None:
        text = html.Span(NONE, className="figure", title=shown.empty)
        return html.Div([*number, text], className="slot empty")
    picture = [html.Img(src=spot.picture, alt="", className="content")] if spot.picture else []
    lines: Sequence[Any] = [spot.value] if not spot.change else [spot.value, html.Span(spot.change)]
    kind = "few" if spot.heat is None else "more" if spot.heat > 0 else "less" if spot.heat < 0 else "plain"
    return html.A(
        [*picture, *number, html.Span(lines, className="figure")],
        href=spot.href,
        className=f"slot {kind}",
        title=clean(spot.hover),
        style={"--heat": f"{100 * abs(spot.heat or 0):.0f}%"},
        **marks({"aria-label": clean(spot.label)}),
    )
