"""Times: the correction of wrong clocks, the business day, and which texts are accepted as times."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tests.ingest_support import event, land, new_home, order, raw, set_timezone, take_in


def one_event(folder: Path, timezone: str = "Asia/Shanghai", **fields: Any) -> dict[str, Any]:
    home = new_home(folder)
    set_timezone(home, timezone)
    land(home, "native/events/a.ndjson", [event("e", **fields)])
    take_in(home)
    (row,) = raw(home, "raw.events")
    return row


def test_a_wrong_clock_is_corrected_by_its_error_when_it_sent(tmp_path: Path) -> None:
    row = one_event(
        tmp_path,
        device_time="2020-01-01T00:00:00Z",
        sent_time="2020-01-01T00:01:00Z",
        received_time="2026-05-01T16:01:00.250Z",
    )
    assert row["device_time"] == dt.datetime(2020, 1, 1)
    assert row["occurred_at"] == dt.datetime(2026, 5, 1, 16, 0, 0, 250_000)
    assert row["dt"] == dt.date(2026, 5, 2)


@pytest.mark.parametrize("missing", ["sent_time", "received_time"])
def test_without_both_times_the_device_is_believed(tmp_path: Path, missing: str) -> None:
    row = one_event(tmp_path, **{missing: None})
    assert row["occurred_at"] == row["device_time"] == dt.datetime(2026, 5, 1, 2)


@pytest.mark.parametrize(
    ("timezone", "day"), [("Asia/Shanghai", 30), ("UTC", 29), ("America/New_York", 29), ("Pacific/Kiritimati", 30)]
)
def test_the_business_day_is_that_of_the_shop(tmp_path: Path, timezone: str, day: int) -> None:
    row = one_event(tmp_path, timezone, device_time="2026-04-29T16:00:00Z", sent_time=None, received_time=None)
    assert row["dt"] == dt.date(2026, 4, day)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-05-01 10:00:00", (2026, 5, 1, 8)),
        ("2026-05-01T10:00:00Z", (2026, 5, 1, 10)),
        ("2026-05-01T10:00:00+01:00", (2026, 5, 1, 9)),
        ("1777622400000", (2026, 5, 1, 8)),
        (1777622400000, (2026, 5, 1, 8)),
    ],
)
def test_times_of_orders_are_local_unless_they_say_otherwise(
    tmp_path: Path, text: object, utc: tuple[int, ...]
) -> None:
    home = new_home(tmp_path)
    set_timezone(home, "Europe/Berlin")
    land(home, "native/orders/a.ndjson", [order("o1", ordered_at=text, paid_at=None)])
    take_in(home)
    (row,) = raw(home, "raw.orders")
    assert row["ordered_at"] == dt.datetime(*utc)
    assert row["ordered_dt"] == (dt.datetime(*utc) + dt.timedelta(hours=2)).date()
    assert (row["paid_at"], row["paid_dt"]) == (None, None)
