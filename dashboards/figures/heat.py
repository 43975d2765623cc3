"""Heat maps: grids whose cells are coloured by a value, with texts and both axes.

Not here: the contents of the cells (``dashboards.figures.tables``, ``dashboards.figures.assortment``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboards.figures.look import BLUES, INK, TEXT


@dataclass(frozen=True)
class Cell:
    """One cell: the value that colours it (null: blank), its text and its hover, both HTML for Plotly."""

    value: float | None = None
    text: str = ""
    hover: str = ""


def add_heat(
    figure: go.Figure,
    cells: Sequence[Sequence[Cell]],
    columns: Sequence[str],
    rows: Sequence[str],
    *,
    most: float | None = None,
    gap: int = 2,
) -> None:
    """Draw *cells*, first row on top, with column names at the top and row names at the left.

    Args:
        figure: The figure to draw in.
        cells: The rows.
        columns: The names of the columns, HTML for Plotly.
        rows: The names of the rows.
        most: The value of the darkest colour; default: the largest value. The lightest is 0.
        gap: Pixels between two cells.
    """
    figure.add_heatmap(
        x=list(range(len(columns))),
        y=list(range(len(rows))),
        z=[[cell.value for cell in line] for line in cells],
        zmin=0,
        zmax=most,
        text=[[cell.text for cell in line] for line in cells],
        texttemplate="%{text}",
        textfont={"size": TEXT, "color": INK},
        hovertext=[[cell.hover for cell in line] for line in cells],
        hoverinfo="text",
        hoverongaps=False,
        colorscale=BLUES,
        showscale=False,
        xgap=gap,
        ygap=gap,
    )
    figure.update_xaxes(
        tickvals=list(range(len(columns))),
        ticktext=list(columns),
        range=[-0.5, len(columns) - 0.5],
        side="top",
        ticks="",
        showline=False,
    )
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=list(rows),
        range=[len(rows) - 0.5, -0.5],
        ticks="",
        showline=False,
    )
