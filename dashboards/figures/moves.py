"""Moves between groups: bands from the earlier group to the group now.

Here: the figure over products.quadrant_migration.
Not here: the same as a grid (``dashboards.figures.tables``), queries, texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.look import GREY, INK, PALE, TEXT, base, plain
from dashboards.figures.tables import ordered
from dashboards.locale import Locale

_LINE, _LEAST = 46, 250
"""Height in pixels: per group on the side with more groups, and the minimum of the figure."""
_TOP, _BOTTOM, _PAD = 36, 12, 20
"""Height in pixels of the space above and below the bands and between two groups: that of a label."""
_ALPHA = 0.55


def migration_flow(
    locale: Locale, frame: pl.DataFrame, names: Mapping[str, str], colors: Mapping[str, str], unit: str
) -> go.Figure:
    """Members by earlier group (left) and group now (right): columns from_key, to_key, members.

    A band has the colour of its earlier group (*colors*: key → ``#rrggbb``); unmoved members are grey. *names* maps the
    keys to names, in their order; *unit* is the text key of the unit. Counts stand beside the names.
    """
    rows = [row for row in frame.to_dicts() if row["members"] > 0]
    sources = ordered({row["from_key"] for row in rows}, names)
    targets = ordered({row["to_key"] for row in rows}, names)
    most = max(len(sources), len(targets))
    height = max(_LEAST, _LINE * most + 40)
    figure = base(locale, height)
    if not rows:
        return figure
    before = [sum(row["members"] for row in rows if row["from_key"] == key) for key in sources]
    now = [sum(row["members"] for row in rows if row["to_key"] == key) for key in targets]
    room = height - _TOP - _BOTTOM
    scale = (room - _PAD * (most - 1)) / sum(before)
    keys = [*sources, *targets]
    figure.add_sankey(
        arrangement="fixed",
        orientation="h",
        node={
            "label": [
                f"{plain(names.get(key, key), 20)} {locale.numbers.short(count)}"
                for key, count in zip(keys, [*before, *now], strict=True)
            ],
            "x": [0.001] * len(sources) + [0.999] * len(targets),
            "y": [*_middles(before, scale, room), *_middles(now, scale, room)],
            "color": [colors.get(key, GREY) for key in keys],
            "thickness": 14,
            "pad": _PAD,
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
                f"{plain(names.get(row['to_key'], row['to_key']))}<br>{locale.text(unit)} "
                f"{locale.numbers.full(row['members'])}"
                for row in rows
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        textfont={"size": TEXT, "color": INK},
    )
    _name_sides(locale, figure)
    figure.update_layout(margin={"t": _TOP, "b": _BOTTOM, "l": 4, "r": 4})
    return figure


def _name_sides(locale: Locale, figure: go.Figure) -> None:
    for x, anchor, key in ((0, "left", "axis.from"), (1, "right", "axis.to")):
        figure.add_annotation(
            x=x,
            y=1,
            xref="paper",
            yref="paper",
            yanchor="bottom",
            xanchor=anchor,
            yshift=8,
            text=f"<b>{locale.text(key)}</b>",
            showarrow=False,
            font={"size": TEXT, "color": INK},
        )


def _middles(counts: Sequence[int], scale: float, room: float) -> list[float]:
    """The middle of each group as a share of *room* (pixels), from the top; *scale*: pixels per member."""
    middles, top = [], 0.0
    for count in counts:
        middles.append(min(max((top + count * scale / 2) / room, 0.001), 0.999))
        top += count * scale + _PAD
    return middles


def _band(row: Mapping[str, str], colors: Mapping[str, str]) -> str:
    if row["from_key"] == row["to_key"]:
        return _pale(PALE)
    return _pale(colors.get(row["from_key"], GREY))


def _pale(color: str) -> str:
    parts = ",".join(str(int(color[place : place + 2], 16)) for place in (1, 3, 5))
    return f"rgba({parts},{_ALPHA})"
