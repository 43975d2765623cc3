"""What was asked: a line of JSON a query, in ``.workbench/queries.jsonl`` of the home.

Here: writing a line, the last ones.
Not here: running the query.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pipelines.home.folder import Home

_LONGEST = 20_000
"""Characters of a query or an error that are kept: as many as a query that runs has."""
_TAIL = 4_000_000
"""Bytes at the end of the file in which the last queries are looked for."""

Outcome = Literal["ok", "refused", "failed"]


def write_log(
    home: Home, *, at: dt.datetime, user: str, sql: str, outcome: Outcome, seconds: float, rows: int, said: str = ""
) -> None:
    """Add a line: when, who, what, how it ended, how long it took, how many rows were shown; *said*: the error."""
    line = {
        "at": at.isoformat(timespec="seconds"),
        "user": user,
        "outcome": outcome,
        "seconds": round(seconds, 3),
        "rows": rows,
        "sql": sql[:_LONGEST],
        **({"said": said[:_LONGEST]} if said else {}),
    }
    path = home.query_log
    path.parent.mkdir(exist_ok=True)
    # One write to a file that is opened for appending is whole, whoever else writes.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, (json.dumps(line, ensure_ascii=False) + "\n").encode(errors="replace"))
    finally:
        os.close(descriptor)


def last_queries(home: Home, number: int, user: str | None = None) -> list[dict[str, Any]]:
    """The last *number* lines, the newest first, of *user* or of everybody; lines that cannot be read are left out."""
    found = (line for line in _lines_backwards(home.query_log) if user is None or line.get("user") == user)
    return [line for line, _ in zip(found, range(number), strict=False)]


def _lines_backwards(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as handle:
            start = max(handle.seek(0, os.SEEK_END) - _TAIL, 0)
            handle.seek(start)
            lines = handle.read().splitlines()[1 if start else 0 :]
    except FileNotFoundError:
        return
    for line in reversed(lines):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict):
            yield said
