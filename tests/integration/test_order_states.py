"""Orders that change: refunds, returns, removed lines, and versions without a time that would show which is newest."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.compute.run import RunSummary
from pipelines.home.folder import Home
from tests.support import Row, land, make_home, run_selected, table

PAID = "2026-03-02 12:01:00"
PAID_ON = dt.date(2026, 3, 2)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "shop")


def order(order_id: str, status: str = "paid", **fields: object) -> Row:
    return {
        "order_id": order_id,
        "user_id": "u1",
        "status": status,
        "ordered_at": "2026-03-02 12:00:00",
        "paid_at": PAID,
        **fields,
    }


def line(order_id: str, line_no: int = 1, price: str = "100", **fields: object) -> Row:
    return {"order_id": order_id, "line_no": line_no, "sku": "A", "quantity": 1, "unit_price": price, **fields}


def refund(order_id: str, amount: str, line_no: int = 1, **fields: object) -> Row:
    return {"order_id": order_id, "line_no": line_no, "refunded_at": "2026-03-04", "amount": amount, **fields}


def computed(home: Home, **relations: list[Row]) -> RunSummary:
    """Land *relations* (relation name → records) and compute schema core."""
    for relation, records in relations.items():
        land(home, relation, records, "a", "csv" if relation == "orders" else "ndjson")
    return run_selected(home, "core")


def refunds_of(home: Home) -> dict[tuple[str, int], tuple[Decimal, bool, dt.date]]:
    return {
        (row["order_id"], row["line_no"]): (row["amount"], row["is_implied"], row["dt"])
        for row in table(home, "core.refunds")
    }


def test_a_status_of_refunded_alone_is_a_full_refund(home: Home) -> None:
    later = {"updated_at": "2026-03-05 09:00:00"}
    summary = computed(
        home,
        orders=[
            *(order(name, "refunded", **later) for name in ("alone", "dated", "on the line", "nothing left")),
            order("without a time", "refunded"),
            order("not refunded"),
        ],
        order_lines=[
            line("alone", 1, "100.50", quantity=2, discount="1"),
            line("alone", 2, "40"),
            line("dated", 1),
            line("dated", 2),
            line("on the line", refunded_amount="100"),
            line("nothing left", discount="100"),
            line("without a time"),
            line("not refunded"),
        ],
        refunds=[refund("dated", "30")],
    )
    assert refunds_of(home) == {
        ("alone", 1): (Decimal("200.0000"), True, dt.date(2026, 3, 5)),
        ("alone", 2): (Decimal("40.0000"), True, dt.date(2026, 3, 5)),
        ("dated", 1): (Decimal("30.0000"), False, dt.date(2026, 3, 4)),
        ("on the line", 1): (Decimal("100.0000"), False, PAID_ON),
        ("without a time", 1): (Decimal("100.0000"), True, PAID_ON),
    }
    lines = {(row["order_id"], row["line_no"]): row["net_revenue"] for row in table(home, "core.order_lines")}
    assert lines[("alone", 1)] == lines[("alone", 2)] == lines[("without a time", 1)] == 0
    assert (lines[("dated", 1)], lines[("dated", 2)]) == (Decimal(70), Decimal(100))
    # The check warns, because an order with status refunded has revenue 200, but its refunds state only 30.
    told = summary.failed_checks["refunded_orders_are_refunded_in_full"]
    assert (told.severity, told.rows) == ("warn", 1)
    assert "order_id=dated, revenue=200.0000, refunded=30.0000" in told.describe()


def test_one_refund_of_several_lines_counts_on_each(home: Home) -> None:
    computed(
        home,
        orders=[order("o1"), order("o2")],
        order_lines=[line("o1", 1, "300"), line("o1", 2, "100"), line("o2", 1, "50")],
        refunds=[
            refund("o1", "300", 1, refund_id="r"),
            refund("o1", "35", 2, refund_id="r"),
            refund("o1", "40", 2, refund_id="r", updated_at="2026-03-05"),
            refund("o2", "5", 1, refund_id="r"),
        ],
    )
    refunded = {key: amount for key, (amount, _, _) in refunds_of(home).items()}
    assert refunded == {("o1", 1): Decimal(300), ("o1", 2): Decimal(40), ("o2", 1): Decimal(5)}


def test_a_removed_line_counts_nowhere_and_its_refund_is_listed(home: Home) -> None:
    first, later = {"updated_at": "2026-03-02 12:00:00"}, {"updated_at": "2026-03-03"}
    summary = computed(
        home,
        orders=[order("o1"), order("o2")],
        order_lines=[
            line("o1", 1, "100", **first),
            line("o1", 2, "40", **first),
            line("o1", 2, "40", quantity=0, **later),
            # Line 1 is removed by a version without updated_at; line 2 is removed and then added again.
            line("o2", 1, "10"),
            line("o2", 1, "10", quantity=0),
            line("o2", 2, "7", quantity=0, **first),
            line("o2", 2, "7", **later),
        ],
        refunds=[refund("o1", "40", 2)],
    )
    lines = {(row["order_id"], row["line_no"]): row["revenue"] for row in table(home, "core.order_lines")}
    assert lines == {("o1", 1): Decimal(100), ("o2", 2): Decimal(7)}
    assert refunds_of(home) == {}
    assert [(row["mismatch"], row["order_id"]) for row in table(home, "core.order_mismatches")] == [
        ("refund_without_line", "o1")
    ]
    assert "orders_and_lines_match" in summary.failed_checks


def test_tied_versions_are_listed_and_the_further_status_counts(home: Home) -> None:
    states = {
        "paid": ["unpaid", "paid"],
        "cancelled": ["cancelled", "paid", "unpaid"],
        "refunded": ["paid", "refunded"],
    }
    for status in ("unpaid", "paid", "cancelled", "refunded"):
        paid_at = "" if status == "unpaid" else PAID
        records = [
            order(f"{last}-{n}", status, paid_at=paid_at, updated_at="2026-03-02")
            for last, landed in states.items()
            if status in landed
            for n in range(8)
        ]
        land(home, "orders", records, status)
    summary = computed(home, order_lines=[line(f"{last}-{n}") for last in states for n in range(8)])
    found = {row["order_id"]: row["status"] for row in table(home, "core.orders")}
    assert found == {f"{last}-{n}": last for last in states for n in range(8)}
    ties = table(home, "core.version_ties")
    assert {(row["target"], row["versions"]) for row in ties} == {("orders", 2), ("orders", 3)}
    assert len(ties) == 24
    told = summary.failed_checks["versions_can_be_told_apart"].describe()
    assert "target=orders, keys=24, versions=56" in told
    assert "native/orders/" in told
    assert "most advanced status" in told


def test_two_lines_of_one_number_are_told_with_file_and_figures(home: Home) -> None:
    """Two lines with one number count as one, and a check reports their file and how many there are.

    A public data set numbered order lines by product, so two lines had one number and one was silently lost.
    """
    lines = [line(f"o{n}", sku=sku, price=price) for n in range(5) for sku, price in (("A", "10"), ("B", "25"))]
    summary = computed(home, orders=[order(f"o{n}") for n in range(5)], order_lines=[*lines, line("o9", 1, "1")])
    assert len(table(home, "core.order_lines")) == 5
    told = summary.failed_checks["versions_can_be_told_apart"].describe()
    assert "target=order_lines, keys=5, versions=10, first_key=o0:1, first_file=native/order_lines/a.ndjson" in told
    assert sorted((row["key"], row["versions"]) for row in table(home, "core.version_ties")) == [
        (f"o{n}:1", 2) for n in range(5)
    ]


def test_a_later_version_settles_a_tie_and_equals_are_no_tie(home: Home) -> None:
    tied = [order("o1", "unpaid", paid_at="", updated_at="2026-03-02"), order("o1", updated_at="2026-03-02")]
    later = order("o1", "cancelled", updated_at="2026-03-03")
    products = [{"sku": "A", "name": "lamp"}, {"sku": "A", "name": "lamp"}]
    summary = computed(home, orders=[*tied, later], order_lines=[line("o1")], products=products)
    assert table(home, "core.version_ties") == []
    assert "versions_can_be_told_apart" not in summary.failed_checks


def test_an_amount_below_nothing_is_refused_and_named(home: Home) -> None:
    computed(
        home,
        orders=[order("o1")],
        order_lines=[
            line("o1"),
            line("o1", 2, quantity=-2),
            line("o1", 3, price="-5"),
            line("o1", 4, discount="-0.01"),
            line("o1", 5, unit_cost=-1e-3, refunded_amount=-3),
        ],
        refunds=[refund("o1", "-80")],
        products=[{"sku": "A", "unit_cost": -1, "list_price": "-2.50"}],
    )
    found = {(row["relation"], row["line_no"]): row["reasons"] for row in table(home, "core.quarantine")}
    assert found == {
        ("order_lines", 2): "negative quantity",
        ("order_lines", 3): "negative unit_price",
        ("order_lines", 4): "negative discount",
        ("order_lines", 5): "negative unit_cost; negative refunded_amount",
        ("refunds", 1): "negative amount",
        ("products", 1): "negative unit_cost; negative list_price",
    }
    assert [row["net_revenue"] for row in table(home, "core.order_lines")] == [Decimal(100)]


def test_words_for_nothing_are_no_customer_as_the_setting_says(tmp_path: Path) -> None:
    home = make_home(tmp_path / "shop", settings={"inputs": {"null_ids": ["guest", "0"]}})
    computed(
        home,
        orders=[order("o1", user_id="guest"), order("o2", user_id="0"), order("o3", user_id="null"), order("o4")],
        order_lines=[line(f"o{n}") for n in range(1, 5)],
    )
    found = {row["order_id"]: row["user_id"] for row in table(home, "core.order_lines")}
    assert found == {"o1": None, "o2": None, "o3": "null", "o4": "u1"}
