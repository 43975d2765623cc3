"""A small line of values for the cell of a table, as a picture in a URL.

Not here: charts (``dashboards.figures``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from urllib.parse import quote

from dashboards.app.view import Theme

_WIDTH, _HEIGHT, _EDGE = 104, 26, 3
_COLORS: dict[Theme, tuple[str, str]] = {"light": ("#0b6e99", "#d5e7ef"), "dark": ("#5db7df", "#1f3f50")}
"""Theme → colour of the line and of the area below it."""


def sparkline(values: Sequence[float | None], theme: Theme) -> str:
    """The URL of an SVG with *values* as a line from 0 to the largest; None is a gap. The last value has a dot."""
    most = max((value for value in values if value is not None), default=0) or 1
    step = (_WIDTH - 2 * _EDGE) / max(len(values) - 1, 1)

    def point(place: int, value: float) -> tuple[float, float]:
        return round(_EDGE + place * step, 1), round(_HEIGHT - _EDGE - max(value, 0) / most * (_HEIGHT - 2 * _EDGE), 1)

    line, area = _COLORS[theme]
    parts, last = [], None
    for is_known, run in groupby(enumerate(values), key=lambda item: item[1] is not None):
        if is_known:
            points = [point(place, value) for place, value in run if value is not None]
            path = "L".join(f"{x} {y}" for x, y in points)
            bottom = _HEIGHT - _EDGE
            parts.append(f'<path fill="{area}" d="M{points[0][0]} {bottom}L{path}L{points[-1][0]} {bottom}"/>')
            parts.append(f'<path fill="none" stroke="{line}" stroke-width="1.5" d="M{path}"/>')
            last = points[-1]
    if last:
        parts.append(f'<circle cx="{last[0]}" cy="{last[1]}" r="2.2" fill="{line}"/>')
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}">{"".join(parts)}</svg>'
    return f"data:image/svg+xml,{quote(svg)}"
