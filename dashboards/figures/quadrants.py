"""Matrices: products by two metrics, whose thresholds separate four named quadrants.

Here: the figure over products.quadrants, its products and their labels.
Not here: the background (``dashboards.figures.ground``), arrows (``dashboards.figures.arrows``), migrations
(``dashboards.figures.tables``), queries, texts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.arrows import arrows
from dashboards.figures.axes import Scale, scale_of
from dashboards.figures.ground import STRIP, Ground, Note, name_areas, name_notes, shade, threshold_notes
from dashboards.figures.labels import Box, Label, place_labels
from dashboards.figures.look import QUADRANT_COLORS, QUADRANT_SHAPES, base, darker, plain
from dashboards.figures.points import Matrix, Point, point_of
from dashboards.locale import Locale
from dashboards.metrics import tick_text

MOST_POINTS = 1500
TOP_LABELS, MOVER_LABELS = 5, 5
_NARROW_LABELS = 2, 1
"""Maximum labels of best-selling products and of products that changed quadrant; ``_NARROW_LABELS`` is for phones."""
_HEIGHT = 470
_PLOT_HEIGHT = _HEIGHT - 80
_WIDE, _NARROW = 460, 230
"""Widths in pixels of the plot inside the axes, on a wide and on a narrow screen; labels are placed for each."""
_BIGGEST = 40.0
"""Diameter in pixels of the product with the most revenue."""


def quadrant_chart(locale: Locale, frame: pl.DataFrame, matrix: Matrix) -> go.Figure:
    """Products as bubbles, area = revenue, hollow = small sample, shape and colour = quadrant.

    Columns product_id, name, x_value, y_value, x_threshold, y_threshold, x_high, y_high, quadrant, previous_quadrant,
    has_moved (within the window), is_borderline, is_small_sample, revenue. Where thresholds differ between products
    (per category), values are shown as multiples of their threshold. Optional columns: x_before, y_before,
    x_threshold_before, y_threshold_before; if present, arrows lead from these places to the labelled products.
    ``layout.meta["notes"]`` says what the figure does not show.
    """
    figure = base(locale, _HEIGHT)
    placed = frame.filter(
        pl.all_horizontal(
            pl.col("x_value", "y_value", "x_threshold", "y_threshold").cast(pl.Float64).is_finite().fill_null(False)
        )
        & pl.col("x_high").is_not_null()
        & pl.col("y_high").is_not_null()
    ).sort("revenue", descending=True, nulls_last=True)
    notes = []
    if placed.height < frame.height:
        notes.append(locale.text("note.unknown", n=locale.numbers.full(frame.height - placed.height)))
    if placed.height > MOST_POINTS:
        notes.append(locale.text("note.first", n=MOST_POINTS, m=locale.numbers.full(placed.height)))
    x_by, y_by = _divisor(placed, "x"), _divisor(placed, "y")
    points = [point_of(locale, row, matrix, x_by, y_by) for row in placed.head(MOST_POINTS).iter_rows(named=True)]
    if not points:
        figure.update_layout(meta={"notes": notes})
        return figure
    ground = _ground(placed, points, matrix, (x_by, y_by))
    colors = {**QUADRANT_COLORS, **matrix.colors}
    shade(figure, ground, colors)
    _draw(figure, points, ground.xs, ground.ys, colors)
    beyond = sum(_is_beyond(point, ground.xs, ground.ys) for point in points)
    if beyond:
        notes.append(locale.text("note.beyond", n=beyond))
    wide = _labels(points, ground, colors, _WIDE, (TOP_LABELS, MOVER_LABELS))
    narrow = _labels(points, ground, colors, _NARROW, _NARROW_LABELS)
    notes.append(_label_note(locale, points, wide))
    _set_axes(locale, figure, ground)
    figure.update_layout(
        annotations=_annotations(locale, points, ground, colors, wide, is_narrow=False),
        margin={"t": 24, "r": 32},
        meta={
            "notes": notes,
            "narrow": {"annotations": _annotations(locale, points, ground, colors, narrow, is_narrow=True)},
        },
    )
    return figure


def _ground(placed: pl.DataFrame, points: list[Point], matrix: Matrix, are_relative: tuple[bool, bool]) -> Ground:
    x, y = (
        1.0 if is_relative else float(placed[f"{axis}_threshold"][0])
        for axis, is_relative in zip("xy", are_relative, strict=True)
    )
    xs = scale_of([point.x for point in points], [x])
    ys = scale_of([point.y for point in points], [y]).with_strips(STRIP / _PLOT_HEIGHT)
    return Ground(xs, ys, (x, y), are_relative, matrix)


def _divisor(frame: pl.DataFrame, axis: str) -> bool:
    """Whether *axis* shows values as multiples of thresholds: they differ between products and are positive."""
    return frame[f"{axis}_threshold"].n_unique() > 1 and bool((frame[f"{axis}_threshold"] > 0).all())


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
                    "symbol": ["star-open" if _is_beyond(point, xs, ys) else shape for point in group],
                    "size": [12.0 if _is_beyond(point, xs, ys) else _size(point, biggest) for point in group],
                    "color": darker(color) if is_small else color,
                    "opacity": 0.85,
                    "line": {"color": darker(color), "width": 1.6 if is_small else 1},
                },
                customdata=[[point.product_id, point.name] for point in group],
                hovertext=[point.hover for point in group],
                hoverinfo="text",
                cliponaxis=False,
            )


def _is_beyond(point: Point, xs: Scale, ys: Scale) -> bool:
    return xs.is_beyond(point.x) or ys.is_beyond(point.y)


def _annotations(
    locale: Locale,
    points: list[Point],
    ground: Ground,
    colors: Mapping[str, str],
    labels: list[Label],
    *,
    is_narrow: bool,
) -> list[Note]:
    """Thresholds, quadrant names, arrows to the labelled products, and on top of these the labels."""
    biggest = max(point.revenue for point in points)
    named = [(points[label.index], _size(points[label.index], biggest) / 2) for label in labels]
    xs, ys = [ground.xs.at(point.x) for point in points], [ground.ys.at(point.y) for point in points]
    return [
        *threshold_notes(locale, ground),
        *name_notes(locale, _counts(points), ground.matrix, colors, is_narrow=is_narrow),
        *arrows(named, ground, _NARROW if is_narrow else _WIDE, _PLOT_HEIGHT),
        *(label.annotation(xs, ys) for label in labels),
    ]


def _counts(points: list[Point]) -> dict[str, int]:
    return dict(Counter(point.code for point in points))


def _wanted(points: list[Point]) -> tuple[list[int], list[int]]:
    """The points to label, as two lists of indices: the best-selling, and those that changed quadrant."""
    return list(range(min(TOP_LABELS, len(points)))), [index for index, point in enumerate(points) if point.has_moved]


def _labels(
    points: list[Point], ground: Ground, colors: Mapping[str, str], width: float, most: tuple[int, int]
) -> list[Label]:
    """Labels in a plot of *width* pixels; *most*: how many best-selling and how many moved products may have one."""
    biggest = max(point.revenue for point in points)
    boxes = [Box(ground.across(point.x), ground.up(point.y), _size(point, biggest) / 2) for point in points]
    top, movers = _wanted(points)
    wanted = list(dict.fromkeys([*top[: most[0]], *movers[: most[1]]]))
    reserved = name_areas(_counts(points), ground.matrix, colors, width, _PLOT_HEIGHT)
    names = [point.name for point in points]
    return place_labels(boxes, names, width=width, height=_PLOT_HEIGHT, wanted=wanted, reserved=reserved)


def _label_note(locale: Locale, points: list[Point], labels: list[Label]) -> str:
    named = {label.index for label in labels}
    top, movers = _wanted(points)
    return locale.text(
        "note.labels",
        top=len(named & set(top)),
        n=locale.numbers.full(len(points)),
        moved=len(named & set(movers)),
        movers=locale.numbers.full(len(movers)),
    )


def _set_axes(locale: Locale, figure: go.Figure, ground: Ground) -> None:
    matrix, are_relative = ground.matrix, ground.are_relative
    axes = (
        (figure.update_xaxes, ground.xs, matrix.x_metric, matrix.x_falls, are_relative[0]),
        (figure.update_yaxes, ground.ys, matrix.y_metric, matrix.y_falls, are_relative[1]),
    )
    for update, scale, metric, falls, is_relative in axes:

        def write(value: float, metric: str = metric, is_relative: bool = is_relative) -> str:
            return f"{locale.numbers.short(value)}×" if is_relative else tick_text(locale.numbers, metric, value)

        places, texts = scale.ticks(write)
        title = locale.text.name("metric", metric)
        if is_relative:
            title = locale.text("axis.relative", metric=title)
        elif scale.is_log:
            title = locale.text("axis.log", metric=title)
        update(
            tickvals=places,
            ticktext=texts,
            range=[scale.high, scale.low] if falls else [scale.low, scale.high],
            title_text=plain(title),
            tickangle=0,
        )
