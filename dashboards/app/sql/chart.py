"""The chart of a query's result, with the controls that choose its columns.

Here: the default columns, the controls, the rows that fit into the chart.
Not here: drawing it (``dashboards.figures.result``), the rest of the page (``dashboards.app.sql.page``).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from dashboards.app.context import Context
from dashboards.app.sql.results import Outcome
from dashboards.app.sql.table import is_measure, is_time
from dashboards.blocks import Block, Chart, Choice, Controls, Option, Row, Table
from dashboards.figures.result import BARS, MOST, MOST_LINES, MOST_SERIES, Kind, Values, result_chart, series_of
from dashboards.locale import Locale

_KINDS: tuple[Kind, ...] = ("bar", "stacked", "line", "scatter")
NO_SERIES = "*"
"""The value in the URL for "no series column", to override the default one."""


def chart_of(context: Context, outcome: Outcome, table: Table) -> list[Block]:
    """A chart of some columns, with controls to choose them.

    Empty if there are fewer than two rows or columns, or no column of numbers.
    """
    locale, text = context.locale, context.locale.text
    names = [name for name, _ in outcome.columns]
    numbers = [place for place, (_, kind) in enumerate(outcome.columns) if is_measure(kind)]
    if len(table.rows) < 2 or not numbers or len(names) < 2:
        return []
    usual_x, usual_y = _usual_places(table, names, numbers)
    x = _place(context, "x", names, range(len(names)), usual_x)
    by_name = {name: place for place, name in reversed(list(enumerate(names)))}
    asked_ys = [by_name[name] for name in context.view.get("y").splitlines() if by_name.get(name) in numbers]
    ys = asked_ys[:MOST_SERIES] or [usual_y]
    usual_series = _usual_series(table, names, numbers, x)
    asked = context.view.get("series")
    series = None if asked == NO_SERIES or len(ys) > 1 else by_name.get(asked, usual_series)
    usual_kind = _fitting(outcome.columns[x][1])
    kind: Kind = next((one for one in _KINDS if one == context.view.get("kind")), usual_kind)
    kinds = tuple(Option(one, text(f"sql.kind.{one}")) for one in _KINDS)
    no_series = Option(NO_SERIES, text("sql.series.none"))
    choices = (
        Choice("kind", text("sql.kind"), kinds, kind, default=usual_kind),
        Choice("x", text("sql.x"), _options(names), names[x], default=names[usual_x]),
        Choice(
            "y",
            text("sql.y"),
            _options([names[place] for place in numbers]),
            "\n".join(names[place] for place in ys),
            default=names[usual_y],
            most=MOST_SERIES,
        ),
    )
    of_series = Choice(
        "series",
        text("sql.series"),
        (no_series, *_options(names)),
        NO_SERIES if series is None else names[series],
        default=NO_SERIES if usual_series is None else names[usual_series],
    )
    # Several y columns are already the series.
    controls = Controls((*choices, of_series) if len(ys) == 1 else choices)
    return [controls, _drawn(locale, outcome, table, kind, x, ys, series)]


def _usual_places(table: Table, names: Sequence[str], numbers: Sequence[int]) -> tuple[int, int]:
    """The default columns: x is the first that is not a number, y the one by which the rows are sorted, else the last.

    Names are easier to read than ids: for an id, the column ``name`` is x.
    """
    x = next((place for place in range(len(names)) if place not in numbers), 0)
    if names[x].endswith("_id") and "name" in names and names.index("name") not in numbers:
        x = names.index("name")
    others = [place for place in numbers if place != x] or list(numbers)
    return x, next((place for place in others if _falls(table, place)), others[-1])


def _falls(table: Table, place: int) -> bool:
    """Whether the values of a column fall from the first row to the last, and none is missing."""
    values = [table.columns[place].value(row) for row in table.rows]
    if any(value is None for value in values):
        return False
    return values[0] > values[-1] and all(above >= below for above, below in pairwise(values))


def _usual_series(table: Table, names: Sequence[str], numbers: Sequence[int], x: int) -> int | None:
    """The index of the default series column; None if there is no such column.

    It is the first column without numbers that differs among rows with equal *x*, and has the same value in several
    rows. For example, a query of days and entrances has a line per entrance, not one line that jumps between entrances.
    """
    values = [table.columns[x].value(row) for row in table.rows]
    if len(set(values)) == len(values):
        return None
    for place in range(len(names)):
        if place != x and place not in numbers:
            own = [table.columns[place].value(row) for row in table.rows]
            if len(set(own)) < len(own) == len(set(zip(values, own, strict=True))):
                return place
    return None


def _drawn(
    locale: Locale, outcome: Outcome, table: Table, kind: Kind, x: int, ys: Sequence[int], series: int | None
) -> Chart:
    """A chart of the columns with the indices *x*, *ys* and *series*, and of the rows that fit into it."""
    most = MOST[kind] * (MOST_SERIES if kind in BARS and series is not None else 1)
    if kind in BARS and series is None and len(ys) == 1 and _kind_of(outcome, x) == "text":
        most = MOST_LINES
    rows = table.rows[:most]
    notes = []
    number, every = locale.numbers.full(len(rows)), locale.numbers.full(len(table.rows))
    if len(rows) < len(table.rows):
        notes.append(locale.text("first_of", n=number, m=every))
    if outcome.is_cut:
        notes.append(locale.text("sql.cut", n=every))
    in_chart = locale.text("sql.chart.cut", n=number) if notes else ""
    parted = None if series is None else _values(outcome, table, rows, series)
    if parted and kind != "stacked" and len(series_of(parted)) > MOST_SERIES:
        notes.append(locale.text("sql.series.cut", n=MOST_SERIES, m=locale.numbers.full(len(series_of(parted)))))
    shown = [table.columns[place] for place in dict.fromkeys((x, series, *ys)) if place is not None]
    drawn = Table("chart", locale.text("sql.chart"), shown, rows)
    of_x, *of_ys = (_values(outcome, table, rows, place) for place in (x, *ys))
    return Chart(result_chart(locale, kind, of_x, of_ys, parted, in_chart), drawn, tuple(notes), is_wide=True)


def _place(context: Context, key: str, names: Sequence[str], places: Sequence[int], usual: int) -> int:
    """The index of the column that the URL names under *key* if it is among *places*, else *usual*."""
    return next((place for place in places if names[place] == context.view.get(key)), usual)


def _options(names: Sequence[str]) -> tuple[Option, ...]:
    return tuple(Option(name, name) for name in dict.fromkeys(names))


def _fitting(kind: str) -> Kind:
    return "line" if is_time(kind) else "scatter" if is_measure(kind) else "bar"


def _values(outcome: Outcome, table: Table, rows: Sequence[Row], place: int) -> Values:
    name = outcome.columns[place][0]
    values = [table.columns[place].value(row) for row in rows]
    plain = [float(value) if isinstance(value, Decimal) else value for value in values]
    return Values(name, plain, _kind_of(outcome, place))


def _kind_of(outcome: Outcome, place: int) -> Literal["number", "time", "text"]:
    kind = outcome.columns[place][1]
    return "number" if is_measure(kind) else "time" if is_time(kind) else "text"
