"""Sessions: a random token in a cookie, its hash in the database.

Here: beginning, finding and ending sessions.
Not here: cookies (``dashboards.access.sign_in``).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping

from dashboards.access.database import Database
from dashboards.access.users import User

IDLE_SECONDS = 8 * 3600.0
"""A session ends if it is unused for this long."""
LONGEST_SECONDS = 7 * 86400.0
"""A session ends after this time even if it is used."""
_NOTED_SECONDS = 60.0
"""The last use of a session is recorded at most once in so many seconds: a write per request would be slow."""


class Sessions:
    """The sessions of one home, shared by the processes of its server."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    def begin(self, user: User) -> str:
        """The token of a new session of *user*, whose password has been checked."""
        token = secrets.token_urlsafe(32)
        now = self._now()
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM sessions WHERE began_at < ? OR seen_at < ?", (now - LONGEST_SECONDS, now - IDLE_SECONDS)
            )
            connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", (_hash(token), user.name, _credential(user), now, now)
            )
        return token

    def user_of(self, token: str, users: Mapping[str, User]) -> User | None:
        """The user of the session *token*, with their current role.

        None if the session has ended, its user was removed, or the password was changed after the session began.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT user, credential, began_at, seen_at FROM sessions WHERE token = ?", (_hash(token),)
            ).fetchone()
        if row is None:
            return None
        name, credential, began_at, seen_at = row
        now = self._now()
        user = users.get(name)
        is_over = now - began_at > LONGEST_SECONDS or now - seen_at > IDLE_SECONDS
        if is_over or user is None or not hmac.compare_digest(credential, _credential(user)):
            self.end(token)
            return None
        if now - seen_at > _NOTED_SECONDS:
            with self._database.transaction() as connection:
                connection.execute("UPDATE sessions SET seen_at = ? WHERE token = ?", (now, _hash(token)))
        return user

    def end(self, token: str) -> None:
        """End the session *token*."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE token = ?", (_hash(token),))


def form_token(token: str) -> str:
    """The CSRF token that the forms of the session *token* must send."""
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _credential(user: User) -> str:
    """A hash that changes whenever the user's password changes, which ends their sessions."""
    return hashlib.sha256(user.password.encode()).hexdigest()
