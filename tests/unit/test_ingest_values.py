"""Typed values of Parquet and JSON files, local times when clocks change, and ranges of valid times and numbers."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.home.folder import Home
from tests.ingest_support import Row, event, land, live_events, new_home, order, raw, refused, set_timezone, take_in

TEN = dt.datetime(2026, 5, 1, 10)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


def land_parquet(home: Home, relation: str, *selected: str) -> None:
    """Land a Parquet file with one row for each SELECT list in *selected*; the columns have DuckDB's types."""
    folder = home.root / "parquet"
    folder.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for number, columns in enumerate(selected):
            path = folder / f"{number}.parquet"
            connection.execute(f"COPY (SELECT {columns}) TO '{path}' (FORMAT parquet)")
            land(home, f"native/{relation}/{number}.parquet", path.read_bytes())


def land_frame(home: Home, relation: str, frame: pl.DataFrame) -> None:
    content = io.BytesIO()
    frame.write_parquet(content)
    land(home, f"native/{relation}/a.parquet", content.getvalue())


# Parquet ---------------------------------------------------------------------------------------------------

ORDER = "'paid' AS status"


def test_a_parquet_time_without_a_zone_is_the_shops_local_time(home: Home) -> None:
    land_parquet(
        home,
        "orders",
        f"'zoned' AS order_id, {ORDER}, TIMESTAMPTZ '2026-05-01 10:00:00+00' AS ordered_at",
        f"'local' AS order_id, {ORDER}, TIMESTAMP '2026-05-01 10:00:00' AS ordered_at",
        f"'local ns' AS order_id, {ORDER}, TIMESTAMP_NS '2026-05-01 10:00:00.123456789' AS ordered_at",
        f"'paid' AS order_id, {ORDER}, TIMESTAMPTZ '2026-05-01 10:00:00Z' AS ordered_at, DATE '2026-05-03' AS paid_at",
        f"'day' AS order_id, {ORDER}, DATE '2026-05-01' AS ordered_at",
    )
    take_in(home)
    found = {row["order_id"]: (row["ordered_at"], row["paid_at"]) for row in raw(home, "raw.orders")}
    local = TEN - dt.timedelta(hours=8)
    assert found == {
        "zoned": (TEN, None),
        "local": (local, None),
        "local ns": (local + dt.timedelta(microseconds=123456), None),
        "paid": (TEN, dt.datetime(2026, 5, 2, 16)),
    }
    assert refused(home) == [(None, "bad ordered_at")]


def test_of_events_only_instants_are_times(home: Home) -> None:
    frame = pl.DataFrame(
        {
            "event_id": ["naive"],
            "device_id": ["d"],
            "event_type": ["search"],
            "device_time": pl.Series([TEN]).dt.cast_time_unit("ms"),
            "received_time": pl.Series([TEN]).dt.replace_time_zone("Asia/Shanghai"),
        }
    )
    land_frame(home, "events", frame)
    land_frame(home, "events", frame)
    zoned = frame.with_columns(event_id=pl.lit("zoned"), device_time=pl.col("received_time"))
    content = io.BytesIO()
    zoned.write_parquet(content)
    land(home, "native/events/b.parquet", content.getvalue())
    take_in(home)
    assert [(row["event_id"], row["device_time"]) for row in live_events(home)] == [
        ("zoned", TEN - dt.timedelta(hours=8))
    ]
    assert refused(home) == [(None, "bad device_time")]


def test_parquet_numbers_are_what_they_hold(home: Home) -> None:
    given = {
        "exact": ("CAST(19.99 AS DECIMAL(10,2))", Decimal("19.9900")),
        "double": ("CAST(19.99 AS DOUBLE)", Decimal("19.9900")),
        "float": ("CAST(19.99 AS FLOAT)", Decimal("19.9900")),
        "sum": ("CAST(0.1 AS DOUBLE) + CAST(0.2 AS DOUBLE)", Decimal("0.3000")),
        "integer": ("CAST(7 AS UTINYINT)", Decimal(7)),
        "large": ("CAST(100000000000 AS DOUBLE)", Decimal(100_000_000_000)),
        "many decimals": ("CAST(0.123456 AS DECIMAL(10,6))", None),
        "third": ("CAST(100 AS DOUBLE) / 3", None),
        "boolean": ("true", None),
        "nan": ("CAST('NaN' AS DOUBLE)", None),
        "infinite": ("CAST('Infinity' AS DOUBLE)", None),
    }
    columns = [f"'{name}' AS sku, {value} AS list_price" for name, (value, _) in given.items()]
    land_parquet(home, "products", *columns)
    take_in(home)
    found = {row["sku"]: row["list_price"] for row in raw(home, "raw.products")}
    assert found == {name: value for name, (_, value) in given.items() if value is not None}
    assert [reason for _, reason in refused(home)] == ["bad list_price"] * 5


def test_an_id_is_the_same_in_whatever_type_it_came(home: Home) -> None:
    given = {
        "CAST(12345 AS DOUBLE)": "12345",
        "CAST(12345 AS FLOAT)": "12345",
        "CAST(12345 AS DECIMAL(18,2))": "12345",
        "CAST(12345678901234567 AS DECIMAL(19,2))": "12345678901234567",
        "CAST(9007199254740991 AS DOUBLE)": "9007199254740991",
        "CAST(12346 AS BIGINT)": "12346",
        "encode('订单')": "订单",
        "'12347.0'": "12347",
        "'012.5'": "012.5",
    }
    no_ids = {
        "CAST(9007199254740992 AS DOUBLE)": "bad order_id",
        "CAST(16777216 AS FLOAT)": "bad order_id",
        "CAST(1e20 AS DOUBLE)": "bad order_id",
        "CAST('Infinity' AS DOUBLE)": "bad order_id",
        "true": "bad order_id",
        "{'a': 1}": "bad order_id",
        "[1, 2]": "bad order_id",
        "CAST('NaN' AS DOUBLE)": "missing order_id",
    }
    land_parquet(
        home,
        "orders",
        *(f"{value} AS order_id, {ORDER}, '2026-05-01 10:00' AS ordered_at" for value in (*given, *no_ids)),
    )
    take_in(home)
    assert {row["order_id"] for row in raw(home, "raw.orders")} == set(given.values())
    reasons = {row["file"].split("/")[-1]: row["reasons"] for row in raw(home, "raw.quarantine")}
    assert reasons == {f"{len(given) + number}.parquet": reason for number, reason in enumerate(no_ids.values())}


def test_an_optional_id_that_is_none_refuses_its_record(home: Home) -> None:
    lines = [
        b'{"user_id": 12345.0}',
        b'{"user_id": 1e3}',
        b'{"user_id": 12345678901234567890123}',
        b'{"user_id": null}',
        b'{"user_id": "None"}',
        b'{"user_id": true}',
        b'{"user_id": {"id": 1}}',
        b'{"user_id": [1]}',
        b'{"user_id": 1e20}',
        b'{"user_id": 12345678901234567.0}',
        b'{"user_id": "1.23457E+12"}',
    ]
    rest = b', "order_id": "o%d", "status": "paid", "ordered_at": "2026-05-01 10:00"}'
    content = b"\n".join(line[:-1] + rest % number for number, line in enumerate(lines))
    land(home, "native/orders/a.ndjson", content)
    take_in(home)
    found = [row["user_id"] for row in raw(home, "raw.orders", "order_id")]
    assert found == ["12345", "1000", "12345678901234567890123", None, None]
    assert refused(home) == [(number, "bad user_id") for number in range(6, 12)]


@pytest.mark.parametrize(
    "number", [1777600800, 946684800, 4102444799, 20260501, 20260501100000, 202605011000, 1777600800000000]
)
def test_a_number_that_is_no_milliseconds_is_never_corrected(home: Home, number: int) -> None:
    """A number of seconds, microseconds or days must not be taken for milliseconds of a clock that starts at 1970."""
    received = "2026-05-01T10:00:00Z"
    land(home, "native/events/a.ndjson", [event("a", device_time=number, sent_time=number, received_time=received)])
    land(home, "native/events/b.ndjson", [event("b", device_time=5_000, sent_time=6_000, received_time=received)])
    take_in(home)
    assert refused(home) == [(1, "bad device_time; bad sent_time")]
    assert [row["occurred_at"] for row in raw(home, "raw.events")] == [dt.datetime(2026, 5, 1, 9, 59, 59)]


def test_a_day_of_launch_is_the_shops(home: Home) -> None:
    land_parquet(
        home,
        "products",
        "'date' AS sku, DATE '2026-11-18' AS launched_on",
        "'zoned' AS sku, TIMESTAMPTZ '2026-11-17 16:00:00+00' AS launched_on",
        "'local' AS sku, TIMESTAMP '2026-11-18 23:59:59' AS launched_on",
        "'number' AS sku, 20261118 AS launched_on",
    )
    take_in(home)
    found = {row["sku"]: row["launched_on"] for row in raw(home, "raw.products")}
    assert found == dict.fromkeys(("date", "zoned", "local"), dt.date(2026, 11, 18))
    assert [reason for _, reason in refused(home)] == ["bad launched_on"]


# JSON ------------------------------------------------------------------------------------------------------


def test_json_numbers_are_numbers_and_other_json_is_none(home: Home) -> None:
    lines = [
        b'{"sku": "1", "list_price": 1e3}',
        b'{"sku": "2", "list_price": 1.0}',
        b'{"sku": "3", "list_price": 0.30000000000000004}',
        b'{"sku": "4", "list_price": 1.5E+2}',
        b'{"sku": "5", "list_price": true}',
        b'{"sku": "6", "list_price": {"amount": 5}}',
        b'{"sku": "7", "list_price": [5]}',
        b'{"sku": "8", "list_price": 0.00005}',
        b'{"sku": "9", "list_price": -0.0}',
    ]
    land(home, "native/products/a.ndjson", b"\n".join(lines))
    take_in(home)
    found = {row["sku"]: row["list_price"] for row in raw(home, "raw.products")}
    assert found == {"1": 1000, "2": 1, "3": Decimal("0.3"), "4": 150, "9": 0}
    assert refused(home) == [(number, "bad list_price") for number in (5, 6, 7, 8)]


# Local times -----------------------------------------------------------------------------------------------


def ordered_at(home: Home, timezone: str, **times: str) -> dict[str, Row]:
    set_timezone(home, timezone)
    records = [order(name, ordered_at=time, paid_at=None, updated_at=None) for name, time in times.items()]
    land(home, "native/orders/a.ndjson", records)
    take_in(home)
    return {row["order_id"]: row for row in raw(home, "raw.orders")}


def test_skipped_local_times_are_refused_repeated_are_the_later(home: Home) -> None:
    rows = ordered_at(
        home,
        "America/New_York",
        before="2026-03-08 01:59:59",
        skipped="2026-03-08 02:30:00",
        after="2026-03-08 03:00:00",
        twice="2025-11-02 01:30:00",
        first="2025-11-02 01:30:00-04:00",
    )
    assert {name: row["ordered_at"].isoformat(sep=" ") for name, row in rows.items()} == {
        "before": "2026-03-08 06:59:59",
        "after": "2026-03-08 07:00:00",
        "twice": "2025-11-02 06:30:00",
        "first": "2025-11-02 05:30:00",
    }
    assert refused(home) == [(2, "bad ordered_at")]


def test_a_shops_day_is_that_of_its_clocks_at_the_time(home: Home) -> None:
    """Shanghai had summer time in the 1980s, so the same UTC time falls on different days in summer and winter."""
    rows = ordered_at(home, "Asia/Shanghai", summer="1988-07-01T15:30:00Z", winter="1988-01-01T15:30:00Z")
    assert rows["summer"]["ordered_dt"] == dt.date(1988, 7, 2)
    assert rows["winter"]["ordered_dt"] == dt.date(1988, 1, 1)


@pytest.mark.parametrize(
    ("paid_at", "expected"),
    [
        ("2026-05-01", dt.datetime(2026, 5, 1, 2)),
        (" 2026-05-01 ", dt.datetime(2026, 5, 1, 2)),
        ("2026-05-02", dt.datetime(2026, 5, 1, 16)),
        ("2026-04-30", dt.datetime(2026, 4, 29, 16)),
        ("2026-05-01 00:00:00", dt.datetime(2026, 4, 30, 16)),
    ],
)
def test_a_payment_known_by_its_day_is_not_before_its_order(home: Home, paid_at: str, expected: dt.datetime) -> None:
    land(home, "native/orders/a.ndjson", [order("o", paid_at=paid_at)])
    take_in(home)
    (row,) = raw(home, "raw.orders")
    assert (row["paid_at"], row["ordered_at"]) == (expected, dt.datetime(2026, 5, 1, 2))
    assert row["paid_dt"] == dt.date.fromisoformat(paid_at.strip()[:10])


# Ranges ----------------------------------------------------------------------------------------------------


def test_orders_may_be_older_than_events(home: Home) -> None:
    old = {"ordered_at": "1980-01-01T00:00:00Z", "paid_at": "1985-06-01 12:00:00", "updated_at": "1999-12-31"}
    land(home, "native/orders/a.ndjson", [order("old", **old), order("older", ordered_at="1979-12-31T23:59:59Z")])
    ancient = {"device_time": "1999-12-31T23:59:59Z", "sent_time": None, "received_time": None}
    land(home, "native/events/a.ndjson", [event("e", **ancient)])
    take_in(home)
    assert [row["order_id"] for row in raw(home, "raw.orders")] == ["old"]
    assert refused(home) == [(1, "time out of range"), (2, "time out of range")]


def test_an_event_much_older_than_its_receipt_has_a_wrong_clock(home: Home) -> None:
    received = {"sent_time": None, "received_time": "2026-05-01T00:00:00Z"}
    records = [
        event("fresh", device_time="2026-04-30T00:00:00Z", **received),
        event("400 days", device_time="2025-03-27T00:00:00Z", **received),
        event("older", device_time="2025-03-26T23:59:59Z", **received),
        event("of 2000", device_time="2000-01-03T00:00:10Z", **received),
        event("not said", device_time="2025-01-01T00:00:00Z", sent_time=None, received_time=None),
    ]
    land(home, "native/events/a.ndjson", records)
    take_in(home)
    assert {row["event_id"] for row in live_events(home)} == {"fresh", "400 days", "not said"}
    assert refused(home) == [(3, "time out of range"), (4, "time out of range")]


def test_a_changed_age_judges_the_landed_files_again(home: Home) -> None:
    late = event("e", device_time="2026-04-01T00:00:00Z", sent_time=None, received_time="2026-05-01T00:00:00Z")
    land(home, "native/events/a.ndjson", [late])
    take_in(home)
    assert refused(home) == []
    home.settings_file.write_text("inputs: {max_event_age_days: 29}\n", encoding="utf-8")
    take_in(home)
    assert refused(home) == [(1, "time out of range")]
