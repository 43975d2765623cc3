"""The four rules of a healthy portfolio, as a table of all matrices and as cards of one.

Here: how verdicts and their evidence are shown.
Not here: choosing matrices and windows (``dashboards.sections.matrices``), the rules
(``sql/products/portfolio_health.sql``).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from dashboards.blocks import VERDICT_SIGNS, Block, Card, Cards, Column, Row, Table, Text
from dashboards.columns import text
from dashboards.locale import Locale
from dashboards.numbers import NONE
from dashboards.sections.reading import Href


def verdict_table(locale: Locale, frame: pl.DataFrame, titles: Mapping[str, str], href: Href | None = None) -> Block:
    """A table of verdicts, with a row for each matrix and a column for each rule.

    *frame* has the columns of products.portfolio_health; *titles* maps the ids of matrices to names. *href* returns the
    link of a matrix from a row with its matrix_id.
    """
    if frame.is_empty():
        return Text(locale.text("empty.health"), "missing")
    rules = sorted(set(frame["rule"]))
    found = {(row["matrix_id"], row["rule"]): row for row in frame.iter_rows(named=True)}
    windows = {row["matrix_id"]: row["window_days"] for row in frame.iter_rows(named=True)}
    columns = [
        text(locale.text("column.matrix"), "name", href=href),
        Column(
            locale.text("column.window"),
            lambda row: locale.text.days(row["window_days"]),
            is_text=True,
            field="window_days",
        ),
        *(_verdict_column(locale, rule) for rule in rules),
    ]
    rows = [
        {"matrix_id": matrix_id, "name": title, "window_days": windows[matrix_id]}
        | {rule: found.get((matrix_id, rule)) for rule in rules}
        for matrix_id, title in titles.items()
        if matrix_id in windows
    ]
    return Table("health", locale.text("health.title"), columns, rows)


def _verdict_column(locale: Locale, rule: str) -> Column:
    def verdict(row: Row) -> str:
        return _verdict_text(locale, row[rule]["verdict"]) if row[rule] else NONE

    def evidence(row: Row) -> str:
        return (row[rule][f"evidence_{locale.language}"] if row[rule] else None) or NONE

    return Column(
        locale.text.name("rule", rule),
        verdict,
        evidence,
        is_text=True,
        definition=locale.text.name("definition.rule", rule),
    )


def verdict_cards(locale: Locale, frame: pl.DataFrame) -> Cards:
    """A card per rule, with its evidence."""
    return Cards(
        tuple(
            Card(
                locale.text.name("rule", row["rule"]),
                locale.text.name("verdict", row["verdict"] or "unknown"),
                definition=locale.text.name("definition.rule", row["rule"]),
                note=row[f"evidence_{locale.language}"] or NONE,
                verdict=row["verdict"] if row["verdict"] in VERDICT_SIGNS else None,
            )
            for row in frame.iter_rows(named=True)
        ),
        "health",
    )


def _verdict_text(locale: Locale, verdict: str | None) -> str:
    return f"{VERDICT_SIGNS.get(verdict or '', NONE)} {locale.text.name('verdict', verdict or 'unknown')}"
