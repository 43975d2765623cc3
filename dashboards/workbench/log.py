"""What was asked: a line of JSON a query, in ``.workbench/queries.jsonl`` of the home.

Here: writing a line.
Not here: running the query.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from typing import Literal

from pipelines.home import Home

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
        "sql": sql,
        **({"said": said} if said else {}),
    }
    path = home.root / ".workbench" / "queries.jsonl"
    path.parent.mkdir(exist_ok=True)
    # One write to a file that is opened for appending is whole, whoever else writes.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, (json.dumps(line, ensure_ascii=False) + "\n").encode())
    finally:
        os.close(descriptor)
