"""A query result as a table: typed values, written without loss.

Here: columns and rows.
Not here: how a table is shown (``dashboards.app.render``) and exported (``dashboards.app.export``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from dashboards.app.sql.results import Outcome
from dashboards.blocks import Column, Row, Table
from dashboards.figures.look import cut
from dashboards.locale import Locale
from dashboards.numbers import NONE

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_WHOLE_TYPES = frozenset((*_WHOLE, *(f"U{name}" for name in _WHOLE)))
_TIMES = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"})
_EXACT_IN_FLOAT = 2**53
_WIDEST = 160
"""Maximum characters of a text in a cell; the full text is shown on hover and is in files."""
_WIDEST_HOVER = 2_000
_DECIMAL = re.compile(r"DECIMAL\(\d+,\d+\)")


def result_table(locale: Locale, outcome: Outcome) -> Table:
    """The rows of *outcome* as the table with the key ``result``."""
    readers = [_reader(kind) for _, kind in outcome.columns]
    fields = [str(place) for place in range(len(readers))]
    rows = [
        {field: read(value) for field, read, value in zip(fields, readers, row, strict=True)} for row in outcome.rows
    ]
    columns = [_column(locale, name, kind, field) for field, (name, kind) in zip(fields, outcome.columns, strict=True)]
    notes = [locale.text("sql.cut", n=locale.numbers.full(len(rows)))] if outcome.is_cut else []
    # If rows were cut, the table cannot be sorted: the first row shown would not be the first of all rows.
    is_sortable = not outcome.is_cut
    title = locale.text("sql.result")
    return Table("result", title, columns, rows, notes=tuple(notes), is_wide=True, is_sortable=is_sortable)


def is_measure(kind: str) -> bool:
    """Whether values of the DuckDB type *kind* are numbers."""
    return kind in _WHOLE_TYPES or kind in ("FLOAT", "DOUBLE") or _is_decimal(kind)


def is_time(kind: str) -> bool:
    """Whether values of the DuckDB type *kind* are days or times."""
    return kind in _TIMES


def _is_decimal(kind: str) -> bool:
    """Whether *kind* is a decimal (and not, for example, a list of decimals)."""
    return _DECIMAL.fullmatch(kind) is not None


def _reader(kind: str) -> Callable[[object], object]:
    """A function that converts a value from JSON to Python, for the DuckDB type *kind*."""
    if _is_decimal(kind):
        return lambda value: Decimal(value) if isinstance(value, str) else value
    if kind == "DATE":
        return _read_day
    if kind in _WHOLE_TYPES:  # an integer becomes text if a spreadsheet would round it
        return lambda value: str(value) if isinstance(value, int) and abs(value) > _EXACT_IN_FLOAT else value
    if kind in ("FLOAT", "DOUBLE", "BOOLEAN"):
        return lambda value: value
    return lambda value: None if value is None else str(value)


def _read_day(value: object) -> object:
    with suppress(ValueError, TypeError):
        day = dt.date.fromisoformat(str(value))
        if day.year >= 1900:  # spreadsheets cannot store earlier days, so those stay text
            return day
    return value


def _column(locale: Locale, name: str, kind: str, field: str) -> Column:
    is_number = is_measure(kind)
    write = _writer(locale, kind)

    def short(row: Row) -> str:
        return NONE if row[field] is None else cut(write(row[field]), _WIDEST)

    def full(row: Row) -> str:
        text = "NULL" if row[field] is None else str(row[field])
        if len(text) <= _WIDEST_HOVER:
            return text
        numbers = {"n": locale.numbers.full(_WIDEST_HOVER), "m": locale.numbers.full(len(text))}
        return f"{text[:_WIDEST_HOVER]}… [{locale.text('sql.cell_is_cut', **numbers)}]"

    return Column(name, short, full, is_text=not is_number, field=field, definition=kind)


def _writer(locale: Locale, kind: str) -> Callable[[Any], str]:
    """A function that writes a value for the screen: integers unchanged (many are ids), others with separators."""
    if _is_decimal(kind):
        return _written
    if kind in ("FLOAT", "DOUBLE"):
        return lambda value: _rounded(locale, value) if isinstance(value, float) else str(value)
    return str


def _written(value: Decimal | str) -> str:
    """*value* with all its digits, but without trailing zeros after the second decimal."""
    whole, point, part = f"{value:,f}".partition(".") if isinstance(value, Decimal) else (value, "", "")
    return whole + point + part[:2] + part[2:].rstrip("0")


def _rounded(locale: Locale, value: float) -> str:
    size = abs(value)
    if size and not 1e-4 <= size < 1e15:
        return f"{value:.6g}"
    text = locale.numbers.full(value, 4 if size < 1000 else 2)
    return text.rstrip("0").rstrip(".") if "." in text else text
