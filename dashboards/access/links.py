"""Links that show one view without a sign-in: a random secret in the link, its hash in the database.

Here: making, finding, listing and revoking links.
Not here: opening a link (``dashboards.access.link_page``), which requests it allows (``dashboards.app.link_reader``),
the form that makes one (``dashboards.app.links``).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from dashboards.access.database import Database

MOST_DAYS = 90
"""A link ends after at most this many days."""
_KEPT_SECONDS = 90 * 86400.0
"""A link that has ended stays in the list for this long; after that it is forgotten, as if it had never existed."""


@dataclass(frozen=True)
class Link:
    """A link to a view.

    Attributes:
        key: Its id in lists and logs; unlike the secret, it does not open the link.
        address: Path and query of the view.
        owner: The user who made it.
        note: Whom or what it is for.
        made_at, ends_at: Unix times.
        revoked_at: Unix time; None: not revoked.
    """

    key: str
    address: str
    owner: str
    note: str
    made_at: float
    ends_at: float
    revoked_at: float | None = None

    def state(self, now: float) -> Literal["open", "expired", "revoked"]:
        """Whether the link still shows its view."""
        if self.revoked_at is not None:
            return "revoked"
        return "open" if now < self.ends_at else "expired"


class Links:
    """The links of one home, shared by the processes of its server."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self.now = now

    def make(self, address: str, owner: str, ends_at: float, note: str = "") -> tuple[Link, str]:
        """A new link and its secret, which is stored nowhere: only its hash is.

        Raises:
            ValueError: *ends_at* is past, or more than MOST_DAYS ahead.
        """
        now = self.now()
        if not now < ends_at <= now + (MOST_DAYS + 1) * 86400:  # valid until the end of the last day
            raise ValueError(f"a link must end after today, and at most {MOST_DAYS} days from now")
        secret = secrets.token_urlsafe(32)
        link = Link(secrets.token_hex(4), address, owner, note, now, ends_at)
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM links WHERE min(ends_at, ifnull(revoked_at, ends_at)) < ?", (now - _KEPT_SECONDS,)
            )
            connection.execute(
                "INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                (_hash(secret), link.key, address, owner, note, now, ends_at),
            )
        return link, secret

    def find(self, secret: str) -> Link | None:
        """The link with this *secret*, even if it has ended; None if there is no such link."""
        with self._database.reading() as connection:
            row = connection.execute(f"{_SELECT} WHERE hash = ?", (_hash(secret),)).fetchone()
        return Link(*row) if row else None

    def all(self) -> Sequence[Link]:
        """All links, the newest first."""
        with self._database.reading() as connection:
            return [Link(*row) for row in connection.execute(f"{_SELECT} ORDER BY made_at DESC, key")]

    def revoke(self, key: str) -> None:
        """End the link *key* now; a link that has already ended is not changed."""
        now = self.now()
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE links SET revoked_at = ? WHERE key = ? AND revoked_at IS NULL AND ends_at > ?", (now, key, now)
            )


_SELECT = "SELECT key, address, owner, note, made_at, ends_at, revoked_at FROM links"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
