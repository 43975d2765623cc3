"""The style shared by all figures: colours, fonts, margins.

Here: the palette (distinct for the colour-blind and in print), the base layout, cutting and wrapping texts.
Not here: any one chart.
"""

from __future__ import annotations

import html
import unicodedata

import plotly.graph_objects as go

from dashboards.locale import Locale

BLUE = "#0b6e99"
ORANGE = "#d9730d"
SKY = "#7cb8d4"
SAND = "#e8c48f"
GREY = "#8a97a3"
INK = "#1d2b36"
SOFT_INK = "#5b6b78"
LINE = "#dfe5ea"
PALE = "#c5d4dd"
PAPER = "#ffffff"

_NO_TEMPLATE = {"data": {"scatter": [{"type": "scatter"}]}}
"""The contents of Plotly's template "none": given by name, Plotly would copy it for each figure."""

QUADRANT_COLORS = {"11": BLUE, "10": ORANGE, "01": "#2a9d8f", "00": GREY}
"""Quadrant (x, y; 1 = high) → colour; each quadrant also has its own shape."""
QUADRANT_SHAPES = {"11": "circle", "10": "square", "01": "diamond", "00": "triangle-up"}

BLUES = [[0.0, "#eef5f9"], [0.5, "#a9d0e3"], [1.0, "#56a3c9"]]
"""One hue from light to medium: the order survives in grey print, and dark numbers are readable on every shade."""

SMALL, TEXT, LARGE = 11, 12, 13
"""The sizes of letters in figures, in pixels: notes and tight axes; everything else; names over areas."""

FONT = (
    "system-ui, -apple-system, 'Segoe UI', 'PingFang SC', 'Hiragino Sans GB', 'Microsoft YaHei', "
    "'Noto Sans CJK SC', 'Noto Sans', sans-serif"
)


def darker(color: str) -> str:
    """*color*, ``#rrggbb``, mixed with the ink colour, because pale lines and letters would be invisible on paper."""
    mixed = (round(0.55 * int(color[n : n + 2], 16) + 0.45 * int(INK[n : n + 2], 16)) for n in (1, 3, 5))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def clear(color: str, share: float) -> str:
    """*color*, ``#rrggbb``, made transparent: its opacity is *share*."""
    red, green, blue = (int(color[n : n + 2], 16) for n in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"


def plain(value: object, width: int = 60) -> str:
    """*value* escaped, so that a figure shows it literally and not as markup; cut to *width* Latin letters."""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in str(value)).split())
    return html.escape(cut(text, width), quote=False)


def cut(text: str, width: int) -> str:
    """*text*, cut and ended with … if it is wider than *width* Latin letters; a Chinese character counts as two."""
    used = 0
    for place, sign in enumerate(text):
        used += _columns(sign)
        if used > width:
            return text[: max(place - 1, 0)] + "…"
    return text


def text_width(text: str) -> int:
    """The width of *text* in Latin letters; a Chinese character is as wide as two."""
    return sum(map(_columns, text))


def _columns(sign: str) -> int:
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def wrapped(text: str, width: int) -> str:
    """*text* as HTML for Plotly, in two lines if it is wider than *width* Latin letters; this escapes *text*."""
    if text_width(text) <= width:
        return plain(text)
    between = " · " if " · " in text else " "
    words = text.split(between)
    if len(words) > 1:
        halves = [(between.join(words[:n]), between.join(words[n:])) for n in range(1, len(words))]
        return "<br>".join(plain(half, width + 4) for half in min(halves, key=lambda pair: max(map(text_width, pair))))
    return plain(text, width + 4)


def base(locale: Locale, height: int) -> go.Figure:
    """An empty figure in the shared style, *height* pixels high; its container sets the width."""
    axis = {
        "automargin": True,
        "gridcolor": LINE,
        "linecolor": LINE,
        "tickcolor": LINE,
        "zeroline": False,
        "showgrid": False,
        "ticks": "",
        "ticklabelstandoff": 4,
        "fixedrange": True,
        "title": {"font": {"size": TEXT, "color": SOFT_INK}, "standoff": 8},
        "tickfont": {"size": TEXT, "color": INK},
    }
    # Set everything in one call: Plotly takes ten times as long to update a layout as to create it.
    return go.Figure(
        layout={
            "template": _NO_TEMPLATE,
            "height": height,
            "autosize": True,
            "font": {"family": FONT, "size": TEXT, "color": INK},
            "paper_bgcolor": PAPER,
            "plot_bgcolor": PAPER,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "showlegend": False,
            "hoverlabel": {"font": {"family": FONT, "size": TEXT}, "align": "left"},
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 1.0,
                "xanchor": "left",
                "yanchor": "bottom",
                "font": {"size": TEXT},
            },
            "separators": ".,",
            "dragmode": False,
            "uirevision": "keep",
            "xaxis": axis,
            "yaxis": axis,
        }
    )
