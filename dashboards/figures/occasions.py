"""Occasions in charts over time: a promotion, a launch, a change of content.

Here: drawing them into a figure that names its days in ``layout.meta["days"]`` (day in ISO form → place on the x axis).
Not here: which occasions there are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dashboards.figures.look import ORANGE, SMALL, SOFT_INK, clear, plain, text_width

_MARGIN = 26
"""Height in pixels of the space above the chart for the names."""

_OUTSIDE = 84
"""Height in pixels that the legend, the names above the chart and the days below it take up outside the axes."""

_WIDE, _NARROW = 860, 280
"""Typical widths of a chart in pixels, on a computer and on a phone."""

_LETTER = 6.5
"""Width in pixels of a Latin letter in a name."""

_LONGEST = 16
"""Maximum letters of a name; the hover has the full name."""


@dataclass(frozen=True)
class Shown:
    """An occasion to draw: first and last day, its name, and the full text for the hover."""

    first: dt.date
    last: dt.date
    name: str
    full: str


def days_of(days: Sequence[dt.date], first_place: int = 0) -> dict[str, int]:
    """``layout.meta["days"]`` for *days* at consecutive places, the first at *first_place*."""
    return {day.isoformat(): first_place + n for n, day in enumerate(days)}


def add_occasions(figure: go.Figure, occasions: Iterable[Shown]) -> None:
    """Draw *occasions* into *figure*, if it is a chart over days and some of them lie on these days.

    An occasion of several days is a band, one of a single day a line. Where two names would overlap, the later one is a
    dot with the name in its hover.
    """
    meta = dict(figure.layout.meta or {})
    places: dict[str, int] = meta.pop("days", {})
    found = []
    for one in sorted(occasions, key=lambda one: (one.first, one.last)):
        own = [place for day, place in places.items() if one.first.isoformat() <= day <= one.last.isoformat()]
        if own:
            found.append((min(own), max(own), one))
    figure.update_layout(meta=meta)
    if not found:
        return
    for low, high, _ in found:
        figure.add_shape(**_band(low, high))
    narrow = dict(meta.get("narrow") or {}) | {"annotations": _names(found, len(places), _NARROW)}
    if figure.layout.showlegend:  # move the legend above the names
        figure.update_layout(legend={"y": 1 + (_MARGIN - 6) / (figure.layout.height - _OUTSIDE)})
    figure.update_layout(
        annotations=[*figure.layout.annotations, *_names(found, len(places), _WIDE)],
        meta=meta | {"narrow": narrow},
        margin={"t": _MARGIN},
    )


def _band(low: int, high: int) -> dict[str, Any]:
    shared = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    if low == high:
        line = {"color": ORANGE, "width": 1, "dash": "dot"}
        return {"type": "line", "x0": low, "x1": low, "line": line, **shared}
    fill = {"fillcolor": clear(ORANGE, 0.12), "line": {"width": 0}}
    return {"type": "rect", "x0": low - 0.5, "x1": high + 0.5, **fill, **shared}


def _names(found: Sequence[tuple[int, int, Shown]], days: int, width: int) -> list[dict[str, Any]]:
    """The names above the chart; *days* is the number of days, *width* the width of the chart in pixels."""
    names, free = [], float("-inf")
    for low, high, one in found:
        name = plain(one.name, _LONGEST)
        half = (text_width(name) + 1) * _LETTER / 2 * days / width
        middle = (low + high) / 2
        if middle - half < free:
            name, half = "●", 1.2 * _LETTER * days / width
        free = max(free, middle + half)
        names.append(
            {
                "x": middle, "y": 1, "yref": "paper", "yanchor": "bottom", "text": name, "showarrow": False,
                "font": {"size": SMALL, "color": SOFT_INK}, "hovertext": plain(one.full, 120), "captureevents": True,
            }
        )  # fmt: skip
    return names
