"""The tables as of a day, for sections: chooses the snapshot that a page shows, and reads it.

Here: choosing the latest snapshot up to the view's last day, and the text that names its day.
Not here: queries of sections (``dashboards.sections``), the tables themselves (``dashboards.app.marts``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from dashboards.app.context import Context
from dashboards.app.marts import Copy
from dashboards.blocks import Text
from pipelines.home.settings import Settings


@dataclass(frozen=True)
class AsOf:
    """The tables of the copy as of a day; implements ``dashboards.sections.reading.Reading``.

    Attributes:
        copy: The copy of the lake.
        day: The day.
        main: The table that has a snapshot of the day whenever any table does.
    """

    copy: Copy
    day: dt.date
    main: str

    @property
    def settings(self) -> Settings:
        """The current settings."""
        return self.copy.settings

    def frame(self, sql: str, **parameters: object) -> pl.DataFrame:
        """The rows of *sql*, in which ``$day`` is the day; money is converted to floating point."""
        return self.copy.frame(sql, day=self.day, **parameters)

    def exists(self, table: str) -> bool:
        """Whether *table* exists."""
        return self.copy.has(table)

    def days(self, table: str) -> Collection[dt.date]:
        """The days for which *table* has rows."""
        return self.copy.days_of(table)

    def has(self, table: str) -> bool:
        """Whether *table* is computed for the day.

        A table without rows for the day counts as computed if the main table has some: all snapshots of a day are made
        together, and some have no rows. For example, a young shop has no moves between quadrants, because there is no
        earlier snapshot to compare with.
        """
        return self.exists(table) and (self.day in self.days(table) or self.day in self.days(self.main))


def as_of(context: Context, main: str) -> tuple[AsOf, Text]:
    """The tables as of the latest day of *main* up to the view's last day, and a sentence that names the day.

    The tables are not filtered by the view's slice.

    If there is no such day, the view's last day is used, and the sections report what is missing.
    """
    text, last = context.locale.text, context.days.last
    day = max((kept for kept in context.copy.days_of(main) if kept <= last), default=last)
    note = Text(text("as_of.day", day=day))
    if day != last:
        note = Text(text("as_of.nearest", day=day, last=last), "warning")
    return AsOf(context.whole, day, main), note
