"""The query log: a line of JSON per query in ``.workbench/queries.jsonl`` of the home.

Here: writing a line, reading the last lines.
Not here: running the query.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pipelines.home.folder import Home

_LONGEST = 20_000
"""Maximum characters of a query or error in the log; no longer query can run."""
_TAIL = 4_000_000
"""Bytes at the end of the file that are searched for the last queries."""

Outcome = Literal["ok", "refused", "failed"]


def write_log(
    home: Home,
    *,
    at: dt.datetime,
    user: str,
    sql: str,
    outcome: Outcome,
    seconds: float,
    rows: int,
    error: str = "",
    values: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Add a line about the query *sql*, run by *user* at *at*.

    *rows*: number of rows shown; *error*: the error message, '' if none; *values*: the values of the parameters.
    """
    line = {
        "at": at.isoformat(timespec="seconds"),
        "user": user,
        "outcome": outcome,
        "seconds": round(seconds, 3),
        "rows": rows,
        "sql": sql[:_LONGEST],
        **({"values": dict(values)} if values else {}),
        **({"said": error[:_LONGEST]} if error else {}),
    }
    path = home.query_log
    path.parent.mkdir(exist_ok=True)
    # A single write in append mode is atomic, even if other processes write too.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, (json.dumps(line, ensure_ascii=False) + "\n").encode(errors="replace"))
    finally:
        os.close(descriptor)


def last_queries(home: Home, number: int, user: str | None = None) -> list[dict[str, Any]]:
    """The last *number* lines, newest first, of *user*, or of everybody if None; unreadable lines are skipped."""
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
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry
