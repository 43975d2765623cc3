"""Columns of the report's tables.

Here: a column of texts, of a metric in short, of a metric in full.
Not here: the tables (``dashboards.report.html``).
"""

from __future__ import annotations

from dashboards.figures.look import Look
from dashboards.metrics import full_text, short_text
from dashboards.numbers import NONE
from dashboards.report.html import Column


def text_column(title: str, field: str, *, is_long: bool = False) -> Column:
    """Texts as they are; null is "–"."""
    return Column(title, lambda row: NONE if row[field] is None else str(row[field]), is_text=True, is_long=is_long)


def short_column(look: Look, metric: str, *, field: str | None = None, title: str | None = None) -> Column:
    """*metric* in short, in full on hover."""
    key = field or metric
    return Column(
        title or look.text.name("metric", metric),
        lambda row: short_text(look.numbers, metric, row[key]),
        lambda row: full_text(look.numbers, metric, row[key]),
    )


def full_column(look: Look, metric: str, *, field: str | None = None, title: str | None = None) -> Column:
    """*metric* in full."""
    key = field or metric
    return Column(title or look.text.name("metric", metric), lambda row: full_text(look.numbers, metric, row[key]))


def change_column(look: Look, title: str, now: str, before: str) -> Column:
    """By how much *now* differs from *before*; the earlier value on hover."""
    return Column(
        title,
        lambda row: arrowed(look.numbers.change(row[now], row[before])),
        lambda row: full_text(look.numbers, now, row[before]),
    )


def arrowed(text: str) -> str:
    """A change, written with its sign, behind a triangle that points where it goes."""
    return f"▲ {text}" if text.startswith("+") else f"▼ {text}" if text.startswith("−") else text
