"""Finding refused records in their file by number, and stored event ids by their hashes."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipelines.home.folder import Home
from pipelines.home.settings import Settings, load_settings
from pipelines.ingest import RawLake
from pipelines.ingest.batches import write_manifest
from pipelines.ingest.files.discover import LandedFile
from pipelines.ingest.files.lookup import Lookup
from pipelines.ingest.records.duplicates import ID_HASHES, hash_version
from pipelines.ingest.session import Session, ingest_session
from tests.ingest_support import counts, event, land, live_events, new_home, raw, refused, take_in


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


def landed(path: Path) -> LandedFile:
    return LandedFile("native", "events", path, "native/events/a.ndjson", "ndjson", "", path.stat().st_size, 0)


def found(
    home: Home, lines: list[bytes], wanted: set[int], records: int, end: bytes = b"\n"
) -> list[tuple[int, bytes]]:
    path = land(home, "native/events/a.ndjson", b"\n".join(lines) + end)
    with ingest_session(home, Settings()) as session:
        records_found = list(Lookup().records(session, landed(path), wanted, records))
    return [(record.line, record.content) for record in records_found]


@pytest.mark.parametrize("end", [b"\n", b""])
def test_records_are_found_in_any_block_of_a_large_file(home: Home, end: bytes) -> None:
    # The lines have different lengths and over a megabyte in all, so that some blocks that are read begin within a
    # line.
    lines = [b'{"n": %d}' % number + b" " * (number * 7 % 990) for number in range(1, 3001)]
    wanted = {1, 2, 3, 517, 518, 1500, 2222, 2999, 3000}
    expected = [(number, lines[number - 1]) for number in sorted(wanted)]
    assert found(home, lines, wanted, len(lines), end) == expected


def test_a_block_that_ends_with_a_line_break_hides_no_line(home: Home) -> None:
    # A line has 64 bytes with its line break, so every block of the file that is read at once begins with a line.
    lines = [b'{"n": %5d}' % number + b" " * 51 for number in range(1, 10_001)]
    wanted = {4096, 4097, 8192, 8193}
    assert found(home, lines, wanted, 10_000) == [(number, lines[number - 1]) for number in sorted(wanted)]


def test_blank_lines_shift_lines_but_not_records(home: Home) -> None:
    lines = [b'{"n": 1}', b"", b'{"n": 2}', b" \t", b'{"n": 3}']
    assert found(home, lines, {2, 3}, 3) == [(3, b'{"n": 2}'), (5, b'{"n": 3}')]


def test_a_refused_row_of_parquet_is_kept_by_its_number(home: Home) -> None:
    path = home.landing / "native" / "events" / "a.parquet"
    path.parent.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT CAST(range AS VARCHAR) AS event_id, 'd' AS device_id, "
            "CASE WHEN range <> 7001 THEN 'click' END AS event_type, 1 AS page_id, 'home' AS page_type, "
            "'2026-05-01T02:00:00Z' AS device_time FROM range(9000)) "
            f"TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)"
        )
    os.utime(path, (1_780_000_000, 1_780_000_000))
    take_in(home)
    (row,) = raw(home, "raw.quarantine")
    assert (row["record_no"], row["line_no"], row["reasons"]) == (7002, None, "missing event_type")
    assert '"event_id":"7001"' in row["raw"]
    assert {row["record_no"] - int(row["event_id"]) for row in raw(home, "raw.events")} == {1}


def hash_files(home: Home) -> list[Path]:
    return [RawLake.load(home).root / output.path for output in RawLake.load(home).outputs(ID_HASHES)]


def test_an_id_is_found_by_its_hash_weeks_later(home: Home) -> None:
    for day in range(1, 16):
        when = dt.datetime(2026, 5, day, 4).isoformat() + "Z"
        records = [event(f"{day}-{n}", device_time=when, sent_time=None, received_time=when) for n in range(20)]
        land(home, f"native/events/{day:02}.ndjson", records)
    take_in(home)
    assert len(hash_files(home)) == 15
    late = {"device_time": "2026-05-15T04:00:00Z", "sent_time": None, "received_time": "2026-05-15T04:00:00Z"}
    land(home, "native/events/late.ndjson", [event("1-3", **late), event("new", **late)])
    take_in(home)
    assert counts(RawLake.load(home).batches[-1]) == (2, 1, 1, 0)
    assert len(live_events(home)) == 15 * 20 + 1


@pytest.mark.parametrize("left", ["of another version", "missing"])
def test_without_hashes_that_can_be_trusted_the_events_are_read(home: Home, left: str) -> None:
    land(home, "native/events/1.ndjson", [event("a"), event("b")])
    take_in(home)
    lake = RawLake.load(home)
    (batch,) = lake.batches
    outputs = [o for o in batch.outputs if o.target != ID_HASHES or left != "missing"]
    if left != "missing":
        # The file gets hashes of other ids, which must not be used: another version of the hash function made the file.
        with duckdb.connect() as connection:
            connection.execute(
                f"COPY (SELECT CAST(range AS UBIGINT) AS id_hash FROM range(2)) TO '{hash_files(home)[0]}' "
                "(FORMAT parquet)"
            )
        outputs = [replace(o, version="x-0") if o.target == ID_HASHES else o for o in outputs]
    write_manifest(lake.changed(batch.batch_id, outputs=tuple(outputs)))
    land(home, "native/events/2.ndjson", [event("b"), event("c")])
    take_in(home)
    assert counts(RawLake.load(home).batches[-1]) == (2, 1, 1, 0)


def test_the_version_of_hashes_says_how_they_were_made(home: Home) -> None:
    land(home, "native/events/1.ndjson", [event("a")])
    take_in(home)
    (output,) = RawLake.load(home).outputs(ID_HASHES)
    with ingest_session(home, load_settings(home)) as session:
        assert isinstance(session, Session)
        assert output.version.endswith(hash_version(session))
        assert session.rows(f"SELECT id_hash FROM '{hash_files(home)[0]}'") == session.rows("SELECT hash('a')")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-05-01T10:00:00+08:00", None),
        ("2026-05-01T10:00:00+0800", None),
        ("2026-05-01T10:00:00+08 ", None),
        ("2026-05-01T02:00Z", None),
        ("2026-05-01T02:00:00", "bad device_time"),
        ("2026-05-01", "bad device_time"),
        ("2026-05-01 02-03:00x", "bad device_time"),
        ("2026-13-01T10:00:00+08:00", "bad device_time"),
        ("2026-05-01T10:00:00+a8:00", "bad device_time"),
        ("infinity+08:00", "bad device_time"),
        ("infinity", "bad device_time"),
    ],
)
def test_an_instant_of_an_event_says_its_offset(home: Home, text: str, reason: str | None) -> None:
    land(home, "native/events/a.ndjson", [event("e", device_time=text)])
    take_in(home)
    if reason:
        assert refused(home) == [(1, reason)]
    else:
        assert [row["device_time"] for row in raw(home, "raw.events")] == [dt.datetime(2026, 5, 1, 2)]
