"""The same file under two names, and another file under the same name."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from pipelines.commands.diagnosis import diagnose
from pipelines.compute.run import Request, run_home
from pipelines.home.folder import Home
from pipelines.ingest import RawLake
from tests.ingest_support import LANDED_AT, counts, event, land, ndjson, new_home, order, raw, set_timezone, take_in

BROKEN = ndjson([event("a"), event("b"), event("c", device_time="soon")]) + b"not json\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


def by_file(home: Home) -> dict[str, tuple[int, int, int, int]]:
    return {batch.file: counts(batch) for batch in RawLake.load(home).batches if batch.kind == "file"}


@pytest.mark.parametrize("at_once", [True, False])
def test_broken_lines_of_a_copy_are_duplicates(home: Home, at_once: bool) -> None:
    for name in ("a", "b", "c"):
        land(home, f"native/events/{name}.ndjson", BROKEN)
        if not at_once:
            take_in(home)
    take_in(home)
    assert by_file(home) == {
        "native/events/a.ndjson": (4, 2, 0, 2),
        "native/events/b.ndjson": (4, 0, 4, 0),
        "native/events/c.ndjson": (4, 0, 4, 0),
    }
    assert {row["file"] for row in raw(home, "raw.quarantine")} == {"native/events/a.ndjson"}
    assert len(raw(home, "raw.quarantine")) == 2


def test_a_copy_stays_one_when_it_is_read_again(home: Home) -> None:
    land(home, "native/events/b.ndjson", BROKEN)
    take_in(home)
    land(home, "native/events/a.ndjson", BROKEN)
    take_in(home)
    set_timezone(home, "UTC")
    take_in(home)
    assert sorted(by_file(home).values()) == [(4, 0, 4, 0), (4, 2, 0, 2)]
    assert len(raw(home, "raw.quarantine")) == 2


def test_files_of_one_size_and_equal_broken_lines_are_no_copies(home: Home) -> None:
    for name in ("a", "b"):
        land(home, f"native/events/{name}.ndjson", ndjson([event(name)]) + b"{}\n")
    for name in ("o1", "o2"):
        land(home, f"native/orders/{name}.ndjson", ndjson([order(name)]) + b"{}\n")
    take_in(home)
    assert by_file(home)["native/events/a.ndjson"] == by_file(home)["native/events/b.ndjson"] == (2, 1, 0, 1)
    assert by_file(home)["native/orders/o1.ndjson"] == by_file(home)["native/orders/o2.ndjson"] == (2, 1, 0, 1)


def test_a_file_with_new_content_is_told_and_its_records_stay(home: Home) -> None:
    land(home, "native/orders/all.ndjson", ndjson([order("o1"), order("o2")]))
    assert not [line for line in take_in(home).warnings if "other content" in line]
    land(home, "native/orders/all.ndjson", ndjson([order("o2"), order("o33")]), LANDED_AT + dt.timedelta(hours=1))
    (told,) = [line for line in take_in(home).warnings if "other content" in line]
    assert told.startswith("landing/native/orders/all.ndjson: has other content (")
    assert "the 2 earlier records are kept" in told
    assert [row["order_id"] for row in raw(home, "raw.orders")] == ["o1", "o2", "o33"]
    assert told in [finding.message for finding in diagnose(home) if finding.topic == "landing"]
    land(home, "native/orders/more.ndjson", ndjson([order("o4")]))
    assert not [line for line in take_in(home).warnings if "other content" in line]


def test_other_content_of_equal_size_and_time_is_found_if_read(home: Home) -> None:
    path = land(home, "native/orders/all.ndjson", ndjson([order("o1")]))
    take_in(home)
    times = path.stat()
    path.write_bytes(path.read_bytes().replace(b"o1", b"o9"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert not [f for f in diagnose(home) if f.topic == "landing" and f.level != "ok"]
    (finding,) = [f for f in diagnose(home, deep=True) if f.topic == "landing" and f.level != "ok"]
    assert finding.message.startswith("landing/native/orders/all.ndjson: has other content than was ingested at ")
    summary = run_home(home, Request(tables=frozenset(), verify=True))
    assert summary.ingested.warnings == [finding.message]
