"""Products as points of a matrix.

Here: a matrix's metrics and names, a product's position in it, its hover.
Not here: drawing (``dashboards.figures.quadrants``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboards.figures.look import plain
from dashboards.locale import Locale
from dashboards.metrics import full_text


@dataclass(frozen=True)
class Matrix:
    """The metrics of a matrix and the names of its quadrants.

    Attributes:
        cells: Code (x_high and y_high as digits, such as ``10``) → the quadrant's name.
        names: The quadrant's key → its name.
        colors: Code → ``#rrggbb``; for other codes the palette's colour is used.
        x_falls, y_falls: Whether low values are better, so that the axis is reversed.
    """

    x_metric: str
    y_metric: str
    cells: Mapping[str, str]
    names: Mapping[str, str]
    colors: Mapping[str, str] = field(default_factory=dict)
    x_falls: bool = False
    y_falls: bool = False


@dataclass(frozen=True)
class Point:
    """A product as a point.

    *code* is x_high and y_high as digits, *before* the product's position one window earlier, *hover* HTML for Plotly.
    """

    product_id: str
    name: str
    x: float
    y: float
    before: tuple[float, float] | None
    code: str
    revenue: float
    is_small: bool
    has_moved: bool
    hover: str


def point_of(locale: Locale, row: dict[str, object], matrix: Matrix, x_by: bool, y_by: bool) -> Point:
    """The point for a row of products.quadrants.

    If *x_by* or *y_by* is set, that axis shows values as multiples of the product's threshold, and earlier values as
    multiples of its earlier threshold.
    """
    x, y = _number(row["x_value"]), _number(row["y_value"])
    x_threshold, y_threshold = _number(row["x_threshold"]), _number(row["y_threshold"])
    revenue = _number(row["revenue"])
    moved = bool(row["has_moved"])
    key, before = str(row["quadrant"]), str(row["previous_quadrant"])
    name = str(row["name"] or row["product_id"])
    lines = [
        f"<b>{plain(name)}</b> {plain(row['product_id'])}" if name != row["product_id"] else f"<b>{plain(name)}</b>",
        plain(matrix.names.get(key, key))
        + (locale.text("hover.moved", before=plain(matrix.names.get(before, before))) if moved else ""),
        f"{plain(locale.text.name('metric', matrix.x_metric))} {full_text(locale.numbers, matrix.x_metric, x)} "
        f"({locale.text('label.threshold')} {full_text(locale.numbers, matrix.x_metric, x_threshold)})",
        f"{plain(locale.text.name('metric', matrix.y_metric))} {full_text(locale.numbers, matrix.y_metric, y)} "
        f"({locale.text('label.threshold')} {full_text(locale.numbers, matrix.y_metric, y_threshold)})",
        f"{locale.text('metric.revenue')} {locale.numbers.full_money(revenue)}",
    ]
    x_before, y_before = _before(row, "x", x_by), _before(row, "y", y_by)
    stood_at = None if x_before is None or y_before is None else (x_before, y_before)
    if stood_at:
        lines.append(
            locale.text(
                "hover.before",
                x=full_text(locale.numbers, matrix.x_metric, _number(row["x_before"])),
                y=full_text(locale.numbers, matrix.y_metric, _number(row["y_before"])),
            )
        )
    lines += [locale.text(f"hover.{flag}") for flag in ("is_small_sample", "is_borderline") if row[flag]]
    return Point(
        str(row["product_id"]),
        name,
        x / x_threshold if x_by else x,
        y / y_threshold if y_by else y,
        stood_at,
        f"{int(bool(row['x_high']))}{int(bool(row['y_high']))}",
        max(revenue, 0.0),
        bool(row["is_small_sample"]),
        moved,
        "<br>".join(lines),
    )


def _before(row: dict[str, object], axis: str, is_multiple: bool) -> float | None:
    """The earlier position on *axis*; None if the earlier value, or the threshold to divide it by, is unknown."""
    value = _known(row.get(f"{axis}_before"))
    if value is None or not is_multiple:
        return value
    threshold = _known(row.get(f"{axis}_threshold_before"))
    return value / threshold if threshold is not None and threshold > 0 else None


def _known(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _number(value: object) -> float:
    return _known(value) or 0.0
