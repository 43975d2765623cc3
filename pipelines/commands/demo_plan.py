"""The plans of the demo's shop: targets a little above its usual sales, and a calendar of the year.

Here: writing ``targets.csv`` and ``calendar.csv`` of the demo. The simulated shoppers do not react to the calendar.
Not here: the shop (``pipelines.simulator``), the run (``pipelines.commands.demo_run``).
"""

from __future__ import annotations

import calendar
import csv
import datetime as dt
import io
from collections.abc import Sequence

from dashboards.queries import query
from pipelines.compute.reading import query_rows
from pipelines.config_tables.calendar import CALENDAR_COLUMNS
from pipelines.config_tables.targets import TARGET_COLUMNS
from pipelines.home.files import write_file
from pipelines.home.folder import Home

_AMBITION = 1.1
"""A target as a multiple of what the shop sells on an average day."""


_OCCASIONS = (
    ((3, 8), (3, 8), "promotion", "38 节", "Women's Day"),
    ((5, 1), (5, 5), "festival", "五一假期", "May holiday"),
    ((6, 16), (6, 18), "promotion", "618 大促", "618 sale"),
    ((10, 1), (10, 7), "festival", "国庆假期", "National Day holiday"),
    ((11, 9), (11, 11), "promotion", "双11大促", "Singles' Day sale"),
    ((12, 12), (12, 12), "promotion", "双12", "12.12 sale"),
)
"""First and last (month, day), kind and names of occasions that most shops have every year."""


def write_plan(home: Home, day: dt.date) -> None:
    """Write the targets of the month of *day* and of the one before, and the calendar of the year up to *day*.

    Raises:
        HeadwaterError: a table cannot be read.
    """
    revenue, orders = (float(str(value)) for value in query_rows(home, query("demo.average")).rows[0])
    months = [(day.replace(day=1) - dt.timedelta(days=1)).replace(day=1), day.replace(day=1)]
    rows = [
        (metric, f"{month:%Y-%m}", "", _round(_AMBITION * mean * calendar.monthrange(month.year, month.month)[1]))
        for month in months
        for metric, mean in (("revenue", revenue), ("orders", orders))
    ]
    write_file(home.targets_file, _text(TARGET_COLUMNS, rows))
    year = (day - dt.timedelta(days=365), day)
    occasions = [
        (f"{first}", f"{last}", *names)
        for (first_month, first_day), (last_month, last_day), *names in _OCCASIONS
        for first, last in (
            (dt.date(one.year, first_month, first_day), dt.date(one.year, last_month, last_day)) for one in year
        )
        if year[0] < last <= day
    ]
    write_file(home.calendar_file, _text(CALENDAR_COLUMNS, sorted(occasions)))


def _round(value: float) -> str:
    """*value* with two digits, as people set targets."""
    return f"{max(float(f'{value:.2g}'), 1):.0f}"


def _text(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([columns, *rows])
    return out.getvalue()
