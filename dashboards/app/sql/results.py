"""Results of queries, kept for an hour: ``.workbench/results/`` of a home.

Here: saving and finding them, and requests to stop a running query. All processes of a server share them.
Not here: running queries (``dashboards.workbench``), showing results (``dashboards.app.sql.page``).

A result is found only with its key *and* its user: both together make the file's name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipelines.home.files import write_file
from pipelines.home.folder import Home

KEPT_SECONDS = 3600.0
_MOST_OF_A_USER = 20
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Outcome:
    """The outcome of a query: rows or an error.

    Attributes:
        sql: The query.
        error: Why there are no rows; '' if it succeeded.
        columns: Name and DuckDB type of each column.
        rows: The rows, with values as in ``dashboards.workbench.confined.Result``.
        is_cut: Whether the query has more rows than these.
        seconds: How long it took.
        published_at: The time of the copy that was queried, ISO.
        values: The values of the query's parameters, by name, as the user wrote them.
    """

    sql: str
    error: str = ""
    columns: Sequence[tuple[str, str]] = ()
    rows: Sequence[Sequence[object]] = ()
    is_cut: bool = False
    seconds: float = 0.0
    published_at: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def read_at(self) -> dt.datetime:
        """The time of the copy that was queried, UTC."""
        return dt.datetime.fromisoformat(self.published_at)


def new_key() -> str:
    """A key that nobody can guess."""
    return secrets.token_hex(16)


class Results:
    """The results of one home."""

    def __init__(self, home: Home) -> None:
        self._folder = home.query_results

    def keep(self, user: str, key: str, outcome: Outcome) -> None:
        """Save *outcome* under *user* and *key*, and remove old outcomes."""
        path = self._path(user, key)
        self._folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        write_file(path, json.dumps(asdict(outcome), ensure_ascii=False), mode=0o600)
        self._remove_old(user)

    def find(self, user: str, key: str) -> Outcome | None:
        """The outcome of *user* under *key*; None if it has expired or belongs to another user."""
        if not is_key(key):
            return None
        try:
            path = self._path(user, key)
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                return None
            fields = json.loads(path.read_text(encoding="utf-8"))
            columns = [(str(name), str(kind)) for name, kind in fields.pop("columns")]
            return Outcome(columns=columns, **fields)
        except (OSError, ValueError, KeyError, TypeError):  # no such file, or another version of Headwater wrote it
            return None

    def stop(self, user: str, key: str) -> None:
        """Record the user's request to stop the query with *key*."""
        self._folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        self._wish(user, key).touch(0o600)

    def is_stopped(self, user: str, key: str) -> bool:
        """Whether *user* has requested to stop the query with *key*."""
        return self._wish(user, key).exists()

    def _path(self, user: str, key: str) -> Path:
        if not is_key(key):
            raise ValueError(key)
        return self._folder / f"{_hash(user)}-{_hash(f'{user} {key}')}.json"

    def _wish(self, user: str, key: str) -> Path:
        return self._path(user, key).with_suffix(".stop")

    def _remove_old(self, user: str) -> None:
        ages: dict[Path, float] = {}
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another process removed the file first
                ages[path] = time.time() - path.stat().st_mtime
        own = sorted((path for path in ages if path.match(f"{_hash(user)}-*.json")), key=lambda path: ages[path])
        for path in {path for path, age in ages.items() if age > KEPT_SECONDS} | set(own[_MOST_OF_A_USER:]):
            path.unlink(missing_ok=True)


def is_key(text: str) -> bool:
    """Whether *text* has the form of a key."""
    return _KEY.fullmatch(text) is not None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
