"""Matrices: products on two metrics, parted by their thresholds into four named quadrants.

Here: the figure over products.quadrants.
Not here: migrations (``dashboards.figures.tables``), queries, texts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.axes import Scale, scale_of
from dashboards.figures.labels import Box, Label, place_labels
from dashboards.figures.look import QUADRANT_COLORS, QUADRANT_SHAPES, SOFT_INK, Look, base, darker, plain
from dashboards.figures.points import Matrix, Point, point_of
from dashboards.metrics import short_text, tick_text

MOST_POINTS = 1500
TOP_LABELS = 5
MOVER_LABELS = 5
_HEIGHT = 440
_BIGGEST = 40.0
"""Diameter in pixels of the product with the most revenue."""


def quadrant_chart(look: Look, frame: pl.DataFrame, matrix: Matrix) -> go.Figure:
    """Products as bubbles, area = revenue, hollow = small sample, shape and colour = quadrant.

    Columns sku, name, x_value, y_value, x_threshold, y_threshold, x_high, y_high, quadrant, previous_quadrant,
    has_moved (within the window), is_borderline, is_small_sample, revenue. Where thresholds differ between products
    (per category), values are shown as multiples of their threshold. What the figure leaves out is said in
    ``layout.meta["notes"]``.
    """
    figure = base(look, _HEIGHT)
    placed = frame.filter(
        pl.all_horizontal(
            pl.col("x_value", "y_value", "x_threshold", "y_threshold").cast(pl.Float64).is_finite().fill_null(False)
        )
        & pl.col("x_high").is_not_null()
        & pl.col("y_high").is_not_null()
    ).sort("revenue", descending=True, nulls_last=True)
    notes = []
    if placed.height < frame.height:
        notes.append(look.text("note.unknown", n=look.numbers.full(frame.height - placed.height)))
    if placed.height > MOST_POINTS:
        notes.append(look.text("note.first", n=MOST_POINTS, m=look.numbers.full(placed.height)))
    x_by, y_by = _divisor(placed, "x"), _divisor(placed, "y")
    points = [point_of(look, row, matrix, x_by, y_by) for row in placed.head(MOST_POINTS).iter_rows(named=True)]
    if not points:
        figure.update_layout(meta={"notes": notes})
        return figure
    thresholds = [1.0 if by else float(placed[f"{axis}_threshold"][0]) for axis, by in (("x", x_by), ("y", y_by))]
    xs = scale_of([point.x for point in points], thresholds[:1])
    ys = scale_of([point.y for point in points], thresholds[1:])
    colors = {**QUADRANT_COLORS, **matrix.colors}
    _shade(figure, xs, ys, thresholds, matrix, colors)
    _draw(figure, points, xs, ys, colors)
    beyond = sum(xs.is_beyond(point.x) or ys.is_beyond(point.y) for point in points)
    if beyond:
        notes.append(look.text("note.beyond", n=beyond))
    _write_thresholds(look, figure, xs, ys, thresholds, matrix, (x_by, y_by))
    _write_corners(look, figure, points, matrix, colors, abs(float(matrix.x_falls) - xs.share(thresholds[0])))
    always = [note.to_plotly_json() for note in figure.layout.annotations]
    places = [xs.at(point.x) for point in points], [ys.at(point.y) for point in points]
    falls = (matrix.x_falls, matrix.y_falls)
    wide, narrow = (_labels(points, xs, ys, thresholds, falls, width) for width in (470, 240))
    notes.append(_label_note(look, points, wide))
    _set_axes(look, figure, xs, ys, matrix, (x_by, y_by))
    figure.update_layout(
        annotations=[*always, *(label.annotation(*places) for label in wide)],
        meta={
            "notes": notes,
            "narrow": {"annotations": [*always, *(label.annotation(*places) for label in narrow)]},
        },
    )
    return figure


def _divisor(frame: pl.DataFrame, axis: str) -> bool:
    """Whether the thresholds of *axis* differ, so that values are shown as multiples of them."""
    return frame[f"{axis}_threshold"].n_unique() > 1 and bool((frame[f"{axis}_threshold"] > 0).all())


def _shade(
    figure: go.Figure, xs: Scale, ys: Scale, thresholds: list[float], matrix: Matrix, colors: Mapping[str, str]
) -> None:
    x, y = xs.at(thresholds[0]), ys.at(thresholds[1])
    for code, color in colors.items():
        right, up = (code[0] == "1") != matrix.x_falls, (code[1] == "1") != matrix.y_falls
        figure.add_shape(
            type="rect",
            layer="below",
            line_width=0,
            fillcolor=color,
            opacity=0.08,
            x0=x if right else xs.low,
            x1=xs.high if right else x,
            y0=y if up else ys.low,
            y1=ys.high if up else y,
        )
    for place in ({"x0": x, "x1": x, "y0": ys.low, "y1": ys.high}, {"x0": xs.low, "x1": xs.high, "y0": y, "y1": y}):
        figure.add_shape(type="line", line={"color": SOFT_INK, "width": 1, "dash": "dash"}, layer="below", **place)


def _size(point: Point, biggest: float) -> float:
    return max(_BIGGEST * math.sqrt(point.revenue / biggest), 7.0) if biggest > 0 else 9.0


def _draw(figure: go.Figure, points: list[Point], xs: Scale, ys: Scale, colors: Mapping[str, str]) -> None:
    biggest = max(point.revenue for point in points)
    for code, color in colors.items():
        for is_small in (False, True):
            group = [point for point in points if (point.code, point.is_small) == (code, is_small)]
            if not group:
                continue
            shape = QUADRANT_SHAPES[code] + ("-open" if is_small else "")
            figure.add_scatter(
                x=[xs.at(point.x) for point in group],
                y=[ys.at(point.y) for point in group],
                mode="markers",
                marker={
                    "symbol": [
                        "star-open" if xs.is_beyond(point.x) or ys.is_beyond(point.y) else shape for point in group
                    ],
                    "size": [
                        12.0 if xs.is_beyond(point.x) or ys.is_beyond(point.y) else _size(point, biggest)
                        for point in group
                    ],
                    "color": darker(color) if is_small else color,
                    "opacity": 0.85,
                    "line": {"color": darker(color), "width": 1.6 if is_small else 1},
                },
                hovertext=[point.hover for point in group],
                hoverinfo="text",
                cliponaxis=False,
            )


def _write_thresholds(
    look: Look,
    figure: go.Figure,
    xs: Scale,
    ys: Scale,
    thresholds: list[float],
    matrix: Matrix,
    are_relative: tuple[bool, bool],
) -> None:
    texts = [
        look.text("label.own_threshold")
        if relative
        else f"{look.text('label.threshold')} {short_text(look.numbers, metric, value)}"
        for metric, value, relative in zip((matrix.x_metric, matrix.y_metric), thresholds, are_relative, strict=True)
    ]
    style = {"showarrow": False, "font": {"size": 11, "color": SOFT_INK}, "bgcolor": "rgba(255,255,255,0.75)"}
    x_share = xs.share(thresholds[0])
    figure.add_annotation(
        x=xs.at(thresholds[0]),
        y=0,
        yref="paper",
        text=plain(texts[0]),
        xanchor="left" if (x_share < 0.5) != matrix.x_falls else "right",
        yanchor="bottom",
        **style,
    )
    figure.add_annotation(
        x=1, xref="paper", y=ys.at(thresholds[1]), text=plain(texts[1]), xanchor="right", yanchor="bottom", **style
    )


def _write_corners(
    look: Look, figure: go.Figure, points: list[Point], matrix: Matrix, colors: Mapping[str, str], cut_at: float
) -> None:
    """The quadrants' names; the lower ones make room for the threshold of x where it stands near, at *cut_at*."""
    for code, color in colors.items():
        count = sum(point.code == code for point in points)
        right, up = code[0] == "1", code[1] == "1"
        figure.add_annotation(
            x=1 if right else 0,
            y=1 if up else 0,
            xref="paper",
            yref="paper",
            xanchor="right" if right else "left",
            yanchor="top" if up else "bottom",
            yshift=16 if not up and (cut_at > 0.7 if right else cut_at < 0.3) else 0,
            text=f"<b>{plain(matrix.cells.get(code, code), 24)}</b> {look.numbers.short(count)}",
            showarrow=False,
            font={"size": 13, "color": darker(color)},
            bgcolor="rgba(255,255,255,0.6)",
        )


def _wanted(points: list[Point]) -> tuple[list[int], list[int]]:
    """The best-selling, who come first, and those that changed quadrant."""
    return list(range(min(TOP_LABELS, len(points)))), [index for index, point in enumerate(points) if point.has_moved]


def _labels(
    points: list[Point], xs: Scale, ys: Scale, thresholds: list[float], falls: tuple[bool, bool], width: float
) -> list[Label]:
    biggest = max(point.revenue for point in points)
    boxes = [
        Box(
            abs(float(falls[0]) - xs.share(point.x)),
            abs(float(falls[1]) - ys.share(point.y)),
            _size(point, biggest) / 2,
        )
        for point in points
    ]
    top, movers = _wanted(points)
    wanted = list(dict.fromkeys([*top, *movers[:MOVER_LABELS]]))
    height = _HEIGHT - 70
    shares = abs(float(falls[0]) - xs.share(thresholds[0])), abs(float(falls[1]) - ys.share(thresholds[1]))
    names = [
        *((x, y, x + 110, y + 20) for x in (0, width - 110) for y in (16, height - 20)),
        (width - 100, shares[1] * height, width, shares[1] * height + 16),
    ]
    return place_labels(
        boxes, [point.name for point in points], width=width, height=height, wanted=wanted, reserved=names
    )


def _label_note(look: Look, points: list[Point], labels: list[Label]) -> str:
    named = {label.index for label in labels}
    top, movers = _wanted(points)
    return look.text(
        "note.labels",
        top=len(named & set(top)),
        n=look.numbers.full(len(points)),
        moved=len(named & set(movers)),
        movers=look.numbers.full(len(movers)),
    )


def _set_axes(
    look: Look, figure: go.Figure, xs: Scale, ys: Scale, matrix: Matrix, are_relative: tuple[bool, bool]
) -> None:
    axes = (
        (figure.update_xaxes, xs, matrix.x_metric, matrix.x_falls, are_relative[0]),
        (figure.update_yaxes, ys, matrix.y_metric, matrix.y_falls, are_relative[1]),
    )
    for update, scale, metric, falls, is_relative in axes:

        def write(value: float, metric: str = metric, is_relative: bool = is_relative) -> str:
            return f"{look.numbers.short(value)}×" if is_relative else tick_text(look.numbers, metric, value)

        places, texts = scale.ticks(write)
        title = look.text.name("metric", metric)
        if is_relative:
            title = look.text("axis.relative", metric=title)
        elif scale.is_log:
            title = look.text("axis.log", metric=title)
        update(
            tickvals=places,
            ticktext=texts,
            range=[scale.high, scale.low] if falls else [scale.low, scale.high],
            title_text=plain(title),
        )
