"""Odd values in Shopify's exports and in the logs of Sensors and Segment are treated as docs/odd-values.md says.

No value of any column stops such a source.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.home.folder import Home
from tests.case_tables import sources
from tests.ingest_support import land, new_home, raw, take_in


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


def kept_aside(home: Home) -> dict[int, str]:
    """record_no → reasons, for each record that was quarantined."""
    return {row["record_no"]: row["reasons"] for row in raw(home, "raw.quarantine", "record_no")}


HEADER = (
    "Name,Email,Financial Status,Paid at,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem price,"
    "Lineitem sku,Refunded Amount,Fulfilled at"
)
AT = "2026-05-01 10:03:00 +0800"


def test_shopify(home: Home) -> None:
    lines = [
        HEADER,
        f"#1,A@b.cn ,paid,{AT},CNY,10.00,10.00,{AT},1,10.00,A,0.00",
        f"#2,,paid,{AT},CNY,10.00,10.00,{AT} PM,1,10.00,A,0.00",
        f"#3,,paid,2026-05-01,CNY,10.00,10.00,{AT},1,10.00,A,0.00",
        "#4,,paid,,CNY,10.00,10.00,2026-05-01 10:03:00,1,10.00,A,0.00",
        f"#5,,paid,{AT},CNY,10.00,$10.00,{AT},1,10.00,A,0.00",
        f"#6,,paid,{AT},CNY,10.00,10.00,{AT},1,10_00,A,0.00",
        f"#7,,paid,{AT},CNY,10.00,10.00,{AT},-1,10.00,A,0.00",
        f"#8,,paid,{AT},CNY,10.00,10.00,{AT},one,10.00,A,0.00",
        f"#9,,settled,{AT},CNY,10.00,10.00,{AT},1,10.00,A,0.00",
        f"#10,,paid,{AT},¥,10.00,10.00,{AT},1,10.00,A,0.00",
        f"#11,,paid,{AT},CNY,10.00,10.00,{AT},1,10.00,A,-5.00",
        f"#12,,paid,{AT},CNY,10.00,10.00,{AT},1,10.00,,0.00",
        f",,paid,{AT},CNY,10.00,10.00,{AT},1,10.00,A,0.00",
        f"#14,,paid,{AT},CNY,10.00,10.00,1777600000000,1,10.00,A,0.00",
        f"#15,,,,,,,{AT},1,10.00,A,",
        f"#16,,paid,{AT},CNY,10.00,10.00,{AT},1,10.00,A,0.00,noon",
    ]
    whole = [line if line.count(",") == HEADER.count(",") else f"{line}," for line in lines]
    land(home, "shopify/orders/a.csv", "\n".join([*whole, ""]).encode())
    assert take_in(home).errors == []
    assert kept_aside(home) == {
        2: "bad discount; bad ordered_at",
        5: "bad discount",
        6: "bad unit_price; bad discount",
        7: "negative quantity; bad discount",
        8: "bad quantity; bad discount",
        9: "bad discount; unknown status",
        10: "bad discount; bad currency",
        11: "bad discount",
        12: "missing sku; bad discount",
        13: "missing order_id; bad discount",
        14: "bad discount; bad ordered_at",
        16: "bad discount",  # the column Fulfilled at has "noon"
        15: "bad discount",  # a further line item of an order whose first line is missing
    }
    assert [row["order_id"] for row in raw(home, "raw.orders", "order_id")] == ["#1", "#3", "#4"]


def test_sensors(home: Home) -> None:
    page = {"$url": "https://s.cn/"}

    def record(event: str | None, properties: Any, **fields: Any) -> dict[str, Any]:
        base = {"_track_id": 1, "type": "track", "anonymous_id": "a", "time": 1777600000000, "event": event}
        return base | {"properties": properties} | fields

    land(
        home,
        "sensors/events/a.ndjson",
        [
            record("$pageview", page, _track_id=1),
            record("$pageview", page, _track_id=2, time=1777600000),
            record("$pageview", page, _track_id=3, time="2026-05-01 10:00:00"),
            record("$pageview", page, _track_id=4, anonymous_id=None),
            record("$pageview", {}, _track_id=5),
            record("$WebClick", page | {"$element_position": "0:3"}, _track_id=6),
            record("itemClick", page | {"position": "top"}, _track_id=7),
            record("itemClick", page | {"item_id": [1]}, _track_id=8),
            record("$pageview", page, _track_id=9, login_id="undefined"),
            record("$pageview", "none", _track_id=10),
            record("profile_set", {}, type="profile_set"),
            record(None, page, type=None, _track_id=12),
        ],
    )
    assert take_in(home).errors == []
    assert kept_aside(home) == {
        2: "bad device_time",
        3: "bad device_time",
        4: "missing event_id; missing device_id",
        5: "missing page_url",
        7: "bad slot",
        8: "bad sku",
        10: "missing page_url",
        12: "missing event_type",
    }
    assert [(row["slot"], row["user_id"]) for row in raw(home, "raw.events", "event_id")] == [
        (None, None),
        (3, None),
        (None, None),
    ]


def test_segment(home: Home) -> None:
    at = "2026-05-01T02:00:00.000Z"
    context = {"page": {"url": "https://s.com/"}}

    def call(number: int, event: str, properties: Any, **fields: Any) -> dict[str, Any]:
        base = {"messageId": f"m{number}", "type": "track", "anonymousId": "a", "timestamp": at, "context": context}
        return base | {"event": event, "properties": properties} | fields

    product = {"sku": "A", "price": 10}
    land(
        home,
        "segment/events/a.ndjson",
        [
            call(1, "Product Clicked", product),
            call(2, "Product Clicked", product, timestamp=1777600000000),
            call(3, "Product Clicked", product, timestamp="2026-05-01 02:00:00"),
            call(4, "Product Clicked", product | {"position": "a"}),
            call(5, "Promotion Clicked", {"position": "top"}),
            call(6, "Product Clicked", product, context={}),
            call(7, "Product Clicked", product, anonymousId="00000000-0000-0000-0000-000000000000"),
            call(8, "Order Completed", {"order_id": "o8", "products": [product | {"quantity": -1}]}),
            call(9, "Order Completed", {"order_id": "o9", "products": []}),
            call(10, "Order Completed", {"products": [product]}),
            call(11, "Order Completed", {"order_id": "o11", "discount": "1%", "products": [product]}),
            call(12, "Order Refunded", {"order_id": "o1", "total": -1, "products": [product]}),
            call(13, "Order Completed", {"order_id": "o13", "currency": "$", "products": [product | {"price": "1,0"}]}),
            call(14, "Order Completed", "none"),
            call(15, "Product Clicked", {"sku": ["A"]}),
            call(16, "Order Completed", {"order_id": "o16", "products": [product]}, timestamp="1 May"),
            call(17, "Product List Viewed", {"products": "none"}),
            call(18, "Order Refunded", {"order_id": "o1", "total": "$1", "products": [product]}),
        ],
    )
    assert take_in(home).errors == []
    assert kept_aside(home) == {
        3: "bad device_time",
        4: "bad slot",
        6: "missing page_url",
        7: "missing device_id",
        8: "negative quantity",
        9: "missing sku; missing unit_price",
        10: "missing order_id",
        11: "bad discount",
        12: "negative amount",
        13: "bad unit_price; bad currency",
        14: "missing order_id; missing sku; missing unit_price",
        15: "bad sku",
        16: "bad device_time; bad updated_at; bad ordered_at; bad paid_at",
        17: "bad slot",
        18: "bad amount",
    }


ODD = [
    *("", " ", "x", "-1", "0", "1e400", "NaN", "inf", "infinity", "epoch", "now", "9" * 40, "0." + "9" * 40, "9" * 12),
    *("99999999-99-99", "9999-12-31 23:59:59 -2359", "0001-01-01 00:00:00 +2359", "294247-01-10 04:00:54 +0000"),
    *("{", "{}", "[]", "[1]", '"a"', "null", "true", "\\", "'", "\U0001f600"),
    *(json.dumps({"products": products}) for products in (None, {}, "x", [None], [1], [{"sku": {}}], [[]])),
    json.dumps(
        {
            "order_id": "o",
            "discount": 1e300,
            "total": -1e300,
            "products": [{"sku": "a", "price": 1e308, "quantity": 1e308}, {"sku": "b", "price": -1e300}],
        }
    ),
    json.dumps(
        {
            "order_id": "o",
            "discount": "99999999999999.9999",
            "total": "99999999999999.9999",
            "products": [
                {"sku": "a", "price": 99999999999999, "quantity": 999999999},
                {"sku": "b", "price": -99999999999998, "quantity": 999999999},
            ],
        }
    ),
]
GOOD = {
    "name": "#1",
    "financial_status": "paid",
    "created_at": AT,
    "subtotal": "10.00",
    "total": "12.00",
    "lineitem_quantity": "1",
    "lineitem_price": "10.00",
    "lineitem_sku": "A",
    "type": "track",
}


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("shopify", ""),
        ("sensors", "$pageview"),
        ("segment", "Order Completed"),
        ("segment", "Order Refunded"),
        ("segment", "Product List Viewed"),
    ],
)
def test_no_odd_value_stops_a_source(name: str, event: str) -> None:
    source = sources()[name]
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for relation, declared in source.relations.items():
        columns = list(declared.columns)
        typed = ", ".join(f"{column} VARCHAR" for column in columns)
        connection.execute(f"CREATE TABLE {relation} ({typed}, batch_id VARCHAR, record_no BIGINT)")
        good = [(GOOD | {"event": event}).get(column) for column in columns]
        rows = [[*good[:place], odd, *good[place + 1 :]] for place in range(len(columns)) for odd in ODD]
        lists = ", ".join("unnest(CAST(? AS VARCHAR[]))" for _ in columns)
        # Each record is a batch of its own, so that no version of an order hides another.
        query = f"SELECT *, 'b' || row_number() OVER (), 1 FROM (SELECT {lists})"
        connection.execute(f"INSERT INTO {relation} {query}", [list(values) for values in zip(*rows, strict=True)])
        found = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
        assert found == (len(columns) * len(ODD),)
    for mapping in source.mappings.values():
        connection.execute(mapping.query).fetchall()
