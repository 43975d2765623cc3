"""The rows of a table as components of Dash: a plain table, or a grid that scrolls on its own.

Here: sortable headings, cells, links.
Not here: the table's title, definition and notes, and the number of rows shown (``dashboards.app.render``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import dash_ag_grid as dag
from dash import html
from dash.development.base_component import Component

from dashboards.app.context import Context
from dashboards.app.marks import clean, marks
from dashboards.app.order import after_click, direction, name_of
from dashboards.app.terms import phrases
from dashboards.blocks import Column, Row, Table

_FIT = {"type": "fitCellContents", "scaleUpToFitGridWidth": True, "skipHeader": True}
_LETTER, _PADDING = 7.5, 48
"""Width in pixels of a letter (half of a Chinese character), and of the space around a cell's text and sort arrow."""

_HEAD_PADDING = 32
"""Width in pixels of the space around the title of a grid's column."""

_HEADS = (34, 44, 58)
"""Height in pixels of a grid's heading whose longest title takes one, two or three lines."""

_BRIEF = 10
"""A heading or text of at most this many characters stays on one line."""

_MANY = 11
"""A table with at least this many columns is wider than most screens."""

_FEWEST_BARS = 3
"""A table with fewer rows than this has no bars."""

_ARROWS = {"ascending": " ▲", "descending": " ▼", None: ""}


def plain_table(context: Context, table: Table, rows: Sequence[Row]) -> Component:
    """All *rows* of *table*, then its total."""
    head = html.Tr([_head_cell(context, table, column, place) for place, column in enumerate(table.columns)])
    most = _longest_bars(table, rows)
    body = [
        html.Tr([_cell(column, row, place, most[place]) for place, column in enumerate(table.columns)]) for row in rows
    ]
    parts = [html.Thead(head), html.Tbody(body)]
    if table.total is not None:
        total = table.total
        parts.append(
            html.Tfoot(html.Tr([_cell(c, total, place, is_total=True) for place, c in enumerate(table.columns)]))
        )
    return html.Div(
        html.Table(parts, **marks({"data-table": table.key})),
        className="scroll",
        tabIndex=0,
        role="group",
        **marks({"aria-label": clean(table.title)}),
    )


def _head_cell(context: Context, table: Table, column: Column, place: int) -> Component:
    title: list[Any] = [*phrases(clean(column.title))]
    if column.definition:
        title = [html.Abbr(title, title=clean(column.definition))]
    order = direction(table, column, place)
    if _is_sortable(table, column):
        arrow = html.Span(_ARROWS[order], className="order", **marks({"aria-hidden": "true"}))
        link = html.A(
            [*title, arrow],
            href=after_click(context.view, table, column, place).href,
            className="sort",
            **marks(_sort_marks(context, table, column, place)),
        )
        title = [link]
    kinds = [*(["text"] if column.is_text else []), *(["brief"] if letters(column.title) <= _BRIEF else [])]
    return html.Th(
        title,
        scope="col",
        className=" ".join(kinds) or None,
        **marks({"aria-sort": order} if order else {}),
    )


def _is_sortable(table: Table, column: Column) -> bool:
    return table.is_sortable and column.is_sortable and len(table.rows) > 1


def _sort_marks(context: Context, table: Table, column: Column, place: int) -> dict[str, str]:
    """HTML attributes of the heading of *column* (index *place*): its label for screen readers, its key for app.js.

    When a click on the heading has reloaded the table, app.js finds the heading by this key and focuses it again.
    """
    return {
        "data-sort": f"{table.key}:{name_of(column, place)}",
        "aria-label": context.locale.text("sort.label", title=clean(column.title)),
    }


def _longest_bars(table: Table, rows: Sequence[Row]) -> list[float]:
    """For each column the value of its longest bar; 0: the column has no bars. At most one column has bars.

    A column with a negative value has none, because a bar cannot show it.
    """
    measures = [column for column in table.columns if column.metric and not column.tone]
    leading = next((column for column in measures if column.field == table.bar or not table.bar), None)
    if leading is None or len(rows) < _FEWEST_BARS:
        return [0.0] * len(table.columns)
    amounts = [_amount(leading, row) for row in rows]
    is_shown = min(amounts) >= 0 and max(amounts) > min(amounts)  # equal bars would say nothing
    most = max(amounts) if is_shown else 0.0
    return [most if column is leading else 0.0 for column in table.columns]


def _amount(column: Column, row: Row) -> float:
    """The row's value if it is a number, else 0."""
    value = column.value(row)
    return float(value) if isinstance(value, int | float | Decimal) else 0.0


def _bar(column: Column, row: Row, most: float) -> dict[str, str]:
    """The style of a cell whose bar shows the row's value; empty without one."""
    value = _amount(column, row) if most else 0.0
    return {"backgroundSize": f"{100 * value / most:.1f}% 20px"} if value else {}


def _cell(column: Column, row: Row, place: int, most: float = 0, *, is_total: bool = False) -> Component:
    """The cell of a *row* in *column* (index *place*); *most* is the value of the column's longest bar, 0: no bars."""
    shown = clean(column.cell(row))
    full = column.full(row) if column.full else None
    href = column.href(row) if column.href and not is_total else None
    kind = html.Th if place == 0 else html.Td
    name = _text_class(column, shown) if column.is_text else None
    bar = _bar(column, row, most)
    if bar:
        name = "bar-cell"
    elif column.tone:
        name = column.tone(row)
    picture = column.picture(row) if column.picture and not is_total else None
    content: list[Any] = [shown]
    if picture:
        alt = clean(picture.alt)
        content.insert(0, html.Img(src=picture.src, alt=alt, width=picture.width, className="in-cell"))
    return kind(
        html.A(content, href=href) if href else content,
        title=clean(full) if full and full != shown else None,
        className=name,
        style=bar or None,
        **marks({"scope": "row"} if place == 0 else {}),
    )


def _text_class(column: Column, shown: str) -> str:
    """The CSS classes of a cell with text.

    ``brief`` stays on one line, ``whole`` stays on one line if there is room, ``long`` may wrap.
    """
    if column.is_long:
        return "text long"
    return "text brief" if letters(shown) <= _BRIEF else "text whole" if len(shown) <= 32 else "text"


def grid(context: Context, table: Table, rows: Sequence[Row]) -> Component:
    """A grid of texts and pictures whose headings and cells may be links; it keeps the order of the rows."""
    fields = [f"c{number}" for number in range(len(table.columns))]
    has_long = any(column.is_long for column in table.columns)
    most = _longest_bars(table, rows)
    data = [_grid_row(table.columns, fields, row, most) for row in rows]
    total = [_grid_row(table.columns, fields, table.total, is_total=True)] if table.total is not None else []
    lines = len(data) + len(total) + 1
    head = _head(table, rows)
    return html.Div(
        dag.AgGrid(
            id={"type": "grid", "key": table.key},
            rowData=data,
            columnDefs=_grid_columns(context, table, fields, rows, most),
            defaultColDef={"sortable": False, "resizable": True, "suppressMovable": True},
            dashGridOptions={
                "pinnedBottomRowData": total,
                "tooltipShowDelay": 300,
                "tooltipHideDelay": 20_000,
                "suppressColumnVirtualisation": True,
                "suppressCellFocus": False,
                "tabToNextCell": {"function": "leaveGrid()"},
                "ensureDomOrder": True,
                "enableCellTextSelection": True,
                "localeText": {"noRowsToShow": context.locale.text("empty.rows")},
                "autoSizePadding": 14,
                "headerHeight": head,
                **({} if has_long else {"autoSizeStrategy": _FIT}),
            },
            style={"height": min((lines - 1) * 36 + head + 14, 560)},
            className="",
        ),
        className="grid-table",
        **marks({"data-table": table.key}),
    )


def _grid_columns(
    context: Context, table: Table, fields: Sequence[str], rows: Sequence[Row], most: Sequence[float]
) -> list[dict[str, Any]]:
    """The columns as ag-grid reads them; *most* has the value of each column's longest bar."""
    has_long = any(column.is_long for column in table.columns)
    definitions: list[dict[str, Any]] = [
        {
            "field": field,
            "headerName": clean(column.title),
            "headerTooltip": clean(column.definition) or None,
            **_grid_head(context, table, column, place),
            "valueFormatter": {"function": "shown(params)"},
            "tooltipValueGetter": {"function": "fullText(params)"},
            "type": None if column.is_text else "rightAligned",
            "cellClass": {"function": "classesOf(params)"} if column.tone or most[place] else None,
            "cellStyle": {"function": "barOf(params)"} if most[place] else None,
            "cellRenderer": "HeadwaterLink" if column.href or column.picture else None,
            "pinned": "left" if place == 0 and not column.is_long else None,
            "lockPinned": True,
            "wrapHeaderText": True,
            "minWidth": _narrowest(column, rows, len(table.columns)),
            "maxWidth": None if column.is_long else 340 if place == 0 else 420,
            **(_fixed_width(column, rows) if has_long else {}),
            "wrapText": column.is_long,
            "autoHeight": column.is_long,
        }
        for place, (field, column) in enumerate(zip(fields, table.columns, strict=True))
    ]
    return [{key: value for key, value in one.items() if value is not None} for one in definitions]


def _narrowest(column: Column, rows: Sequence[Row], columns: int) -> int:
    """The smallest width of *column*, in pixels, in a table with this number of *columns*.

    A table of many columns scrolls sideways anyway, so long texts get the width of one line: wrapped, they would make
    the rows high.
    """
    if not column.is_long:
        return 150 if column.is_text else 112
    if columns < _MANY:
        return 240
    longest = max((letters(column.cell(row)) for row in rows), default=0)
    return round(min(max(longest * _LETTER + _PADDING, 240), 900))


def _head(table: Table, rows: Sequence[Row]) -> int:
    """The height of a grid's heading, in pixels, with enough lines for the title that wraps most."""
    lines = 1
    for column in table.columns:
        widest = max((letters(column.cell(row)) for row in rows), default=0)
        width = max(_narrowest(column, rows, len(table.columns)), widest * _LETTER + _PADDING) - _HEAD_PADDING
        lines = max(lines, math.ceil(letters(column.title) * _LETTER / width))
    return _HEADS[min(lines, len(_HEADS)) - 1]


def letters(text: str) -> int:
    """The width of *text* in letters; a Chinese character counts as two letters."""
    return sum(1 if letter.isascii() else 2 for letter in text)


def _fixed_width(column: Column, rows: Sequence[Row]) -> dict[str, Any]:
    """The width of *column* in a grid that has a long column: enough for its texts, and for its heading in two lines.

    The long column gets the rest, which ag-grid calls flex. ag-grid cannot measure columns if one of them has flex, so
    the text is measured here.
    """
    if column.is_long:
        return {"flex": 1}
    texts = (column.title[: len(column.title) // 2 + 4], *(column.cell(row) for row in rows))
    return {"width": round(max(map(letters, texts)) * _LETTER) + _PADDING}


def _grid_head(context: Context, table: Table, column: Column, place: int) -> dict[str, Any]:
    """A heading that sorts the full table by *column* (index *place*), not only the rows in the grid."""
    if not _is_sortable(table, column):
        return {}
    order = direction(table, column, place)
    order_texts = {"ascending": "sort.up", "descending": "sort.down"}
    sort_marks = _sort_marks(context, table, column, place)
    parameters = {
        "href": after_click(context.view, table, column, place).href,
        "arrow": _ARROWS[order],
        "order": context.locale.text(order_texts[order]) if order else "",
        "sort": sort_marks["data-sort"],
        "label": sort_marks["aria-label"],
    }
    return {"headerComponent": "HeadwaterHead", "headerComponentParams": parameters}


def _grid_row(
    columns: Sequence[Column], fields: Sequence[str], row: Row, most: Sequence[float] = (), *, is_total: bool = False
) -> dict[str, Any]:
    """The *row* as ag-grid reads it; *most* has the value of each column's longest bar, empty: no bars."""
    made: dict[str, Any] = {}
    for place, (field, column) in enumerate(zip(fields, columns, strict=True)):
        shown = clean(column.cell(row))
        value = column.value(row)
        made[field] = value if isinstance(value, int | float) else shown
        made[f"{field}_shown"] = shown
        full = column.full(row) if column.full else None
        if full and full != shown:
            made[f"{field}_full"] = clean(full)
        if bar := _bar(column, row, most[place]) if most else {}:
            made[f"{field}_bar"] = bar
        if column.tone and (found := column.tone(row)):
            made[f"{field}_tone"] = found
        href = column.href(row) if column.href and not is_total else None
        if href:
            made[f"{field}_href"] = href
        picture = column.picture(row) if column.picture and not is_total else None
        if picture:
            made[f"{field}_picture"] = {"src": picture.src, "alt": clean(picture.alt), "width": picture.width}
    return made
