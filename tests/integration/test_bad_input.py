"""Broken files: each record is accepted, counted as a duplicate, or quarantined with reasons; none is lost."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import time
from pathlib import Path

import duckdb
import pytest

from pipelines.commands.diagnosis import diagnose
from pipelines.home.folder import Home
from pipelines.home.settings import load_settings
from pipelines.ingest import RawLake, ingest
from tests.ingest_support import (
    LANDED_AT,
    counts,
    event,
    land,
    ndjson,
    new_home,
    only_batch,
    order,
    raw,
    refused,
    take_in,
)

EVENTS = "native/events/log.ndjson"
BOM = b"\xef\xbb\xbf"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


def line(event_id: str, **fields: object) -> bytes:
    return ndjson([event(event_id, **fields)])


def accepted_ids(home: Home) -> list[str]:
    return [row["event_id"] for row in raw(home, "raw.events", "record_no")]


# JSON ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b'{"event_id": "x", "device_id"\n', "invalid json"),
        (b"garbage\n", "invalid json"),
        (b"[1, 2]\n", "not a JSON object"),
        (b"null\n", "not a JSON object"),
        (b'"text"\n', "not a JSON object"),
        (line("x").strip() + line("y"), "invalid json"),
        (line("x").replace(b'"d1"', b'"d\xff1"'), "invalid UTF-8"),
        (line("x").replace(b'"d1"', b'"d\x001"'), "invalid json"),
        (b"\x00\x00\x00\n", "invalid json"),
        (line("x").replace(b'"d1"', b'"\\ud800"'), "invalid json"),
        (b"{}\n", "missing event_id; missing device_id; missing event_type; missing device_time"),
    ],
)
def test_a_line_that_is_no_record_is_quarantined_whole(home: Home, broken: bytes, reason: str) -> None:
    land(home, EVENTS, line("a") + b"\n  \n" + broken + line("b"))
    report = take_in(home)
    assert counts(only_batch(home)) == (3, 2, 0, 1)
    assert (report.errors, report.warnings) == ([], [])
    assert accepted_ids(home) == ["a", "b"]
    (row,) = raw(home, "raw.quarantine")
    assert (row["file"], row["line_no"], row["record_no"], row["reasons"]) == (EVENTS, 4, 2, reason)
    assert row["raw"] == broken.removesuffix(b"\n").decode(errors="backslashreplace")
    assert [event["record_no"] for event in raw(home, "raw.events", "record_no")] == [1, 3]


def test_all_reasons_of_a_record_are_listed(home: Home) -> None:
    bad = event("x", device_id=None, page_id="12.5", slot="one", device_time="yesterday", received_time="soon")
    land(home, EVENTS, ndjson([event("a"), bad]))
    take_in(home)
    assert refused(home) == [(2, "missing device_id; bad page_id; bad slot; bad device_time; bad received_time")]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"page_id": None}, "missing page_id"),
        ({"page_type": ""}, "missing page_type"),
        ({"page_id": 2**63}, "bad page_id"),
        ({"page_id": "1e3"}, "bad page_id"),
        ({"page_id": {"id": 1}}, "bad page_id"),
        ({"slot": 2**31}, "bad slot"),
        ({"device_time": "2026-05-01T10:00:00"}, "bad device_time"),
        ({"device_time": "2026-02-30T10:00:00Z"}, "bad device_time"),
        ({"device_time": "infinity"}, "bad device_time"),
        ({"device_time": 10**18}, "bad device_time"),
        ({"device_time": True}, "bad device_time"),
    ],
)
def test_a_wrong_value_is_named(home: Home, fields: dict[str, object], reason: str) -> None:
    record = event("x", **fields) | {name: value for name, value in fields.items() if value is not None}
    land(home, EVENTS, ndjson([event("a"), record]))
    take_in(home)
    assert refused(home) == [(2, reason)]
    assert accepted_ids(home) == ["a"]


@pytest.mark.parametrize(
    "fields",
    [
        {"page_id": "12"},
        {"page_id": " 12.0 "},
        {"page_id": -1},
        {"slot": 3.0},
        {"device_time": 1777600800000},
        {"device_time": "1777600800000"},
        {"device_time": "2026-05-01 02:00:00Z"},
        {"device_time": "2026-05-01T10:00:00.123456789+0800"},
        {"sku": 12},
        {"sku": 1e14},
        {"utm_source": {"nested": [1, 2]}},
        {"slot": 0},
        {"device_time": 4102444799999, "sent_time": 4102444800000 - 1, "received_time": "2026-05-01T10:00:00Z"},
        {"event_type": "search", "page_id": None, "page_type": None},
    ],
)
def test_numbers_as_text_and_other_spellings_are_fine(home: Home, fields: dict[str, object]) -> None:
    land(home, EVENTS, ndjson([event("a", **fields)]))
    take_in(home)
    assert counts(only_batch(home)) == (1, 1, 0, 0)


def test_1970_and_9999_are_refused_unless_a_clock_is_corrected(home: Home) -> None:
    records = [
        event("dead clock", device_time=0, sent_time=5_000, received_time="2026-05-01T10:00:05+08:00"),
        event("1970", device_time="1970-01-01T00:00:00Z", sent_time=None, received_time=None),
        event("9999", device_time="9999-12-31T23:59:59Z", sent_time=None, received_time=None),
        event("all 9999", **dict.fromkeys(("device_time", "sent_time", "received_time"), "9999-01-01T00:00:00Z")),
        event("tomorrow", device_time="2026-05-02T11:00:00+08:00", sent_time=None),
        event("after landing", device_time="2026-06-02T12:00:01Z", sent_time=None, received_time=None),
        event("landing + 1 day", device_time="2026-06-02T12:00:00Z", sent_time=None, received_time=None),
    ]
    land(home, EVENTS, ndjson(records))
    take_in(home)
    assert accepted_ids(home) == ["dead clock", "landing + 1 day"]
    assert refused(home) == [(number, "time out of range") for number in range(2, 7)]
    assert raw(home, "raw.events", "record_no")[0]["occurred_at"] == dt.datetime(2026, 5, 1, 2)


def test_a_byte_order_mark_is_no_fault(home: Home) -> None:
    land(home, EVENTS, BOM + line("a") + b"oops\n" + line("b"))
    take_in(home)
    assert accepted_ids(home) == ["a", "b"]
    assert refused(home) == [(2, "invalid json")]


def test_a_line_of_100_mb_is_cut_out_and_named(home: Home) -> None:
    long = b'{"event_id": "x", "sku": "' + b"y" * 100_000_000 + b'"}\n'
    land(home, EVENTS, line("a") + long + b"oops\n" + line("b"))
    take_in(home)
    assert counts(only_batch(home)) == (4, 2, 0, 2)
    assert accepted_ids(home) == ["a", "b"]
    assert refused(home) == [(2, "line longer than 16 MB"), (3, "invalid json")]
    assert raw(home, "raw.quarantine", "record_no")[0]["raw"] == long[:1000].decode()


def test_line_ends_of_windows_and_a_missing_last_one_are_fine(home: Home) -> None:
    land(home, EVENTS, (line("a") + b"\n" + line("b")).replace(b"\n", b"\r\n").removesuffix(b"\r\n"))
    take_in(home)
    assert counts(only_batch(home)) == (2, 2, 0, 0)


@pytest.mark.parametrize("content", [b"", b"\n \n\r\n"])
@pytest.mark.parametrize("file", ["native/events/a.ndjson", "native/orders/a.csv"])
def test_an_empty_file_is_a_batch_without_records(home: Home, file: str, content: bytes) -> None:
    land(home, file, content)
    report = take_in(home)
    assert (report.errors, report.warnings) == ([], [])
    assert counts(only_batch(home)) == (0, 0, 0, 0)
    assert take_in(home).batches == []


def test_utf_16_is_refused_record_by_record(home: Home) -> None:
    land(home, EVENTS, line("a").decode().encode("utf-16"))
    take_in(home)
    batch = only_batch(home)
    assert batch.accepted == 0
    assert batch.quarantined == batch.records > 0


@pytest.mark.real
def test_in_many_large_files_every_record_keeps_its_number(home: Home) -> None:
    for name in ("a", "b", "c"):
        lines = [line(f"{name}{number}") if number % 9000 else b"oops\n" for number in range(1, 60_001)]
        land(home, f"native/events/{name}.ndjson", b"\n".join(lines))
    take_in(home)
    assert [counts(batch) for batch in RawLake.load(home).batches] == [(60_000, 59_994, 0, 6)] * 3
    assert [int(row["event_id"][1:]) == row["record_no"] for row in raw(home, "raw.events")] == [True] * 3 * 59_994
    assert {row["record_no"] for row in raw(home, "raw.quarantine")} == {9000 * n for n in range(1, 7)}
    assert {row["line_no"] for row in raw(home, "raw.quarantine")} == {2 * 9000 * n - 1 for n in range(1, 7)}


# Compression -----------------------------------------------------------------------------------------------


def many(count: int) -> bytes:
    return b"".join(line(f"e{number}", sku=os.urandom(30).hex()) for number in range(count))


def test_a_truncated_gzip_loses_only_its_broken_line(home: Home) -> None:
    content = gzip.compress(many(1000))
    path = land(home, f"{EVENTS}.gz", content[: len(content) // 2])
    report = take_in(home)
    batch = only_batch(home)
    assert (batch.duplicates, batch.quarantined) == (0, 1)
    assert 300 < batch.accepted < 600
    assert refused(home) == [(batch.records, "the file breaks off here")]
    assert len(report.warnings) == 1
    assert report.warnings[0].startswith(f"landing/native/events/{path.name}: breaks off or is damaged")
    assert batch.warnings == tuple(report.warnings)


def test_a_gzip_that_contradicts_its_checksum_is_called_damaged(home: Home) -> None:
    content = bytearray(
        gzip.compress(b"sku,name,list_price\nsku1,a,100\n", 0, mtime=0)
    )  # level 0 stores the bytes uncompressed, so that one can be replaced
    content[content.index(b"100\n")] = ord("9")
    land(home, "native/products/p.csv.gz", bytes(content))
    (warning,) = [line for line in take_in(home).warnings if "p.csv.gz" in line]
    assert "damaged" in warning


@pytest.mark.parametrize("first", [0, 7])
def test_a_parquet_column_named_as_the_readers_changes_nothing(home: Home, first: int) -> None:
    for number, price in enumerate(("1", "bad")):
        query = f"SELECT 's{number}' AS sku, '{price}' AS list_price, {first} AS file_index"
        parquet(home, f"native/products/{number}.parquet", query)
    assert not take_in(home).errors
    assert [row["sku"] for row in raw(home, "raw.products")] == ["s0"]
    assert [(row["file"], row["record_no"]) for row in raw(home, "raw.quarantine")] == [
        ("native/products/1.parquet", 1)
    ]


def test_a_parquet_column_that_hides_its_row_count_is_refused(home: Home) -> None:
    parquet(home, "native/products/p.parquet", "SELECT 's' AS sku, 5 AS file_row_number")
    (error,) = take_in(home).errors
    assert "p.parquet: a column has the reserved name file_row_number" in error


def test_a_gzip_that_is_complete_later_adds_the_rest(home: Home) -> None:
    content = gzip.compress(many(1000))
    land(home, f"{EVENTS}.gz", content[: len(content) // 2])
    take_in(home)
    before = only_batch(home)
    land(home, f"{EVENTS}.gz", content)
    take_in(home)
    after = RawLake.load(home).batches[-1]
    assert counts(after) == (1000, 1000 - before.accepted, before.accepted, 0)
    assert len(raw(home, "raw.events")) == 1000


@pytest.mark.parametrize("tail", [b"garbage", b"\0" * 512])
def test_what_follows_a_gzip_stream_is_told_or_padding(home: Home, tail: bytes) -> None:
    land(home, f"{EVENTS}.gz", gzip.compress(many(3)) + tail)
    take_in(home)
    assert only_batch(home).accepted == 3


def test_two_gzip_streams_in_one_file_are_both_read(home: Home) -> None:
    land(home, f"{EVENTS}.gz", gzip.compress(line("a")) + gzip.compress(line("b")))
    take_in(home)
    assert accepted_ids(home) == ["a", "b"]


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_file_not_compressed_as_its_name_says_is_refused(home: Home, suffix: str) -> None:
    land(home, f"{EVENTS}.{suffix}", many(3))
    land(home, "native/events/good.ndjson", line("a"))
    report = take_in(home)
    assert len(report.errors) == 1
    assert report.errors[0].startswith(f"landing/{EVENTS}.{suffix}: ")
    assert accepted_ids(home) == ["a"]


def zstd(content: bytes, folder: Path) -> bytes:
    """*content*, which must be NDJSON, compressed by DuckDB, because Python has no zstd before 3.14."""
    source, target = folder / "plain.ndjson", folder / "plain.ndjson.zst"
    source.write_bytes(content)
    query = (
        f"SELECT * FROM read_csv('{source}', header = false, columns = {{'x': 'VARCHAR'}}, delim = '\x01', quote = '')"
    )
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY ({query}) TO '{target}' (FORMAT csv, HEADER false, QUOTE '', DELIMITER '\x01', COMPRESSION zstd)"
        )
    return target.read_bytes()


def test_zstd_is_read_like_any_other(home: Home, tmp_path: Path) -> None:
    content = many(500) + b"oops\n" + line("b")
    land(home, f"{EVENTS}.zst", zstd(content, tmp_path))
    take_in(home)
    assert counts(only_batch(home)) == (502, 501, 0, 1)
    assert refused(home) == [(501, "invalid json")]
    assert raw(home, "raw.quarantine")[0]["raw"] == "oops"


def test_a_truncated_zstd_gives_what_can_be_read(home: Home, tmp_path: Path) -> None:
    content = zstd(many(20_000), tmp_path)
    land(home, f"{EVENTS}.zst", content[: len(content) // 2])
    report = take_in(home)
    batch = only_batch(home)
    assert 0 < batch.accepted < 20_000
    assert refused(home) == [(batch.records, "the file breaks off here")]
    (warning,) = report.warnings
    assert warning.startswith(f"landing/{EVENTS}.zst: breaks off or is damaged (")
    assert warning.endswith("its readable records are used")


# CSV -------------------------------------------------------------------------------------------------------

HEADER = b"order_id,user_id,status,ordered_at,paid_at,currency,updated_at\n"
ORDER = b"o%d,u1,paid,2026-05-01 10:00:00,2026-05-01 10:05:00,CNY,\n"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"o9,u1,paid,2026-05-01,,CNY,,extra\n", "8 fields instead of 7"),
        (b"o9,u1\n", "2 fields instead of 7"),
        (b'o9,"u"1,paid,2026-05-01,,CNY,\n', "invalid csv"),
        (b'o9,"u1,paid,2026-05-01,,CNY,\n', "a quote that is not closed"),
        (b"o9,u\xff,paid,2026-05-01,,CNY,\n", "invalid UTF-8"),
        (b"o9,u\x00,paid,2026-05-01,,CNY,\n", "NUL byte"),
        (b"o9,u1,lost,soon,,CNY,\n", "unknown status; bad ordered_at"),
        (b"o9,u1,paid,1970-01-01 00:00:00,,yuan,\n", "bad currency; time out of range"),
        (b"o9," + b"u" * 3_000_000 + b",paid,2026-05-01,,CNY,\n", "line longer than 2 MB"),
    ],
)
def test_a_broken_csv_row_is_quarantined_with_its_line(home: Home, broken: bytes, reason: str) -> None:
    land(home, "native/orders/a.csv", HEADER + ORDER % 1 + b"\n" + broken + ORDER % 2)
    report = take_in(home)
    assert report.errors == []
    assert counts(only_batch(home)) == (3, 2, 0, 1)
    (row,) = raw(home, "raw.quarantine")
    assert (row["line_no"], row["record_no"], row["reasons"]) == (4, 2, reason)
    assert row["raw"] == broken.removesuffix(b"\n")[: 1000 if len(broken) > 10_000 else None].decode(
        errors="backslashreplace"
    )
    assert [row["order_id"] for row in raw(home, "raw.orders")] == ["o1", "o2"]


def test_quotes_line_breaks_bom_and_column_order_suit_csv(home: Home) -> None:
    content = BOM + b'"name","sku","list price",list_price\r\n"A ""good""\r\nlamp, blue",s1,x,"9.50"\r\nb,s2,,oops\r\n'
    land(home, "native/products/p.csv", content)
    take_in(home)
    (product,) = raw(home, "raw.products")
    assert (product["sku"], product["name"], str(product["list_price"])) == ("s1", 'A "good"\r\nlamp, blue', "9.5000")
    assert refused(home) == [(4, "bad list_price")]


def test_mixed_line_ends_and_trailing_delimiters_suit_csv(home: Home) -> None:
    land(home, "native/orders/a.csv", HEADER + (ORDER % 1).replace(b"\n", b"\r\n") + (ORDER % 2).replace(b"\n", b",\n"))
    take_in(home)
    assert counts(only_batch(home)) == (2, 2, 0, 0)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_known_by_the_header(home: Home, delimiter: str) -> None:
    land(home, "native/orders/a.csv", (HEADER + ORDER % 1).replace(b",", delimiter.encode()))
    take_in(home)
    assert raw(home, "raw.orders")[0]["status"] == "paid"


def test_a_csv_file_without_header_is_refused_and_loses_no_row(home: Home) -> None:
    land(home, "native/orders/a.csv", ORDER % 1 + ORDER % 2)
    report = take_in(home)
    assert report.batches == []
    assert len(report.errors) == 1
    assert "landing/native/orders/a.csv: its first line has none of the expected columns" in report.errors[0]


def test_a_truncated_csv_gzip_does_not_keep_half_a_number(home: Home) -> None:
    rows = b"".join(b"s%d,%s,1234567.89\n" % (n, os.urandom(20).hex().encode()) for n in range(1000))
    content = gzip.compress(b"sku,name,list_price\n" + rows)
    land(home, "native/products/p.csv.gz", content[: len(content) // 2])
    take_in(home)
    assert {str(row["list_price"]) for row in raw(home, "raw.products")} == {"1234567.8900"}
    assert [reason for _, reason in refused(home)] == ["the file breaks off here"]


# Parquet ---------------------------------------------------------------------------------------------------


def parquet(home: Home, file: str, query: str) -> Path:
    path = home.landing / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    os.utime(path, (LANDED_AT.replace(tzinfo=dt.UTC).timestamp(),) * 2)
    return path


def test_typed_parquet_is_read_like_text(home: Home) -> None:
    parquet(
        home,
        "native/events/a.parquet",
        "SELECT 'e' || i AS event_id, 'd' AS device_id, 'click' AS event_type, CAST(i AS DOUBLE) AS page_id, "
        "'home' AS page_type, TIMESTAMPTZ '2026-05-01 10:00:00.5+08' AS device_time, ['a'] AS module, "
        "CASE i WHEN 1 THEN 'x' ELSE '1' END AS slot FROM range(3) AS t(i)",
    )
    take_in(home)
    assert counts(only_batch(home)) == (3, 2, 0, 1)
    row = raw(home, "raw.events", "record_no")[0]
    assert (row["page_id"], row["device_time"], row["module"]) == (
        0,
        dt.datetime(2026, 5, 1, 2, 0, 0, 500_000),
        '["a"]',
    )
    (quarantined,) = raw(home, "raw.quarantine")
    assert (quarantined["record_no"], quarantined["reasons"]) == (2, "bad slot")
    assert json.loads(quarantined["raw"])["event_id"] == "e1"


def test_a_broken_parquet_file_is_refused_and_the_rest_goes_on(home: Home) -> None:
    path = parquet(home, "native/events/a.parquet", "SELECT 1 AS event_id FROM range(1000)")
    content = path.read_bytes()
    land(home, "native/events/a.parquet", content[:-20])
    land(home, "native/events/b.ndjson", line("b"))
    report = take_in(home)
    assert len(report.errors) == 1
    assert report.errors[0].startswith("landing/native/events/a.parquet: cannot be read as Parquet: ")
    assert accepted_ids(home) == ["b"]


# Columns ---------------------------------------------------------------------------------------------------


def test_missing_optional_columns_are_one_line_of_the_first_run(home: Home) -> None:
    records = [{name: value for name, value in event("a").items() if name != "module"}]
    land(home, EVENTS, ndjson(records))
    land(home, "native/orders/o.csv", b"order_id,user_id,status,ordered_at\no,u,unpaid,2026-05-01 10:00:00\n")
    assert take_in(home).warnings == [
        "optional columns that no file has, read as empty: native events: module; "
        "native orders: paid_at, currency, updated_at"
    ]
    assert accepted_ids(home) == ["a"]
    land(home, "native/events/later.ndjson", ndjson([records[0] | {"event_id": "b"}]))
    assert take_in(home).warnings == []
    (finding,) = [finding for finding in diagnose(home) if finding.topic == "columns"]
    assert finding.level == "ok"
    assert "native events: module; native orders: paid_at" in finding.message


def test_a_column_that_is_there_but_empty_is_no_warning(home: Home) -> None:
    land(home, EVENTS, ndjson([event("a")]))
    assert take_in(home).warnings == []


def test_a_required_column_in_no_file_stops_only_its_source(home: Home) -> None:
    renamed = line("a").replace(b'"device_id"', b'"deviceId"')
    land(home, EVENTS, renamed)
    report = take_in(home)
    assert report.batches == []
    (error,) = report.errors
    assert f"landing/{EVENTS}: no column 'device_id'" in error
    assert "looked for device_id" in error
    assert "source.yaml" in error


def test_a_renamed_column_is_found_by_its_other_name(tmp_path: Path) -> None:
    folder = Path("sql/sources/native")
    files = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    files["source.yaml"] = files["source.yaml"].replace(
        "device_id: {required: true}", "device_id: {names: [device_id, deviceId], required: true}"
    )
    home = new_home(tmp_path / "home", {"native": files})
    land(home, EVENTS, line("a").replace(b'"device_id"', b'"deviceId"') + line("b", device_id="d2"))
    take_in(home)
    assert [row["device_id"] for row in raw(home, "raw.events", "record_no")] == ["d1", "d2"]


# Files -----------------------------------------------------------------------------------------------------


def test_the_same_file_again_changes_nothing(home: Home) -> None:
    path = land(home, EVENTS, line("a"))
    take_in(home)
    before = RawLake.load(home)
    os.utime(path, (2_000_000_000, 2_000_000_000))
    assert take_in(home).batches == []
    after = RawLake.load(home)
    assert after.versions("raw.events") == before.versions("raw.events")
    assert after.batches[0].landed_at == LANDED_AT
    assert take_in(home).batches == []


def test_the_same_content_under_another_name_is_all_duplicates(home: Home) -> None:
    land(home, "native/events/a.ndjson", line("a") + line("b"))
    land(home, "native/orders/a.ndjson", ndjson([order("o1"), order("o1")]))
    take_in(home)
    land(home, "native/events/b.ndjson", line("a") + line("b"))
    land(home, "native/orders/b.ndjson", ndjson([order("o1")]))
    report = take_in(home)
    assert [counts(batch) for batch in report.batches] == [(2, 0, 2, 0), (1, 0, 1, 0)]
    assert len(raw(home, "raw.events")) == 2
    assert len(raw(home, "raw.orders")) == 1


def test_a_file_overwritten_by_a_longer_one_adds_what_is_new(home: Home) -> None:
    land(home, EVENTS, line("a") + b"oops\n")
    take_in(home)
    land(home, EVENTS, line("a") + b"oops\n" + line("b"), at=LANDED_AT + dt.timedelta(hours=1))
    take_in(home)
    assert [counts(batch) for batch in RawLake.load(home).batches] == [(2, 1, 0, 1), (3, 1, 1, 1)]
    assert sorted(accepted_ids(home)) == ["a", "b"]


def test_an_unreadable_file_is_named_and_the_rest_goes_on(home: Home) -> None:
    path = land(home, "native/events/a.ndjson", line("a"))
    path.chmod(0)
    land(home, "native/events/b.ndjson", line("b"))
    if os.access(path, os.R_OK):
        pytest.skip("root may read everything")
    report = take_in(home)
    assert report.errors == ["landing/native/events/a.ndjson: cannot be read: Permission denied"]
    assert accepted_ids(home) == ["b"]


def test_a_file_that_vanishes_is_named_and_the_rest_goes_on(home: Home) -> None:
    land(home, "native/events/a.ndjson", line("a"))
    order_file = land(home, "native/orders/o.ndjson", ndjson([order("o1")]))
    land(home, "native/products/p.csv", b"sku,name\ns1,lamp\n")

    def vanish(*_: object) -> None:
        order_file.unlink(missing_ok=True)

    report = ingest(home, load_settings(home), progress=vanish, settle_seconds=0)
    assert report.errors == ["landing/native/orders/o.ndjson: cannot be read: No such file or directory"]
    assert [batch.relation for batch in report.batches] == ["events", "products"]


@pytest.mark.parametrize("name", ["it's [1]*?.ndjson", "空 白.ndjson", "-a;b$(c).ndjson"])
def test_any_file_name_is_only_a_name(home: Home, name: str) -> None:
    land(home, f"native/events/{name}", line("a") + b"oops\n")
    land(home, f"native/events/{name}.zst", zstd(line("z") + b"oops\n", home.root))
    land(home, "native/events/it's 1xx.ndjson", line("b") + line("c"))
    parquet(home, f"native/products/{name}.parquet".replace("'", ""), "SELECT 's1' AS sku, 'x' AS list_price")
    take_in(home)
    assert {row["event_id"] for row in raw(home, "raw.events")} == {"a", "b", "c", "z"}
    refusals = raw(home, "raw.quarantine", "relation, file")
    assert [(row["file"], row["raw"]) for row in refusals[:2]] == [
        (f"native/events/{name}", "oops"),
        (f"native/events/{name}.zst", "oops"),
    ]
    assert [row["reasons"] for row in refusals] == ["invalid json", "invalid json", "bad list_price"]


def test_unfinished_files_wait_and_links_outside_are_refused(home: Home, tmp_path: Path) -> None:
    for name in (".hidden.ndjson", "_x.ndjson", "x.ndjson.tmp", "x.ndjson.part", "x.ndjson.crdownload"):
        land(home, f"native/events/{name}", line(name))
    outside = tmp_path / "secret.ndjson"
    outside.write_bytes(line("secret"))
    (home.landing / "native/events/link.ndjson").symlink_to(outside)
    report = take_in(home)
    assert report.batches == []
    assert report.errors == [
        "landing/native/events/link.ndjson: a link to a file elsewhere is not read; copy the file here"
    ]


def test_files_that_nobody_takes_are_told(home: Home) -> None:
    land(home, "native/evnets/a.ndjson", line("a"))
    land(home, "nativ/events/a.ndjson", line("a"))
    land(home, "native/events/a.xml", b"<a/>")
    report = take_in(home)
    assert [text.split(":")[0] for text in report.warnings] == ["landing/nativ", "landing/native"]
    assert [text.split(":")[0] for text in report.errors] == ["landing/native/events/a.xml"]


def test_a_file_that_is_still_being_written_waits(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = land(home, EVENTS, b"{")
    # A modification time in the future does not tell how old the file is, so ingestion waits as if it were growing.
    os.utime(path, (time.time() + 3600,) * 2)
    waited: list[float] = []

    def write_meanwhile(seconds: float) -> None:
        waited.append(seconds)
        with path.open("ab") as out:
            out.write(b"{")

    monkeypatch.setattr(time, "sleep", write_meanwhile)
    report = ingest(home, load_settings(home), settle_seconds=5)
    assert waited == [5]
    assert report.batches == []
    assert report.warnings == [f"landing/{EVENTS}: still being written; the next run will read it"]
