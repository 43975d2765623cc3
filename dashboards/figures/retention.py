"""Retention of visitors: a triangle of cohorts, and the mean of all cohorts as a curve.

Not here: which visitors came back (``dashboards.app.pages.retention``), customers who bought again
(``dashboards.figures.tables``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboards.figures.course import LINES, value_axis
from dashboards.figures.heat import Cell, add_heat
from dashboards.figures.look import INK, base, plain
from dashboards.locale import Locale

METRIC = "visitor_retention_rate"

Row = Mapping[str, Any]


def retention_triangle(
    locale: Locale, rows: Sequence[Row], shown: Sequence[int], after: Callable[[int], str], axis: str
) -> go.Figure:
    """A row for each cohort, a column for each of the periods *shown*; unobserved cells are blank.

    Args:
        locale: The language.
        rows: cohort (its name), period_no, new_visitors, returned_visitors and the rate, null if not observed.
        shown: The values of period_no to show.
        after: The name of a period, from its number.
        axis: The title of the columns.
    """
    cells = {(row["cohort"], row["period_no"]): row for row in rows}
    cohorts = {row["cohort"]: row["new_visitors"] for row in rows}
    figure = base(locale, 30 * len(cohorts) + 84)
    if not cohorts:
        return figure

    def cell(cohort: str, period: int) -> Cell:
        row = cells.get((cohort, period))
        if row is None or row[METRIC] is None:
            return Cell()
        return Cell(
            row[METRIC], locale.numbers.percent(row[METRIC]), f"{plain(cohort)}<br>{_hover(locale, row, after)}"
        )

    add_heat(
        figure,
        [[cell(cohort, period) for period in shown] for cohort in cohorts],
        [f"+{period}" for period in shown],
        [
            locale.text("label.cohort", cohort=plain(cohort), n=locale.numbers.short(number))
            for cohort, number in cohorts.items()
        ],
    )
    figure.update_xaxes(title_text=axis)
    figure.update_yaxes(tickfont={"color": INK})
    figure.update_layout(meta={"min_width": 150 + 46 * len(shown)})
    return figure


def retention_curve(
    locale: Locale, rows: Sequence[Row], names: Mapping[str, str], after: Callable[[int], str], axis: str
) -> go.Figure:
    """A line for each part in *names*: the rate by period_no. *rows* have part and the columns of the triangle."""
    figure = base(locale, 320)
    periods = sorted({row["period_no"] for row in rows})
    everything: list[float] = []
    for (part, name), (color, dash, symbol) in zip(names.items(), LINES, strict=False):
        own = [row for row in rows if row["part"] == part and row[METRIC] is not None]
        everything += [row[METRIC] for row in own]
        figure.add_scatter(
            x=[row["period_no"] for row in own],
            y=[row[METRIC] for row in own],
            mode="lines+markers",
            line={"color": color, "width": 2, "dash": dash},
            marker={"symbol": symbol, "size": 6, "color": color},
            name=plain(name, 24),
            hovertext=[f"<b>{plain(name)}</b><br>{_hover(locale, row, after)}" for row in own],
            hoverinfo="text",
        )
    step = max(1, -(-len(periods) // 16))
    ticks, narrow = periods[::step], periods[:: max(1, -(-len(periods) // 6))]
    figure.update_xaxes(tickvals=ticks, ticktext=[f"+{period}" for period in ticks], title_text=axis, tickangle=0)
    value_axis(locale, figure, METRIC, everything)
    figure.update_yaxes(title_text=locale.text.name("metric", METRIC))
    figure.update_layout(
        showlegend=len(names) > 1,
        margin={"t": 12},
        meta={"narrow": {"xaxis.tickvals": narrow, "xaxis.ticktext": [f"+{period}" for period in narrow]}},
    )
    return figure


def _hover(locale: Locale, row: Row, after: Callable[[int], str]) -> str:
    numbers = locale.numbers
    counts = f"{numbers.full(row['returned_visitors'])} / {numbers.full(row['new_visitors'])}"
    return f"{after(row['period_no'])}<br>{counts} · {numbers.full_percent(row[METRIC])}"
