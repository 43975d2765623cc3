"""Tests of ``tests.reference``, the reference implementation of the tables in plain Python.

The SQL is compared with it in other tests, so here it is itself compared with worked examples, without the SQL. For
random logs its tables must have the properties that hold for any log.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.golden.path_cases import CASES, LOG, SHOP, Case, observed
from tests.reference import restate
from tests.reference_core import Log, Row, Shop
from tests.strategies import logs, shops
from tests.support import KEYS

DAY = dt.date(2026, 3, 2)
ENTRANCES: list[Row] = [
    {"entrance_id": "banner", "page_type": "home", "module": "banner"},
    {"entrance_id": "first_banner", "page_type": "home", "module": "banner", "slot": 1},
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_worked_example_has_the_stated_path(case: Case) -> None:
    assert observed(case, restate(LOG, SHOP)) == case.expect


# Events ------------------------------------------------------------------------------------------------


def event(event_id: str, time: str, **values: Any) -> Row:
    """A click on the product grid of a list page, at local time *time* of 2 March; *values* replace fields."""
    return {
        "event_id": event_id,
        "device_id": "d",
        "event_type": "click",
        "page_id": 1,
        "page_type": "list",
        "module": "grid",
        "device_time": f"2026-03-02T{time}+08:00" if "T" not in time else time,
        **values,
    }


def on_banner(event_id: str, time: str, **values: Any) -> Row:
    return event(event_id, time, **{"page_type": "home", "module": "banner", **values})


def cart(event_id: str, time: str, **values: Any) -> Row:
    return event(event_id, time, **{"event_type": "add_to_cart", "sku": "A", **values})


def rows_of(name: str, events: list[Row] | None = None, shop: Shop | None = None, **log: Any) -> list[Row]:
    return restate(Log(events=events or [], **log), shop or Shop(entrances=ENTRANCES))[name]


def only(rows: list[Row]) -> Row:
    assert len(rows) == 1
    return rows[0]


def test_the_latency_from_sent_to_received_corrects_the_clock() -> None:
    stamps = {"sent_time": "2026-03-02T23:59:00+08:00", "received_time": "2026-03-02T16:01:00Z"}
    late = only(rows_of("core.events", [event("1", "23:58:30", **stamps)]))
    assert late["occurred_at"] == dt.datetime(2026, 3, 2, 16, 0, 30)
    assert late["dt"] == dt.date(2026, 3, 3)


def test_a_clock_out_of_range_without_correction_is_refused() -> None:
    received = {"received_time": "2026-03-01T03:59:59Z"}
    assert rows_of("core.events", [event("1", "12:00:00", **received)]) == []
    assert rows_of("core.events", [event("1", "1999-12-31T23:59:59Z")]) == []


def test_of_two_records_with_one_id_the_first_received_is_kept() -> None:
    first = event("1", "12:00:00", sku="first", received_time="2026-03-02T04:00:01Z")
    second = event("1", "11:00:00", sku="second", received_time="2026-03-02T04:00:02Z")
    never = event("1", "10:00:00", sku="never")
    for records in ([first, second, never], [never, second, first]):
        assert only(rows_of("core.events", records))["sku"] == "first"


@pytest.mark.parametrize(
    ("users", "persons"),
    [
        ([None, "u", None], ["u", "u", "u"]),
        (["u", None, "v"], ["u", "v", "v"]),
        ([None, None, None], ["device:d"] * 3),
    ],
)
def test_a_person_is_the_next_user_else_the_last_or_the_device(users: list[str | None], persons: list[str]) -> None:
    events = [event(str(n), f"12:00:0{n}", user_id=user) for n, user in enumerate(users)]
    # The same device at midnight: identity is decided day by day, so this event has no user.
    events.append(event("9", "2026-03-03T00:00:00+08:00"))
    rows = sorted(rows_of("core.events", events), key=lambda row: row["event_id"])
    assert [row["person_id"] for row in rows] == [*persons, "device:d"]


def test_an_entrance_with_a_slot_wins_on_its_days() -> None:
    shop = Shop(entrances=[ENTRANCES[0], {**ENTRANCES[1], "valid_to": "2026-03-02"}])
    events = [
        on_banner("1", "12:00:00", slot=1),
        on_banner("2", "12:00:00", slot=2),
        on_banner("3", "2026-03-03T12:00:00+08:00", slot=1),
    ]
    rows = sorted(rows_of("core.events", events, shop), key=lambda row: row["event_id"])
    assert [row["entrance_id"] for row in rows] == ["first_banner", "banner", "banner"]


# Path ends and paths -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("time", "rule"), [("13:00:00", "head"), ("13:00:01", "none")])
def test_the_look_back_is_inclusive(time: str, rule: str) -> None:
    shop = Shop(entrances=ENTRANCES, head_lookback_hours=1)
    ends = rows_of("attribution.attributed_events", [on_banner("1", "12:00:00"), cart("2", time)], shop)
    assert only(ends)["rule"] == rule


def test_a_click_on_a_product_at_an_entrance_is_its_own_head() -> None:
    own = only(rows_of("attribution.attributed_events", [on_banner("1", "12:00:00", sku="A", slot=2)]))
    assert (own["rule"], own["entrance_id"], own["head_event_id"]) == ("own", "banner", "1")
    assert (own["head_module"], own["head_slot"], own["head_content_id"]) == ("banner", 2, "(none)")


def test_a_click_on_an_action_is_a_step_but_no_end_or_closing() -> None:
    shop = Shop(entrances=ENTRANCES, action_modules=("size",))
    events = [
        on_banner("1", "12:00:00"),
        event("2", "12:00:01", page_id=2),
        event("3", "12:00:02", page_id=3, page_type="detail", module="size", sku="A"),
        cart("4", "12:00:03", page_id=4, page_type="detail", module="buy"),
    ]
    assert [row["event_id"] for row in rows_of("attribution.attributed_events", events, shop)] == ["4"]
    assert [row["event_id"] for row in rows_of("attribution.path_steps", events, shop)] == list("1234")
    modules = rows_of("attribution.module_daily", events, shop)
    assert {row["module"] for row in modules if row["assisted_add_to_carts"]} == {"grid"}
    assert {row["module"] for row in modules if row["closing_add_to_carts"]} == {"grid"}


def test_ties_in_device_time_go_by_page_id_then_kind_then_id() -> None:
    events = [
        on_banner("9", "12:00:00", page_id=1, slot=1),
        on_banner("1", "12:00:00", page_id=2),
        cart("0", "12:00:00", page_id=2),
        cart("2", "12:00:00", page_id=2),
    ]
    ends = {row["event_id"]: row for row in rows_of("attribution.attributed_events", events)}
    assert (ends["0"]["head_event_id"], ends["2"]["head_event_id"]) == ("1", "1")


def test_a_path_that_is_too_long_keeps_its_head_and_last_steps() -> None:
    shop = Shop(entrances=ENTRANCES, max_path_steps=3)
    events = [
        on_banner("1", "12:00:00"),
        *(event(str(n), f"12:00:0{n}", page_id=n) for n in range(2, 6)),
        cart("6", "12:00:06", page_id=6),
    ]
    steps = rows_of("attribution.path_steps", events, shop)
    assert [(s["step_no"], s["event_id"], s["role"]) for s in steps] == [
        (1, "1", "head"),
        (2, "5", "click"),
        (3, "6", "end"),
    ]
    assert all(step["is_truncated"] for step in steps)


# Sales -------------------------------------------------------------------------------------------------


def order(**values: Any) -> Row:
    return {
        "order_id": "o",
        "user_id": "u",
        "status": "paid",
        "ordered_at": "2026-03-02 13:00:00",
        "paid_at": "2026-03-02 13:05:00",
        "currency": "CNY",
        **values,
    }


def line(**values: Any) -> Row:
    return {"order_id": "o", "line_no": 1, "sku": "A", "quantity": 2, "unit_price": "10", **values}


@pytest.mark.parametrize(
    ("events", "matched_by", "event_id"),
    [
        ([cart("1", "12:00:00"), event("2", "12:30:00", sku="A")], "cart", "1"),
        ([cart("1", "12:00:00"), cart("2", "12:00:01"), cart("3", "13:00:01")], "cart", "2"),
        ([cart("1", "13:00:00")], "cart", "1"),
        ([cart("1", "12:00:00", sku="B"), event("2", "12:30:00", sku="A")], "click", "2"),
        ([cart("1", "12:00:00", user_id="v")], "none", None),
        ([cart("1", "2026-02-28T13:00:00+08:00")], "cart", "1"),
        ([cart("1", "2026-02-28T12:59:59+08:00")], "none", None),
    ],
)
def test_a_line_takes_the_latest_cart_before_it_else_click(
    events: list[Row], matched_by: str, event_id: str | None
) -> None:
    events = [{"user_id": "u", **record} for record in events]
    shop = Shop(entrances=ENTRANCES, cart_window_days=2)
    sale = only(rows_of("attribution.attributed_sales", events, shop, orders=[order()], order_lines=[line()]))
    assert (sale["matched_by"], sale["matched_event_id"]) == (matched_by, event_id)


def test_only_paid_orders_are_sales() -> None:
    for values in ({"paid_at": None}, {"status": "cancelled"}, {"status": "unpaid"}, {"order_id": "other"}):
        assert rows_of("core.order_lines", orders=[order(**values)], order_lines=[line()]) == []
    sold = rows_of("core.order_lines", orders=[order(status="refunded")], order_lines=[line()])
    assert only(sold)["revenue"] == 20


def test_the_newest_version_of_an_order_and_of_a_line_counts() -> None:
    versions = [order(status="cancelled"), order(updated_at="2026-03-03 00:00:00")]
    lines = [line(updated_at="2026-03-03 00:00:00", quantity=3), line()]
    assert only(rows_of("core.order_lines", orders=versions, order_lines=lines))["quantity"] == 3


def test_money_is_converted_at_the_paid_days_rate_and_rounded() -> None:
    shop = Shop(fx=[{"dt": "2026-03-02", "currency": "USD", "rate": "7.12345"}])
    lines = [line(unit_price="0.1", discount="0.05", unit_cost="0.01")]
    refunds = [
        {
            "refund_id": "r",
            "order_id": "o",
            "line_no": 1,
            "refunded_at": "2026-03-09 00:00:00",
            "amount": "0.05",
        }
    ]
    log: dict[str, Any] = {"orders": [order(currency="USD")], "order_lines": lines, "refunds": refunds}
    sold = only(rows_of("core.order_lines", shop=shop, **log))
    assert (sold["revenue"], sold["cost"]) == (Decimal("1.0685"), Decimal("0.1425"))
    assert (sold["refunded"], sold["net_revenue"]) == (Decimal("0.3562"), Decimal("0.7123"))
    assert sold["margin"] == Decimal("0.5698")
    assert only(rows_of("core.refunds", shop=shop, **log))["dt"] == dt.date(2026, 3, 9)


def test_a_missing_cost_is_the_products_else_margin_is_unknown() -> None:
    log: dict[str, Any] = {"orders": [order()], "order_lines": [line()]}
    assert only(rows_of("core.order_lines", **log, products=[{"sku": "A", "unit_cost": "4"}]))["margin"] == 12
    assert only(rows_of("core.order_lines", **log))["margin"] is None
    daily = only(rows_of("attribution.entrance_daily", **log))
    assert (daily["margin"], daily["lines_without_cost"], daily["revenue"]) == (None, 1, 20)


def test_an_undated_refund_has_its_lines_day_if_none_is_dated() -> None:
    lines = [line(refunded_amount="5", updated_at="2026-03-04 00:00:00")]
    refund = only(rows_of("core.refunds", orders=[order()], order_lines=lines))
    assert (refund["refund_id"], refund["dt"]) == ("undated:o:1", dt.date(2026, 3, 4))
    dated = [{"order_id": "o", "line_no": 1, "refunded_at": "2026-03-09 00:00:00", "amount": "1"}]
    assert only(rows_of("core.order_lines", orders=[order()], order_lines=lines, refunds=dated))["refunded"] == 1


# Random logs -------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nothing_is_lost_between_ends_sales_and_daily_tables(data: st.DataObject) -> None:
    shop = data.draw(shops())
    tables = restate(data.draw(logs(shop)), shop)
    ends, sales = tables["attribution.attributed_events"], tables["core.order_lines"]
    for name in ("attribution.entrance_daily", "attribution.slot_daily"):
        daily = tables[name]
        for day in {row["dt"] for row in [*daily, *ends, *sales]}:
            of_day = [row for row in daily if row["dt"] == day]
            ends_of_day = [end["end_type"] for end in ends if end["dt"] == day]
            sales_of_day = [sale["revenue"] for sale in sales if sale["dt"] == day]
            assert sum(row["exposures"] for row in of_day) == ends_of_day.count("exposure")
            assert sum(row["product_clicks"] for row in of_day) == ends_of_day.count("click")
            assert sum(row["add_to_carts"] for row in of_day) == ends_of_day.count("add_to_cart")
            assert sum(row["revenue"] for row in of_day) == sum(sales_of_day)
    summary = tables["attribution.path_summary"]
    assert sum(row["revenue"] for row in summary) == sum(sale["revenue"] for sale in sales)
    for name, keys in KEYS.items():
        found = [tuple(row[key] for key in keys) for row in tables[name]]
        assert len(found) == len(set(found)), f"{name}: rows that share a key"
