"""The core tables without a reference implementation (products, entrances, mismatches).

Also a day that is blocked because its exchange rate is missing.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from pipelines.commands.diagnosis import diagnose
from pipelines.compute.run import Request, run_home
from tests.support import land, make_home, run, run_selected, selected, table

ORDER = {"status": "paid", "ordered_at": "2026-03-02 12:00:00", "paid_at": "2026-03-02 12:01:00", "user_id": "u1"}
LINE = {"line_no": 1, "sku": "A", "quantity": 1, "unit_price": "10.00"}


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "shop")


def test_of_a_product_the_newest_version_counts(home):
    versions = [
        {"sku": "A", "name": "新", "unit_cost": "3.5", "updated_at": "2026-02-01T00:00:00Z"},
        {"sku": "A", "name": "旧", "unit_cost": "4", "updated_at": "2026-01-01T00:00:00Z"},
        {"sku": "A", "name": "没有时间", "unit_cost": "5"},
        {"sku": "B", "name": "另一个"},
    ]
    land(home, "products", versions, "all")
    run_selected(home, "core")
    found = {row["sku"]: (row["name"], row["unit_cost"]) for row in table(home, "core.products")}
    assert found == {"A": ("新", Decimal("3.5000")), "B": ("另一个", None)}


def test_entrances_are_those_of_the_file(home):
    land(home, "products", [{"sku": "A"}], "all")
    run_selected(home, "core")
    path = home.config / "entrances.csv"
    listed = [line.split(",")[0] for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    assert sorted(row["entrance_id"] for row in table(home, "core.entrances")) == sorted(listed)


def test_lines_orders_refunds_without_counterpart_are_listed(home):
    unsaid = {name: value for name, value in ORDER.items() if name != "paid_at"}
    orders = [{"order_id": "alone", **ORDER}, {"order_id": "whole", **ORDER}, {"order_id": "unsaid", **unsaid}]
    land(home, "orders", orders, "orders")
    land(home, "order_lines", [{"order_id": name, **LINE} for name in ("whole", "lost", "unsaid")], "lines")
    refund = {"order_id": "whole", "line_no": 9, "refunded_at": "2026-03-03 10:00:00", "amount": "1"}
    land(home, "refunds", [refund], "refunds")
    summary = run_selected(home, "core")
    found = {(row["mismatch"], row["order_id"], row["line_no"]) for row in table(home, "core.order_mismatches")}
    assert found == {
        ("order_without_lines", "alone", 0),
        ("paid_without_paid_at", "unsaid", 0),
        ("line_without_order", "lost", 1),
        ("refund_without_line", "whole", 9),
    }
    assert summary.failed_checks["orders_and_lines_match"].severity == "warn"
    assert [row["order_id"] for row in table(home, "core.order_lines")] == ["whole"]


def test_a_missing_rate_holds_its_day_and_names_the_currency(home):
    later = {**ORDER, "ordered_at": "2026-03-03 12:00:00", "paid_at": "2026-03-03 12:01:00"}
    land(home, "orders", [{"order_id": "o1", **ORDER, "currency": "USD"}, {"order_id": "o2", **later}], "orders")
    land(home, "order_lines", [{"order_id": "o1", **LINE}, {"order_id": "o2", **LINE}], "lines")
    request = Request(tables=selected(home, "+attribution.entrance_daily"))
    summary = run_home(home, request)
    assert summary.has_errors
    told = summary.failed_checks["exchange_rates_are_known"].describe()
    assert "dt=2026-03-02, currency=USD" in told
    assert "config/fx.csv" in told
    assert [row["order_id"] for row in table(home, "core.order_lines")] == ["o2"]
    assert [row["revenue"] for row in table(home, "attribution.entrance_daily")] == [Decimal("10.0000")]

    (home.config / "fx.csv").write_text("dt,currency,rate\n2026-03-02,USD,7.1\n", encoding="utf-8")
    assert not run_home(home, request).has_errors
    found = {row["order_id"]: row["revenue"] for row in table(home, "core.order_lines")}
    assert found == {"o1": Decimal("71.0000"), "o2": Decimal("10.0000")}
    assert sum(row["revenue"] for row in table(home, "attribution.entrance_daily")) == Decimal("81.0000")


def test_a_refund_without_a_rate_is_held_back_too(home):
    land(home, "orders", [{"order_id": "o1", **ORDER, "currency": "USD"}], "orders")
    land(home, "order_lines", [{"order_id": "o1", **LINE}], "lines")
    refund = {"order_id": "o1", "line_no": 1, "refunded_at": "2026-03-04 10:00:00", "amount": "4"}
    land(home, "refunds", [refund], "refunds")
    request = Request(tables=selected(home, "core"))
    summary = run_home(home, request)
    told = summary.failed_checks["refund_rates_are_known"].describe()
    assert "dt=2026-03-04, currency=USD, paid_on=2026-03-02" in told
    assert table(home, "core.refunds") == []
    (home.config / "fx.csv").write_text("dt,currency,rate\n2026-03-02,USD,7.1\n", encoding="utf-8")
    assert not run_home(home, request).has_errors
    assert [row["amount"] for row in table(home, "core.refunds")] == [Decimal("28.4000")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"quantity": 2147483647, "unit_price": "99999999999999.9999"}, "amount out of range"),
        ({"unit_price": "1000000000000"}, "amount out of range"),
        ({"discount": "1000000000000"}, "amount out of range"),
        ({"updated_at": "9999-12-30T05:00:00Z"}, "time out of range"),
    ],
)
def test_an_absurd_line_is_quarantined_and_the_rest_computed(home, line, reason):
    land(home, "orders", [{"order_id": "o1", **ORDER}, {"order_id": "o2", **ORDER}], "orders")
    land(home, "order_lines", [{"order_id": "o1", **LINE}, {"order_id": "o2", **LINE, **line}], "lines")
    run_selected(home, "core")
    assert [row["reasons"] for row in table(home, "core.quarantine")] == [reason]
    assert [row["order_id"] for row in table(home, "core.order_lines")] == ["o1"]


def test_a_cost_beyond_its_type_is_unknown_and_no_error(home):
    land(home, "orders", [{"order_id": "o1", **ORDER}], "orders")
    land(home, "order_lines", [{"order_id": "o1", **LINE, "quantity": 2_000_000_000, "unit_price": "1"}], "lines")
    land(home, "products", [{"sku": "A", "unit_cost": "900000000000"}], "products")
    run_selected(home, "core")
    assert [(row["revenue"], row["cost"]) for row in table(home, "core.order_lines")] == [
        (Decimal(2_000_000_000), None)
    ]


@pytest.mark.real
def test_one_order_of_long_ago_does_not_cost_ten_years_of_days(tmp_path):
    short = {
        "start_date": dt.date(2016, 1, 1),
        "touch": {"window_days": 5, "effects_days": 5},
        "rfm": {"window_days": 30},
        "lifecycle": {"period_days": 10, "churned_days": 20, "history_days": 40},
        "products": {"windows": [1, 7], "repurchase_days": 20, "too_fast_days": 1, "too_slow_days": 20},
    }
    home = make_home(tmp_path / "shop", settings=short)
    old = {**ORDER, "ordered_at": "2016-01-01 12:00:00", "paid_at": "2016-01-01 12:00:00"}
    land(home, "orders", [{"order_id": "old", **old}, {"order_id": "new", **ORDER}], "orders")
    land(home, "order_lines", [{"order_id": "old", **LINE}, {"order_id": "new", **LINE}], "lines")
    summary = run(home)
    kept = {name: {str(day) for day in keys if day} for name, keys in summary.published.items()}
    assert kept["attribution.entrance_daily"] == {"2016-01-01", "2026-03-02"}
    # A table that reads earlier days also has partitions for the days after an order whose windows still contain that
    # order. For the rest of the ten years between the two orders it has none.
    days = set().union(*(keys for name, keys in kept.items() if not name.startswith("customers.")))
    assert not [day for day in days if "2016-03" <= day < "2026-03"]
    assert len(kept["customers.rfm"]) < 6


def test_what_lies_before_the_start_is_told(home):
    land(home, "orders", [{"order_id": "o1", **ORDER}], "orders")
    land(home, "order_lines", [{"order_id": "o1", **LINE}], "lines")
    assert run_selected(home, "core").not_computed == ""
    earlier = {**ORDER, "ordered_at": "2026-02-02 12:00:00", "paid_at": "2026-02-02 12:00:00"}
    land(home, "orders", [{"order_id": "o0", **earlier}], "earlier")
    before = run_selected(home, "core").not_computed
    assert before.startswith("0 events and 1 orders are before start_date 2026-03-02 (the earliest on 2026-02-02)")


def test_a_wrong_clock_does_not_make_the_shop_begin_long_ago(home):
    day = "2026-03-02T04:00:00Z"
    event = {"device_id": "d", "event_type": "page_view", "page_id": 1, "page_type": "home"}
    land(home, "events", [{"event_id": "1", **event, "device_time": day}], "log")
    land(home, "events", [{"event_id": "2", **event, "device_time": "2001-01-03T00:00:00Z"}], "old")
    land(home, "orders", [{"order_id": "o1", **ORDER, "ordered_at": "2005-02-03 12:00:00", "paid_at": ""}], "orders")
    summary = run_selected(home, "core")
    assert str(summary.start_date_set) == "2026-03-02"
    assert {str(row["dt"]) for row in table(home, "core.events")} == {"2026-03-02"}
    told = "1 events and 1 orders are before start_date 2026-03-02 (the earliest on 2001-01-03) and are not computed"
    assert told in summary.not_computed
    assert told in " ".join(finding.message for finding in diagnose(home))


def test_a_shop_of_orders_alone_begins_with_them(home):
    # Each of these days is at most 32 days after the one before it. The order "old" is 33 days earlier than the first
    # of them, so the shop does not begin with that order.
    days = ["2025-12-20", "2026-01-10", "2026-02-11", "2026-03-15"]
    orders = [{"order_id": day, **ORDER, "ordered_at": f"{day} 12:00:00", "paid_at": ""} for day in days]
    land(home, "orders", [{"order_id": "old", **ORDER, "ordered_at": "2025-11-17 12:00:00"}, *orders], "orders")
    assert str(run_selected(home, "core").start_date_set) == "2025-12-20"


@pytest.mark.parametrize("select", ["core.events", "attribution.entrance_daily"])
def test_refused_records_are_found_whatever_tables_are_asked(home, select):
    land(home, "orders", [{"order_id": "o1", **ORDER, "status": "lost"}], "orders")
    run(home, tables=frozenset({select}))
    assert [row["reasons"] for row in table(home, "core.quarantine")] == ["unknown status"]
    assert [row["quarantined"] for row in table(home, "core.batches")] == [1]
