"""``config/market.csv``: what competitors sell, for relative market shares.

Here: validating rows; a competitor's rows in a category must not overlap in time.
Not here: computing shares (``sql/products/metrics.sql``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from pipelines.config_tables.csv_file import day_in, read_rows
from pipelines.home.errors import HeadwaterError

MARKET_COLUMNS = {
    "category": "VARCHAR",
    "competitor": "VARCHAR",
    "first_day": "DATE",
    "last_day": "DATE",
    "revenue": "DECIMAL(18,4)",
}
_COLUMNS = tuple(MARKET_COLUMNS)


@dataclass(frozen=True)
class Competitor:
    """A row of ``config/market.csv``: what *competitor*'s best-selling product in *category* sold in some days.

    *revenue* is the sum over the days from *first_day* to *last_day*, in the reporting currency.
    """

    category: str
    competitor: str
    first_day: dt.date
    last_day: dt.date
    revenue: Decimal


def load_market(path: Path) -> tuple[Competitor, ...]:
    """Read the rows of *path*; empty if there is no file.

    Raises:
        HeadwaterError: a row is wrong, or the days of two rows of one competitor overlap. The error names the file
            and the row.
    """
    if not path.exists():
        return ()
    rows = list(read_rows(path, _COLUMNS, (), _competitor))
    in_order = sorted(rows, key=lambda found: (found[1].category, found[1].competitor, found[1].first_day, found[0]))
    for (earlier, before), (number, row) in pairwise(in_order):
        is_same = (row.category, row.competitor) == (before.category, before.competitor)
        if is_same and row.first_day <= before.last_day:
            raise HeadwaterError(
                f"row {min(number, earlier)} already has {row.competitor} in {row.category} for {row.first_day}",
                where=f"{path}, row {max(number, earlier)}",
                remedy="change the days so that the competitor's rows do not overlap",
            )
    return tuple(row for _, row in rows)


def _competitor(cell: Mapping[str, str]) -> Competitor:
    for name in ("category", "competitor"):
        if not cell[name]:
            raise ValueError(f"{name} is empty")
    first, last = day_in(cell, "first_day"), day_in(cell, "last_day")
    if first is None or last is None:
        raise ValueError(f"{'first_day' if first is None else 'last_day'} is empty, expected a date such as 2026-11-20")
    if last < first:
        raise ValueError(f"last_day {last} is before first_day {first}")
    try:
        revenue = Decimal(cell["revenue"])
    except InvalidOperation:
        revenue = Decimal("NaN")
    if not revenue.is_finite() or not 0 < revenue < 10**12 or revenue != round(revenue, 4):
        raise ValueError(f"revenue is '{cell['revenue']}', expected an amount above 0 with at most 4 decimals")
    return Competitor(cell["category"], cell["competitor"], first, last, revenue)
