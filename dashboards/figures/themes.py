"""Figures in the dark theme: the same figures with every colour of the palette replaced.

Here: replacing the colours.
Not here: the palette (``dashboards.figures.look``), any one chart.
"""

from __future__ import annotations

import re
from typing import Any

import plotly.graph_objects as go

DARK_PAPER = "#171e25"
DARK_INK = "#e4ebf1"

_DARK = {
    "#1d2b36": DARK_INK,
    "#5b6b78": "#a3b1bd",
    "#dfe5ea": "#313c46",
    "#c5d4dd": "#40525f",
    "#ffffff": DARK_PAPER,
    "#8a97a3": "#8a97a3",
    "#0b6e99": "#4aa8d3",
    "#7cb8d4": "#93c9e2",
    "#d9730d": "#ee9540",
    "#e8c48f": "#8f6a34",
    "#2a9d8f": "#45b8a9",
    "#eef5f9": "#1f2c37",
    "#a9d0e3": "#21506a",
    "#56a3c9": "#2d789e",
    "#f7f9fa": "#1c252d",
    "#117733": "#3da35d",
    "#aa4499": "#c46bb6",
}
"""Colour on white paper → its counterpart in the dark theme; with the beginnings of the same colours as rgba(…)."""


def _rgba(color: str) -> str:
    return "rgba(" + ",".join(str(int(color[place : place + 2], 16)) for place in (1, 3, 5))


_DARK |= {_rgba(light): _rgba(dark) for light, dark in _DARK.items()}

_HEX = re.compile(r"#[0-9A-Fa-f]{6}")
_COLOR = re.compile("|".join(re.escape(color) for color in _DARK), re.IGNORECASE)


def dark(figure: go.Figure) -> dict[str, Any]:
    """*figure* as Plotly's JSON, in the colours of the dark theme."""
    exchanged = _exchanged(figure.to_plotly_json())
    assert isinstance(exchanged, dict)
    return exchanged


def light_again(figure: go.Figure) -> dict[str, str]:
    """Colour in ``dark(figure)`` → its counterpart in *figure*, for printing a dark page in light colours."""
    fonts = re.findall(r'"font":\{[^{}]*?"color":"(#[0-9A-Fa-f]{6})"', figure.to_json())
    others = {_lighter(color): color for color in fonts if color.lower() not in _DARK}
    return others | {dark: light for light, dark in _DARK.items()}


def _exchanged(part: object) -> object:
    if isinstance(part, dict):
        return {key: _font(value) if key == "font" else _exchanged(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_exchanged(value) for value in part]
    if isinstance(part, str) and ("#" in part or part.startswith("rgba")):
        return _COLOR.sub(lambda found: _DARK[found[0].lower()], part)
    return part


def _font(font: object) -> object:
    """*font* for the dark theme: a palette colour is replaced; any other, such as from matrices.yaml, is lightened."""
    made = _exchanged(font)
    if not isinstance(font, dict) or not isinstance(made, dict):
        return made
    color = font.get("color")
    if isinstance(color, str) and made.get("color") == color and _HEX.fullmatch(color):
        made["color"] = _lighter(color)
    return made


def _lighter(color: str) -> str:
    """*color*, ``#rrggbb``, mixed with the ink colour of the dark theme."""
    mixed = (round(0.45 * int(color[n : n + 2], 16) + 0.55 * int(DARK_INK[n : n + 2], 16)) for n in (1, 3, 5))
    return "#" + "".join(f"{part:02x}" for part in mixed)
