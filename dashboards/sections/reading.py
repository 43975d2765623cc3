"""What a section reads: the tables as of a day.

Here: what a section asks for, and what it says of a table that is not there.
Not here: how it is answered: for the report ``dashboards.report.queries``, for the web app ``dashboards.app.as_of``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import Protocol

import polars as pl

from dashboards.blocks import Empty, Row, Text
from dashboards.figures.look import Look
from pipelines.home.settings import Settings

Href = Callable[[Row], str | None]
"""Where a row leads to."""


class Reading(Protocol):
    """The tables of a shop as of a day."""

    @property
    def day(self) -> dt.date:
        """The day."""

    @property
    def settings(self) -> Settings:
        """The settings that hold."""

    def frame(self, sql: str, **parameters: object) -> pl.DataFrame:
        """The rows of *sql*, in which ``$day`` is the day; money as floating point."""

    def exists(self, table: str) -> bool:
        """Whether there is such a table."""

    def days(self, table: str) -> Collection[dt.date]:
        """The days that *table* is computed for."""

    def has(self, table: str) -> bool:
        """Whether *table* is computed for the day."""


def no_table(look: Look, table: str) -> Text:
    """That there is no such table."""
    return Text(look.text("missing.table", table=table), "missing", "headwater run")


def not_kept(look: Look, reading: Reading, what: str) -> Text:
    """That the snapshot of *what* is not kept for the day."""
    kept = reading.settings.snapshots.daily_for_days
    return Text(look.text("missing.kept", what=what, day=reading.day, kept=kept), "missing", "headwater run")


def no_products(look: Look, day: dt.date) -> Text:
    """That no product is in the window up to *day*."""
    return Text(look.text("empty.products", day=day), "missing", again(day))


def again(day: dt.date) -> str:
    """The command that computes *day* anew."""
    return f"headwater run --from {day} --to {day} --force"


def titled(title: str, said: Text) -> Empty:
    """What is missing, as a card with its title."""
    return Empty(title, said.text, said.remedy)
