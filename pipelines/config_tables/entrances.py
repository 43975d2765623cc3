"""``config/entrances.csv``: the entrances. A click on one of these positions begins a visitor's path to a sale.

Here: validating rows, and finding rows that contradict each other.
Not here: matching events with entrances (``sql/core/events.sql``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.config_tables.csv_file import day_in, read_rows
from pipelines.home.errors import HeadwaterError
from pipelines.home.settings import Settings

ENTRANCE_COLUMNS = {
    "entrance_id": "VARCHAR",
    "name_zh": "VARCHAR",
    "name_en": "VARCHAR",
    "page_type": "VARCHAR",
    "module": "VARCHAR",
    "slot": "INTEGER",
    "valid_from": "DATE",
    "valid_to": "DATE",
}

DIRECT = "(direct)"
UNATTRIBUTED = "(unattributed)"
_RESERVED = (DIRECT, UNATTRIBUTED, "(start)", "(conversion)", "(null)")
"""Ids that no entrance may have. The last three are Markov states in ``attribution.touch_transitions``."""


@dataclass(frozen=True)
class Entrance:
    """A row of ``config/entrances.csv``: a position where paths begin.

    *slot* None means any slot; *valid_from* or *valid_to* None means that there is no first or last day.
    """

    entrance_id: str
    name_zh: str
    name_en: str
    page_type: str
    module: str
    slot: int | None
    valid_from: dt.date | None
    valid_to: dt.date | None


def load_entrances(path: Path, settings: Settings) -> tuple[Entrance, ...]:
    """Read the entrances in *path*. *settings* has the list of the modules that cannot be entrances.

    Raises:
        HeadwaterError: a row is wrong, or two rows contradict each other. The error names the file and the row.
    """
    required = ("entrance_id", "name_zh", "name_en", "page_type", "module", "slot")
    rows = list(read_rows(path, required, ("valid_from", "valid_to"), _entrance))
    for number, row in rows:
        if row.module in settings.attribution.action_modules:
            raise HeadwaterError(
                f"module '{row.module}' is an entrance, but attribution.action_modules in headwater.yaml lists it",
                where=f"{path}, row {number}",
                remedy="remove it from one of them",
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
            f"the same position ({row.page_type}, {row.module}, {row.slot or 'any slot'}) as in row "
            f"{earlier_number}, on overlapping days",
            where=f"{path}, row {number}",
            remedy="remove one row or set valid_from and valid_to",
        )
    names_differ = (row.name_zh, row.name_en) != (earlier.name_zh, earlier.name_en)
    if row.entrance_id == earlier.entrance_id and names_differ:
        raise HeadwaterError(
            f"entrance '{row.entrance_id}' does not have the same name as in row {earlier_number}",
            where=f"{path}, row {number}",
            remedy="give both rows the same names, or one of them another entrance_id",
        )


def _entrance(cell: Mapping[str, str]) -> Entrance:
    for name in ("entrance_id", "page_type", "module"):
        if not cell[name]:
            raise ValueError(f"{name} is empty")
    if cell["entrance_id"] in _RESERVED:
        raise ValueError(f"entrance_id {cell['entrance_id']} is reserved, because tables use it for something else")
    if ">" in cell["entrance_id"]:
        raise ValueError(f"entrance_id is '{cell['entrance_id']}'; > separates the entrances of a path")
    entrance = Entrance(
        entrance_id=cell["entrance_id"],
        name_zh=cell["name_zh"] or cell["entrance_id"],
        name_en=cell["name_en"] or cell["entrance_id"],
        page_type=cell["page_type"],
        module=cell["module"],
        slot=_slot(cell["slot"]),
        valid_from=day_in(cell, "valid_from"),
        valid_to=day_in(cell, "valid_to"),
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
