"""Tables of a page as files: CSV for spreadsheets and programs, XLSX with typed cells.

Here: writing a table, the URLs of the files.
Not here: the rows and columns of a table, which come from the page (``dashboards.app.pages``).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import flask
import xlsxwriter

from dashboards.app.context import Context
from dashboards.app.marts import NoDataError
from dashboards.app.order import direction
from dashboards.app.view import WITHOUT_DAYS, View, read_view
from dashboards.blocks import Block, Column, Row, Table, tables
from dashboards.metrics import is_money, is_rate
from pipelines.home.errors import HeadwaterError

BOM = "\ufeff"
"""Byte order mark: spreadsheets then read a CSV file as UTF-8."""

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters of a formula.

The full-width forms are included, because Chinese and Japanese spreadsheets accept them.
"""
_MOST_ROWS = 1_000_000
"""Maximum rows of a sheet, below the XLSX limit of 1,048,576."""
_LONGEST_CELL = 32_767
"""Maximum characters of a cell in XLSX, counted in UTF-16 units."""
_EXACT_DIGITS = 15
"""The number of digits that a spreadsheet keeps; it rounds numbers with more digits."""
_TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}

Answer = tuple[Context, Sequence[Block]]


def add_exports(server: flask.Flask, page_of: Callable[[View], Answer]) -> None:
    """Serve ``/export/<page>/<table>.<form>?<view>``, a table of a page as a file; *form* is csv or xlsx.

    *page_of* makes the page of a view.
    """

    @server.get("/export/<page>/<key>.<form>")
    def export(page: str, key: str, form: str) -> flask.Response:
        view = read_view(page, flask.request.query_string.decode("utf-8", "replace"))
        if view is None or form not in _TYPES:
            flask.abort(404)
        try:
            context, blocks = page_of(view)
        except NoDataError as error:
            return flask.Response(f"{error}\n", 404, mimetype="text/plain")
        except HeadwaterError as error:
            return flask.Response(f"{error}\n", 503, mimetype="text/plain")
        table = next((table for table in tables(blocks) if table.key == key), None)
        if table is None:
            flask.abort(404)
        content = csv_of(table) if form == "csv" else xlsx_of(table, _about(context, table))
        response = flask.Response(content, mimetype=_TYPES[form])
        is_of_days = page not in WITHOUT_DAYS and table.is_of_days
        days = f"{context.days.first}-{context.days.last}" if is_of_days else f"{context.now:%Y%m%d-%H%M%S}"
        name = f"headwater-{page}-{key}-{days}.{form}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def _about(context: Context, table: Table) -> list[tuple[str, str]]:
    text, days = context.locale.text, context.days
    is_of_days = context.view.page not in WITHOUT_DAYS and table.is_of_days
    return [
        (text("export.table"), table.title),
        (text("export.about"), table.definition),
        *([(text("days"), f"{days.first} – {days.last}")] if is_of_days else []),
        (text("export.rows"), str(len(table.rows))),
        *_sorted_by(context, table),
        (text("export.data"), f"{context.copy.days[-1]}"),
        (text("export.copied"), f"{context.copy.file.published_at:%Y-%m-%d %H:%M} UTC"),
        (text("export.currency"), context.copy.settings.currency),
        *((text("export.note"), note) for note in table.notes if note),
    ]


def _sorted_by(context: Context, table: Table) -> list[tuple[str, str]]:
    text = context.locale.text
    ways = {"ascending": text("sort.up"), "descending": text("sort.down")}
    return [
        (text("export.sorted"), f"{column.title}, {ways[way]}")
        for place, column in enumerate(table.columns)
        if (way := direction(table, column, place))
    ]


def safe(text: str) -> str:
    """*text*, escaped so that no spreadsheet reads it as a formula."""
    is_formula = text.startswith(_FORMULA_SIGNS) or text.lstrip().startswith(_FORMULA_SIGNS)
    return f"'{text}" if is_formula else text


def columns_of(table: Table) -> list[Column]:
    """The columns of a file: those shown on screen, then a column for each of ``table.keys`` not among them."""
    shown = {column.field for column in table.columns}
    keys = [Column(key, lambda row, key=key: str(row[key]), is_text=True, field=key) for key in table.keys]  # type: ignore[misc]
    return [*table.columns, *(key for key in keys if key.field not in shown)]


def headings(columns: Sequence[Column]) -> list[str]:
    """The title of each column, made unique by a number: programs find columns by title."""
    found: list[str] = []
    for column in columns:
        title, number = column.title, 1
        while title in found:
            number += 1
            title = f"{column.title} ({number})"
        found.append(title)
    return found


def csv_of(table: Table) -> bytes:
    """The table as CSV in UTF-8 with a byte order mark: unformatted values, null as an empty field."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    columns = columns_of(table)
    writer.writerow([safe(heading) for heading in headings(columns)])
    for row in table.rows:
        writer.writerow([_csv_value(column, row) for column in columns])
    return (BOM + out.getvalue()).encode("utf-8")


def _csv_value(column: Column, row: Row) -> str:
    value = column.value(row)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.10g}" if abs(value) < 1e10 else repr(value)
    if isinstance(value, int | Decimal | dt.date | dt.datetime):
        return str(value)
    return safe(_printable(str(value)))


def xlsx_of(table: Table, about: Sequence[tuple[str, str]]) -> bytes:
    """The table as a workbook: numbers, shares and days typed, texts never as formulas.

    A second sheet describes it with *about*, pairs of name and value. Rows beyond the maximum of a sheet are cut, and
    the second sheet says so.
    """
    with new_book() as (book, out):
        write_table(book, "data", table)
        cut = [("!", said)] if (said := cut_note(table)) else []
        write_pairs(book, "about", [*about, *cut])
    return out.getvalue()


@contextmanager
def new_book() -> Iterator[tuple[Any, io.BytesIO]]:
    """A new workbook, and the buffer with its XLSX file, which is complete after the ``with`` block."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        yield book, out


def write_table(book: Any, name: str, table: Table) -> None:
    """Add the sheet *name* with *table* to *book*; rows beyond the maximum of a sheet are cut."""
    sheet = book.add_worksheet(name)
    head = book.add_format(_HEAD)
    formats = {key: book.add_format({"num_format": form}) for key, form in _FORMATS.items()}
    columns = columns_of(table)
    for place, (column, heading) in enumerate(zip(columns, headings(columns), strict=True)):
        sheet.write_string(0, place, heading, head)
        sheet.set_column(place, place, 28 if column.is_text else 16)
    for line, row in enumerate(table.rows[:_MOST_ROWS], start=1):
        for place, column in enumerate(columns):
            _write_cell(sheet, line, place, column, row, formats)
    sheet.freeze_panes(1, 1)


def write_pairs(book: Any, name: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Add the sheet *name* with *pairs* of a name and a text to *book*."""
    sheet = book.add_worksheet(name)
    head = book.add_format(_HEAD)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    for line, (title, value) in enumerate(pairs):
        sheet.write_string(line, 0, title, head)
        sheet.write_string(line, 1, _fitting(_printable(value)))


def cut_note(table: Table) -> str:
    """The sentence that says that a sheet has only the first rows of *table*; '' if it has all rows."""
    number = len(table.rows)
    return f"the first {_MOST_ROWS:,} of {number:,} rows" if number > _MOST_ROWS else ""


_HEAD = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
_FORMATS = {"money": "#,##0.00", "share": "0.00%", "count": "#,##0", "number": "#,##0.00", "day": "yyyy-mm-dd",
            "time": "yyyy-mm-dd hh:mm:ss"}  # fmt: skip


def _write_cell(sheet: Any, line: int, place: int, column: Column, row: Row, formats: dict[str, Any]) -> None:
    value = column.value(row)
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(line, place, value)
    elif isinstance(value, int | Decimal) and not _is_exact(value):
        sheet.write_string(line, place, str(value))
    elif isinstance(value, int | float | Decimal):
        sheet.write_number(line, place, value, formats[_kind(column, value)])
    elif isinstance(value, dt.datetime):
        sheet.write_datetime(line, place, value.replace(tzinfo=None), formats["time"])
    elif isinstance(value, dt.date):
        sheet.write_datetime(line, place, dt.datetime(value.year, value.month, value.day), formats["day"])
    else:
        sheet.write_string(line, place, _fitting(_printable(str(value))))


def _is_exact(value: int | Decimal) -> bool:
    """Whether a spreadsheet keeps all digits of *value*."""
    if not Decimal(value).is_finite():
        return False
    return len(str(value).lstrip("-").replace(".", "").strip("0")) <= _EXACT_DIGITS


def _fitting(text: str) -> str:
    """*text*; if it is too long for a cell, its beginning and a note that the CSV file has all of it."""
    raw = text.encode("utf-16-le", "replace")
    if len(raw) // 2 <= _LONGEST_CELL:
        return text
    note = f"… [cut: a cell of XLSX holds no more; the CSV file has all {len(text):,} characters]"
    return raw[: 2 * (_LONGEST_CELL - len(note))].decode("utf-16-le", "ignore") + note


def _kind(column: Column, value: float | Decimal) -> str:
    name = column.metric or ""
    if is_money(name):
        return "money"
    if is_rate(name):
        return "share"
    return "count" if float(value).is_integer() else "number"


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() or sign in "\n\t" else " " for sign in text)
