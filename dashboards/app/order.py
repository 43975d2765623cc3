"""The order of a table's rows, as the address says it: ``sort=<table>:<field>``, ``sort=<table>:-<field>``.

Here: sorting tables, and what the address says after a click on a head.
Not here: how heads are shown (``dashboards.app.render``).

Rows are sorted before a page cuts a table to the rows that it shows, and before a file is written: the first rows of a
table are the first of all of them, and a file has the order of the screen.
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
"""The address's key."""


def in_order(blocks: Sequence[Block], view: View) -> list[Block]:
    """*blocks* with the rows of the one table that the view sorts in its order; a column that is not there is left."""
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
    if table.key != wanted or column is None or not table.is_sortable:
        return table
    filled = [row for row in table.rows if not _is_empty(column.value(row))]
    empty = [row for row in table.rows if _is_empty(column.value(row))]
    filled.sort(key=lambda row: _rank(column.value(row)), reverse=field.startswith("-"))
    return replace(table, rows=[*filled, *empty], sort=field)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _rank(value: Any) -> tuple[int, Any]:
    """What a value is compared by: numbers, then days and times, then all else as text, whatever its case."""
    if isinstance(value, int | float | Decimal):
        return 0, value
    if isinstance(value, dt.date):
        return 1, value.isoformat()
    return 2, str(value).casefold()


def name_of(column: Column, place: int) -> str:
    """How the address names the column at *place*: by its field, or by the place where it has none."""
    return column.field or str(place)


def direction(table: Table, column: Column, place: int) -> Literal["ascending", "descending"] | None:
    """How the table is sorted by the column; None: not by this one."""
    name = name_of(column, place)
    return "ascending" if table.sort == name else "descending" if table.sort == f"-{name}" else None


def after_click(view: View, table: Table, column: Column, place: int) -> View:
    """The view after a click on the column's head.

    Numbers are sorted from the largest, texts from A; the next click turns that round, a third restores the order in
    which the table came.
    """
    name = name_of(column, place)
    ways = [name, f"-{name}"] if column.is_text else [f"-{name}", name]
    following = [*ways, ""]
    then = following[(following.index(table.sort) + 1) % 3] if table.sort in ways else ways[0]
    return view.to(**{KEY: f"{table.key}:{then}" if then else None})
