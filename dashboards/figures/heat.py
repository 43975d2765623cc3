"""Tables whose cells are coloured by a value: a heat map with its texts and both axes.

Not here: what the cells are (``dashboards.figures.tables``, ``dashboards.figures.assortment``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboards.figures.look import BLUES, INK


@dataclass(frozen=True)
class Cell:
    """One cell: what colours it (null: blank), what stands in it and what its hover says, both HTML for Plotly."""

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
    """Draw *cells*, rows from above, with their names at the top and at the left.

    Args:
        figure: What they are drawn in.
        cells: The rows.
        columns: The names of the columns, HTML for Plotly.
        rows: Those of the rows.
        most: The value of the darkest colour; default: the largest of the cells. The lightest is 0.
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
        textfont={"size": 12, "color": INK},
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
