"""The four laws of a healthy portfolio, as a table over the matrices and as cards of one.

Here: how verdicts and their evidence are shown.
Not here: which rows (``dashboards.report.matrices``), what the laws are (``sql/products/portfolio_health.sql``).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from dashboards.figures.look import Look
from dashboards.numbers import NONE
from dashboards.report.columns import text_column
from dashboards.report.html import Column, Html, Row, message, table, tag

_SIGNS = {"good": "●", "warn": "▲", "bad": "■"}


def verdict_table(look: Look, frame: pl.DataFrame, titles: Mapping[str, str]) -> Html:
    """A row a matrix, with the window that it is judged for, a column a law; columns of products.portfolio_health."""
    if frame.is_empty():
        return message(look.text("empty.health"))
    rules = sorted(set(frame["rule"]))
    found = {(row["matrix_id"], row["rule"]): row for row in frame.iter_rows(named=True)}
    windows = {row["matrix_id"]: row["window_days"] for row in frame.iter_rows(named=True)}
    columns = [
        text_column(look.text("column.matrix"), "name"),
        Column(look.text("column.window"), lambda row: look.text.days(row["window_days"]), is_text=True),
        *(_verdict_column(look, rule) for rule in rules),
    ]
    rows = [
        {"name": title, "window_days": windows[matrix_id]} | {rule: found.get((matrix_id, rule)) for rule in rules}
        for matrix_id, title in titles.items()
        if matrix_id in windows
    ]
    return tag("div", tag("h3", look.text("health.title")), table(columns, rows), class_="card")


def _verdict_column(look: Look, rule: str) -> Column:
    def verdict(row: Row) -> str:
        return _verdict_text(look, row[rule]["verdict"]) if row[rule] else NONE

    def evidence(row: Row) -> str:
        return (row[rule][f"evidence_{look.language}"] if row[rule] else None) or NONE

    return Column(look.text.name("rule", rule), verdict, evidence, is_text=True)


def verdict_cards(look: Look, frame: pl.DataFrame) -> Html:
    """A card a law, with its evidence; nothing without rows."""
    cards = []
    for row in frame.iter_rows(named=True):
        verdict = row["verdict"] if row["verdict"] in _SIGNS else None
        cards.append(
            tag(
                "div",
                tag("p", look.text.name("rule", row["rule"]), class_="name"),
                tag("p", _verdict_text(look, row["verdict"]), class_=f"verdict {verdict}" if verdict else "verdict"),
                tag("p", row[f"evidence_{look.language}"] or NONE, class_="evidence"),
                tag("p", look.text.name("definition.rule", row["rule"]), class_="definition"),
                class_="card kpi health",
            )
        )
    return tag("div", *cards, class_="cards") if cards else Html("")


def _verdict_text(look: Look, verdict: str | None) -> str:
    return f"{_SIGNS.get(verdict or '', NONE)} {look.text.name('verdict', verdict or 'unknown')}"
