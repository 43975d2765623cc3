"""``config/calendar.csv``: promotions, launches, price changes and other occasions that explain a chart over time.

Here: validating rows.
Not here: drawing them (``dashboards.figures.occasions``). No model reads this file, so it never stops a run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.config_tables.csv_file import day_in, read_rows

CALENDAR_COLUMNS = ("first_day", "last_day", "kind", "name_zh", "name_en")
KINDS = ("promotion", "festival", "launch", "price", "other")
"""Kinds of occasions."""


@dataclass(frozen=True)
class Occasion:
    """One row.

    Attributes:
        first, last: Its days, both included.
        kind: One of KINDS.
        name_zh, name_en: Its name; both are filled in.
        cells: The row as it is in the file, column → text.
    """

    first: dt.date
    last: dt.date
    kind: str
    name_zh: str
    name_en: str
    cells: Mapping[str, str]

    def name(self, language: str) -> str:
        """The name in *language*, zh or en."""
        return self.name_zh if language == "zh" else self.name_en


def load_calendar(path: Path) -> Sequence[Occasion]:
    """The occasions of *path*, sorted by their first day; none if there is no file.

    Raises:
        HeadwaterError: a row is wrong; with file and row.
    """
    if not path.exists():
        return ()
    required, optional = ("first_day", "name_zh", "name_en"), ("last_day", "kind")
    found = [occasion for _, occasion in read_rows(path, required, optional, _occasion)]
    return tuple(sorted(found, key=lambda one: (one.first, one.last)))


def _occasion(cell: Mapping[str, str]) -> Occasion:
    first, last = day_in(cell, "first_day"), day_in(cell, "last_day")
    if first is None:
        raise ValueError("first_day is empty, expected a date such as 2026-11-11")
    if last is not None and last < first:
        raise ValueError(f"last_day {last} is before first_day {first}")
    kind = cell["kind"] or KINDS[-1]
    if kind not in KINDS:
        raise ValueError(f"kind is '{kind}', expected one of {', '.join(KINDS)}")
    names = cell["name_zh"] or cell["name_en"], cell["name_en"] or cell["name_zh"]
    if not names[0]:
        raise ValueError("name_zh and name_en are empty; fill in at least one of them")
    return Occasion(first, last or first, kind, *names, {name: cell[name] for name in CALENDAR_COLUMNS})
