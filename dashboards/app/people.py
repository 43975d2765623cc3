"""Customer ids as shown: the id itself, or for viewers a hash of it.

Here: the hash, and finding the customer with a given hash.
Not here: who is a viewer (``dashboards.app.context``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from dashboards.app.context import Context

_BYTES = 6


def shown_id(context: Context, user_id: str) -> str:
    """The id itself; for viewers twelve hexadecimal digits of its BLAKE2b hash, always the same for the same id.

    The hash has no salt, so that files of different days can be joined. It hides ids, but somebody with a list of all
    ids can compute their hashes.
    """
    if context.role != "viewer":
        return user_id
    return hashlib.blake2b(user_id.encode(), digest_size=_BYTES).hexdigest()


def user_of(context: Context, shown: str, user_ids: Iterable[str]) -> str | None:
    """The id among *user_ids* that pages show as *shown*, or None. Viewers cannot find a customer by the id itself."""
    return next((user_id for user_id in user_ids if shown_id(context, user_id) == shown), None)
