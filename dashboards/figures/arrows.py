"""Arrows from a product's earlier position in a matrix (a dot) to its current one.

Here: which moves are long enough to draw, and how they are drawn.
Not here: which products get an arrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from dashboards.figures.ground import Ground, Note
from dashboards.figures.look import GREY
from dashboards.figures.points import Point

_SHORTEST = 8.0
"""Minimum length in pixels of the part of an arrow outside its product's mark; shorter arrows are not drawn."""


def arrows(points: Sequence[tuple[Point, float]], ground: Ground, width: float, height: float) -> list[Note]:
    """Annotations, an arrow for each point that moved, in a plot of *width* × *height* pixels.

    *points* are pairs of a point and its radius in pixels. A point without an earlier place, or one that hardly moved,
    gets no arrow. Places beyond the axes are drawn at the edge.
    """
    found = []
    for point, radius in points:
        if point.before is None:
            continue
        x, y = ground.xs.at(point.x), ground.ys.at(point.y)
        from_x, from_y = ground.xs.at(point.before[0]), ground.ys.at(point.before[1])
        across = width * (ground.xs.share(point.x) - ground.xs.share(point.before[0]))
        up = height * (ground.ys.share(point.y) - ground.ys.share(point.before[1]))
        if math.hypot(across, up) >= radius + _SHORTEST:
            found.append(_arrow((from_x, from_y), (x, y), radius))
    return found


def _arrow(start: tuple[float, float], end: tuple[float, float], radius: float) -> Note:
    return {
        "text": "",
        "showarrow": True,
        "x": end[0],
        "y": end[1],
        "xref": "x",
        "yref": "y",
        "ax": start[0],
        "ay": start[1],
        "axref": "x",
        "ayref": "y",
        "arrowside": "end+start",
        "arrowhead": 2,
        "arrowsize": 1.2,
        "startarrowhead": 6,
        "startarrowsize": 0.6,
        "arrowwidth": 1.4,
        "arrowcolor": GREY,
        "standoff": radius,
    }
