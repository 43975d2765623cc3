"""The input of sections: the tables as of a day.

Here: the interface, and the texts for a missing table.
Not here: its implementations for the report (``dashboards.report.queries``) and the web app (``dashboards.app.as_of``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import Protocol

import polars as pl

from dashboards.blocks import Empty, Row, Text
from dashboards.locale import Locale
from pipelines.home.settings import Settings

Href = Callable[[Row], str | None]
"""Returns the link of a table's row; None: the row has no link."""


class Reading(Protocol):
    """The tables of a shop as of a day."""

    @property
    def day(self) -> dt.date:
        """The day as of which the tables are read."""

    @property
    def settings(self) -> Settings:
        """The current settings."""

    def frame(self, sql: str, **parameters: object) -> pl.DataFrame:
        """The rows of *sql*, in which ``$day`` is the day; money is converted to floating point."""

    def exists(self, table: str) -> bool:
        """Whether *table* exists."""

    def days(self, table: str) -> Collection[dt.date]:
        """The days that *table* is computed for."""

    def has(self, table: str) -> bool:
        """Whether *table* is computed for the day."""


def no_table(locale: Locale, table: str) -> Text:
    """The note that the home has no such table."""
    return Text(locale.text("missing.table", table=table), "missing", "headwater run")


def not_kept(locale: Locale, reading: Reading, what: str) -> Text:
    """The note that no snapshot of *what* is kept for the day."""
    kept = reading.settings.snapshots.daily_for_days
    return Text(locale.text("missing.kept", what=what, day=reading.day, kept=kept), "missing", "headwater run")


def no_products(locale: Locale, day: dt.date) -> Text:
    """The note that the window up to *day* has no products."""
    return Text(locale.text("empty.products", day=day), "missing", again(day))


def again(day: dt.date) -> str:
    """The command that computes *day* again."""
    return f"headwater run --from {day} --to {day} --force"


def titled(title: str, note: Text) -> Empty:
    """A card without a figure: only *title* and *note*, the text that says which data is missing."""
    return Empty(title, note.text, note.remedy)
