"""Times of the lake, which are UTC, as the shop's clock shows them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo


def local_time(time: dt.datetime | None, timezone: str) -> dt.datetime | None:
    """*time*, UTC without a zone, as the clock of *timezone* shows it, without a zone again."""
    if time is None:
        return None
    return time.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
