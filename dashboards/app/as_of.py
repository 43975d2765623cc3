"""The tables as of a day, for sections: which snapshot a page shows, and reading it.

Here: the snapshot of the view's last day or, where that is not kept, the nearest before it, and saying which it is.
Not here: what a section asks (``dashboards.sections``), the tables themselves (``dashboards.app.marts``).
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
    """A copy of the lake as of a day; a ``dashboards.sections.reading.Reading``.

    Attributes:
        copy: The tables.
        day: The day.
        main: The table of which there is a snapshot of that day if there is one at all.
    """

    copy: Copy
    day: dt.date
    main: str

    @property
    def settings(self) -> Settings:
        """The settings that hold."""
        return self.copy.settings

    def frame(self, sql: str, **parameters: object) -> pl.DataFrame:
        """The rows of *sql*, in which ``$day`` is the day; money as floating point."""
        return self.copy.frame(sql, day=self.day, **parameters)

    def exists(self, table: str) -> bool:
        """Whether there is such a table."""
        return self.copy.has(table)

    def days(self, table: str) -> Collection[dt.date]:
        """The days of which *table* has rows."""
        return self.copy.days_of(table)

    def has(self, table: str) -> bool:
        """Whether *table* is computed for the day.

        A table without rows of it counts as computed if the main one has some: the snapshots of a day are made
        together, and some have nothing to say, such as moves since a day before the records.
        """
        return self.exists(table) and (self.day in self.days(table) or self.day in self.days(self.main))


def as_of(context: Context, main: str) -> tuple[AsOf, Text]:
    """The snapshot that the view shows, by the days of *main*, and which it is in a sentence.

    Where none is kept at or before the view's last day it is that day, of which sections say what is missing.
    """
    text, last = context.look.text, context.days.last
    day = max((kept for kept in context.copy.days_of(main) if kept <= last), default=last)
    said = Text(text("as_of.day", day=day))
    if day != last:
        said = Text(text("as_of.nearest", day=day, last=last), "warning")
    return AsOf(context.copy, day, main), said
