"""``config/targets.csv``: the values that metrics should reach in a month, for the whole shop or a part of it.

Here: validating rows.
Not here: whether the metric exists and what it has reached (``dashboards.plans``). No model reads this file, so it
never stops a run.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.config_tables.csv_file import read_rows
from pipelines.home.errors import HeadwaterError

TARGET_COLUMNS = ("metric", "month", "slice", "value")


@dataclass(frozen=True)
class Target:
    """One row.

    Attributes:
        metric: The key of the metric.
        month: The first day of the month.
        slice: Dimension → its values; empty: the whole shop.
        value: What the metric should reach.
        cells: The row as it is in the file, column → text.
    """

    metric: str
    month: dt.date
    slice: tuple[tuple[str, tuple[str, ...]], ...]
    value: float
    cells: Mapping[str, str]


def load_targets(path: Path) -> Sequence[Target]:
    """The targets of *path*, in its order; none if there is no file.

    Raises:
        HeadwaterError: a row is wrong, or two rows have the same metric, month and slice; with file and row.
    """
    if not path.exists():
        return ()
    rows: dict[tuple[object, ...], int] = {}
    found = []
    for number, target in read_rows(path, ("metric", "month", "value"), ("slice",), _target):
        key = target.metric, target.month, frozenset((name, frozenset(values)) for name, values in target.slice)
        if key in rows:
            raise HeadwaterError(
                f"row {rows[key]} already has a target for {target.metric} in {target.month:%Y-%m} and this slice",
                where=f"{path}, row {number}",
                remedy="remove one of the two rows",
            )
        rows[key] = number
        found.append(target)
    return tuple(found)


def _target(cell: Mapping[str, str]) -> Target:
    if not cell["metric"]:
        raise ValueError("metric is empty, expected a metric such as revenue")
    if not re.fullmatch(r"\d{4}-\d{2}", cell["month"]):
        raise ValueError(f"month is '{cell['month']}', expected a month such as 2026-11")
    try:
        month = dt.date.fromisoformat(f"{cell['month']}-01")
    except ValueError:
        raise ValueError(f"month is '{cell['month']}', expected a month such as 2026-11") from None
    try:
        value = float(cell["value"])
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"value is '{cell['value']}', expected a number above 0 such as 120000 or 0.035")
    cells = {name: cell[name] for name in TARGET_COLUMNS}
    return Target(cell["metric"], month, _slice(cell["slice"]), value, cells)


def _slice(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """``platform=ios; channel=email|search`` as dimension → values."""
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, sign, values = (piece.strip() for piece in part.partition("="))
        chosen = tuple(filter(None, (value.strip() for value in values.split("|"))))
        if not sign or not name or not chosen or name in found:
            raise ValueError(f"slice is '{text}', expected dimensions and values such as platform=ios; channel=email")
        found[name] = chosen
    return tuple(found.items())
