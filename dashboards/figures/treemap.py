"""Groups of customers as tiles.

Here: the figure over customers.rfm_daily in which a tile's area is its number of customers.
Not here: queries, texts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.look import BLUES, INK, LARGE, PAPER, base, cut, plain, text_width
from dashboards.locale import Locale

_WIDE, _NARROW, _HEIGHT = 560, 320, 400
"""Two widths of the figure, in half a page and on a phone, and its height, in pixels."""
_LETTER = 6.6
"""Width in pixels of a Latin letter of the smallest size."""
_SLIM = 0.65
"""The narrow side of a tile as a share of the side of a square of the same area; most tiles are wider."""


def group_tiles(locale: Locale, frame: pl.DataFrame) -> go.Figure:
    """One tile per group: area = customers; the darker, the higher the net revenue per customer.

    Columns name, customers, customer_share, revenue_share, mean_monetary (net revenue per customer). Groups without
    customers have no tile.
    """
    figure = base(locale, _HEIGHT)
    number = locale.numbers
    rows = frame.filter(pl.col("customers") > 0).sort("customers", descending=True).to_dicts()
    if not rows:
        return figure
    pixels = _HEIGHT / sum(row["customers"] for row in rows)
    wide, narrow = (
        [_text(locale, row, row["customers"] * pixels * width) for row in rows] for width in (_WIDE, _NARROW)
    )
    figure.add_treemap(
        ids=[str(place) for place in range(len(rows))],
        labels=[plain(row["name"]) for row in rows],
        parents=[""] * len(rows),
        values=[row["customers"] for row in rows],
        text=wide,
        textinfo="text",
        textfont={"size": LARGE, "color": INK},
        textposition="middle center",
        hovertext=[
            f"<b>{plain(row['name'])}</b>"
            f"<br>{locale.text('metric.customers')} {number.full(row['customers'])}"
            f" · {number.full_percent(row['customer_share'])}"
            f"<br>{locale.text('metric.mean_monetary')} {number.full_money(row['mean_monetary'])}"
            f"<br>{locale.text('legend.revenue_share')} {number.full_percent(row['revenue_share'])}"
            for row in rows
        ],
        hoverinfo="text",
        marker={
            "colors": [row["mean_monetary"] or 0 for row in rows],
            "colorscale": BLUES,
            "line": {"color": PAPER, "width": 2},
            "pad": {"t": 0, "l": 0, "r": 0, "b": 0},
        },
        tiling={"pad": 0},
        pathbar={"visible": False},
        sort=True,
    )
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        meta={"narrow": {"data.0.text": narrow}},
    )
    return figure


def _text(locale: Locale, row: Mapping[str, Any], area: float) -> str:
    """The lines about a group that fit into its tile of *area* square pixels; at least a part of its name.

    Plotly makes a text smaller until it fits its tile, so a narrow tile needs a short text to stay legible. Its
    uniformtext would instead hide such a text.
    """
    number = locale.numbers
    percent = number.percent(row["customer_share"])
    lines = [
        locale.text("label.customers", share=percent, n=number.short(row["customers"])),
        locale.text("label.each", amount=number.money(row["mean_monetary"])),
    ]
    letters = int(_SLIM * math.sqrt(area) / _LETTER)
    name = f"<b>{plain(cut(str(row['name']), max(letters, 4)))}</b>"
    if max(map(text_width, lines)) <= letters:
        return "<br>".join([name, *lines])
    return f"{name}<br>{percent}" if text_width(percent) <= letters else name
