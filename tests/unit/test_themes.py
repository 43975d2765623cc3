"""Figures in the dark: the palette's colours are exchanged, letters of other colours made light."""

from __future__ import annotations

import plotly.graph_objects as go

from dashboards.figures.look import INK
from dashboards.figures.themes import DARK_INK, dark


def figure(color: str) -> go.Figure:
    made = go.Figure().add_scatter(x=[1], y=[1], marker={"color": "#117733"})
    return made.add_annotation(text="Star", font={"color": color})


def test_ink_becomes_the_ink_of_the_dark() -> None:
    assert dark(figure(INK))["layout"]["annotations"][0]["font"]["color"] == DARK_INK


def test_letters_in_a_colour_of_a_matrix_are_made_light_and_its_points_are_not() -> None:
    made = dark(figure("#117733"))
    assert made["layout"]["annotations"][0]["font"]["color"] == "#85b79c"
    assert made["data"][0]["marker"]["color"] == "#117733"
