"""Groups of customers as tiles.

Here: the figure over customers.rfm_daily in which a tile's area is its number of customers.
Not here: queries, texts.
"""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.look import BLUES, INK, LARGE, PAPER, SMALL, base, plain
from dashboards.locale import Locale


def group_tiles(locale: Locale, frame: pl.DataFrame) -> go.Figure:
    """One tile per group: area = customers; the darker, the higher the net revenue per customer.

    Columns name, customers, customer_share, revenue_share, mean_monetary (net revenue per customer). Groups without
    customers have no tile.
    """
    figure = base(locale, 400)
    number = locale.numbers
    rows = frame.filter(pl.col("customers") > 0).sort("customers", descending=True).to_dicts()
    if not rows:
        return figure
    figure.add_treemap(
        ids=[str(place) for place in range(len(rows))],
        labels=[plain(row["name"]) for row in rows],
        parents=[""] * len(rows),
        values=[row["customers"] for row in rows],
        text=[
            f"<b>{plain(row['name'], 28)}</b><br>"
            + locale.text(
                "label.customers", share=number.percent(row["customer_share"]), n=number.short(row["customers"])
            )
            + f"<br>{locale.text('label.each', amount=number.money(row['mean_monetary']))}"
            for row in rows
        ],
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
    figure.update_layout(margin={"l": 0, "r": 0, "t": 4, "b": 4}, uniformtext={"minsize": SMALL, "mode": "hide"})
    return figure
