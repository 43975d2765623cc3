"""Labels beside points, placed so that they do not overlap.

Here: choosing a side of each point for its label, and dropping labels without room.
Not here: which points get a label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dashboards.figures.look import INK, SMALL, SOFT_INK, cut, plain, text_width

_LETTER = 6.6
_HEIGHT = 15
_WIDEST = 24
_LARGE = 8.0
"""Labels do not cover points of at least this radius, in pixels."""
_REACHES = (0.0, 22.0, 44.0)


@dataclass(frozen=True)
class Box:
    """A point: its position as shares of the plot's width and height from the lower left, its radius in pixels."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Label:
    """A label for the point with the index *index*, placed *x_shift* and *y_shift* pixels from it."""

    index: int
    text: str
    x_anchor: Literal["left", "center", "right"]
    y_anchor: Literal["bottom", "middle", "top"]
    x_shift: float
    y_shift: float
    is_far: bool

    def annotation(self, xs: Sequence[float], ys: Sequence[float]) -> dict[str, object]:
        """The label as a Plotly annotation; a label far away from its point has a line to it.

        *xs* and *ys* are the positions of all points.
        """
        text = {"text": plain(self.text), "font": {"size": SMALL, "color": INK}, "bgcolor": "rgba(255,255,255,0.6)"}
        place = {"x": xs[self.index], "y": ys[self.index], "xanchor": self.x_anchor, "yanchor": self.y_anchor}
        if not self.is_far:
            return {**text, **place, "showarrow": False, "xshift": self.x_shift, "yshift": self.y_shift, "borderpad": 0}
        line = {"showarrow": True, "arrowhead": 0, "arrowwidth": 0.7, "arrowcolor": SOFT_INK}
        return {**text, **place, **line, "ax": self.x_shift, "ay": -self.y_shift, "borderpad": 0}


Area = tuple[float, float, float, float]
"""Left, bottom, right and top, in pixels from the lower left corner of the plot."""


def place_labels(
    points: Sequence[Box],
    names: Sequence[str],
    *,
    width: float,
    height: float,
    wanted: Sequence[int] | None = None,
    reserved: Sequence[Area] = (),
) -> list[Label]:
    """Labels for the points with the indices *wanted* (default: all), in a plot of *width* × *height* pixels.

    Labels are placed in the order of *wanted*; a label without room is dropped. No label covers another label, a
    *reserved* area, a large point or another wanted point; it may cover other small points.
    """
    indexes = list(range(len(points))) if wanted is None else list(wanted)
    large = [_around(point, width, height) for n, point in enumerate(points) if point.radius >= _LARGE or n in indexes]
    taken = [*reserved, *large]
    placed: list[Label] = []
    for index in indexes:
        point, text = points[index], cut(names[index], _WIDEST)
        own = _around(point, width, height)
        others = [area for area in taken if area != own]
        for label in (label for reach in _REACHES for label in _sides(index, text, point.radius + 3, reach)):
            area = _area(label, point, width, height)
            if _is_inside(area, width, height) and not any(_overlap(area, other) for other in others):
                placed.append(label)
                taken.append(area)
                break
    return placed


def _sides(index: int, text: str, gap: float, reach: float) -> list[Label]:
    far, near = gap + reach, (gap + reach) * 0.65
    is_far = reach > 0
    return [
        Label(index, text, "left", "middle", far, 0, is_far),
        Label(index, text, "right", "middle", -far, 0, is_far),
        Label(index, text, "center", "bottom", 0, far, is_far),
        Label(index, text, "center", "top", 0, -far, is_far),
        Label(index, text, "left", "bottom", near, near, is_far),
        Label(index, text, "right", "bottom", -near, near, is_far),
        Label(index, text, "left", "top", near, -near, is_far),
        Label(index, text, "right", "top", -near, -near, is_far),
    ]


def _around(point: Box, width: float, height: float) -> Area:
    reach = point.radius * 0.85
    x, y = point.x * width, point.y * height
    return x - reach, y - reach, x + reach, y + reach


def _area(label: Label, point: Box, width: float, height: float) -> Area:
    size = text_width(label.text) * _LETTER
    x, y = point.x * width + label.x_shift, point.y * height + label.y_shift
    left = x - {"left": 0.0, "center": 0.5, "right": 1.0}[label.x_anchor] * size
    low = y - {"bottom": 0.0, "middle": 0.5, "top": 1.0}[label.y_anchor] * _HEIGHT
    return left, low, left + size, low + _HEIGHT


def _is_inside(area: Area, width: float, height: float) -> bool:
    return area[0] >= 0 and area[1] >= 0 and area[2] <= width and area[3] <= height


def _overlap(one: Area, other: Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
