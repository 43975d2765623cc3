"""Ingesting files again after changed settings or mappings, missing landing files, or crashes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipelines.home.folder import Home
from pipelines.home.settings import load_settings
from pipelines.ingest import RawLake, ingest, pending, run
from tests.ingest_support import event, land, live_events, new_home, order, raw, set_timezone, take_in


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


def test_another_time_zone_moves_every_event_to_its_day_there(home: Home) -> None:
    for number in range(3):
        land(home, f"native/events/{number}.ndjson", [event("shared"), event(f"e{number}")])
    land(home, "native/orders/o.ndjson", [order("o1")])
    take_in(home)
    before = RawLake.load(home)
    set_timezone(home, "America/Los_Angeles")
    report = take_in(home)
    assert [row["dt"] for row in live_events(home)] == [dt.date(2026, 4, 30)] * 4
    assert raw(home, "raw.orders")[0]["ordered_at"] == dt.datetime(2026, 5, 1, 17)
    assert report.touched["raw.events"] == {dt.date(2026, 4, 30), dt.date(2026, 5, 1)}
    assert (report.files, report.records, report.accepted, report.duplicates) == (4, 7, 5, 2)
    after = RawLake.load(home)
    assert {batch.batch_id for batch in after.batches} == {batch.batch_id for batch in before.batches}
    assert not before.paths() & after.paths()
    assert take_in(home).batches == []


def test_files_that_nothing_lists_go_at_the_next_ingestion(home: Home) -> None:
    land(home, "native/events/a.ndjson", [event("a")])
    take_in(home)
    old = RawLake.load(home).files("raw.events")
    set_timezone(home, "UTC")
    take_in(home)
    assert all(path.exists() for path in old)
    land(home, "native/events/b.ndjson", [event("b")])
    take_in(home)
    assert not any(path.exists() for path in old)
    assert len(live_events(home)) == 2


def test_without_its_landing_file_rows_stay_and_it_is_named(home: Home) -> None:
    land(home, "native/events/a.ndjson", [event("a")])
    gone = land(home, "native/events/b.ndjson", [event("b")])
    land(home, "native/orders/o.ndjson", [order("o1")])
    take_in(home)
    gone.unlink()
    set_timezone(home, "America/Los_Angeles")
    report = take_in(home)
    (error,) = report.errors
    assert "landing/native/events/b.ndjson cannot be read again" in error
    assert [row["dt"] for row in live_events(home)] == [dt.date(2026, 5, 1)] * 2
    assert raw(home, "raw.orders")[0]["ordered_at"] == dt.datetime(2026, 5, 1, 17)


def test_a_landing_file_that_is_cleaned_up_is_not_missed(home: Home) -> None:
    path = land(home, "native/events/a.ndjson", [event("a")])
    take_in(home)
    path.unlink()
    report = take_in(home)
    assert (report.batches, report.errors, report.warnings) == ([], [], [])
    assert len(live_events(home)) == 1


class CrashError(Exception):
    """Raised by a test in place of a kill -9 of the process."""


@pytest.mark.parametrize("again", [False, True])
def test_a_crash_before_the_manifest_shows_nothing_and_heals(
    home: Home, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    land(home, "native/events/a.ndjson", [event("a")])
    if again:
        take_in(home)
        set_timezone(home, "America/Los_Angeles")
    before, rows = RawLake.load(home), live_events(home)

    def crash(_: RawLake) -> None:
        raise CrashError

    with monkeypatch.context() as patch:
        patch.setattr(run, "write_manifest", crash)
        with pytest.raises(CrashError):
            ingest(home, load_settings(home), settle_seconds=0)
    assert len(list((home.lake / "raw/events").rglob("*.parquet"))) == len(rows) + 1
    assert RawLake.load(home) == before
    assert live_events(home) == rows
    take_in(home)
    assert [row["event_id"] for row in live_events(home)] == ["a"]
    assert pending(home) == []


def test_versions_change_with_the_days_that_change_alone(home: Home) -> None:
    land(
        home,
        "native/events/a.ndjson",
        [event("a"), event("b", device_time="2026-05-02T10:00:00+08:00", sent_time=None)],
    )
    take_in(home)
    before = RawLake.load(home)
    land(home, "native/events/b.ndjson", [event("c")])
    take_in(home)
    after = RawLake.load(home)
    first, second = dt.date(2026, 5, 1), dt.date(2026, 5, 2)
    assert before.versions("raw.events")[first] != after.versions("raw.events")[first]
    assert before.versions("raw.events")[second] == after.versions("raw.events")[second]
    assert [path.parent.name for path in after.files("raw.events", [second])] == ["dt=2026-05-02"]
    assert len(after.files("raw.events")) == 3
    assert before.versions("raw.orders") == {}
    assert set(before.versions("raw.batches")) == {None}
