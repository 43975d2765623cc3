"""Sorting tables as the URL says: ``sort=<table>:<field>``, ``sort=<table>:-<field>`` for descending.

Here: sorting tables, and the URL after a click on a heading.
Not here: how headings are shown (``dashboards.app.render``).

All rows are sorted before a page cuts a table to the rows shown, and before a file is written. So the page shows the
first of all rows, and a file has the same order.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal

from dashboards.app.view import View
from dashboards.blocks import Block, Chart, Column, Group, Table

KEY = "sort"
"""The key of the sort order in the URL."""


def in_order(blocks: Sequence[Block], view: View) -> list[Block]:
    """*blocks*, with one table sorted as the view says; an unknown table or column is ignored."""
    wanted, _, field = view.get(KEY).partition(":")
    return [_in_order(block, wanted, field) for block in blocks] if field else list(blocks)


def _in_order(block: Block, wanted: str, field: str) -> Block:
    if isinstance(block, Group):
        return replace(block, blocks=tuple(_in_order(one, wanted, field) for one in block.blocks))
    if isinstance(block, Chart):
        return replace(block, table=_sorted(block.table, wanted, field))
    return _sorted(block, wanted, field) if isinstance(block, Table) else block


def _sorted(table: Table, wanted: str, field: str) -> Table:
    named = field.removeprefix("-")
    column = next((one for place, one in enumerate(table.columns) if name_of(one, place) == named), None)
    if table.key != wanted or column is None or not column.is_sortable or not table.is_sortable:
        return table
    filled = [row for row in table.rows if not _is_empty(column.value(row))]
    empty = [row for row in table.rows if _is_empty(column.value(row))]
    filled.sort(key=lambda row: _rank(column.value(row)), reverse=field.startswith("-"))
    return replace(table, rows=[*filled, *empty], sort=field)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _rank(value: Any) -> tuple[int, Any]:
    """The sort key of a value: numbers first, then days and times, then everything else as text, ignoring case."""
    if isinstance(value, int | float | Decimal):
        return 0, value
    if isinstance(value, dt.date):
        return 1, value.isoformat()
    return 2, str(value).casefold()


def name_of(column: Column, place: int) -> str:
    """The name of a column in the URL: its field, or its index *place* if it has no field."""
    return column.field or str(place)


def direction(table: Table, column: Column, place: int) -> Literal["ascending", "descending"] | None:
    """The direction in which *table* is sorted by *column* (index *place*); None if it is not sorted by this column."""
    name = name_of(column, place)
    return "ascending" if table.sort == name else "descending" if table.sort == f"-{name}" else None


def after_click(view: View, table: Table, column: Column, place: int) -> View:
    """The view after a click on the heading of *column*, whose index is *place*.

    The first click sorts numbers descending and texts ascending, the second reverses that, the third restores the
    original order.
    """
    name = name_of(column, place)
    ways = [name, f"-{name}"] if column.is_text else [f"-{name}", name]
    following = [*ways, ""]
    then = following[(following.index(table.sort) + 1) % 3] if table.sort in ways else ways[0]
    return view.to(**{KEY: f"{table.key}:{then}" if then else None})
