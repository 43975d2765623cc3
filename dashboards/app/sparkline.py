"""A small line without axes, as an image within the page.

Here: drawing it.
Not here: which values it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

WIDTH, HEIGHT = 280, 56
_MARGIN = 4


def sparkline(values: Sequence[float | None], title: str, color: str) -> Component:
    """*values* from left to right as a line from 0 up; None is a gap. *title* says what it shows."""
    high, low = (pick([0.0, *(value for value in values if value is not None)]) for pick in (max, min))
    step = (WIDTH - 2 * _MARGIN) / max(len(values) - 1, 1)
    scale = (HEIGHT - 2 * _MARGIN) / ((high - low) or 1)
    path, is_gap, last = [], True, ""
    for place, value in enumerate(values):
        if value is not None:
            last = f"{_MARGIN + place * step:.1f},{HEIGHT - _MARGIN - (value - low) * scale:.1f}"
            path.append(f"{'M' if is_gap else 'L'}{last}")
        is_gap = value is None
    # Strokes keep their width however far the image is stretched, so the dot is one of no length.
    stroke = f"fill='none' stroke='{color}' stroke-linejoin='round' vector-effect='non-scaling-stroke'"
    dot = f"<line {_ends(last)} {stroke} stroke-width='7' stroke-linecap='round'/>" if last else ""
    area = ""
    if last and None not in values:  # a line above a pale ground shows how far it is from 0
        ground = HEIGHT - _MARGIN + low * scale
        area = f"<path d='{''.join(path)}V{ground:.1f}H{_MARGIN}Z' fill='{color}' fill-opacity='.14'/>"
    drawing = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' preserveAspectRatio='none'>"
        f"{area}<path d='{''.join(path)}' {stroke} stroke-width='2'/>{dot}</svg>"
    )
    return html.Img(src=f"data:image/svg+xml,{quote(drawing)}", alt=title, title=title, className="sparkline")


def _ends(point: str) -> str:
    x, y = point.split(",")
    return f"x1='{x}' y1='{y}' x2='{x}' y2='{y}'"
