"""Flows: bands from where members were to where they are.

Here: the figure over products.quadrant_migration.
Not here: the same as a grid (``dashboards.figures.tables``), queries, texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.look import GREY, INK, PALE, Look, base, plain
from dashboards.figures.tables import ordered

_LINE, _LEAST = 46, 250
"""Pixels of height for each place on the fuller side; at least."""
_ALPHA = 0.55


def migration_flow(
    look: Look, frame: pl.DataFrame, names: Mapping[str, str], colors: Mapping[str, str], unit: str
) -> go.Figure:
    """Members by where they were (left) and where they are (right): columns from_key, to_key, members.

    A band has the colour of where it comes from, *colors*: key → ``#rrggbb``; those who stayed are grey. *names* gives
    the keys' names in their order, *unit* is the text key of what is counted; counts stand beside the names.
    """
    rows = [row for row in frame.to_dicts() if row["members"] > 0]
    sources = ordered({row["from_key"] for row in rows}, names)
    targets = ordered({row["to_key"] for row in rows}, names)
    figure = base(look, max(_LEAST, _LINE * max(len(sources), len(targets)) + 40))
    if not rows:
        return figure
    keys = [*sources, *targets]
    figure.add_sankey(
        arrangement="fixed",
        orientation="h",
        node={
            "label": _labels(look, rows, sources, "from_key", names) + _labels(look, rows, targets, "to_key", names),
            "x": [0.001] * len(sources) + [0.999] * len(targets),
            "y": [*_heights(rows, sources, "from_key"), *_heights(rows, targets, "to_key")],
            "color": [colors.get(key, GREY) for key in keys],
            "thickness": 14,
            "pad": 20,
            "line": {"width": 0},
            "hoverinfo": "skip",
        },
        link={
            "source": [sources.index(row["from_key"]) for row in rows],
            "target": [len(sources) + targets.index(row["to_key"]) for row in rows],
            "value": [row["members"] for row in rows],
            "color": [_band(row, colors) for row in rows],
            "customdata": [
                f"{plain(names.get(row['from_key'], row['from_key']))} → "
                f"{plain(names.get(row['to_key'], row['to_key']))}<br>{look.text(unit)} "
                f"{look.numbers.full(row['members'])}"
                for row in rows
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        textfont={"size": 12, "color": INK, "shadow": "none"},
    )
    for x, anchor, key in ((0, "left", "axis.from"), (1, "right", "axis.to")):
        figure.add_annotation(
            x=x,
            y=1,
            xref="paper",
            yref="paper",
            yanchor="bottom",
            xanchor=anchor,
            text=f"<b>{look.text(key)}</b>",
            showarrow=False,
            font={"size": 12, "color": INK},
        )
    figure.update_layout(margin={"t": 26, "b": 12, "l": 4, "r": 4})
    return figure


def _labels(
    look: Look, rows: Sequence[Mapping[str, object]], keys: Sequence[str], side: str, names: Mapping[str, str]
) -> list[str]:
    return [f"{plain(names.get(key, key), 20)} {look.numbers.short(_sum(rows, side, key))}" for key in keys]


def _sum(rows: Sequence[Mapping[str, object]], side: str, key: str) -> int:
    return sum(int(str(row["members"])) for row in rows if row[side] == key)


def _heights(rows: Sequence[Mapping[str, object]], keys: Sequence[str], side: str) -> list[float]:
    """The middle of each place, from the top, in the given order."""
    total = _sum_all(rows)
    places, top = [], 0.0
    for key in keys:
        share = _sum(rows, side, key) / total
        places.append(min(max(top + share / 2, 0.001), 0.999))
        top += share
    return places


def _sum_all(rows: Sequence[Mapping[str, object]]) -> int:
    return sum(int(str(row["members"])) for row in rows)


def _band(row: Mapping[str, str], colors: Mapping[str, str]) -> str:
    if row["from_key"] == row["to_key"]:
        return _pale(PALE)
    return _pale(colors.get(row["from_key"], GREY))


def _pale(color: str) -> str:
    parts = ",".join(str(int(color[place : place + 2], 16)) for place in (1, 3, 5))
    return f"rgba({parts},{_ALPHA})"
