"""Reading the CSV files of ``config/``. Every error names the row.

Not here: what the rows mean.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pipelines.home.errors import HeadwaterError

R = TypeVar("R")


def read_rows(
    path: Path, required: Sequence[str], optional: Sequence[str], make: Callable[[Mapping[str, str]], R]
) -> Iterator[tuple[int, R]]:
    """Yield (line number, row converted by *make*) of a CSV file. Empty lines and lines that begin with # are skipped.

    *required* and *optional* are its column names. *make* gets column → text; a missing optional column is ''.

    Raises:
        HeadwaterError: the file cannot be read, a column is missing or unknown, or *make* raises a ValueError. The
            error names the file and, if there is one, the row.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise HeadwaterError(
            f"cannot be read: {error.strerror}",
            where=path,
            remedy="if the file is missing, 'headwater init' writes a new one",
        ) from error
    except UnicodeDecodeError as error:
        raise HeadwaterError(f"not UTF-8 (byte {error.start})", where=path, remedy="save it as CSV UTF-8") from error
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip() and line[0] != "#"]
    table = csv.reader(line for _, line in numbered)
    header = [name.strip() for name in next(table, [])]
    for name in required:
        if name not in header:
            raise HeadwaterError(
                f"column '{name}' is missing; expected {', '.join((*required, *optional))}", where=path
            )
    for name in header:
        if name not in required and name not in optional:
            raise HeadwaterError(f"unknown column '{name}'; expected {', '.join((*required, *optional))}", where=path)
    for cells in table:
        number = numbered[table.line_num - 1][0]
        if len(cells) != len(header):
            raise HeadwaterError(f"found {len(cells)} cells, expected {len(header)}", where=f"{path}, row {number}")
        cell = dict.fromkeys(optional, "") | dict(zip(header, (c.strip() for c in cells), strict=True))
        try:
            yield number, make(cell)
        except ValueError as error:
            raise HeadwaterError(str(error), where=f"{path}, row {number}") from error


def day_in(cell: Mapping[str, str], name: str) -> dt.date | None:
    """The date in column *name* of the row *cell*; None if the text is empty, a ValueError if it is not a date."""
    try:
        return dt.date.fromisoformat(cell[name]) if cell[name] else None
    except ValueError:
        raise ValueError(f"{name} is '{cell[name]}', expected a date such as 2026-11-20") from None
