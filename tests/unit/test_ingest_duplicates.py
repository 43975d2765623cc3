"""Duplicates: an event counts once, whichever copy lands first; of other records, each version is kept once."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

import pytest

from pipelines.home.folder import Home
from pipelines.ingest import RawLake
from tests.ingest_support import Row, counts, event, land, live_events, new_home, order, raw, refused, take_in

EARLY, LATE = "2026-05-01T10:00:05+08:00", "2026-05-03T10:00:05+08:00"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


def copies() -> list[Row]:
    """Five copies of one event, of which one of the first two must be kept.

    Ingestion keeps the copy with the earliest received_at; a missing received_at counts as the latest. The first two
    have the same received_at, so of these it keeps the one whose record has the smaller hash.
    """
    same_time = [event("e", sku=sku, received_time=EARLY, sent_time=None) for sku in ("s1", "s2")]
    later = [event("e", sku="s3", received_time=LATE, sent_time=None), event("e", received_time=None, sent_time=None)]
    return [*same_time, *later, event("e", sku="s4", received_time=None, sent_time=None)]


def content(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("batch_id", "record_no")}


def test_any_order_and_split_into_files_leaves_the_same_event(tmp_path: Path) -> None:
    winners = []
    orders = list(itertools.permutations(copies()))[::7]
    for number, records in enumerate(orders):
        home = new_home(tmp_path / str(number))
        cut = number % 5
        land(home, "native/events/a.ndjson", list(records[:cut]))
        land(home, "native/events/b.ndjson", list(records[cut : cut + 1]))
        take_in(home)
        land(home, "native/events/c.ndjson", list(records[cut + 1 :]))
        take_in(home)
        (winner,) = live_events(home)
        winners.append(content(winner))
        batches = RawLake.load(home).batches
        assert sum(batch.accepted for batch in batches) == 1
        assert sum(batch.duplicates for batch in batches) == 4
    assert all(winner == winners[0] for winner in winners)
    assert winners[0]["sku"] in ("s1", "s2")


@pytest.mark.parametrize("best_first", [True, False])
def test_a_copy_of_another_day_supersedes_or_is_superseded(home: Home, best_first: bool) -> None:
    early = event("e", device_time="2026-05-01T10:00:00+08:00", received_time=EARLY, sent_time=None)
    late = event("e", device_time="2026-05-02T10:00:00+08:00", received_time=LATE, sent_time=None)
    first, second = (early, late) if best_first else (late, early)
    land(home, "native/events/1.ndjson", [first, event("other")])
    take_in(home)
    land(home, "native/events/2.ndjson", [second, event("another")])
    report = take_in(home)
    assert {row["event_id"]: row["dt"].day for row in live_events(home)} == {"e": 1, "other": 1, "another": 1}
    old, new = RawLake.load(home).batches
    if best_first:
        assert (counts(old), counts(new)) == ((2, 2, 0, 0), (2, 1, 1, 0))
        assert raw(home, "raw.superseded_events") == []
    else:
        assert (counts(old), counts(new)) == ((2, 1, 1, 0), (2, 2, 0, 0))
        superseded = {"event_id": "e", "batch_id": old.batch_id, "superseded_by": new.batch_id}
        assert raw(home, "raw.superseded_events") == [superseded | {"dt": dt.date(2026, 5, 2)}]
        assert report.touched["raw.superseded_events"] == {dt.date(2026, 5, 2)}
    assert report.touched["raw.events"] == {dt.date(2026, 5, 1)}


def test_an_event_that_is_superseded_twice_is_still_one(home: Home) -> None:
    for number, day in enumerate((3, 2, 1)):
        received = f"2026-05-0{day}T12:00:00+08:00"
        land(
            home,
            f"native/events/{number}.ndjson",
            [event("e", sku=f"day {day}", received_time=received, sent_time=None)],
        )
        take_in(home)
    assert [row["sku"] for row in live_events(home)] == ["day 1"]
    assert [counts(batch) for batch in RawLake.load(home).batches] == [(1, 0, 1, 0), (1, 0, 1, 0), (1, 1, 0, 0)]


def test_a_refused_copy_takes_no_part(home: Home) -> None:
    land(home, "native/events/1.ndjson", [event("e", slot="x", received_time=EARLY), event("e", received_time=LATE)])
    take_in(home)
    assert len(live_events(home)) == 1
    assert refused(home) == [(1, "bad slot")]


def test_versions_of_an_order_are_kept_and_equal_ones_are_not(home: Home) -> None:
    unpaid = order("o1", status="unpaid", paid_at=None, updated_at="2026-05-01 10:00:00")
    paid = order("o1")
    respelt = paid | {"ordered_at": "2026-05-01T02:00:00Z", "currency": "cny"}
    land(home, "native/orders/1.ndjson", [unpaid, paid, respelt])
    land(home, "native/orders/2.ndjson", [paid])
    take_in(home)
    land(home, "native/orders/3.ndjson", [unpaid, order("o2")])
    take_in(home)
    assert [(row["order_id"], row["status"]) for row in raw(home, "raw.orders", "order_id, status")] == [
        ("o1", "paid"),
        ("o1", "unpaid"),
        ("o2", "paid"),
    ]
    expected = [(3, 2, 1, 0), (1, 0, 1, 0), (2, 1, 1, 0)]
    assert [counts(batch) for batch in RawLake.load(home).batches] == expected


def test_a_refund_without_an_id_is_known_by_its_content(home: Home) -> None:
    refund = {"order_id": "o1", "line_no": 1, "refunded_at": "2026-05-02 09:00:00", "amount": "10.5"}
    land(home, "native/refunds/1.ndjson", [refund, refund | {"amount": 10.50}, refund | {"amount": 3}])
    take_in(home)
    ids = [row["refund_id"] for row in raw(home, "raw.refunds")]
    assert len(set(ids)) == len(ids) == 2
    assert all(len(refund_id) == 32 for refund_id in ids)
