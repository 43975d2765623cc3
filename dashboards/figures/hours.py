"""A metric of a day that accumulates over its hours, beside an earlier day.

Here: lines over the hours of a day.
Not here: metrics by day (``dashboards.figures.course``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from dashboards.figures.course import value_axis
from dashboards.figures.look import BLUE, ORANGE, base, plain
from dashboards.locale import Locale
from dashboards.metrics import full_text

HOURS = 24
_STYLES = ((BLUE, "solid", "circle", 3), (ORANGE, "dash", "square", 2))


def clock(hour: int) -> str:
    """The time at which *hour* (0 to 24) begins, as clocks show it."""
    return f"{hour}:00"


def hours_so_far(locale: Locale, metric: str, lines: Mapping[str, Sequence[float]]) -> go.Figure:
    """*metric* from midnight to the end of each hour; name of a day → its values by hour, as far as they are known."""
    figure = base(locale, 260)
    for (name, values), (color, dash, symbol, width) in zip(lines.items(), _STYLES, strict=False):
        figure.add_scatter(
            x=list(range(len(values) + 1)),
            y=[0.0, *values],
            mode="lines+markers",
            line={"color": color, "width": width, "dash": dash},
            marker={"symbol": symbol, "size": 6, "color": color},
            name=plain(name),
            hovertext=[
                f"{plain(name)}<br>{locale.text('today.until', time=clock(hour))} "
                f"{full_text(locale.numbers, metric, value)}"
                for hour, value in enumerate([0.0, *values])
            ],
            hoverinfo="text",
        )
    figure.update_xaxes(
        tickvals=list(range(0, HOURS + 1, 3)),
        ticktext=[clock(hour) for hour in range(0, HOURS + 1, 3)],
        range=[-0.3, HOURS + 0.3],
        tickangle=0,
    )
    value_axis(locale, figure, metric, [value for values in lines.values() for value in values])
    narrow = list(range(0, HOURS + 1, 6))
    figure.update_layout(
        showlegend=True,
        margin={"t": 12},
        meta={"narrow": {"xaxis.tickvals": narrow, "xaxis.ticktext": [clock(hour) for hour in narrow]}},
    )
    figure.update_yaxes(title_text=locale.text.name("metric", metric))
    return figure
