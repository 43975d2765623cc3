"""What the processes of a server share of who has signed in and who tried to: ``.dashboard/sessions.sqlite``.

Here: its tables, a transaction in it.
Not here: sessions (``dashboards.access.sessions``), attempts (``dashboards.access.attempts``).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home

_TABLES = """
CREATE TABLE IF NOT EXISTS sessions (
    token TEXT PRIMARY KEY, user TEXT NOT NULL, credential TEXT NOT NULL, began_at REAL NOT NULL, seen_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (key TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS attempts_of ON attempts (key, at);
"""
_WAIT_SECONDS = 10.0


class Database:
    """The file; every transaction opens it anew, for a connection serves neither forks nor other threads."""

    def __init__(self, home: Home) -> None:
        """Made if it is not there.

        Raises:
            HeadwaterError: it cannot be.
        """
        self._path = home.sessions_file
        try:
            home.access.mkdir(mode=0o700, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            with self._open() as connection:
                connection.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise HeadwaterError(f"sessions cannot be stored: {error}", where=home.access) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection that alone writes until this ends."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that only reads."""
        with self._open() as connection:
            yield connection

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS, isolation_level=None)) as connection:
            yield connection
