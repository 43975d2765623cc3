"""``config/fx.csv``: exchange rates by day and currency.

Here: validating rows; a day and currency may have only one rate.
Not here: converting money (``sql/core``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from pipelines.config_tables.csv_file import day_in, read_rows
from pipelines.home.errors import HeadwaterError
from pipelines.home.settings import Settings

FX_COLUMNS = {"day": "DATE", "currency": "VARCHAR", "rate": "DECIMAL(18,8)"}
"""The date is called ``day``, because ``dt`` is the name of a partition's day and this table has no partitions."""


@dataclass(frozen=True)
class ExchangeRate:
    """A row of ``config/fx.csv``: on *day* one unit of *currency* is worth *rate* units of the reporting currency."""

    day: dt.date
    currency: str
    rate: Decimal


def load_fx(path: Path, settings: Settings) -> tuple[ExchangeRate, ...]:
    """Read the rates in *path*; empty if there is no file. *settings* name the reporting currency, which needs no rate.

    Raises:
        HeadwaterError: a row is wrong, or two rows contradict each other. The error names the file and the row.
    """
    if not path.exists():
        return ()
    rows = list(read_rows(path, ("dt", "currency", "rate"), (), _exchange_rate))
    seen: dict[tuple[dt.date, str], int] = {}
    for number, row in rows:
        if row.currency == settings.currency:
            raise HeadwaterError(
                f"{row.currency} is the reporting currency, whose rate is always 1",
                where=f"{path}, row {number}",
                remedy="remove the row",
            )
        if (earlier := seen.setdefault((row.day, row.currency), number)) != number:
            raise HeadwaterError(
                f"row {earlier} already has a rate for {row.currency} on {row.day}",
                where=f"{path}, row {number}",
                remedy="remove one of the two",
            )
    return tuple(row for _, row in rows)


def _exchange_rate(cell: Mapping[str, str]) -> ExchangeRate:
    day = day_in(cell, "dt")
    if day is None:
        raise ValueError("dt is empty, expected a date such as 2026-11-20")
    if not (len(cell["currency"]) == 3 and cell["currency"].isascii() and cell["currency"].isupper()):
        raise ValueError(f"currency is '{cell['currency']}', expected three letters such as USD")
    try:
        rate = Decimal(cell["rate"])
    except InvalidOperation:
        rate = Decimal("NaN")
    if not rate.is_finite() or not 0 < rate < 10**10 or rate != round(rate, 8):
        raise ValueError(f"rate is '{cell['rate']}', expected a number above 0 with at most 8 decimals")
    return ExchangeRate(day, cell["currency"], rate)
