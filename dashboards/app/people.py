"""Who a customer is shown as: by id, or for viewers by a name that stands for it.

Here: that name, and finding whom it stands for.
Not here: who is a viewer (``dashboards.app.context``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from dashboards.app.context import Context

_BYTES = 6


def shown_id(context: Context, user_id: str) -> str:
    """The id itself; to viewers twelve hexadecimal digits of its BLAKE2b hash, the same at every look.

    The hash has no salt, so that files of different days can be joined. It keeps ids from being read, not from being
    guessed by whoever has a list of them.
    """
    if context.role != "viewer":
        return user_id
    return hashlib.blake2b(user_id.encode(), digest_size=_BYTES).hexdigest()


def user_of(context: Context, shown: str, user_ids: Iterable[str]) -> str | None:
    """Which of *user_ids* is shown as *shown*; None if none is. Viewers find nobody by the id itself."""
    return next((user_id for user_id in user_ids if shown_id(context, user_id) == shown), None)
