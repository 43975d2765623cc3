"""Odd values in the shipped sources are treated as the table in docs/odd-values.md says."""

from __future__ import annotations

import datetime as dt
import os
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.home.folder import Home
from tests.ingest_support import Row, land, new_home, raw, take_in


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


def kept_aside(home: Home, relation: str) -> dict[int, str]:
    """record_no → reasons, for each record of *relation* that was quarantined (refused)."""
    rows = raw(home, "raw.quarantine", "record_no")
    return {row["record_no"]: row["reasons"] for row in rows if row["relation"] == relation}


def land_csv(home: Home, file: str, header: str, *lines: str) -> None:
    land(home, file, "\n".join([header, *lines, ""]).encode())


def by(rows: list[Row], key: str, *columns: str) -> dict[str, tuple[object, ...]]:
    return {row[key]: tuple(row[column] for column in columns) for row in rows}


def test_maven(home: Home) -> None:
    home.settings_file.write_text("timezone: UTC\ncurrency: USD\n", encoding="utf-8")
    at = "2012-03-19 10:42:46"
    land_csv(
        home,
        "maven/orders/a.csv",
        "order_id,created_at,user_id",
        f"1,{at},7",
        f"2,{at} PM,7",
        f"3,{at} PST,7",
        f"4,{at}+02:00,7",
        "5,2012-03-19,7",
        f"6,{at},NULL",
        f"NULL,{at},7",
        f"8.0,{at},7.0",
        f"9,{at},1.23457E+12",
        f"true,{at},7",
    )
    land_csv(
        home,
        "maven/order_items/a.csv",
        "order_item_id,order_id,product_id,price_usd,cogs_usd",
        "1,1,1,49.99,19.49",
        "2,1,1,-49.99,19.49",
        '3,1,1,"1,049.99",19.49',
        "4,1,1,$49.99,19.49",
        "5,1,1,49.99999,19.49",
        "6,1,1,49.99,",
        "1_0,1,1,49.99,19.49",
    )
    land_csv(
        home,
        "maven/order_item_refunds/a.csv",
        "order_item_refund_id,created_at,order_item_id,order_id,refund_amount_usd",
        f"1,{at},1,1,49.99",
        f"2,{at},1,1,-49.99",
        f"3,{at} AM,1,1,49.99",
    )
    land_csv(
        home,
        "maven/products/a.csv",
        "product_id,created_at,product_name",
        f"1,{at},bear",
        f"2,{at} PM,bear",
        "3,2012-02-30,bear",
        "4,2012-03-19,bear",
    )
    land_csv(
        home,
        "maven/sessions/a.csv",
        "website_session_id,created_at,user_id,utm_source,utm_campaign,utm_content,device_type,http_referer",
        f"1,{at},NULL,NULL,NULL,NULL,mobile,NULL",
    )
    land_csv(
        home,
        "maven/pageviews/a.csv",
        "website_pageview_id,created_at,website_session_id,pageview_url",
        f"1,{at},1,/home",
        f"2e3,{at},1,/cart",
        f"3,{at} PM,1,/cart",
    )
    assert take_in(home).errors == []
    times = "bad ordered_at; bad paid_at"
    assert kept_aside(home, "orders") == {2: times, 3: times, 4: times, 5: times, 7: "missing order_id"} | {
        9: "bad user_id",
        10: "bad order_id",
    }
    assert by(raw(home, "raw.orders"), "order_id", "user_id", "ordered_at") == {
        "1": ("7", dt.datetime.fromisoformat(at)),
        "6": (None, dt.datetime.fromisoformat(at)),
        "8": ("7", dt.datetime.fromisoformat(at)),
    }
    price = "bad unit_price"
    assert kept_aside(home, "order_items") == {2: "negative unit_price", 3: price, 4: price, 5: price, 7: "bad line_no"}
    assert [row["unit_cost"] for row in raw(home, "raw.order_lines", "line_no")] == [Decimal("19.49"), None]
    assert kept_aside(home, "refunds") == {2: "negative amount", 3: "bad refunded_at"}
    assert kept_aside(home, "products") == dict.fromkeys((2, 3), "bad created_at")
    assert by(raw(home, "raw.products"), "sku", "launched_on") == dict.fromkeys("14", (dt.date(2012, 3, 19),))
    reasons = kept_aside(home, "pageviews")
    assert (reasons[2], reasons[3]) == ("missing event_id; missing page_id", "bad device_time")
    assert {(row["device_id"], row["user_id"]) for row in raw(home, "raw.events")} == {("session-1", None)}


def test_clothing(home: Home) -> None:
    land_csv(
        home,
        "clothing/clicks/a.csv",
        "year;month;day;order;country;session ID;page 1 (main category);page 2 (clothing model);colour;location;"
        "model photography;price;price 2;page",
        "2008;4;1;1;29;7;1;A1;1;5;1;28;2;1",
        "2008;4;31;1;29;8;1;A1;1;5;1;28;2;1",
        "2008;4;1 PM;1;29;9;1;A1;1;5;1;28;2;1",
        "2008;4;1;1st;29;10;1;A1;1;5;1;28;2;1",
        "2008;4;1;1;29;11;9;A1;1;5;1;28;2;1",
        "2008;4;1;1;29;12;1;A2;1;5.5;1;28 USD;2;1",
        "2008;4;1;1;29;13;1;A3;1;5;1;-28;2;1",
        "2008;4;1;1;29;14;1;7.0;1;5;1;28;2;1",
        "2008;4;1;1;29;15;1;[7];1;5;1;28;2;1",
    )
    assert take_in(home).errors == []
    reasons = kept_aside(home, "clicks")
    assert reasons[2] == reasons[3] == "bad device_time"
    assert "missing event_id" in reasons[4]
    assert reasons[5] == "missing page_type"
    assert reasons[6] == "bad slot; bad list_price"
    assert reasons[7] == "negative list_price"
    assert by(raw(home, "raw.products"), "sku", "list_price") == {"A1": (Decimal(28),), "7": (Decimal(28),)}
    assert reasons[9] == "bad sku"


def test_online_retail(home: Home) -> None:
    home.settings_file.write_text("timezone: Europe/London\ncurrency: GBP\n", encoding="utf-8")
    at = "2011-01-30 09:00:00"
    land_csv(
        home,
        "online_retail/invoice_lines/a.csv",
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
        f"100,A,MUG,6,{at},2.50,501,UK",
        f"100,B,MUG,-2,{at},2.50,501,UK",
        f"100,B,MUG,0,{at},2.50,501,UK",
        f"100,B,MUG,1,{at},-2.50,501,UK",
        f'100,B,MUG,"1,000",{at},2.50,501,UK',
        f'100,B,MUG,1,{at},"2,50",501,UK',
        f"100,B,MUG,1,{at},2.55555,501,UK",
        f"100,B,MUG,1,{at},2_5,501,UK",
        f"101,A,MUG,1,{at} PM,2.50,501,UK",
        "102,A,MUG,1,2011-01-30,2.50,501,UK",
        f"103,A,MUG,1,{at},2.50,NULL,UK",
        f"C104,A,MUG,-1,{at},2.50,NULL,UK",
        f"C105,A,MUG,1,{at},2.50,501,UK",
        f"C106,A,MUG,-1,{at},2.50,501,UK",
        f"107.0,A,MUG,1,{at},2.50,501.0,UK",
        f"108,A,MUG,1,{at},2.50,1.7E+10,UK",
    )
    assert take_in(home).errors == []
    reasons = kept_aside(home, "invoice_lines")
    assert reasons == {
        5: "bad quantity",
        6: "bad unit_price",
        7: "bad unit_price",
        8: "bad unit_price",
        9: "bad ordered_at; bad paid_at",
        10: "bad ordered_at",
        13: "negative amount",
        16: "bad user_id",
    }
    users = by(raw(home, "raw.orders"), "order_id", "user_id")
    assert users == {"100": ("501",), "103": (None,), "107": ("501",)}
    amounts = by(raw(home, "raw.refunds"), "refund_id", "order_id", "amount")
    # C104 has no customer, so it is not matched with a purchase; C106 is matched with one, of order 100.
    assert amounts == {"C104-1": ("C104", Decimal("2.5")), "C106-1-100-1": ("100", Decimal("2.5"))}
    assert by(raw(home, "raw.products"), "sku", "list_price") == {"A": (Decimal("2.5"),)}


def ga4_event(name: str | None, **fields: object) -> Row:
    params = [{"key": "page_location", "value": {"string_value": "https://shop.example/"}}]
    known = {
        "event_name": name,
        "event_timestamp": "1794276000000000",
        "user_pseudo_id": "1.2",
        "batch_event_index": "1",
    }
    return known | {"event_params": params} | fields


def test_ga4(home: Home) -> None:
    records = [
        ga4_event("page_view"),
        ga4_event("page_view", event_timestamp="1794276000"),
        ga4_event("page_view", event_timestamp="2026-11-10 02:00:00"),
        ga4_event("page_view", event_timestamp="2026-11-10 02:00:00.000001 UTC"),
        ga4_event("page_view", event_timestamp=None),
        ga4_event("page_view", event_params="https://shop.example/"),
        ga4_event("page_view", user_pseudo_id="(not set)"),
        ga4_event("page_view", user_pseudo_id="", privacy_info={"analytics_storage": "No"}),
        ga4_event(None),
        ga4_event("select_item", items=[{"item_id": 12345.0, "item_list_index": "Slide 3"}]),
        ga4_event("select_item", items=[{"item_id": "1.23457E+12", "item_list_index": "1"}]),
        ga4_event("select_item", items=[{"item_id": "A", "item_list_index": "1 of 3"}]),
        ga4_event("select_item", items=[{"item_id": "A", "item_list_index": "-1"}]),
        ga4_event("select_item", items="A"),
    ]
    land(home, "ga4/events/a.ndjson", records, at=dt.datetime(2026, 11, 11))
    bought = [
        {"item_id": "A", "price": 9.99, "quantity": 2},
        {"item_id": "A", "price": "$9.99"},
        {"item_id": "A", "price": 9.99999},
        {"item_id": "A", "price": -9.99},
        {"item_id": "(not set)", "price": 9.99},
        {"item_id": "A", "price": 9.99, "quantity": "six"},
        {"item_id": "A", "price": None},
    ]
    purchases = [
        ga4_event("purchase", ecommerce={"transaction_id": f"T{number}"}, items=[item], batch_event_index=str(number))
        for number, item in enumerate(bought, start=1)
    ]
    purchases.append(ga4_event("purchase", ecommerce={"transaction_id": "T8"}, items="A", batch_event_index="8"))
    purchases.append(ga4_event("purchase", ecommerce={"transaction_id": "T9"}, event_timestamp="1794276000"))
    land(home, "ga4/events/b.ndjson", purchases, at=dt.datetime(2026, 11, 11))
    assert take_in(home).errors == []
    refused = {(row["file"][-8], row["record_no"]): row["reasons"] for row in raw(home, "raw.quarantine")}
    assert refused == {
        ("a", 2): "bad device_time",
        ("a", 3): "bad device_time",
        ("a", 5): "missing device_time",
        ("a", 6): "missing page_url",
        ("a", 7): "missing device_id",
        ("a", 9): "missing event_type",
        ("a", 11): "bad sku",
        ("a", 12): "bad slot",
        ("a", 13): "negative slot",
        ("a", 14): "bad slot",
        ("b", 2): "bad unit_price",
        ("b", 3): "bad unit_price",
        ("b", 4): "negative unit_price",
        ("b", 5): "missing line_no; missing sku",
        ("b", 6): "bad quantity",
        ("b", 7): "missing unit_price",
        ("b", 8): "bad slot",
        ("b", 9): "bad device_time; bad ordered_at; bad paid_at",
    }
    kept = [row for row in raw(home, "raw.events", "record_no") if row["event_type"] != "purchase"]
    assert [(str(row["device_time"]), row["sku"], row["slot"]) for row in kept] == [
        ("2026-11-10 02:00:00", None, None),
        ("2026-11-10 02:00:00.000001", None, None),
        ("2026-11-10 02:00:00", "12345", 3),
    ]


def test_snowplow(home: Home) -> None:
    at = "2026-11-10 02:00:00.123"
    page = "https://shop.example/"
    land_csv(
        home,
        "snowplow/events/a.csv",
        "event_id,event,event_name,domain_userid,page_url,dvce_created_tstamp,collector_tstamp,"
        "ti_orderid,ti_sku,ti_price,ti_quantity,unstruct_event",
        f"1,page_view,,d,{page},{at},{at},,,,,",
        f"2,page_view,,d,{page},{at} PM,{at},,,,,",
        f"3,page_view,,d,{page},2026-11-10T10:00:00+08:00,{at},,,,,",
        f"4,page_view,,d,{page},,{at},,,,,",
        f"5,page_view,,d,{page},2026-11-10,{at},,,,,",
        f"6,page_view,,d,{page},1794276000000,{at},,,,,",
        f"7,page_view,,d,{page},{at},soon,,,,,",
        f"8,page_view,,,{page},{at},{at},,,,,",
        f"9,page_view,,d,,{at},{at},,,,,",
        f"10,,,d,{page},{at},{at},,,,,",
        f"11,unstruct,snowplow_ecommerce_action,d,{page},{at},{at},,,,,no json",
        f"12,transaction_item,transaction_item,d,{page},{at},{at},T,A,9.99,2,",
        f"13,transaction_item,transaction_item,d,{page},{at},{at},T,B,$9.99,2,",
        f"14,transaction_item,transaction_item,d,{page},{at},{at},T,C,9.99,-2,",
        f"15,transaction_item,transaction_item,d,{page},{at},{at},,D,9.99,2,",
    )
    for file in home.landing.rglob("a.csv"):
        os.utime(file, (1794355200, 1794355200))
    assert take_in(home).errors == []
    assert kept_aside(home, "events") == {
        2: "bad device_time",
        5: "bad device_time",
        7: "bad received_at",
        8: "missing device_id",
        9: "missing page_url; missing page_type",
        10: "missing event_type",
        11: "missing event_type",
        13: "bad unit_price",
        14: "negative quantity",
        15: "missing order_id",
    }
    times = {row["event_id"]: str(row["device_time"]) for row in raw(home, "raw.events")}
    assert times == {
        "1": at + "000",
        "3": "2026-11-10 02:00:00",
        "4": at + "000",
        "6": "2026-11-10 02:00:00",
    }
    assert by(raw(home, "raw.order_lines"), "sku", "quantity") == {"A": (2,)}
