"""The background of a matrix: shaded quadrants, their names, the thresholds.

Here: everything in the figure except products. Quadrant names have strips of their own, free of products.
Not here: products (``dashboards.figures.quadrants``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboards.figures.axes import Scale
from dashboards.figures.labels import Area
from dashboards.figures.look import LARGE, SMALL, SOFT_INK, cut, darker, plain, text_width
from dashboards.figures.points import Matrix
from dashboards.locale import Locale
from dashboards.metrics import short_text

STRIP = 25
"""Height in pixels of the strips above and below the products, which hold the names of the quadrants."""

Note = dict[str, object]
"""A Plotly annotation."""

_LETTER = 7.2


@dataclass(frozen=True)
class Ground:
    """The two axes of a matrix and their thresholds.

    On a relative axis, values are multiples of each product's own threshold, so the threshold is drawn at 1.
    """

    xs: Scale
    ys: Scale
    thresholds: tuple[float, float]
    are_relative: tuple[bool, bool]
    matrix: Matrix

    def across(self, x: float) -> float:
        """Where *x* is drawn: a share of the plot's width, from the left."""
        return abs(float(self.matrix.x_falls) - self.xs.share(x))

    def up(self, y: float) -> float:
        """Where *y* is drawn: a share of the plot's height, from below."""
        return abs(float(self.matrix.y_falls) - self.ys.share(y))


def shade(figure: go.Figure, ground: Ground, colors: Mapping[str, str]) -> None:
    """Draw the quadrants' areas and the lines between them."""
    xs, ys, matrix = ground.xs, ground.ys, ground.matrix
    x, y = xs.at(ground.thresholds[0]), ys.at(ground.thresholds[1])
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


def threshold_notes(locale: Locale, ground: Ground) -> list[Note]:
    """Annotations outside the plot, at the end of each threshold's line: the value of the threshold."""
    metrics = ground.matrix.x_metric, ground.matrix.y_metric
    texts = [
        locale.text("label.own_threshold")
        if is_relative
        else f"{locale.text('label.threshold')} {short_text(locale.numbers, metric, value)}"
        for metric, value, is_relative in zip(metrics, ground.thresholds, ground.are_relative, strict=True)
    ]
    style: Note = {"showarrow": False, "font": {"size": SMALL, "color": SOFT_INK}, "borderpad": 1}
    share = ground.across(ground.thresholds[0])
    above: Note = {
        "x": ground.xs.at(ground.thresholds[0]),
        "y": 1,
        "yref": "paper",
        "text": plain(texts[0]),
        "xanchor": "left" if share < 0.25 else "right" if share > 0.75 else "center",
        "yanchor": "bottom",
    }
    up = ground.up(ground.thresholds[1])
    beside: Note = {
        "x": 1,
        "xref": "paper",
        "y": ground.ys.at(ground.thresholds[1]),
        "text": plain(texts[1]),
        "textangle": 90,
        "xanchor": "left",
        "xshift": 6,
        "yanchor": "top" if up > 0.85 else "bottom" if up < 0.15 else "middle",
    }
    return [style | above, style | beside]


def name_notes(
    locale: Locale, counts: Mapping[str, int], matrix: Matrix, colors: Mapping[str, str], *, is_narrow: bool
) -> list[Note]:
    """Annotations in the corners: quadrant names, shortened more if *is_narrow*, with their numbers of products."""
    return [
        {
            "x": 1 if code[0] == "1" else 0,
            "y": 1 if code[1] == "1" else 0,
            "xref": "paper",
            "yref": "paper",
            "xanchor": "right" if code[0] == "1" else "left",
            "yanchor": "top" if code[1] == "1" else "bottom",
            "text": f"<b>{plain(_name(matrix, code, is_narrow))}</b> {locale.numbers.short(counts.get(code, 0))}",
            "showarrow": False,
            "font": {"size": SMALL if is_narrow else LARGE, "color": darker(color)},
        }
        for code, color in colors.items()
    ]


def name_areas(
    counts: Mapping[str, int], matrix: Matrix, colors: Mapping[str, str], width: float, height: float
) -> list[Area]:
    """The areas that the quadrants' names take up in a plot of *width* × *height* pixels."""
    areas = []
    for code in colors:
        size = _LETTER * text_width(f"{matrix.cells.get(code, code)} {counts.get(code, 0)}") + 4
        left, low = (width - size if code[0] == "1" else 0.0), (height - STRIP if code[1] == "1" else 0.0)
        areas.append((left, low, left + size, low + STRIP))
    return areas


def _name(matrix: Matrix, code: str, is_narrow: bool) -> str:
    return cut(matrix.cells.get(code, code), 15 if is_narrow else 24)
