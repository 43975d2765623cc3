"""A chart of any result: bars, a line or points of one column over another.

Here: drawing it from two lists of values.
Not here: which columns there are (``dashboards.app.sql``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import plotly.graph_objects as go

from dashboards.figures.axes import round_values
from dashboards.figures.bars import Bars, ranked_bars
from dashboards.figures.look import BLUE, Look, base, plain

Kind = Literal["bar", "line", "scatter"]

MOST: dict[Kind, int] = {"bar": 40, "line": 2000, "scatter": 2000}
"""Rows that a chart of each kind draws."""

_MOST_TICKS = 8


@dataclass(frozen=True)
class Values:
    """One column: *values* as they are, *kind* what they are."""

    name: str
    values: Sequence[object]
    kind: Literal["number", "time", "text"]


def result_chart(look: Look, kind: Kind, x: Values, y: Values) -> go.Figure:
    """*y*, numbers or None, over *x*, in the order of the rows; of equal length and at least one.

    Names in a bar chart stand in rows of their own, so that long ones can be read.
    """
    heights = [float(value) if isinstance(value, int | float) else None for value in y.values]
    hovers = [_hover(look, x, y, place, height) for place, height in enumerate(heights)]
    if kind == "bar" and x.kind == "text":
        labels = [look.numbers.short(height) for height in heights]
        return ranked_bars(look, [str(value) for value in x.values], [Bars(y.name, heights, labels)], hovers)
    figure = base(look, 320)
    is_placed = kind == "bar" or x.kind == "text"
    places: Sequence[object] = list(range(len(heights))) if is_placed else _points(x)
    if kind == "bar":
        figure.add_bar(x=places, y=heights, marker_color=BLUE, hovertext=hovers, hoverinfo="text")
    else:
        mode = "markers" if kind == "scatter" else "lines+markers" if len(heights) <= 62 else "lines"
        figure.add_scatter(
            x=places,
            y=heights,
            mode=mode,
            line={"color": BLUE, "width": 2},
            marker={"color": BLUE, "size": 7, "opacity": 0.7 if kind == "scatter" else 1},
            hovertext=hovers,
            hoverinfo="text",
        )
    _x_axis(figure, x, is_placed)
    _y_axis(look, figure, heights, is_from_zero=kind == "bar")
    figure.update_layout(bargap=0.25, margin={"t": 12})
    figure.update_xaxes(title_text=plain(x.name, 40))
    figure.update_yaxes(title_text=plain(y.name, 40))
    return figure


def _hover(look: Look, x: Values, y: Values, place: int, height: float | None) -> str:
    decimals = 0 if height is None or height.is_integer() else 4 if abs(height) < 10 else 2
    return f"{plain(x.values[place])}<br>{plain(y.name)} {look.numbers.full(height, decimals)}"


def _points(x: Values) -> Sequence[object]:
    if x.kind == "time":
        return [None if value is None else str(value) for value in x.values]
    return [float(value) if isinstance(value, int | float) else None for value in x.values]


def _x_axis(figure: go.Figure, x: Values, is_placed: bool) -> None:
    if not is_placed:
        if x.kind == "time":
            figure.update_xaxes(type="date", tickformat=_time_format(x), nticks=6)
        return
    number = len(x.values)

    def ticks(most: int) -> tuple[list[int], list[str]]:
        shown = list(range(0, number, max(1, -(-number // most))))
        return shown, [plain(x.values[place], 14) for place in shown]

    places, texts = ticks(_MOST_TICKS)
    few, few_texts = ticks(3)
    figure.update_xaxes(tickvals=places, ticktext=texts, tickangle=0, range=[-0.6, number - 0.4])
    figure.update_layout(meta={"narrow": {"xaxis.tickvals": few, "xaxis.ticktext": few_texts}})


def _time_format(x: Values) -> str:
    """Days as such, times of one day without it."""
    texts = [str(value) for value in x.values if value is not None]
    if all(len(text) == 10 for text in texts):
        return "%Y-%m-%d"
    return "%H:%M" if len({text[:10] for text in texts}) == 1 else "%m-%d %H:%M"


def _y_axis(look: Look, figure: go.Figure, heights: Sequence[float | None], *, is_from_zero: bool) -> None:
    values = [height for height in heights if height is not None]
    low, high = min(values, default=0.0), max(values, default=0.0)
    if is_from_zero or 0 <= low < high / 2:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = min(low, 0.0), max(high, 0.0) or 1.0
    pad = (high - low) * 0.08
    ticks = round_values(low, high, 4)
    figure.update_yaxes(
        tickvals=ticks,
        ticktext=[look.numbers.short(tick) for tick in ticks],
        range=[low - (0 if low == 0 else pad), high + (0 if high == 0 else pad)],
        showgrid=True,
    )
