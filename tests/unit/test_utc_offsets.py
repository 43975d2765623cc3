"""The table of the time zone's offsets: which offset the shop's clocks have, and when it changes."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from pipelines.config_tables.utc_offsets import utc_offsets


def offset_at(timezone: str, moment: dt.datetime) -> int:
    """The UTC offset in seconds that the table has for *moment*; asserts that exactly one row is valid then."""
    (row,) = (row for row in utc_offsets(timezone) if row.valid_from <= moment < row.valid_to)
    return row.utc_offset_seconds


def test_a_zone_without_summer_time_has_one_offset_today():
    assert offset_at("Asia/Shanghai", dt.datetime(2026, 1, 1)) == 8 * 3600
    assert utc_offsets("Asia/Shanghai")[-1].valid_from < dt.datetime(1992, 1, 1)


def test_offsets_change_at_the_second_the_clocks_do():
    change = dt.datetime(2026, 11, 1, 6)
    assert offset_at("America/New_York", change - dt.timedelta(microseconds=1)) == -4 * 3600
    assert offset_at("America/New_York", change) == -5 * 3600


@pytest.mark.parametrize("timezone", ["UTC", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca"])
def test_offsets_are_those_of_the_zone_at_any_time(timezone):
    for day in range(0, 365 * 70, 3):
        moment = dt.datetime(1981, 1, 1, 1, 30) + dt.timedelta(days=day)
        expected = moment.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(timezone)).utcoffset()
        assert expected == dt.timedelta(seconds=offset_at(timezone, moment)), moment


def test_the_offsets_cover_all_times_without_a_gap():
    rows = utc_offsets("Europe/London")
    assert (rows[0].valid_from, rows[-1].valid_to.year) == (dt.datetime.min, 9999)
    assert all(before.valid_to == after.valid_from for before, after in pairwise(rows))
