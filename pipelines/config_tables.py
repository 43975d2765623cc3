"""The tables that operators edit in ``config/``: entrances and exchange rates.

Here: reading these CSV files, row by row with the row's number in every error, and refusing rows that
contradict each other. As relations of SQL they are ``config.entrances`` and ``config.fx``.
Not here: the settings file (``pipelines.settings``).
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

from pipelines.errors import HeadwaterError
from pipelines.home import Home
from pipelines.settings import Settings

CONFIG_TABLES: dict[str, Mapping[str, str]] = {
    "config.entrances": {
        "entrance_id": "VARCHAR",
        "name_zh": "VARCHAR",
        "name_en": "VARCHAR",
        "page_type": "VARCHAR",
        "module": "VARCHAR",
        "slot": "INTEGER",
        "valid_from": "DATE",
        "valid_to": "DATE",
    },
    "config.fx": {"day": "DATE", "currency": "VARCHAR", "rate": "DECIMAL(18,8)"},
}
"""Column → DuckDB type of each table. Exchange rates call their date ``day``: they are one table, not one a day."""

DIRECT = "(direct)"
UNATTRIBUTED = "(unattributed)"
_RESERVED = (DIRECT, UNATTRIBUTED)


@dataclass(frozen=True)
class Entrance:
    """A row of ``config/entrances.csv``: a position from which paths begin; no slot means any."""

    entrance_id: str
    name_zh: str
    name_en: str
    page_type: str
    module: str
    slot: int | None
    valid_from: dt.date | None
    valid_to: dt.date | None


@dataclass(frozen=True)
class ExchangeRate:
    """A row of ``config/fx.csv``: on *day* one unit of *currency* is *rate* of the reporting currency."""

    day: dt.date
    currency: str
    rate: Decimal


Row = Entrance | ExchangeRate
R = TypeVar("R", Entrance, ExchangeRate)


@dataclass(frozen=True)
class ConfigTables:
    """The rows of every table in ``config/``."""

    entrances: tuple[Entrance, ...]
    fx: tuple[ExchangeRate, ...]

    def rows(self, table: str) -> Sequence[Row]:
        """The rows of ``config.<name>``."""
        return self.entrances if table == "config.entrances" else self.fx

    def version(self, table: str) -> str:
        """A hash of the table's rows, whatever their order in the file."""
        rows = "\n".join(sorted(repr(astuple(row)) for row in self.rows(table)))
        return hashlib.blake2b(rows.encode(), digest_size=8).hexdigest()


def load_config_tables(home: Home, settings: Settings) -> ConfigTables:
    """The tables of *home*.

    Raises:
        HeadwaterError: a column is missing, a value is wrong, or two rows contradict each other; with file
            and row.
    """
    return ConfigTables(
        entrances=_load_entrances(home.config / "entrances.csv", settings),
        fx=_load_fx(home.config / "fx.csv", settings),
    )


def _load_entrances(path: Path, settings: Settings) -> tuple[Entrance, ...]:
    required = ("entrance_id", "name_zh", "name_en", "page_type", "module", "slot")
    rows = list(_rows(path, required, ("valid_from", "valid_to"), _entrance))
    for number, row in rows:
        if row.module in settings.attribution.action_modules:
            raise HeadwaterError(
                f"{path}, row {number}: module '{row.module}' is an entrance and, in headwater.yaml, one of "
                "attribution.action_modules; take it out of one of them"
            )
    for index, (number, row) in enumerate(rows):
        for earlier_number, earlier in rows[:index]:
            _refuse_contradiction(path, number, row, earlier_number, earlier)
    return tuple(row for _, row in rows)


def _refuse_contradiction(path: Path, number: int, row: Entrance, earlier_number: int, earlier: Entrance) -> None:
    same_position = (row.page_type, row.module, row.slot) == (earlier.page_type, earlier.module, earlier.slot)
    apart = (row.valid_from and earlier.valid_to and row.valid_from > earlier.valid_to) or (
        row.valid_to and earlier.valid_from and row.valid_to < earlier.valid_from
    )
    if same_position and not apart:
        raise HeadwaterError(
            f"{path}, row {number}: the same position ({row.page_type}, {row.module}, {row.slot or 'any slot'}) "
            f"as in row {earlier_number}, on days that overlap; remove one row or set valid_from and valid_to"
        )
    names_differ = (row.name_zh, row.name_en) != (earlier.name_zh, earlier.name_en)
    if row.entrance_id == earlier.entrance_id and names_differ:
        raise HeadwaterError(
            f"{path}, row {number}: entrance '{row.entrance_id}' has another name than in row {earlier_number}; "
            "give both rows the same names, or one of them another entrance_id"
        )


def _entrance(cell: Mapping[str, str]) -> Entrance:
    for name in ("entrance_id", "page_type", "module"):
        if not cell[name]:
            raise ValueError(f"{name} is empty")
    if cell["entrance_id"] in _RESERVED:
        raise ValueError(f"entrance_id {cell['entrance_id']} is reserved for sales without an entrance")
    entrance = Entrance(
        entrance_id=cell["entrance_id"],
        name_zh=cell["name_zh"] or cell["entrance_id"],
        name_en=cell["name_en"] or cell["entrance_id"],
        page_type=cell["page_type"],
        module=cell["module"],
        slot=_slot(cell["slot"]),
        valid_from=_day(cell, "valid_from"),
        valid_to=_day(cell, "valid_to"),
    )
    if entrance.valid_from and entrance.valid_to and entrance.valid_from > entrance.valid_to:
        raise ValueError(f"valid_from {entrance.valid_from} is after valid_to {entrance.valid_to}")
    return entrance


def _slot(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) < 2**31:
        raise ValueError(f"slot is '{text}', expected a whole number from 1, or nothing for any slot")
    return int(text)


def _load_fx(path: Path, settings: Settings) -> tuple[ExchangeRate, ...]:
    if not path.exists():
        return ()
    rows = list(_rows(path, ("dt", "currency", "rate"), (), _exchange_rate))
    seen: dict[tuple[dt.date, str], int] = {}
    for number, row in rows:
        if row.currency == settings.currency:
            raise HeadwaterError(
                f"{path}, row {number}: {row.currency} is the reporting currency, its rate is 1; remove it"
            )
        if (earlier := seen.setdefault((row.day, row.currency), number)) != number:
            raise HeadwaterError(
                f"{path}, row {number}: a second rate for {row.currency} on {row.day}, beside row {earlier}; remove one"
            )
    return tuple(row for _, row in rows)


def _exchange_rate(cell: Mapping[str, str]) -> ExchangeRate:
    day = _day(cell, "dt")
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


def _day(cell: Mapping[str, str], name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(cell[name]) if cell[name] else None
    except ValueError:
        raise ValueError(f"{name} is '{cell[name]}', expected a date such as 2026-11-20") from None


def _rows(
    path: Path, required: Sequence[str], optional: Sequence[str], make: Callable[[Mapping[str, str]], R]
) -> Iterator[tuple[int, R]]:
    """The rows of a CSV file with their line numbers; lines that are empty or begin with # are left out."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise HeadwaterError(f"{path}: cannot be read: {error.strerror}; 'headwater init' writes a new one") from error
    except UnicodeDecodeError as error:
        raise HeadwaterError(f"{path}: not UTF-8 (byte {error.start}); save it as CSV UTF-8") from error
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip() and line[0] != "#"]
    table = csv.reader(line for _, line in numbered)
    header = [name.strip() for name in next(table, [])]
    for name in required:
        if name not in header:
            raise HeadwaterError(f"{path}: column '{name}' is missing; expected {', '.join((*required, *optional))}")
    for name in header:
        if name not in required and name not in optional:
            raise HeadwaterError(f"{path}: unknown column '{name}'; expected {', '.join((*required, *optional))}")
    for cells in table:
        number = numbered[table.line_num - 1][0]
        if len(cells) != len(header):
            raise HeadwaterError(f"{path}, row {number}: {len(cells)} cells, expected {len(header)}")
        cell = dict.fromkeys(optional, "") | dict(zip(header, (c.strip() for c in cells), strict=True))
        try:
            yield number, make(cell)
        except ValueError as error:
            raise HeadwaterError(f"{path}, row {number}: {error}") from error
