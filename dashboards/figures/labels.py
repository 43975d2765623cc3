"""Names beside points, where none covers another.

Here: choosing a side of each point for its label, and leaving out what has no room.
Not here: which points deserve one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dashboards.figures.look import INK, cut, plain, text_width

_LETTER = 6.6
_HEIGHT = 15
_WIDEST = 24


@dataclass(frozen=True)
class Box:
    """A point: its place as shares of the plot's width and height from the lower left, its radius in pixels."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Label:
    """A text to be drawn at the point of that index, shifted by pixels."""

    index: int
    text: str
    x_anchor: Literal["left", "center", "right"]
    y_anchor: Literal["bottom", "middle", "top"]
    x_shift: float
    y_shift: float

    def annotation(self, xs: Sequence[float], ys: Sequence[float]) -> dict[str, object]:
        """The label at the point of its index among those at *xs* and *ys*."""
        return {
            "x": xs[self.index],
            "y": ys[self.index],
            "text": plain(self.text),
            "showarrow": False,
            "font": {"size": 11, "color": INK},
            "xanchor": self.x_anchor,
            "yanchor": self.y_anchor,
            "xshift": self.x_shift,
            "yshift": self.y_shift,
        }


def place_labels(
    points: Sequence[Box], names: Sequence[str], *, width: float, height: float, wanted: Sequence[int] | None = None
) -> list[Label]:
    """Labels for the *wanted* points (default: all), the first ones first, in a plot of that many pixels."""
    taken = [_around(point, width, height) for point in points]
    placed: list[Label] = []
    for index in range(len(points)) if wanted is None else wanted:
        point, text = points[index], cut(names[index], _WIDEST)
        others = taken[:index] + taken[index + 1 :]
        for label in _sides(index, text, point.radius + 3):
            area = _area(label, point, width, height)
            if _is_inside(area, width, height) and not any(_overlap(area, other) for other in others):
                placed.append(label)
                taken.append(area)
                break
    return placed


_Area = tuple[float, float, float, float]


def _sides(index: int, text: str, gap: float) -> list[Label]:
    return [
        Label(index, text, "left", "middle", gap, 0),
        Label(index, text, "right", "middle", -gap, 0),
        Label(index, text, "center", "bottom", 0, gap),
        Label(index, text, "center", "top", 0, -gap),
        Label(index, text, "left", "bottom", gap * 0.6, gap * 0.6),
        Label(index, text, "right", "bottom", -gap * 0.6, gap * 0.6),
        Label(index, text, "left", "top", gap * 0.6, -gap * 0.6),
        Label(index, text, "right", "top", -gap * 0.6, -gap * 0.6),
    ]


def _around(point: Box, width: float, height: float) -> _Area:
    reach = point.radius * 0.85
    x, y = point.x * width, point.y * height
    return x - reach, y - reach, x + reach, y + reach


def _area(label: Label, point: Box, width: float, height: float) -> _Area:
    size = text_width(label.text) * _LETTER
    x, y = point.x * width + label.x_shift, point.y * height + label.y_shift
    left = x - {"left": 0.0, "center": 0.5, "right": 1.0}[label.x_anchor] * size
    low = y - {"bottom": 0.0, "middle": 0.5, "top": 1.0}[label.y_anchor] * _HEIGHT
    return left, low, left + size, low + _HEIGHT


def _is_inside(area: _Area, width: float, height: float) -> bool:
    return area[0] >= 0 and area[1] >= 0 and area[2] <= width and area[3] <= height


def _overlap(one: _Area, other: _Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
