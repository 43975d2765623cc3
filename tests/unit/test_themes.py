"""Figures in the dark theme: the palette's colours are replaced, and text in other colours is made lighter."""

from __future__ import annotations

import colorsys

import plotly.graph_objects as go
import pytest

from dashboards.figures.look import BLUE, BLUES, GREY, INK, ORANGE, PALE
from dashboards.figures.themes import DARK_INK, dark


def figure(color: str) -> go.Figure:
    made = go.Figure().add_scatter(x=[1], y=[1], marker={"color": "#332288"})
    return made.add_annotation(text="Star", font={"color": color})


def test_ink_becomes_the_ink_of_the_dark() -> None:
    assert dark(figure(INK))["layout"]["annotations"][0]["font"]["color"] == DARK_INK


def test_letters_in_a_matrixs_colour_are_light_its_points_not() -> None:
    made = dark(figure("#332288"))
    assert made["layout"]["annotations"][0]["font"]["color"] == "#9491c2"
    assert made["data"][0]["marker"]["color"] == "#332288"


def hls(color: str) -> tuple[float, float, float]:
    return colorsys.rgb_to_hls(*(int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)))


def in_the_dark(color: str) -> str:
    made: str = dark(figure(color))["layout"]["annotations"][0]["font"]["color"]
    return made


@pytest.mark.parametrize("color", [ORANGE, BLUE, GREY, PALE])
def test_a_colour_that_captions_name_keeps_its_name(color: str) -> None:
    """Captions say orange, blue and grey, so the dark theme keeps their hues and keeps grey unsaturated."""
    (hue, _, saturation), (other, _, less) = hls(color), hls(in_the_dark(color))
    assert abs(hue - other) < 0.04
    assert less <= max(saturation, 0.6 if color in (ORANGE, BLUE) else 0) + 0.3


def test_more_is_a_stronger_colour_in_the_dark_too() -> None:
    """In both themes the upper end of a colour scale has the most contrast with the background, as captions say."""
    for ground, colors in (("#ffffff", [c for _, c in BLUES]), ("#171e25", [in_the_dark(str(c)) for _, c in BLUES])):
        apart = [abs(hls(str(color))[1] - hls(ground)[1]) for color in colors]
        assert apart == sorted(apart)
        assert apart[-1] > 2 * apart[0]
