"""Sales: by day, by entrance and by slot.

Here: figures over core.order_lines by day, attribution.entrance_daily and attribution.slot_daily.
Not here: queries, texts.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.axes import round_values
from dashboards.figures.bars import Bars, ranked_bars
from dashboards.figures.labels import Box, place_labels
from dashboards.figures.look import BLUE, PALE, SKY, base, plain
from dashboards.figures.occasions import days_of
from dashboards.locale import Locale
from dashboards.metrics import full_text

TREND_DAYS = 28
"""Maximum days in the trend."""


def revenue_trend(locale: Locale, frame: pl.DataFrame, day: dt.date) -> go.Figure:
    """Revenue of each computed day up to *day*: columns dt, revenue, orders; days without a row stay blank.

    The bar of *day* is dark, those of the same weekday in earlier weeks are medium, the others are pale.
    """
    figure = base(locale, 250)
    rows = [row for row in frame.sort("dt").iter_rows(named=True) if 0 <= (day - row["dt"]).days < TREND_DAYS]
    if not rows:
        return figure
    span = (day - rows[0]["dt"]).days
    ages = [(day - row["dt"]).days for row in rows]
    every_day = span <= 7
    labelled = (0, 1, 7)
    figure.add_bar(
        x=[-age for age in ages],
        y=[row["revenue"] for row in rows],
        marker_color=[BLUE if age == 0 else SKY if age % 7 == 0 else PALE for age in ages],
        text=[
            locale.numbers.money(row["revenue"]) if every_day or age in labelled[:: 2 if span > 13 else 1] else ""
            for row, age in zip(rows, ages, strict=True)
        ],
        textposition="outside",
        textangle=0,
        constraintext="none",
        cliponaxis=False,
        hovertext=[
            f"<b>{locale.text.date('date.short', row['dt'])}</b><br>{locale.text('metric.revenue')} "
            f"{locale.numbers.full_money(row['revenue'])}<br>{locale.text('metric.orders')} "
            f"{locale.numbers.full(row['orders'])}"
            for row in rows
        ],
        hoverinfo="text",
    )
    ticks = [-age for age in range(0, span + 1, 1 if every_day else 7)]
    figure.update_xaxes(
        tickvals=ticks,
        ticktext=[locale.text.date("date.lines", day + dt.timedelta(days=tick)) for tick in ticks],
        range=[-span - 0.8, 0.8 + span * 0.03],
        tickangle=0,
        ticklabeloverflow="allow",
    )
    top = max(max(row["revenue"] for row in rows), 0)
    values = round_values(0, top or 1, 4)
    figure.update_yaxes(
        tickvals=values,
        ticktext=[locale.numbers.money(value) for value in values],
        range=[min(0, *(row["revenue"] for row in rows)), top * 1.18 or 1],
        showgrid=not every_day,
    )
    every = [rows[0]["dt"] + dt.timedelta(days=n) for n in range(span + 1)]
    figure.update_layout(bargap=0.18, margin={"t": 12}, meta={"days": days_of(every, -span)})
    return figure


def entrance_revenue(locale: Locale, frame: pl.DataFrame) -> go.Figure:
    """Ranked bars of the entrances' sales: columns name, revenue, orders, exposures."""
    rows = frame.sort("revenue", descending=True).to_dicts()
    total = sum(row["revenue"] for row in rows)
    return _ranked(locale, rows, total, ("revenue", "net_revenue", "margin", "orders", "exposures"))


def slot_revenue(locale: Locale, frame: pl.DataFrame, total: float) -> go.Figure:
    """Ranked bars of slots' sales; each label has the share of the day's *total*.

    Columns name, revenue, margin, orders, impressions, clicks.
    """
    return _ranked(locale, frame.to_dicts(), total, ("revenue", "margin", "orders", "impressions", "clicks"))


def _ranked(locale: Locale, rows: list[dict[str, Any]], total: float, hover: tuple[str, ...]) -> go.Figure:
    sales = Bars(
        locale.text("metric.revenue"),
        [row["revenue"] for row in rows],
        [_with_share(locale, row["revenue"], total) for row in rows],
    )
    return ranked_bars(locale, [row["name"] for row in rows], [sales], [_hover(locale, row, hover) for row in rows])


def entrance_value(locale: Locale, frame: pl.DataFrame) -> go.Figure:
    """A bubble for each entrance: exposures (x) and sales per thousand exposures (y), both logarithmic; area = sales.

    Columns name, exposures, revenue_per_mille, click_through_rate, revenue. Entrances without exposures or sales
    have no place on logarithmic axes: they are not drawn, and the caller reports them (``has_place``).
    """
    figure = base(locale, 360)
    rows = [row for row in frame.sort("revenue", descending=True).iter_rows(named=True) if has_place(row)]
    if not rows:
        return figure
    biggest = max(row["revenue"] for row in rows)
    sizes = [max(44 * math.sqrt(row["revenue"] / biggest), 6) for row in rows]
    xs = [math.log10(row["exposures"]) for row in rows]
    ys = [math.log10(row["revenue_per_mille"]) for row in rows]
    x_range, y_range = _padded(xs), _padded(ys)
    figure.add_scatter(
        x=[row["exposures"] for row in rows],
        y=[row["revenue_per_mille"] for row in rows],
        mode="markers",
        marker={"size": sizes, "color": BLUE, "opacity": 0.75, "line": {"color": "#ffffff", "width": 1.5}},
        hovertext=[
            _hover(locale, row, ("exposures", "revenue_per_mille", "click_through_rate", "revenue")) for row in rows
        ],
        hoverinfo="text",
    )
    boxes = [
        Box((x - x_range[0]) / (x_range[1] - x_range[0]), (y - y_range[0]) / (y_range[1] - y_range[0]), size / 2)
        for x, y, size in zip(xs, ys, sizes, strict=True)
    ]
    names = [row["name"] for row in rows]
    wide, narrow = (
        [label.annotation(xs, ys) for label in place_labels(boxes, names, width=width, height=290)]
        for width in (490, 250)
    )
    figure.update_layout(annotations=wide, meta={"narrow": {"annotations": narrow}})
    figure.update_xaxes(
        type="log",
        range=x_range,
        title_text=locale.text("axis.exposures_log"),
        showgrid=True,
        **_log_ticks(locale, x_range),
    )
    figure.update_yaxes(
        type="log",
        range=y_range,
        title_text=locale.text("axis.exposure_value_log", symbol=locale.numbers.symbol.strip()),
        showgrid=True,
        **_log_ticks(locale, y_range),
    )
    return figure


def has_place(row: dict[str, object]) -> bool:
    """Whether an entrance has a place on logarithmic axes."""
    return all(isinstance(value := row[name], int | float) and value > 0 for name in ("exposures", "revenue_per_mille"))


def _padded(values: list[float]) -> list[float]:
    low, high = min(values), max(values)
    pad = max((high - low) * 0.16, 0.25)
    return [low - pad, high + pad]


def _log_ticks(locale: Locale, powers: list[float]) -> dict[str, object]:
    steps = (1, 2, 5) if powers[1] - powers[0] < 3 else (1,)
    values = [
        factor * 10.0**power
        for power in range(math.floor(powers[0]), math.ceil(powers[1]) + 1)
        for factor in steps
        if powers[0] <= math.log10(factor * 10.0**power) <= powers[1]
    ]
    return {"tickvals": values, "ticktext": [locale.numbers.short(value) for value in values]}


def _with_share(locale: Locale, value: float, total: float) -> str:
    share = f" · {locale.numbers.percent(value / total)}" if total else ""
    return locale.numbers.money(value) + share


def _hover(locale: Locale, row: dict[str, object], metrics: tuple[str, ...]) -> str:
    lines = [f"<b>{plain(row['name'])}</b>"]
    for metric in metrics:
        value = row.get(metric)
        number = value if isinstance(value, int | float) else None
        lines.append(f"{locale.text(f'metric.{metric}')} {full_text(locale.numbers, metric, number)}")
    return "<br>".join(lines)
