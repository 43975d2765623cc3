"""A small line of values without axes, for a card or the cell of a table, as a picture in a URL.

Here: drawing it.
Not here: which values it shows; charts (``dashboards.figures``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from urllib.parse import quote

from dashboards.app.view import Theme

IN_CELL, IN_CARD = (104, 26), (280, 56)
"""Width and height of the line chart in pixels."""

_EDGE = 3
_COLORS: dict[Theme, tuple[str, str]] = {"light": ("#0b6e99", "#d5e7ef"), "dark": ("#5db7df", "#1f3f50")}
"""Theme → colour of the line and of the area below it."""


def sparkline(values: Sequence[float | None], theme: Theme, size: tuple[int, int] = IN_CELL) -> str:
    """The URL of an SVG with *values* as a line; None makes a gap.

    The area reaches to 0, and the last value has a dot.
    """
    width, height = size
    known = [0.0, *(value for value in values if value is not None)]
    low, span = min(known), (max(known) - min(known)) or 1
    step = (width - 2 * _EDGE) / max(len(values) - 1, 1)

    def point(place: int, value: float) -> tuple[float, float]:
        return round(_EDGE + place * step, 1), round(height - _EDGE - (value - low) / span * (height - 2 * _EDGE), 1)

    line, area = _COLORS[theme]
    # Strokes keep their width however the image is stretched, so the dot is a stroke without length.
    stroke = f'fill="none" stroke="{line}" vector-effect="non-scaling-stroke"'
    bottom = point(0, 0)[1]
    parts, last = [], None
    for is_known, run in groupby(enumerate(values), key=lambda item: item[1] is not None):
        if is_known:
            points = [point(place, value) for place, value in run if value is not None]
            path = "L".join(f"{x} {y}" for x, y in points)
            parts.append(f'<path fill="{area}" d="M{points[0][0]} {bottom}L{path}L{points[-1][0]} {bottom}"/>')
            parts.append(f'<path {stroke} stroke-width="1.5" d="M{path}"/>')
            last = points[-1]
    if last:
        parts.append(f'<path {stroke} stroke-width="4.5" stroke-linecap="round" d="M{last[0]} {last[1]}h0"/>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    drawing = f'{head} preserveAspectRatio="none">{"".join(parts)}</svg>'
    return f"data:image/svg+xml,{quote(drawing)}"
