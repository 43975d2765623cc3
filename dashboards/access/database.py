"""Sessions, sign-in attempts and links, shared by the processes of a server: ``.dashboard/sessions.sqlite``.

Here: the tables, transactions.
Not here: sessions (``dashboards.access.sessions``), attempts (``dashboards.access.attempts``), links
(``dashboards.access.links``).
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
CREATE TABLE IF NOT EXISTS links (
    hash TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, address TEXT NOT NULL, owner TEXT NOT NULL, note TEXT NOT NULL,
    made_at REAL NOT NULL, ends_at REAL NOT NULL, revoked_at REAL
) WITHOUT ROWID;
"""
_WAIT_SECONDS = 10.0


class Database:
    """The SQLite file. Each transaction opens a new connection: forks and threads must not share one."""

    def __init__(self, home: Home) -> None:
        """Create the file if it does not exist.

        Raises:
            HeadwaterError: the file cannot be created.
        """
        self._path = home.sessions_file
        try:
            home.access.mkdir(mode=0o700, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            with self._open() as connection:
                connection.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise HeadwaterError(
                f"sign-ins cannot be saved: {error}",
                where=home.access,
                remedy="it must be a folder that this user can write",
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection with the exclusive right to write during the ``with`` block; an exception rolls back."""
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
        """A connection for reading."""
        with self._open() as connection:
            yield connection

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS, isolation_level=None)) as connection:
            yield connection
