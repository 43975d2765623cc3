"""The shop's time zone as a table: how far its clocks are ahead of UTC, in which periods.

Here: finding the offsets of ``timezone`` in the settings.
Not here: the business day of a record, which ingestion determines (``pipelines.ingest.records.values``).

Why a table: models convert times in UTC to hours of the shop's day, but SQL's time zone functions shift in opposite
directions on DuckDB and on Spark.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

UTC_OFFSET_COLUMNS = {"valid_from": "TIMESTAMP", "valid_to": "TIMESTAMP", "utc_offset_seconds": "INTEGER"}
"""Times are in UTC; ``valid_to`` of a row equals ``valid_from`` of the next row."""

_FIRST, _LAST = dt.datetime(1980, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
_STEP = dt.timedelta(days=10)
"""Changes of the offset are searched for in steps of this length: no zone has two changes within ten days."""


@dataclass(frozen=True)
class UtcOffset:
    """From *valid_from* until before *valid_to* (UTC) the shop's clocks are *utc_offset_seconds* ahead of UTC."""

    valid_from: dt.datetime
    valid_to: dt.datetime
    utc_offset_seconds: int


@cache
def utc_offsets(timezone: str) -> tuple[UtcOffset, ...]:
    """The offsets of *timezone*, without a gap; its changes between 1980 and 2100 are known."""
    zone = ZoneInfo(timezone)
    changes = [(dt.datetime.min, _offset(zone, _FIRST))]
    moment = _FIRST
    while moment < _LAST:
        following = moment + _STEP
        if _offset(zone, following) != changes[-1][1]:
            changed = _change(zone, moment, following)
            changes.append((changed.replace(tzinfo=None), _offset(zone, changed)))
        moment = following
    ends = [*(start for start, _ in changes[1:]), dt.datetime(9999, 12, 31)]
    return tuple(UtcOffset(start, end, offset) for (start, offset), end in zip(changes, ends, strict=True))


def _offset(zone: ZoneInfo, moment: dt.datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _change(zone: ZoneInfo, before: dt.datetime, after: dt.datetime) -> dt.datetime:
    """The first second after *before* with the offset of *after*; there is one change between them."""
    while after - before > dt.timedelta(seconds=1):
        middle = before + dt.timedelta(seconds=int((after - before).total_seconds()) // 2)
        if _offset(zone, middle) == _offset(zone, after):
            after = middle
        else:
            before = middle
    return after
