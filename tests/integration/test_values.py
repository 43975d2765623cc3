"""Nothing is misread: a landed text becomes the value that it states, or its record is quarantined.

Every typed column of every target, in every file format, is compared with ``tests.plain_values``.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.home.folder import Home
from pipelines.ingest.sources.targets import TARGETS
from tests import plain_values as plain
from tests.ingest_support import LANDED_AT, Row, land, ndjson, new_home, raw, set_timezone, take_in
from tests.plain_values import REFUSED, Value

EXAMPLES = int(os.environ.get("HEADWATER_EXAMPLES", "2"))
FORMATS = ("csv", "ndjson", "parquet")
ZONES = ("Asia/Shanghai", "America/New_York")
DAY = dt.timedelta(days=1)
OCCURRED_AT = dt.datetime(2026, 5, 1, 2)

Reading = Callable[[str, ZoneInfo], Value]


@dataclass(frozen=True)
class Field:
    """A typed field of a relation; *reading* converts a text to a value, *is_fine* says if the value is accepted."""

    relation: str
    name: str
    reading: Reading
    is_required: bool = False
    is_fine: Callable[[Value], bool] = lambda value: True
    column: str = ""

    def __str__(self) -> str:
        return f"{self.relation}.{self.name}"

    def expected(self, text: str, zone: ZoneInfo) -> Value:
        """The value that must be stored for *text*; ``REFUSED`` if the record must be quarantined."""
        value = self.reading(text, zone) if text else None
        if value is None:
            return REFUSED if self.is_required else None
        return value if value is REFUSED or self.is_fine(value) else REFUSED


def whole(bits: int) -> Reading:
    return lambda text, zone: plain.whole_number_of(text, bits)


def moment(*, is_local: bool = True, takes_day: bool = False) -> Reading:
    return lambda text, zone: plain.moment_of(text, zone, is_local=is_local, takes_day=takes_day)


def simple(reading: Callable[[str], Value]) -> Reading:
    return lambda text, zone: reading(text)


def in_range(first: int) -> Callable[[Value], bool]:
    def is_fine(value: Value) -> bool:
        assert isinstance(value, dt.datetime)
        return dt.datetime(first, 1, 1) <= value <= LANDED_AT + DAY

    return is_fine


def is_day_in_range(value: Value) -> bool:
    assert isinstance(value, dt.date)
    return dt.date(1980, 1, 1) <= value <= LANDED_AT.date() + DAY


def is_amount(value: Value) -> bool:
    assert isinstance(value, Decimal | int)
    return 0 <= value < 10**12


def is_count(value: Value) -> bool:
    assert isinstance(value, int)
    return value >= 0


def fits_the_event(value: Value) -> bool:
    """Whether *value* is a valid received_time: from a day before to 400 days after the event."""
    assert isinstance(value, dt.datetime)
    return -DAY <= value - OCCURRED_AT <= 400 * DAY


def paid_at(text: str, zone: ZoneInfo) -> Value:
    """The value of paid_at for *text*.

    The order is of 1 May 2026, 10:00 local time. If *text* is only that day, paid_at is the time of the order.
    """
    value = plain.moment_of(text, zone, is_local=True, takes_day=True)
    if text.strip(plain.BLANKS) == "2026-05-01":
        return plain.instant_of(dt.datetime(2026, 5, 1, 10), zone)
    return value


AN_ID, AMOUNT = simple(plain.id_of), simple(plain.amount_of)
UPDATED = moment(takes_day=True)
FIELDS = [
    Field("events", "event_id", AN_ID, is_required=True),
    Field("events", "device_id", AN_ID, is_required=True),
    *(Field("events", name, AN_ID) for name in ("user_id", "sku", "content_id")),
    Field("events", "page_id", whole(64), is_required=True),
    Field("events", "slot", whole(32), is_fine=is_amount),
    Field("events", "device_time", moment(is_local=False), is_required=True, is_fine=in_range(2000)),
    Field("events", "sent_time", moment(is_local=False)),
    Field("events", "received_time", moment(is_local=False), is_fine=fits_the_event, column="received_at"),
    Field("events", "is_bot", simple(plain.truth_of)),
    Field("orders", "order_id", AN_ID, is_required=True),
    Field("orders", "user_id", AN_ID),
    Field("orders", "status", simple(plain.status_of), is_required=True),
    Field("orders", "ordered_at", moment(), is_required=True, is_fine=in_range(1980)),
    Field("orders", "paid_at", paid_at, is_fine=in_range(1980)),
    Field("orders", "currency", simple(plain.currency_of)),
    *(Field("order_lines", name, AN_ID, is_required=True) for name in ("order_id", "sku")),
    Field("order_lines", "line_no", whole(32), is_required=True),
    Field("order_lines", "quantity", whole(32), is_required=True, is_fine=is_amount),
    Field("order_lines", "unit_price", AMOUNT, is_required=True, is_fine=is_amount),
    *(Field("order_lines", name, AMOUNT, is_fine=is_amount) for name in ("discount", "unit_cost", "refunded_amount")),
    *(Field("refunds", name, AN_ID, is_required=name == "order_id") for name in ("order_id", "refund_id")),
    Field("refunds", "line_no", whole(32), is_required=True),
    Field("refunds", "refunded_at", UPDATED, is_required=True, is_fine=in_range(1980)),
    Field("refunds", "amount", AMOUNT, is_required=True, is_fine=is_amount),
    Field("products", "sku", AN_ID, is_required=True),
    Field("products", "parent_sku", AN_ID),
    *(Field("products", name, AMOUNT, is_fine=is_amount) for name in ("unit_cost", "list_price")),
    Field("products", "launched_on", lambda text, zone: plain.date_of(text, zone)),
    Field(
        "spend",
        "dt",
        lambda text, zone: plain.date_of(text, zone),
        is_required=True,
        is_fine=is_day_in_range,
        column="spent_on",
    ),
    *(Field("spend", name, AN_ID, is_required=name == "channel") for name in ("channel", "campaign")),
    Field("spend", "cost", AMOUNT, is_required=True, is_fine=is_amount),
    Field("spend", "currency", simple(plain.currency_of)),
    *(Field("spend", name, whole(64), is_fine=is_count) for name in ("impressions", "clicks")),
    *(
        Field(name, "updated_at", UPDATED, is_fine=in_range(1980))
        for name in ("orders", "order_lines", "refunds", "products", "spend")
    ),
]

RECORDS: dict[str, Row] = {
    "events": {
        "device_id": "d",
        "event_type": "click",
        "page_id": "7",
        "page_type": "home",
        "device_time": "2026-05-01T02:00:00Z",
    },
    "orders": {"status": "paid", "ordered_at": "2026-05-01 10:00:00"},
    "order_lines": {"order_id": "o", "line_no": "1", "quantity": "1", "unit_price": "10"},
    "refunds": {"line_no": "1", "refunded_at": "2026-05-01 10:00:00", "amount": "1"},
    "products": {},
    "spend": {"dt": "2026-05-01", "cost": "1"},
}
"""A valid record of each relation, without the field that distinguishes it from the others."""

DISTINCT = {
    "events": "event_id",
    "orders": "order_id",
    "order_lines": "sku",
    "refunds": "order_id",
    "products": "sku",
    "spend": "channel",
}
ALSO_DISTINCT = {
    "orders": "user_id",
    "order_lines": "order_id",
    "refunds": "refund_id",
    "products": "name",
    "spend": "campaign",
}
"""Relation → the field whose values make all records of a test distinct, so that none is a duplicate of another.

``ALSO_DISTINCT`` is used if the field in ``DISTINCT`` is the tested one.
"""

TIMES = [
    *("2026-05-01T10:00:00+08:00", "2026-05-01 10:00:00 UTC", "2026-05-01 10:00 +0800", "2026-05-01T10:00:00.5-08"),
    *(
        "2026-05-01",
        "2026-05-01 02:03:04",
        "2026-05-01T10:00Z",
        "1777600800000",
        "1777600800000.0",
        "20260501",
        "2026-5-1",
    ),
    *("2026-05-01 7:19:25 PM", "2026-05-01 07:19:25 PM", "2026-05-01 07:19:25 PST", "2026-05-01 07:19:25 CET"),
    *("2026-05-01 07:19:25 garbage", "01/05/2026", "2026/05/01 10:00:00", "20260501T100000Z", "2026-05-01 24:00:00Z"),
    *("2026-05-01 23:59:60Z", "2026-02-30 10:00:00Z", "2026-02-30", "2026-05-01T10:00:00+8", "2026-05-01T10Z"),
    *(
        "2026-05-01T10:00:00.Z",
        "2026-05-01T10:00:00,5Z",
        "2026-05-01T10:00:00.1234567891Z",
        "2026-05-01T10:00:00.123456789Z",
    ),
    *("2026-05-01t10:00:00z", "2026-05-01T10:00:00+24:00", "2026-05-01T10:00:00+08:60", "2026-05-01  10:00:00Z"),
    *("2026-05-01T10:00:00  Z", "2026-05-01T10:00:00Z Z", "2026-05-01T10:00:00 +08:00", " 2026-05-01 10:00:00Z\t"),
    *(
        "2026-05-01T10:00:00Asia/Shanghai",
        "2026-05-01T10:00:00[UTC]",
        "2026-05-01 10:00:00UTC",
        "2026-05-01 10:00:00 GMT",
    ),
    *(
        "2026-03-08 02:30:00",
        "2026-03-08 01:59:59",
        "2026-03-08 03:00:00",
        "2025-11-02 01:30:00",
        "1986-05-04 00:30:00",
    ),
    *(
        "1979-12-31T23:59:59Z",
        "1980-01-01T00:00:00Z",
        "1999-12-31T23:59:59Z",
        "2000-01-01T00:00:00Z",
        "2026-06-02T12:00:00Z",
    ),
    *(
        "2026-06-02T12:00:01Z",
        "9999-12-31 23:59:59",
        "9999-12-31T23:59:59-01:00",
        "0001-01-02T00:00:00+01:00",
        "0000-01-01",
    ),
    *(
        "infinity",
        "now",
        "today",
        "epoch",
        "1e12",
        "true",
        "NaN",
        "-1",
        "1777600800",
        "1777600800000000",
        "1777600800000.5",
        "20260501100000",
        "202605011000",
        "946684799",
        "946684800",
        "4102444799999",
        "4102444800000",
        "315532799999",
        "315532800000",
        "-86400001",
        "20991231",
        "20991232",
    ),
    *(
        "2026-05-01 ",
        "\t2026-05-01",
        "２０２６-05-01T10:00:00Z",
        "2026-05-01T10:00:00−08:00",
        "+2026-05-01T10:00:00Z",
        "12026-05-01",
        "2026-05-01T10:00:00Z;",
    ),
]
NUMBERS = [
    *(
        "0",
        "1",
        "-1",
        "+1",
        "007",
        "12.0",
        "12.",
        ".5",
        ".",
        "-",
        "+",
        "-0",
        "-0.0",
        "1.5",
        "12.50",
        "0.1234",
        "0.12345",
    ),
    *("0.00001", "1.00000", "19.990000", "0.30000000000000004", "64.99999999999997", "0.123400001", "0.1234000000001"),
    *(
        "1e3",
        "1E3",
        "1.5e2",
        "1e-5",
        "5.5e-17",
        "-5.5e-17",
        "1e400",
        "1e",
        "e5",
        "1e+2",
        "1_000",
        "1,234.50",
        "1 000",
        "1'000",
    ),
    *(
        "0x10",
        "0b1",
        "1.2.3",
        "--1",
        "1-",
        "NaN",
        "nan",
        "Infinity",
        "inf",
        "true",
        "$5",
        "5%",
        "5 元",
        "¥5",
        "１２",
        "٣",
        "½",
    ),
    *("2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807", "9223372036854775808"),
    *(
        "999999999999",
        "999999999999.9999",
        "1000000000000",
        "99999999999999.9999",
        "100000000000000",
        "9" * 40,
        "0" * 40 + "1",
    ),
    *(" 12 ", "\t12", "12\u00a0", "null", "N/A", "-80", "-0.0001", "12.345,6", "1/2", "(5)", "1d", "1f", "1L"),
]
WORDS = [
    *plain.WORDS_FOR_NOTHING,
    *("u1", "0", " ", "   ", "\t", " u1 ", "Null", "UNDEFINED", "nan", "none", "N/A", "-", "undefined ", "空", "null1"),
    *(
        "00000000-0000-0000-0000-000000000001",
        "\\n",
        "(not set",
        "\u00a0",
        "paid",
        "Paid",
        "refunded",
        "CNY",
        "cny",
        "ﬁn",
        "K$Y",
    ),
    *("12345.0", "007.00", "12345.10", "9007199254740993.0", "123456789012345.0", "1234567890123456.0", "-3.0"),
    *("1.23457E+12", "1e+20", "-1.5e+16", "9.0071992547409940e+15", "1E3", "5E12", "12e+2", "1.5e-05"),
    *('{"a": 1}', "[1, 2]", "[]", "{}", ' {"a":\n[1]}\t', "{abc}", "[A]", "[", "{", "[NaN]", "true", "False", "-inf"),
]


def odd_texts(field: Field) -> list[str]:
    """Odd texts for the field's type, as found in real files, and some for other types."""
    kinds = TARGETS[field.relation].columns[field.column or field.name].kind
    if kinds in ("TIMESTAMP", "DATE"):
        return [*TIMES, *NUMBERS[::9], *WORDS[::9]]
    return [*NUMBERS, *WORDS, *TIMES[::9]] if kinds != "VARCHAR" else [*WORDS, *NUMBERS[::9], *TIMES[::9]]


@st.composite
def mangled(draw: st.DrawFn, field: Field) -> str:
    """An odd text with pieces inserted, removed or replaced; now and then any text."""
    text = draw(st.sampled_from(odd_texts(field)))
    pieces = (*"0123456789 +-.:TZe", "UTC", " PM", "08", "00", "e5", "%", "９", "a", "")
    for _ in range(draw(st.integers(0, 3))):
        place, end = sorted(draw(st.integers(0, len(text))) for _ in range(2))
        text = text[:place] + draw(st.sampled_from(pieces)) + text[min(end, place + 2) :]
    anything = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
    return text if draw(st.integers(0, 9)) else draw(anything)


# Landing texts and reading the stored values ---------------------------------------------------------------


def distinct_texts(field: Field, texts: list[str], zone: ZoneInfo) -> list[str]:
    """*texts* without repetitions.

    For event_id also without texts of the same value, because their records would be duplicates.
    """
    unique = list(dict.fromkeys(texts))
    if (field.relation, field.name) == ("events", "event_id"):
        return list({str(field.expected(text, zone)): text for text in unique}.values())
    return unique


def records_of(field: Field, texts: list[str]) -> list[Row]:
    """One record for each of *texts*, which is the record's value of *field*; all other fields are valid."""
    relation = field.relation
    names = {DISTINCT[relation], ALSO_DISTINCT.get(relation, DISTINCT[relation])}
    return [
        RECORDS[relation] | {name: f"{name}{number}" for name in names} | {field.name: text}
        for number, text in enumerate(texts)
    ]


def land_as(home: Home, relation: str, records: list[Row], kind: str) -> None:
    file = f"native/{relation}/a.{kind}"
    if kind == "ndjson":
        land(home, file, ndjson(records))
    elif kind == "csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, list(records[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(records)
        land(home, file, out.getvalue().encode())
    else:
        parquet = io.BytesIO()
        pl.DataFrame(records).write_parquet(parquet)
        land(home, file, parquet.getvalue())


def read_values(field: Field, texts: list[str], kind: str, timezone: str) -> list[Value]:
    """The value that the program stores for each text, in order; ``REFUSED`` if the record is quarantined."""
    with tempfile.TemporaryDirectory() as folder:
        home = new_home(Path(folder) / "home")
        set_timezone(home, timezone)
        land_as(home, field.relation, records_of(field, texts), kind)
        report = take_in(home)
        assert report.errors == []
        stored = {row["record_no"]: row[field.column or field.name] for row in raw(home, f"raw.{field.relation}")}
        kept_aside = {row["record_no"] for row in raw(home, "raw.quarantine")}
    assert not stored.keys() & kept_aside
    return [REFUSED if n in kept_aside else stored[n] for n in range(1, len(texts) + 1)]


def assert_nothing_is_misread(field: Field, texts: list[str], kind: str, timezone: str) -> None:
    zone = ZoneInfo(timezone)
    texts = distinct_texts(field, texts, zone)
    expected = [field.expected(text, zone) for text in texts]
    found = read_values(field, texts, kind, timezone)
    for text, right, value in zip(texts, expected, found, strict=True):
        if right is None and field.name in ("discount", "refund_id", "campaign"):
            continue  # these fields have a default in place of null, which another test covers
        assert value == right, f"{field} {text!r} in {kind}, {timezone}: {value!r} instead of {right!r}"


def test_every_typed_column_is_tried() -> None:
    typed = {
        (target.name, name)
        for target in TARGETS.values()
        for name, column in target.columns.items()
        if column.kind != "VARCHAR" or column.is_id or column.allowed or column.shape
    }
    assert {(field.relation, field.column or field.name) for field in FIELDS} == typed


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_an_odd_text_is_read_as_what_it_says_or_quarantined(field: Field) -> None:
    number = FIELDS.index(field)
    assert_nothing_is_misread(field, odd_texts(field), FORMATS[number % 3], ZONES[number % 2])


@pytest.mark.real
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_so_it_is_in_every_format_and_time_zone(field: Field, kind: str, zone: str) -> None:
    assert_nothing_is_misread(field, odd_texts(field), kind, zone)


@pytest.mark.parametrize("field", FIELDS, ids=str)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="HEADWATER_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_any_text_is_read_as_what_it_says_or_quarantined(field: Field, data: st.DataObject) -> None:
    texts = data.draw(st.lists(mangled(field), min_size=20, max_size=60))
    kind, zone = data.draw(st.sampled_from(FORMATS)), data.draw(st.sampled_from(ZONES))
    assert_nothing_is_misread(field, texts, kind, zone)
