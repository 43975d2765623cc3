"""Converts the lake's times, which are UTC, to the shop's time zone."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo


def local_time(time: dt.datetime | None, timezone: str) -> dt.datetime | None:
    """*time* (UTC, without zone) in *timezone*, again without zone; None stays None."""
    if time is None:
        return None
    return time.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
