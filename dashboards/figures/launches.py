"""New products: cumulative sales since launch.

Here: the figure by days since launch.
Not here: queries, texts.
"""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.axes import round_values
from dashboards.figures.course import LINES, value_axis
from dashboards.figures.look import GREY, SMALL, SOFT_INK, base, plain
from dashboards.locale import Locale
from dashboards.metrics import full_text

_NAME_WIDTH = 22


def launch_curves(
    locale: Locale, frame: pl.DataFrame, metric: str, names: Mapping[str, str], new_for: int
) -> go.Figure:
    """A line for each product: cumulative *metric* by days since its launch.

    Columns product_id, age (days, 0 on the day of launch), *metric*. *names* maps the products to their names, in the
    order of the legend; there are at most as many as line styles. *new_for* is the age at which a product is no longer
    new; a dotted line marks it.
    """
    figure = base(locale, 340)
    everything: list[float] = []
    oldest = 0
    for (product_id, name), (color, dash, symbol) in zip(names.items(), LINES, strict=False):
        own = frame.filter(pl.col("product_id") == product_id).sort("age")
        ages, values = own["age"].to_list(), own[metric].to_list()
        everything += values
        oldest = max([oldest, *ages])
        figure.add_scatter(
            x=ages,
            y=values,
            mode="lines+markers" if len(ages) <= 31 else "lines",
            line={"color": color, "width": 2, "dash": dash, "shape": "hv"},
            marker={"symbol": symbol, "size": 5, "color": color},
            name=plain(name, _NAME_WIDTH),
            hovertext=[
                f"<b>{plain(name)}</b><br>{locale.text('hover.age', n=age)}<br>{locale.text.name('metric', metric)} "
                f"{full_text(locale.numbers, metric, value)}"
                for age, value in zip(ages, values, strict=True)
            ],
            hoverinfo="text",
        )
    value_axis(locale, figure, metric, everything)
    end = max(oldest, 7) + 1
    ticks = round_values(0, end, 6)
    figure.update_xaxes(
        tickvals=ticks,
        ticktext=[locale.numbers.short(tick) for tick in ticks],
        range=[-0.5, end],
        title_text=locale.text("metric.days_since_launch"),
    )
    figure.update_yaxes(title_text=locale.text.name("metric", metric))
    if new_for <= end:
        _mark_age(locale, figure, new_for)
    figure.update_layout(showlegend=True, margin={"t": 12, "r": 16})
    return figure


def _mark_age(locale: Locale, figure: go.Figure, new_for: int) -> None:
    figure.add_vline(x=new_for, line={"color": GREY, "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=new_for,
        y=1,
        yref="paper",
        xanchor="right",
        yanchor="top",
        text=locale.text("label.decision_age", n=new_for),
        font={"size": SMALL, "color": SOFT_INK},
        showarrow=False,
    )
