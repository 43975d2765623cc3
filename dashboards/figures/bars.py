"""Ranked bars with a label at the end of each.

Here: horizontal bars of one or two measures, for any list of names.
Not here: which measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboards.figures.look import BLUE, INK, SOFT_INK, TEXT, base, plain, text_width, wrapped
from dashboards.locale import Locale

_ROW = 32
_TWO_LINES = 40
_PAIR_ROW = 44
_NAME_WIDTH = 28
_LETTER = 6.4
"""Width in pixels of a Latin letter at 12 px."""
_GAP = 16
"""Width in pixels of the space between a bar and its label, and right of the label."""
_WIDTH = 540
"""Width in pixels for names and bars together in half a page."""
_PHONE = 190
"""Width in pixels for bars on a phone."""


@dataclass(frozen=True)
class Bars:
    """The values of one measure, one per row.

    Attributes:
        name: Its name in the legend.
        values: The value of each row; None draws no bar, and its label should be "–".
        labels: The text at the end of each bar.
        color, pattern: Distinguish the bars from those of another measure, in print without colour too.
    """

    name: str
    values: Sequence[float | None]
    labels: Sequence[str]
    color: str = BLUE
    pattern: str = ""


def ranked_bars(
    locale: Locale,
    names: Sequence[str],
    measures: Sequence[Bars],
    hovers: Sequence[str],
    marks: Bars | None = None,
) -> go.Figure:
    """A row for each name, with a bar for each measure; the first name is on top. *hovers* are HTML for Plotly.

    *marks*: a second measure, drawn as a line across each bar; *measures* must then have only one. Each label stands
    right of its bar, or right of the line if there is no room for it between the two.
    """
    labels = [wrapped(name, _NAME_WIDTH) for name in names]
    row = _PAIR_ROW if len(measures) > 1 else _TWO_LINES if any("<br>" in label for label in labels) else _ROW
    figure = base(locale, max(row * len(names) + 28 + (26 if len(measures) > 1 or marks else 0), 110))
    places = list(range(len(names)))
    for bars in measures:
        figure.add_bar(
            orientation="h",
            y=places,
            x=[value or 0 for value in bars.values],
            name=plain(bars.name),
            text=[plain(label) for label in bars.labels],
            textposition="outside",
            textfont={"size": TEXT, "color": INK},
            cliponaxis=False,
            hovertext=list(hovers),
            hoverinfo="text",
            marker={
                "color": bars.color,
                "pattern": {"shape": bars.pattern, "fillmode": "overlay", "fgcolor": INK, "fgopacity": 0.25, "size": 6},
            },
        )
    figure.update_yaxes(tickvals=places, ticktext=labels, range=[len(names) - 0.45, -0.55], showline=False)
    if marks:
        _add_marks(figure, measures[0], marks)
    drawn = [*measures, marks] if marks else measures
    wide, narrow = _ranges(labels, measures, drawn)
    figure.update_xaxes(range=wide, showticklabels=False, showline=False, zeroline=True, zerolinecolor=SOFT_INK)
    figure.update_layout(
        bargap=0.32,
        bargroupgap=0.06,
        showlegend=len(drawn) > 1,
        legend={"traceorder": "normal", "itemsizing": "constant"},
        meta={"narrow": {"xaxis.range": narrow}},
    )
    return figure


def _ranges(labels: Sequence[str], measures: Sequence[Bars], drawn: Sequence[Bars]) -> tuple[list[float], list[float]]:
    """Two ranges of the value axis with room for the bars' labels: on a screen and on a phone.

    *labels* are the rows' names, *measures* have the bars' labels, and *drawn* has all values, also those of the marks.
    """
    values = [value for bars in drawn for value in bars.values if value is not None]
    low, high = min([0.0, *values]), max([0.0, *values])
    name_width = _LETTER * max(
        (text_width(line) for label in labels for line in label.replace("&amp;", "&").split("<br>")), default=0
    )
    label_width = _GAP + _LETTER * max([text_width(label) for bars in measures for label in bars.labels], default=0)
    return _range(low, high, label_width, max(_WIDTH - name_width, 200)), _range(low, high, label_width, _PHONE)


def _add_marks(figure: go.Figure, bars: Bars, marks: Bars) -> None:
    places = list(range(len(bars.values)))
    pairs = [(value or 0, mark or 0) for value, mark in zip(bars.values, marks.values, strict=True)]
    # What a label takes on a phone, in units of the axis; on wider screens it takes less.
    unit = max([0.0, *(max(pair) for pair in pairs)]) / _PHONE
    rooms = [(2 * _GAP + _LETTER * text_width(label)) * unit for label in bars.labels]
    figure.update_traces(text=None, selector={"type": "bar"})
    figure.add_scatter(
        x=[mark if value < mark < value + room else value for (value, mark), room in zip(pairs, rooms, strict=True)],
        y=places,
        mode="text",
        text=[f"&nbsp;&nbsp;&nbsp;{plain(label)}" for label in bars.labels],  # clear of the bar's end and of the mark
        textposition="middle right",
        textfont={"size": TEXT, "color": INK},
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )
    figure.add_scatter(
        x=[value for value in marks.values if value is not None],
        y=[place for place, value in zip(places, marks.values, strict=True) if value is not None],
        mode="markers",
        marker={"symbol": "line-ns", "size": 22, "line": {"color": marks.color, "width": 3}},
        name=plain(marks.name),
        hoverinfo="skip",
        cliponaxis=False,
    )


def _range(low: float, high: float, label_width: float, width: float) -> list[float]:
    """The range of an axis for values from *low* to *high* that leaves room for the bars' labels.

    The labels are *label_width* pixels wide, and the plot *width* pixels.
    """
    span = (high - low) or 1.0
    room = min(label_width / width, 0.6)
    extra = span * room / (1 - room)
    return [low - (extra if low < 0 else 0), (high or (0.0 if low < 0 else 1.0)) + extra]
