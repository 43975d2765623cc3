"""A chart of any query result: bars, lines or points over a column, or one series per value of a third column.

Here: drawing it from lists of values.
Not here: choosing the columns (``dashboards.app.sql``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import plotly.graph_objects as go

from dashboards.figures.axes import round_values
from dashboards.figures.bars import Bars, ranked_bars
from dashboards.figures.course import LINES, OTHERS
from dashboards.figures.look import ORANGE, TEXT, base, darker, plain
from dashboards.locale import Locale
from dashboards.numbers import NONE

Kind = Literal["bar", "stacked", "line", "scatter"]
BARS: frozenset[Kind] = frozenset({"bar", "stacked"})

MOST: dict[Kind, int] = {"bar": 40, "stacked": 40, "line": 2000, "scatter": 2000}
"""Maximum rows drawn, by kind of chart; for bars with series, maximum places on the axis."""
MOST_LINES = 20
"""Maximum bars over a text column; they are horizontal, each on a line of its own."""

_MOST_TICKS = 8


@dataclass(frozen=True)
class Values:
    """One column of the result: its name, its values as the query returned them, and their kind."""

    name: str
    values: Sequence[object]
    kind: Literal["number", "time", "text"]


MOST_SERIES = len(LINES)
"""Maximum series drawn: as many as there are distinct colours, dashes and marks."""


def result_chart(
    locale: Locale, kind: Kind, x: Values, ys: Sequence[Values], series: Values | None = None, note: str = ""
) -> go.Figure:
    """The columns *ys* (numbers or None) over *x*; all columns have equal length, at least one row.

    Bars and points keep the order of the rows; a line is drawn from left to right.

    Each value of *series* is drawn as a series of bars, a line or points; without *series*, each column of *ys* is.
    Only the first MOST_SERIES are drawn. Rows of several series with equal *x* share a place on the axis. If there is
    only one series, bars over a text column are horizontal, a row for each value, so that long names stay readable.
    *note* is written into the chart.
    """
    if len(ys) > 1:
        names = Values("", [one.name for one in ys for _ in one.values], "text")
        x = Values(x.name, [*x.values] * len(ys), x.kind)
        figure = _one_chart(locale, kind, x, Values("", [value for one in ys for value in one.values], "number"), names)
    else:
        figure = _one_chart(locale, kind, x, ys[0], series)
    if note:
        figure.update_layout(margin={"b": 72})
        figure.add_annotation(
            text=plain(note, 90), xref="paper", yref="paper", x=1, y=0, yshift=-68, xanchor="right", yanchor="bottom",
            showarrow=False, font={"size": TEXT, "color": darker(ORANGE)},
        )  # fmt: skip
    return figure


def _one_chart(locale: Locale, kind: Kind, x: Values, y: Values, series: Values | None) -> go.Figure:
    heights = [float(value) if isinstance(value, int | float) else None for value in y.values]
    if series is not None:
        return _series_chart(locale, kind, x, y, heights, series)
    hovers = [_hover(locale, x, y, place, height) for place, height in enumerate(heights)]
    if kind in BARS and x.kind == "text":
        labels = [locale.numbers.short(height) for height in heights]
        return ranked_bars(locale, [str(value) for value in x.values], [Bars(y.name, heights, labels)], hovers)
    is_placed = kind in BARS or x.kind == "text"
    figure = base(locale, 320)
    _draw(figure, kind, list(range(len(heights))) if is_placed else _points(x), heights, hovers)
    if is_placed:
        _place_axis(figure, x.values)
    _finish(locale, figure, kind, x, y, heights, is_placed=is_placed)
    return figure


def _series_chart(
    locale: Locale, kind: Kind, x: Values, y: Values, heights: Sequence[float | None], series: Values
) -> go.Figure:
    names = series_of(series)
    places, ticks = _shared_places(x, series)
    is_placed = kind in BARS or x.kind == "text"
    points: Sequence[object] = places if is_placed else _points(x)
    figure = base(locale, 360)
    drawn: list[float | None] = []
    above: dict[int, float] = defaultdict(float)
    below: dict[int, float] = defaultdict(float)
    for place, height in zip(places, heights, strict=True):
        (above if (height or 0) > 0 else below)[place] += height or 0.0
    for name, style in zip(names, LINES, strict=False):
        own = [row for row, value in enumerate(series.values) if value is name or value == name]
        drawn += [heights[row] for row in own]
        hovers = [f"<b>{_name(locale, name)}</b><br>{_hover(locale, x, y, row, heights[row])}" for row in own]
        _draw(figure, kind, [points[row] for row in own], [heights[row] for row in own], hovers, style)
        figure.data[-1].name = _name(locale, name)
    if kind == "stacked" and len(names) > MOST_SERIES:
        _stack_others(locale, figure, y, heights, places, series)
    if is_placed:
        _place_axis(figure, ticks)
    if kind == "stacked":
        drawn = [*above.values(), *below.values()]
    _finish(locale, figure, kind, x, y, drawn, is_placed=is_placed)
    figure.update_layout(showlegend=True, barmode="relative" if kind == "stacked" else "group")
    return figure


def _stack_others(
    locale: Locale, figure: go.Figure, y: Values, heights: Sequence[float | None], places: Sequence[int], series: Values
) -> None:
    """Add the bars of all further series, summed at each place, so that the stack has its full height."""
    others = series_of(series)[MOST_SERIES:]
    name = locale.text("legend.others", n=len(others))
    sums: dict[int, float] = defaultdict(float)
    for place, height, value in zip(places, heights, series.values, strict=True):
        if value in others:
            sums[place] += height or 0.0
    hovers = [f"<b>{name}</b><br>{plain(y.name)} {locale.numbers.full(value, 2)}" for value in sums.values()]
    _draw(figure, "stacked", [*sums], [*sums.values()], hovers, OTHERS)
    figure.data[-1].name = name


def series_of(series: Values) -> list[object]:
    """The distinct values of *series*, in the order of their first rows; the chart draws the first MOST_SERIES."""
    return list(dict.fromkeys(series.values))


def _name(locale: Locale, value: object) -> str:
    return NONE if value is None else plain(value, 30)


def _shared_places(x: Values, series: Values) -> tuple[list[int], list[object]]:
    """For each row its place on the axis, and for each place its value of *x*.

    Rows with equal *x* share a place, except rows of the same series: those get separate places, so that no bar
    hides another.
    """
    numbers: dict[tuple[object, int], int] = {}
    seen: dict[tuple[object, object], int] = {}
    places = []
    for value, name in zip(x.values, series.values, strict=True):
        again = seen[value, name] = seen.get((value, name), -1) + 1
        places.append(numbers.setdefault((value, again), len(numbers)))
    return places, [value for value, _ in numbers]


def _draw(
    figure: go.Figure,
    kind: Kind,
    places: Sequence[object],
    heights: Sequence[float | None],
    hovers: Sequence[str],
    style: tuple[str, str, str] = LINES[0],
) -> None:
    color, dash, symbol = style
    if kind in BARS:
        figure.add_bar(x=places, y=heights, marker_color=color, hovertext=hovers, hoverinfo="text")
        return
    mode = "markers" if kind == "scatter" else "lines+markers" if len(heights) <= 62 else "lines"
    order = list(range(len(places)))
    if kind == "line":  # a line goes from left to right, whatever the order of the rows
        order = sorted(order, key=lambda row: (places[row] is None, places[row] if places[row] is not None else 0))
    figure.add_scatter(
        x=[places[row] for row in order],
        y=[heights[row] for row in order],
        mode=mode,
        line={"color": color, "width": 2, "dash": dash},
        marker={"color": color, "size": 7, "symbol": symbol, "opacity": 0.7 if kind == "scatter" else 1},
        hovertext=[hovers[row] for row in order],
        hoverinfo="text",
    )


def _finish(
    locale: Locale,
    figure: go.Figure,
    kind: Kind,
    x: Values,
    y: Values,
    heights: Sequence[float | None],
    *,
    is_placed: bool,
) -> None:
    """Set up the axes and their titles; *heights* are the values of *y*.

    If *is_placed*, the ticks of the x axis are set already (``_place_axis``).
    """
    if not is_placed and x.kind == "time":
        figure.update_xaxes(type="date", tickformat=_time_format(x), nticks=6)
    _y_axis(locale, figure, heights, is_from_zero=kind in BARS)
    figure.update_layout(bargap=0.25, margin={"t": 12})
    figure.update_xaxes(title_text=plain(x.name, 40))
    figure.update_yaxes(title_text=plain(y.name, 40))


def _hover(locale: Locale, x: Values, y: Values, place: int, height: float | None) -> str:
    decimals = 0 if height is None or height.is_integer() else 4 if abs(height) < 10 else 2
    value = f"{plain(y.name)} {locale.numbers.full(height, decimals)}"
    return f"{plain(x.values[place])}<br>{value.strip()}"


def _points(x: Values) -> Sequence[object]:
    if x.kind == "time":
        return [None if value is None else str(value) for value in x.values]
    return [float(value) if isinstance(value, int | float) else None for value in x.values]


def _place_axis(figure: go.Figure, values: Sequence[object]) -> None:
    """Label the places 0, 1, 2 … with *values*, only as many as there is room for."""
    number = len(values)

    def ticks(most: int) -> tuple[list[int], list[str]]:
        shown = list(range(0, number, max(1, -(-number // most))))
        return shown, [plain(values[place], 14) for place in shown]

    places, texts = ticks(_MOST_TICKS)
    few, few_texts = ticks(3)
    figure.update_xaxes(tickvals=places, ticktext=texts, tickangle=0, range=[-0.6, number - 0.4])
    figure.update_layout(meta={"narrow": {"xaxis.tickvals": few, "xaxis.ticktext": few_texts}})


def _time_format(x: Values) -> str:
    """The format of dates on the axis: only the date for days, only the time if all times are of one day."""
    texts = [str(value) for value in x.values if value is not None]
    if all(len(text) == 10 for text in texts):
        return "%Y-%m-%d"
    return "%H:%M" if len({text[:10] for text in texts}) == 1 else "%m-%d %H:%M"


def _y_axis(locale: Locale, figure: go.Figure, heights: Sequence[float | None], *, is_from_zero: bool) -> None:
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
        ticktext=[locale.numbers.short(tick) for tick in ticks],
        range=[low - (0 if low == 0 else pad), high + (0 if high == 0 else pad)],
        showgrid=True,
    )
