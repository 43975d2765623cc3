"""Columns of tables, with their raw values for sorting and files.

Here: metrics, texts, days, changes against the comparison days.
Not here: tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dashboards.blocks import Column, Row
from dashboards.locale import Locale
from dashboards.metrics import card_text, column_text, full_text, is_rate, short_text, tone
from dashboards.numbers import NONE, Number, Numbers, change_ratio, is_number


def metric(
    locale: Locale,
    name: str,
    *,
    field: str | None = None,
    title: str | None = None,
    href: Callable[[Row], str | None] | None = None,
) -> Column:
    """The column of the metric *name*: short values, the full value on hover.

    If *field* is None, *name* is also the row's key; if *title* is None, the metric's name is used; if *href* is None,
    there are no links.
    """
    key = field or name
    return Column(
        title or locale.text.name("metric", name),
        lambda row: short_text(locale.numbers, name, row[key]),
        lambda row: full_text(locale.numbers, name, row[key]),
        field=key,
        metric=name,
        href=href,
        definition=definition(locale, name),
        common=lambda rows: _common(locale, name, key, rows),
    )


def _common(locale: Locale, name: str, key: str, rows: Sequence[Row]) -> Callable[[Row], str]:
    """The cells of *key*, values of the metric *name*, in *rows*: all in the same unit with the same decimals."""
    write = column_text(locale.numbers, name, [row.get(key) for row in rows])
    return lambda row: write(row[key])


def exact(locale: Locale, name: str, *, field: str | None = None, title: str | None = None) -> Column:
    """The column of the metric *name* with all digits, so that readers can add up rows.

    *field* and *title* as in ``metric``.
    """
    key = field or name
    return Column(
        title or locale.text.name("metric", name),
        lambda row: full_text(locale.numbers, name, row[key]),
        field=key,
        metric=name,
        definition=definition(locale, name),
    )


def of_row(locale: Locale, title: str, field: str) -> Column:
    """The column of *field*, whose metric each row names under ``metric``: short values, the full value on hover."""
    return Column(
        title,
        lambda row: card_text(locale.numbers, row["metric"], row[field]),
        lambda row: full_text(locale.numbers, row["metric"], row[field]),
        field=field,
    )


def text(title: str, field: str, *, href: Callable[[Row], str | None] | None = None, is_long: bool = False) -> Column:
    """The row's *field* as text, unchanged; null is "–". *href* returns the link of a row; None: no links."""
    return Column(
        title,
        lambda row: NONE if row[field] is None else str(row[field]),
        is_text=True,
        is_long=is_long,
        field=field,
        href=href,
    )


def change(locale: Locale, name: str, *, title: str | None = None) -> Column:
    """The column with the change of the metric *name* since ``<name>_before``; the earlier value is shown on hover.

    The change of a rate is in percentage points, the change of any other metric is relative. For these other metrics,
    the cell and the files say "new" if the value was zero before and "gone" if it is zero now.
    """
    before = f"{name}_before"

    def cell(row: Row) -> str:
        if is_rate(name):
            points = locale.numbers.points(row[name], row[before])
            return arrowed(points if points == NONE else locale.text("compare.points", n=points))
        return appeared(locale, row[name], row[before]) or arrowed(locale.numbers.change(row[name], row[before]))

    def moved(row: Row) -> float | None:
        now, then = row.get(name), row.get(before)
        if not is_rate(name):
            return change_ratio(now, then)
        return now - then if is_number(now) and is_number(then) else None

    def common(rows: Sequence[Row]) -> Callable[[Row], str]:
        write = column_text(locale.numbers, "change_rate", [moved(row) for row in rows])

        def written(row: Row) -> str:
            found, word = moved(row), None if is_rate(name) else appeared(locale, row[name], row[before])
            if word or found is None:
                return word or cell(row)
            text = f"+{write(found)}" if found > 0 else write(found)
            return arrowed(locale.text("compare.points", n=text.removesuffix("%")) if is_rate(name) else text)

        return written

    def value(row: Row) -> float | str | None:
        word = None if is_rate(name) else appeared(locale, row[name], row[before])
        found: float | None = row.get(f"{name}_change")
        return word or found

    return Column(
        title or locale.text("column.change"),
        cell,
        lambda row: full_text(locale.numbers, name, row[before]),
        field=f"{name}_change",
        metric="change_rate" if not is_rate(name) else "change_share",
        definition=locale.text("about.change"),
        read=value,
        tone=lambda row: tone(name, cell(row)),
        common=common,
    )


def difference(locale: Locale, name: str, field: str, *, title: str) -> Column:
    """The column of *field*, a difference of the metric *name*, with its sign and an arrow."""

    def signed(write: Callable[[Numbers, str, Number], str], row: Row) -> str:
        return plus(write(locale.numbers, name, row[field]), row)

    def plus(written: str, row: Row) -> str:
        return arrowed(f"+{written}" if (row[field] or 0) > 0 else written)

    def common(rows: Sequence[Row]) -> Callable[[Row], str]:
        write = _common(locale, name, field, rows)
        return lambda row: plus(write(row), row)

    return Column(
        title,
        lambda row: signed(short_text, row),
        lambda row: signed(full_text, row),
        field=field,
        metric=name,
        tone=lambda row: tone(name, signed(short_text, row)),
        common=common,
    )


def appeared(locale: Locale, now: Number, before: Number) -> str:
    """The text "new" if only the earlier amount is 0, "gone" if only the later one is 0.

    Else, or if one is unknown, ''.
    """
    if now is None or before is None or bool(now) == bool(before):
        return ""
    way = "▲" if now > before else "▼"
    word = locale.text("change.new" if now else "change.gone")
    return f"{way} {word}"


def with_changes(rows: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Add to *rows* the field ``<name>_change``, the change of each of *names* since ``<name>_before``; return *rows*.

    The change is the difference for a rate, and relative for any other metric; None if it cannot be computed.
    """
    for row in rows:
        for name in names:
            now, then = row.get(name), row.get(f"{name}_before")
            if is_rate(name):
                row[f"{name}_change"] = None if now is None or then is None else now - then
            else:
                row[f"{name}_change"] = change_ratio(now, then)
    return rows


def definition(locale: Locale, name: str) -> str:
    """The definition of the metric *name*; '' if it has none."""
    found = locale.text.name("about", name)
    return "" if found == name else found


def arrowed(text: str) -> str:
    """A signed change, with a triangle up or down in front."""
    return f"▲ {text}" if text.startswith("+") else f"▼ {text}" if text.startswith("−") else text
