"""Limits sign-in attempts, by address and by name.

Here: counting attempts, the wait before the next one.
Not here: checking passwords (``dashboards.access.passwords``).
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable

from dashboards.access.database import Database
from pipelines.web.network import network_of

FREE_OF_NAME = 5
FREE_OF_ADDRESS = 20
"""So many attempts may fail, per name and per IP address, before the next one must wait.

More may fail per address, because an office may share one.
"""
REMEMBERED_SECONDS = 3600.0
_SHORTEST_WAIT = 15.0
_LONGEST_WAIT = 900.0


class Attempts:
    """The sign-in attempts of the last hour, shared by the processes of a server."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    def begin(self, name: str, address: str) -> int:
        """Count an attempt as failed until ``succeed`` is called, so that parallel attempts count too.

        Returns:
            Seconds to wait before trying again; 0 if the attempt may proceed. An attempt that must wait is not counted.
        """
        now = self._now()
        keys = {_key("name", name): FREE_OF_NAME, _key("address", network_of(address)): FREE_OF_ADDRESS}
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM attempts WHERE at < ?", (now - REMEMBERED_SECONDS,))
            wait = 0.0
            for key, free in keys.items():
                number, last = connection.execute(
                    "SELECT count(*), max(at) FROM attempts WHERE key = ?", (key,)
                ).fetchone()
                if number >= free:
                    wait = max(wait, last + _wait(number - free) - now)
            if wait <= 0:
                connection.executemany("INSERT INTO attempts VALUES (?, ?)", [(key, now) for key in keys])
        return math.ceil(max(wait, 0))

    def succeed(self, name: str, address: str) -> None:
        """Record a successful sign-in: clear all failed attempts for this name and the latest one for this address."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM attempts WHERE key = ?", (_key("name", name),))
            connection.execute(
                "DELETE FROM attempts WHERE rowid = (SELECT max(rowid) FROM attempts WHERE key = ?)",
                (_key("address", network_of(address)),),
            )


def _wait(beyond: int) -> float:
    return min(_SHORTEST_WAIT * 2.0 ** min(beyond, 16), _LONGEST_WAIT)


def _key(kind: str, value: str) -> str:
    """The key of an attempt: a hash, because people sometimes type their password into the name field."""
    return hashlib.sha256(f"{kind} {value}".encode()).hexdigest()
