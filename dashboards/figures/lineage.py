"""The lineage of a column: sources at the left, the column at the right.

Here: the figure over (table, column) pairs and their sources.
Not here: finding the sources (``pipelines.sqlproject.lineage``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboards.figures.look import BLUE, GREY, INK, LINE, ORANGE, PAPER, SMALL, base, plain
from dashboards.locale import Locale

Column = tuple[str, str]

_ROW = 40
_WIDTH = 250
"""Distance in pixels from one rank of columns to the next."""
MOST = 60
"""Maximum columns drawn; a note says how many there are."""


def upstream(sources: Mapping[str, Mapping[str, Sequence[Column]]], of: Column) -> dict[Column, int]:
    """The column *of* and all columns that it is computed from, directly or not, each with its rank.

    The rank of a column is the number of steps from it to *of* on the longest way; *of* itself has rank 0. If a chart
    puts higher ranks further left, each column is left of all columns computed from it.
    """
    ranks = {of: 0}
    waiting = [of]
    while waiting:
        column = waiting.pop()
        for source in sources.get(column[0], {}).get(column[1], ()):
            if source != column and ranks.get(source, -1) < ranks[column] + 1:
                ranks[source] = ranks[column] + 1
                waiting.append(source)
    return ranks


def lineage_chart(
    locale: Locale,
    sources: Mapping[str, Mapping[str, Sequence[Column]]],
    of: Column,
    descriptions: Mapping[Column, str],
) -> go.Figure:
    """The columns as boxes, an arrow from each source to the columns computed from it; landed tables are orange."""
    ranks = upstream(sources, of)
    shown = sorted(ranks, key=lambda column: (ranks[column], column))[:MOST]
    places = _places(shown, ranks, sources)
    depth = max(ranks[column] for column in shown)
    height = max(sum(ranks[column] == rank for column in shown) for rank in range(depth + 1))
    figure = base(locale, _ROW * height + 60)
    links = [
        _link(places[source], places[column])
        for column in shown
        for source in sources.get(column[0], {}).get(column[1], ())
        if source in places and source != column
    ]
    boxes = [_box(column, places[column], column == of, descriptions.get(column, "")) for column in shown]
    figure.update_xaxes(range=[-0.55, depth + 0.55], visible=False)
    figure.update_yaxes(range=[height - 0.4, -0.6], visible=False)
    notes = [locale.text("first_of", n=len(shown), m=len(ranks))] if len(shown) < len(ranks) else []
    figure.update_layout(shapes=links, annotations=boxes, meta={"width": _WIDTH * (depth + 1), "notes": notes})
    return figure


def _box(column: Column, place: tuple[float, float], is_chosen: bool, description: str) -> dict[str, Any]:
    has_landed = column[0].startswith(("raw.", "config."))
    return {
        "x": place[0],
        "y": place[1],
        "text": f"<span style='font-size:{SMALL}px'>{plain(column[0], 34)}</span><br><b>{plain(column[1], 28)}</b>",
        "hovertext": f"{plain('.'.join(column))}<br>{plain(description, 110)}",
        "showarrow": False,
        "bgcolor": PAPER,
        "bordercolor": BLUE if is_chosen else ORANGE if has_landed else GREY,
        "borderwidth": 1.5,
        "borderpad": 3,
        "align": "center",
        "font": {"size": SMALL, "color": INK},
        "captureevents": True,
    }


def _places(
    shown: Sequence[Column], ranks: Mapping[Column, int], sources: Mapping[str, Mapping[str, Sequence[Column]]]
) -> dict[Column, tuple[float, float]]:
    """The position of each column: x by its rank; y near the columns computed from it, without overlaps."""
    depth = max(ranks[column] for column in shown)
    height = max(sum(ranks[column] == rank for column in shown) for rank in range(depth + 1))
    places: dict[Column, tuple[float, float]] = {}
    for rank in range(depth + 1):
        own = [column for column in shown if ranks[column] == rank]
        wanted = {}
        for column in own:
            below = [places[other][1] for other in places if column in sources.get(other[0], {}).get(other[1], ())]
            wanted[column] = sum(below) / len(below) if below else 0.0
        own.sort(key=lambda column: (wanted[column], column))
        step = height / len(own)
        for place, column in enumerate(own):
            places[column] = (float(depth - rank), step * (place + 0.5) - 0.5)
    return places


def _link(source: tuple[float, float], target: tuple[float, float]) -> dict[str, Any]:
    (x0, y0), (x1, y1) = source, target
    middle = (x0 + x1) / 2
    return {
        "type": "path",
        "path": f"M {x0} {y0} C {middle} {y0} {middle} {y1} {x1} {y1}",
        "line": {"color": LINE, "width": 2},
        "layer": "below",
    }
