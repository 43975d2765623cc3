"""A metric by day, beside the comparison days or split into parts.

Here: lines and bars over days.
Not here: the report's trend of a day (``dashboards.figures.sales``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl
from sqlglot import exp

from dashboards.figures.axes import round_values
from dashboards.figures.look import BLUE, GREY, INK, ORANGE, SKY, base, plain
from dashboards.figures.occasions import days_of
from dashboards.locale import Locale
from dashboards.metrics import full_text, tick_text
from pipelines.sqlproject.metrics import known_metric

LINES = (
    (BLUE, "solid", "circle"),
    (ORANGE, "dash", "square"),
    ("#2a9d8f", "dot", "diamond"),
    (GREY, "dashdot", "triangle-up"),
    (SKY, "longdash", "x"),
    (INK, "longdashdot", "star"),
)
"""Colour, dash and symbol of each line: lines can be told apart without colour too."""

OTHERS = ("#8c8c8c", "dot", "circle-open")
"""The style of all further series, summed as one."""

_MOST_TICKS = 9


def course(locale: Locale, frame: pl.DataFrame, metric: str, earlier: pl.DataFrame | None = None) -> go.Figure:
    """*metric* by day as bars, and on the comparison days (*earlier*) as a line.

    Both frames have columns dt and *metric*, one row per day. A day not computed has null, so it has no bar. Each
    comparison day is drawn at the day it is compared with.
    """
    figure = base(locale, 280)
    days: Sequence[dt.date] = frame["dt"].to_list()
    values = frame[metric].to_list()
    name = locale.text.name("metric", metric)
    figure.add_bar(
        x=list(range(len(days))),
        y=values,
        marker_color=BLUE,
        name=locale.text("legend.these_days"),
        hovertext=[_hover(locale, day, metric, value) for day, value in zip(days, values, strict=True)],
        hoverinfo="text",
    )
    everything = [value for value in values if value is not None]
    if earlier is not None:
        before = earlier[metric].to_list()
        everything += [value for value in before if value is not None]
        figure.add_scatter(
            x=list(range(len(before))),
            y=before,
            mode="lines+markers",
            line={"color": ORANGE, "width": 2, "dash": "dash"},
            marker={"symbol": "square", "size": 6, "color": ORANGE},
            name=locale.text("legend.those_days"),
            hovertext=[
                _hover(locale, day, metric, value) for day, value in zip(earlier["dt"].to_list(), before, strict=True)
            ],
            hoverinfo="text",
        )
    _day_axis(locale, figure, days)
    value_axis(locale, figure, metric, everything)
    figure.update_layout(showlegend=earlier is not None, bargap=0.25, margin={"t": 12})
    figure.update_yaxes(title_text=name)
    return figure


def is_summed(metric: str) -> bool:
    """Whether the values of parts of *metric* sum to that of the whole; False for ratios and distinct counts."""
    found = known_metric(metric)
    return not found.is_ratio and found.formula is not None and not found.formula.find(exp.Distinct)


def not_drawn(locale: Locale, metric: str, number: int, *, is_credit: bool = False) -> tuple[str, ...]:
    """The note that ``courses`` leaves out some of *number* keys; empty if it draws all or sums the rest."""
    if number <= len(LINES) or is_credit or is_summed(metric):
        return ()
    return (locale.text("first_of", n=len(LINES), m=number),)


def courses(
    locale: Locale, frame: pl.DataFrame, metric: str, names: Mapping[str, str], *, is_credit: bool = False
) -> go.Figure:
    """*metric* by day, a line per key: columns dt, key, *metric*; *names* maps the keys to names, in their order.

    The first keys of *names* have a line each, as many as ``LINES``. All other keys are summed into one more line, so
    that the lines sum to the whole; if *metric* cannot be summed, they are not drawn. *is_credit*: the values are
    parts that a model credits to the keys, so they can be summed whatever the metric is.

    If a key has no row on a day on which other keys have rows, its value is 0; if *metric* is a ratio, its line has a
    gap.
    """
    figure = base(locale, 320)
    days: list[dt.date] = sorted(set(frame["dt"]))
    nothing = None if known_metric(metric).is_ratio else 0
    everything: list[float] = []
    lines = [
        (name, style, frame.filter(pl.col("key") == key))
        for (key, name), style in zip(names.items(), LINES, strict=False)
    ]
    others = frame.filter(~pl.col("key").is_in([*names][: len(LINES)]) & (pl.col(metric) != 0))
    if (is_credit or is_summed(metric)) and not others.is_empty():
        name = locale.text("legend.others", n=others["key"].n_unique())
        lines.append((name, OTHERS, others.group_by("dt").agg(pl.col(metric).sum())))
    for name, (color, dash, symbol), rows in lines:
        own = {row["dt"]: row[metric] for row in rows.iter_rows(named=True)}
        values = [own.get(day, nothing) for day in days]
        everything += [value for value in values if value is not None]
        figure.add_scatter(
            x=list(range(len(days))),
            y=values,
            mode="lines+markers" if len(days) <= 62 else "lines",
            line={"color": color, "width": 2, "dash": dash},
            marker={"symbol": symbol, "size": 6, "color": color},
            name=plain(name, 24),
            hovertext=[
                f"<b>{plain(name)}</b><br>{_hover(locale, day, metric, value)}"
                for day, value in zip(days, values, strict=True)
            ],
            hoverinfo="text",
        )
    _day_axis(locale, figure, days)
    value_axis(locale, figure, metric, everything)
    figure.update_layout(showlegend=True, margin={"t": 12})
    figure.update_yaxes(title_text=locale.text.name("metric", metric))
    return figure


def _hover(locale: Locale, day: dt.date, metric: str, value: float | None) -> str:
    date = f"{day} {locale.text.date('date.short', day)}"
    return f"{date}<br>{locale.text.name('metric', metric)} {full_text(locale.numbers, metric, value)}"


def _day_axis(locale: Locale, figure: go.Figure, days: Sequence[dt.date]) -> None:
    step = max(1, -(-len(days) // _MOST_TICKS))
    if step > 3:
        step = 7 * -(-step // 7)  # whole weeks, so that all labelled days have the same weekday
    places = list(range(0, len(days), step))
    figure.update_xaxes(
        tickvals=places,
        ticktext=[locale.text.date("date.lines", days[place]) for place in places],
        range=[-0.6, len(days) - 0.4],
        tickangle=0,
    )
    narrow = places[:: max(1, -(-len(places) // 4))]
    figure.update_layout(
        meta={
            "days": days_of(days),
            "narrow": {
                "xaxis.tickvals": narrow,
                "xaxis.ticktext": [locale.text.date("date.lines", days[place]) for place in narrow],
            },
        }
    )


def value_axis(locale: Locale, figure: go.Figure, metric: str, values: Sequence[float]) -> None:
    """Set up the axis of *values* in the unit of *metric*; it begins at 0 unless some values are negative."""
    low, high = min([0.0, *values]), max([0.0, *values])
    ticks = round_values(low, high or 1, 4)
    figure.update_yaxes(
        tickvals=ticks,
        ticktext=[tick_text(locale.numbers, metric, tick) for tick in ticks],
        range=[low * 1.08, (high or 1) * 1.08],
        showgrid=True,
    )
