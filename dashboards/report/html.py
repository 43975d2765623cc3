"""HTML as values: whatever is not Html is escaped.

Here: tags, tables, messages.
Not here: what a page says.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from dashboards.blocks import Column, Row
from dashboards.figures.look import Look, text_width

MOST_ROWS = 100
"""Rows that the table under a chart shows at most."""

_WHOLE = 36
"""Width in Latin letters up to which a text is kept on one line."""

_UNSEEN = dict.fromkeys([*range(9), *range(0x0E, 0x20), 0x7F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], " ")
"""Control characters, and those that turn the direction of what follows them."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str | None) -> Html:
    """An element; attributes that are None are left out, a final underscore in their names too."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{given}>{joined(children)}</{name}>")


def joined(parts: Iterable[str]) -> Html:
    """Parts one after another, texts escaped."""
    return Html("".join(part if isinstance(part, Html) else html.escape(part.translate(_UNSEEN)) for part in parts))


def table(columns: Sequence[Column], rows: Sequence[Row], *, total: Row | None = None, class_: str = "") -> Html:
    """All *rows*; *total* is set apart below."""
    head = joined(tag("th", c.title, scope="col", class_=_class(c)) for c in columns)
    body = [tag("tr", *(_cell(c, row, place) for place, c in enumerate(columns))) for row in rows]
    foot = tag("tfoot", tag("tr", *(_cell(c, total, place) for place, c in enumerate(columns)))) if total else Html("")
    whole = tag("table", tag("thead", tag("tr", head)), tag("tbody", *body), foot, class_=class_ or None)
    return tag("div", whole, class_="scroll", tabindex="0")


def _cell(column: Column, row: Row, place: int) -> Html:
    full = column.full(row) if column.full else None
    text = column.cell(row)
    name = "th" if place == 0 else "td"
    return tag(
        name,
        text,
        class_="text whole" if column.is_text and not column.is_long and text_width(text) <= _WHOLE else _class(column),
        title=full if full != text else None,
        scope="row" if place == 0 else None,
    )


def _class(column: Column) -> str | None:
    return "text" if column.is_text else None


def details(look: Look, columns: Sequence[Column], rows: Sequence[Row], *, is_open: bool = False) -> Html:
    """What "view as table" opens: the first rows, and how many there are."""
    shown = rows[:MOST_ROWS]
    parts = [tag("summary", look.text("view_as_table")), table(columns, shown)]
    if said := first_of(look, len(shown), len(rows)):
        parts.append(tag("p", said, class_="note"))
    body = tag("details", *parts)
    return Html(body.replace("<details>", "<details open>", 1)) if is_open else body


def first_of(look: Look, shown: int, total: int) -> str:
    """That only the first rows are shown; '' where all are."""
    return look.text("first_of", n=look.numbers.full(shown), m=look.numbers.full(total)) if shown < total else ""


def message(text: str, remedy: str = "") -> Html:
    """What is not there, and what to run."""
    return tag("p", text, *([" ", tag("code", remedy)] if remedy else []), class_="missing")
