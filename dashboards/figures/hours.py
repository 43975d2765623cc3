"""A metric over the hours of the day: as it accumulates on one day, or summed over several days, beside earlier ones.

Here: lines and bars over 24 hours.
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
    """*metric* from midnight to the end of each hour.

    One line for each day: its name → its values by hour, as far as they are known.
    """
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
    _hour_axis(figure, -0.3, HOURS + 0.3)
    value_axis(locale, figure, metric, [value for values in lines.values() for value in values])
    figure.update_layout(showlegend=True)
    figure.update_yaxes(title_text=locale.text.name("metric", metric))
    return figure


def hours_of_day(
    locale: Locale, metric: str, values: Sequence[float | None], before: Sequence[float | None] | None = None
) -> go.Figure:
    """*metric* of each of the 24 hours of the day as bars, on the comparison days (*before*) as a line; null: none."""
    figure = base(locale, 260)
    middles = [hour + 0.5 for hour in range(HOURS)]
    figure.add_bar(
        x=middles,
        y=list(values),
        marker_color=BLUE,
        name=locale.text("legend.these_days"),
        hovertext=[_hover(locale, metric, hour, value) for hour, value in enumerate(values)],
        hoverinfo="text",
    )
    if before is not None:
        figure.add_scatter(
            x=middles,
            y=list(before),
            mode="lines+markers",
            line={"color": ORANGE, "width": 2, "dash": "dash"},
            marker={"symbol": "square", "size": 6, "color": ORANGE},
            name=locale.text("legend.those_days"),
            hovertext=[_hover(locale, metric, hour, value) for hour, value in enumerate(before)],
            hoverinfo="text",
        )
    _hour_axis(figure, 0, HOURS)
    value_axis(locale, figure, metric, [value for value in (*values, *(before or ())) if value is not None])
    figure.update_layout(showlegend=before is not None, bargap=0.25)
    figure.update_yaxes(title_text=locale.text.name("metric", metric))
    return figure


def _hover(locale: Locale, metric: str, hour: int, value: float | None) -> str:
    name = locale.text.name("metric", metric)
    return f"{clock(hour)}–{clock(hour + 1)}<br>{name} {full_text(locale.numbers, metric, value)}"


def _hour_axis(figure: go.Figure, low: float, high: float) -> None:
    wide, narrow = list(range(0, HOURS + 1, 3)), list(range(0, HOURS + 1, 6))
    figure.update_xaxes(tickvals=wide, ticktext=[clock(hour) for hour in wide], range=[low, high], tickangle=0)
    figure.update_layout(
        margin={"t": 12},
        meta={"narrow": {"xaxis.tickvals": narrow, "xaxis.ticktext": [clock(hour) for hour in narrow]}},
    )
