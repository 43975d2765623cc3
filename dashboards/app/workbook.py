"""All tables of a page as one workbook: one sheet for each table, and a first sheet that describes them.

Here: the sheets and their names.
Not here: writing cells (``dashboards.app.export``), the URL of the file (``dashboards.app.page_files``).
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.app.context import Context
from dashboards.app.export import cut_note, new_book, write_pairs, write_table
from dashboards.app.shell import days_note
from dashboards.blocks import Block, Table, tables, title

LONGEST_NAME = 31
"""Maximum characters of a sheet's name, counted in UTF-16 units."""
_NOT_IN_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
_RESERVED = frozenset({"history"})
"""Names that Excel keeps for itself, in lower case."""


def workbook_of(context: Context, blocks: Sequence[Block], url: str) -> bytes:
    """An XLSX file with the tables in *blocks*, the blocks of the page of *context* at *url*."""
    text = context.locale.text
    found = tables(blocks)
    names = sheet_names([text("export.sheet"), *(table.title for table in found)])
    with new_book() as (book, out):
        write_pairs(
            book, names[0], [*_about(context, blocks, url), *_sheets(context, found, names[1:]), *_words(found)]
        )
        for name, table in zip(names[1:], found, strict=True):
            write_table(book, name, table)
    return out.getvalue()


def sheet_names(titles: Sequence[str]) -> list[str]:
    """A name for each sheet: its title, shortened, without characters that Excel forbids, made unique by a number.

    Excel does not tell upper from lower case.
    """
    names: list[str] = []
    seen = set(_RESERVED)
    for full in titles:
        plain = " ".join(full.translate(_NOT_IN_NAMES).split()).strip("'") or "-"
        number, name = 1, _cut(plain, LONGEST_NAME)
        while name.casefold() in seen:
            number += 1
            name = _cut(plain, LONGEST_NAME - len(f" ({number})")) + f" ({number})"
        seen.add(name.casefold())
        names.append(name)
    return names


def _cut(text: str, most: int) -> str:
    return text.encode("utf-16-le", "replace")[: 2 * most].decode("utf-16-le", "ignore").strip(" '")


def _about(context: Context, blocks: Sequence[Block], url: str) -> list[tuple[str, str]]:
    text, copy = context.locale.text, context.copy
    page = context.view.page
    return [
        (text("views.page"), title(blocks) or text(f"page.{page}")),
        (text("export.about"), text(f"page.{page}.about")),
        *([(text("days"), days_note(context))] if context.view.is_of_days else []),
        (text("export.link"), url),
        (text("export.data"), f"{copy.days[-1]}"),
        (text("export.copied"), f"{copy.file.published_at:%Y-%m-%d %H:%M} UTC"),
        (text("export.currency"), copy.settings.currency),
    ]


def _sheets(context: Context, found: Sequence[Table], names: Sequence[str]) -> list[tuple[str, str]]:
    """A description of each sheet: its definition, its number of rows, and what is missing."""
    text = context.locale.text
    pairs = [("", ""), (text("export.sheets"), "")]
    for name, table in zip(names, found, strict=True):
        rows = text("export.number_of_rows", n=context.locale.numbers.full(len(table.rows)))
        full = table.title if table.title != name else ""
        pairs.append((name, text.joined(full, table.definition, rows, cut_note(table), *table.notes)))
    return pairs


def _words(found: Sequence[Table]) -> list[tuple[str, str]]:
    """The definition of every column, each only once."""
    columns = [column for table in found for column in table.columns]
    meant = dict.fromkeys((column.title, column.definition) for column in columns if column.definition)
    return [("", ""), *meant] if meant else []
