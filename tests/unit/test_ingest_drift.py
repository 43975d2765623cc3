"""Drift: if a file has far more refused records or missing values than previous days, this is reported once."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.commands.diagnosis import diagnose
from pipelines.home.folder import Home
from pipelines.ingest import RawLake, drifts, load_sources
from pipelines.ingest.batches import Batch
from pipelines.ingest.raw.drift import Drift, day_of, describe_drifts
from tests.ingest_support import LANDED_AT, event, land, ndjson, new_home, order, take_in

FIRST = dt.date(2026, 5, 1)
RECORDS = 400


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


def day_file(number: int, *, bad: int = 0, records: int = RECORDS, **fields: Any) -> tuple[str, bytes]:
    """Name and content of the file with the events of day *number*; *bad* of its *records* are broken.

    The other records have *fields*.
    """
    day = FIRST + dt.timedelta(days=number)
    moments = dict.fromkeys(("device_time", "sent_time", "received_time"), f"{day}T10:00:00+08:00")
    given = {"utm_source": "mail", **fields}
    log = [event(f"{number}-{n}", **moments, **given) for n in range(records - bad)]
    return f"native/events/{day}.ndjson", ndjson(log) + b"not json\n" * bad


def batch(day: int, records: int = 1000, refused: int = 0, **filled: int) -> Batch:
    """The batch of a file with *day*'s events, *refused* of them refused; *filled*: column → number of values."""
    counts = {"event_id": records - refused, "sku": 500} | filled
    return Batch(
        f"b{day}-{records}-{refused}",
        "file",
        "native",
        "events",
        f"native/events/{day}.ndjson",
        1,
        LANDED_AT,
        LANDED_AT,
        LANDED_AT,
        "f",
        records=records,
        accepted=records - refused,
        quarantined=refused,
        day=FIRST + dt.timedelta(days=day),
        read=records - refused,
        filled=json.dumps(counts),
    )


def found(*batches: Batch) -> list[Drift]:
    return drifts(batches, {source.name: source for source in load_sources(None)})


def jumps(*batches: Batch) -> list[tuple[int, str | None]]:
    """(day number, column) of each drift found in *batches*, oldest first; column None means refused records."""
    return sorted(((drift.day - FIRST).days, drift.column) for drift in found(*batches))


def test_a_vanished_column_and_more_refused_records_are_drift(home: Home) -> None:
    for number in range(6):
        late = number >= 3
        name, content = day_file(number, bad=32 if late else 4, utm_source=None if late else "mail", slot=1)
        land(home, name, content)
    report = take_in(home)
    assert [line for line in report.warnings if "optional" not in line] == [
        "landing/native/events/2026-05-04.ndjson: native events of 2026-05-04: 8.0% of the records are quarantined "
        "(32 of 400), in the 14 days before 1.0% (12 of 1,200); raw.quarantine has the reasons",
        "landing/native/events/2026-05-04.ndjson: native events of 2026-05-04: none of 368 records has a value any "
        "more in utm_source (before: 100.0%); if the column was renamed, add the new name to the source's source.yaml",
    ]
    told = [finding.message for finding in diagnose(home) if finding.topic == "drift"]
    assert told == report.warnings[:2]
    land(home, *day_file(6, bad=32, utm_source=None))
    assert take_in(home).warnings == []
    assert [finding.message for finding in diagnose(home) if finding.topic == "drift"] == told


def test_files_that_land_day_by_day_tell_the_same(home: Home) -> None:
    warnings = []
    for number in range(5):
        land(home, *day_file(number, bad=40 if number >= 3 else 2))
        warnings.append(len([line for line in take_in(home).warnings if "quarantined" in line]))
    assert warnings == [0, 0, 0, 1, 0]


def test_orders_have_their_own_days_in_whatever_order_they_land(home: Home) -> None:
    for number in (4, 2, 0, 3, 1):
        day = FIRST + dt.timedelta(days=number)
        times = dict.fromkeys(("ordered_at", "paid_at", "updated_at"), f"{day} 12:00:00")
        orders = [order(f"{number}-{n}", **times) for n in range(100)]
        for record in orders if number == 3 else []:
            del record["user_id"]
        land(home, f"native/orders/{number}.ndjson", ndjson(orders))
    (warning,) = [line for line in take_in(home).warnings if "any more" in line]
    assert warning.startswith("landing/native/orders/3.ndjson: native orders of 2026-05-04: none of 100 records has")
    assert "user_id (before: 100.0%)" in warning


def test_a_share_that_stays_is_one_drift_and_its_return_another():
    calm = [batch(day, refused=10) for day in range(4)]
    high = [batch(day, refused=80) for day in range(4, 9)]
    assert jumps(*calm, *high) == [(4, None)]
    later = [batch(day, refused=0) for day in range(9, 30)]
    assert jumps(*calm, *high, *later, batch(30, refused=90)) == [(4, None), (30, None)]


@pytest.mark.parametrize(
    ("before", "now", "is_told"),
    [
        ({"refused": 0}, {"refused": 19}, False),  # no drift: under 2 % of the records
        ({"refused": 0}, {"refused": 21}, True),
        ({"refused": 10}, {"refused": 29}, False),  # no drift: less than three times as many
        ({"refused": 10}, {"refused": 31}, True),
        # No drift: so few records may be chance.
        ({"refused": 0, "records": 100}, {"refused": 9, "records": 100}, False),
        ({"refused": 300}, {"refused": 760}, False),
        ({"refused": 300}, {"refused": 770}, True),  # drift: the share of accepted records fell to under a third
        ({"sku": 950}, {"sku": 860}, False),  # no drift: less than 10 % of the values went missing
        ({"sku": 950}, {"sku": 840}, True),
        ({"sku": 400}, {"sku": 140}, False),
        ({"sku": 400}, {"sku": 130}, True),
        ({"sku": 400}, {"sku": 0}, True),
        ({"sku": 9}, {"sku": 0}, False),  # no drift: nine values may be missing by chance
        ({"sku": 12}, {"sku": 0}, True),
        ({"sku": 500}, {"sku": 900}, False),  # no drift: more values are not a fault
    ],
)
def test_what_is_far_off(before: dict[str, int], now: dict[str, int], is_told: bool):
    past = [batch(day, **before) for day in range(5)]
    assert bool(jumps(*past, batch(5, **now))) is is_told


def test_only_the_fourteen_days_before_count():
    assert jumps(batch(0), batch(14, refused=900)) == [(14, None)]
    assert jumps(batch(0), batch(15, refused=900)) == []


def test_the_file_named_is_the_worst_of_the_day():
    log = [batch(day) for day in range(4)]
    fine, bad = batch(4, records=2000), batch(4, records=1000, refused=500)
    (drift,) = [drift for drift in found(*log, fine, bad) if drift.column is None]
    assert (drift.now.count, drift.now.of, drift.file) == (500, 3000, bad.file)


def test_columns_that_vanish_together_are_one_line():
    log = [batch(day, module=900, slot=900) for day in range(4)]
    lines = describe_drifts(found(*log, batch(4, module=0, slot=0)))
    assert len(lines) == 1
    assert "module (before: 90.0%), slot (before: 90.0%)" in lines[0]


def test_a_file_whose_records_are_all_refused_has_its_names_day():
    refused = batch(0, refused=1000)
    for name, day in (
        ("native/events/2026-05-09.ndjson", dt.date(2026, 5, 9)),
        ("native/events/20260509-13.ndjson", dt.date(2026, 5, 9)),
        ("native/events/2026-02-31.ndjson", LANDED_AT.date()),
        ("native/events/log.ndjson", LANDED_AT.date()),
    ):
        nameless = Batch(**{**vars(refused), "day": None, "file": name})
        assert day_of(nameless) == day


def test_batches_of_an_earlier_version_are_left_out(home: Home) -> None:
    old = Batch(**{**vars(batch(0)), "filled": "", "read": 0})
    assert found(old, batch(1, refused=500)) == []
    assert RawLake.load(home).batches == ()
