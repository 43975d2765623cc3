"""Worked examples of matching order lines to events, by the pipeline and by the reference implementation.

Each case has its own buyer and device, so that one log can contain all cases. They cover clocks that differ by seconds,
simultaneous events, variants, and lines without an event of their product, with the fallbacks and without.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.reference import restate
from tests.reference_core import Log, Row, Shop
from tests.support import attribute, home_of, land_log, table

ORDERED_AT = dt.datetime(2026, 3, 10, 4, 0, tzinfo=dt.UTC)
FROM_NOTHING = ("none", None, "(unattributed)")

SHOP = Shop(
    start_date=dt.date(2026, 3, 1),
    entrances=[
        {"entrance_id": "banner", "page_type": "home", "module": "banner"},
        {"entrance_id": "feed", "page_type": "home", "module": "feed"},
    ],
)
PRODUCTS = [
    {"sku": "shirt"},
    *({"sku": f"shirt-{size}", "parent_sku": "shirt"} for size in "SML"),
    *({"sku": sku} for sku in ("hat", "sock", "bag")),
]


@dataclass(frozen=True)
class Case:
    """The events and order lines of one buyer, and *expect*: line_no → (matched_by, event_id, entrance_id).

    Times are in seconds after the order. A line is given as a sku, or as a sku and a price. *without* is the expected
    result without the fallbacks, if it differs from *expect*.
    """

    name: str
    events: tuple[Row, ...]
    lines: tuple[str | tuple[str, int], ...]
    expect: Mapping[int, tuple[str, str | None, str]]
    without: Mapping[int, tuple[str, str | None, str]] | None = None
    is_guest: bool = False


def at(seconds: float, event_id: str, event_type: str, sku: str | None = None, **values: Any) -> Row:
    """An event *seconds* after the order by the device's clock.

    No other event is on the same page unless *values* has a page_id.
    """
    row = {"event_id": event_id, "event_type": event_type, "sku": sku, "page_type": "detail", "module": "buy"}
    return {**row, "page_id": 1_000_000 + round(10 * seconds), "seconds": seconds, **values}


def banner(seconds: float, event_id: str, **values: Any) -> Row:
    return at(seconds, event_id, "click", **{"page_type": "home", "module": "banner", "slot": 1, **values})


def feed(seconds: float, event_id: str, sku: str, **values: Any) -> Row:
    return at(seconds, event_id, "click", sku, **{"page_type": "home", "module": "feed", "slot": 3, **values})


def cart(seconds: float, event_id: str, sku: str = "hat", **values: Any) -> Row:
    return at(seconds, event_id, "add_to_cart", sku, **values)


def sent(seconds: float, after: float) -> Row:
    """The sent and received times of a record, in seconds after the order.

    By the device's clock the record is sent at *seconds*; by the server's clock it is received at *seconds* + *after*.
    """
    return {"sent": seconds, "received": seconds + after}


DAY_AGO = -24 * 3600

CASES = [
    Case(
        "a slow request: the cart is received 32 s after it was sent, and so after the order",
        (banner(-60, "b"), cart(-5, "c", **sent(-3, 32))),
        ("hat",),
        {1: ("cart", "c", "banner")},
    ),
    Case(
        "a clock that is 30 s fast: the cart seems to come 30 s after the order",
        (banner(-60, "b", **sent(-50, -30)), cart(30, "c", **sent(32, -30))),
        ("hat",),
        {1: ("cart", "c", "banner")},
    ),
    Case(
        "a cart without sent and received time, at the end of the tolerance",
        (banner(-60, "b"), cart(60, "c")),
        ("hat",),
        {1: ("cart", "c", "banner")},
    ),
    Case("a cart 61 s after the order led to nothing", (cart(61, "c"),), ("hat",), {1: FROM_NOTHING}),
    Case(
        "a clock that is 61 s fast is corrected",
        (banner(-1, "b", **sent(0, -61)), cart(59, "c", **sent(60, -61))),
        ("hat",),
        {1: ("cart", "c", "banner")},
    ),
    Case(
        "a cart before the order goes before one within the tolerance after it",
        (banner(-900, "b"), cart(-800, "c"), feed(-100, "f", "hat"), cart(20, "late")),
        ("hat",),
        {1: ("cart", "c", "banner")},
    ),
    Case(
        "of two carts within the tolerance the first after the order counts",
        (banner(-60, "b"), cart(10, "near"), feed(20, "f", "sock"), cart(40, "far")),
        ("hat",),
        {1: ("cart", "near", "banner")},
    ),
    Case(
        "a cart within the tolerance goes before a click before the order",
        (feed(-50, "f", "hat"), cart(5, "c")),
        ("hat",),
        {1: ("cart", "c", "feed")},
    ),
    Case(
        "a click and the cart that it filled, on one page at one moment; the cart's id comes first",
        (feed(-30, "z", "hat", page_id=7), cart(-30, "a", page_id=7)),
        ("hat",),
        {1: ("cart", "a", "feed")},
    ),
    Case(
        "a click and the cart that it filled, on one page at one moment; the click's id comes first",
        (feed(-30, "a", "hat", page_id=7), cart(-30, "z", page_id=7)),
        ("hat",),
        {1: ("cart", "z", "feed")},
    ),
    Case(
        "the cart names the product, the order a variant",
        (banner(-60, "b"), cart(-30, "c", "shirt")),
        ("shirt-M",),
        {1: ("cart", "c", "banner")},
    ),
    Case(
        "the cart names a variant, the order the product",
        (banner(-60, "b"), cart(-30, "c", "shirt-S")),
        ("shirt",),
        {1: ("cart", "c", "banner")},
    ),
    Case(
        "cart and order name two variants of one product",
        (banner(-60, "b"), cart(-30, "c", "shirt-S")),
        ("shirt-L",),
        {1: ("cart", "c", "banner")},
    ),
    Case(
        "a gift takes what the largest line found, not the first or the latest",
        (banner(-900, "b"), cart(-800, "c-bag", "bag"), feed(-100, "f", "hat"), cart(-90, "c-hat")),
        (("hat", 10), ("bag", 200), ("gift", 0)),
        {1: ("cart", "c-hat", "feed"), 2: ("cart", "c-bag", "banner"), 3: ("order", "c-bag", "banner")},
        {1: ("cart", "c-hat", "feed"), 2: ("cart", "c-bag", "banner"), 3: FROM_NOTHING},
    ),
    Case(
        "of equally large lines the one with the smallest number",
        (banner(-900, "b"), cart(-800, "c-bag", "bag"), feed(-100, "f", "hat"), cart(-90, "c-hat")),
        (("gift", 0), ("hat", 200), ("bag", 200)),
        {1: ("order", "c-hat", "feed"), 2: ("cart", "c-hat", "feed"), 3: ("cart", "c-bag", "banner")},
        {1: FROM_NOTHING, 2: ("cart", "c-hat", "feed"), 3: ("cart", "c-bag", "banner")},
    ),
    Case(
        "the largest line of all has found nothing itself, and gives nothing",
        (banner(-900, "b"), feed(-800, "f", "hat")),
        (("bundle", 900), ("hat", 20), ("gift", 0)),
        {1: ("order", "f", "feed"), 2: ("click", "f", "feed"), 3: ("order", "f", "feed")},
        {1: FROM_NOTHING, 2: ("click", "f", "feed"), 3: FROM_NOTHING},
    ),
    Case(
        "a bundle takes the buyer's latest entrance visit, whatever that led to",
        (banner(-900, "b"), feed(-800, "f", "sock"), cart(-700, "c-sock", "sock"), at(-600, "x", "click", "bag")),
        ("bundle",),
        {1: ("visit", "f", "feed")},
        {1: FROM_NOTHING},
    ),
    Case(
        "a visit is within 24 hours up to the order: the look-back's end counts",
        (banner(DAY_AGO, "b"), feed(1, "f", "sock")),
        ("bundle",),
        {1: ("visit", "b", "banner")},
        {1: FROM_NOTHING},
    ),
    Case("an older visit is none", (banner(DAY_AGO - 1, "b"),), ("bundle",), {1: FROM_NOTHING}),
    Case(
        "a guest's lines match nothing, whatever the devices of other guests did",
        (banner(-60, "b"), cart(-30, "c")),
        ("hat", "gift"),
        {1: FROM_NOTHING, 2: FROM_NOTHING},
        is_guest=True,
    ),
    Case("a buyer whom the log does not know", (), ("hat", "gift"), {1: FROM_NOTHING, 2: FROM_NOTHING}),
]


def _stamp(seconds: float) -> str:
    return (ORDERED_AT + dt.timedelta(seconds=seconds)).isoformat()


def _event(number: int, case: Case, event: Row) -> Row:
    row = {name: value for name, value in event.items() if name not in ("seconds", "sent", "received")}
    row |= {"event_id": f"{number}-{event['event_id']}", "device_id": f"d{number}"}
    row |= {"user_id": None if case.is_guest else f"u{number}", "device_time": _stamp(event["seconds"])}
    if "sent" in event:
        row |= {"sent_time": _stamp(event["sent"]), "received_time": _stamp(event["received"])}
    return row


def _lines(number: int, case: Case) -> list[Row]:
    rows = []
    for line_no, line in enumerate(case.lines, 1):
        sku, price = (line, 10) if isinstance(line, str) else line
        key = {"order_id": f"o{number}", "line_no": line_no}
        rows.append({**key, "sku": sku, "quantity": 1, "unit_price": str(price), "discount": "0"})
    return rows


def _order(number: int, case: Case) -> Row:
    user_id = None if case.is_guest else f"u{number}"
    times = {"ordered_at": _stamp(0), "paid_at": _stamp(0)}
    return {"order_id": f"o{number}", "user_id": user_id, "status": "paid", **times}


LOG = Log(
    events=[_event(number, case, event) for number, case in enumerate(CASES) for event in case.events],
    orders=[_order(number, case) for number, case in enumerate(CASES)],
    order_lines=[line for number, case in enumerate(CASES) for line in _lines(number, case)],
    products=PRODUCTS,
)


def matched(sales: list[Row], case: Case) -> dict[int, tuple[str, str | None, str]]:
    """line_no → (matched_by, event_id as in the case, entrance_id) for the lines of *case* in *sales*."""
    number = CASES.index(case)
    own = [row for row in sales if row["order_id"] == f"o{number}"]
    names = {row["line_no"]: (row["matched_event_id"] or "").removeprefix(f"{number}-") or None for row in own}
    return {row["line_no"]: (row["matched_by"], names[row["line_no"]], row["entrance_id"]) for row in own}


def sales_of(folder: Path, shop: Shop) -> list[Row]:
    home = home_of(folder, shop)
    land_log(home, LOG)
    attribute(home)
    return table(home, "attribution.attributed_sales")


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return sales_of(tmp_path_factory.mktemp("sales") / "home", SHOP)


@pytest.fixture(scope="module")
def without_fallbacks(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return sales_of(tmp_path_factory.mktemp("plain") / "home", replace(SHOP, sales_fallbacks=()))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_line_is_matched_as_stated(case: Case, sales: list[Row]) -> None:
    assert matched(sales, case) == case.expect
    assert matched(restate(LOG, SHOP)["attribution.attributed_sales"], case) == case.expect


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_without_fallbacks_only_events_of_the_product_count(case: Case, without_fallbacks: list[Row]) -> None:
    assert matched(without_fallbacks, case) == (case.without or case.expect)


def test_a_line_matched_by_its_visit_takes_the_heads_position(sales: list[Row]) -> None:
    number = next(n for n, case in enumerate(CASES) if case.name.startswith("a bundle takes"))
    row = next(row for row in sales if row["order_id"] == f"o{number}")
    assert row["matched_event_id"] == row["head_event_id"] == f"{number}-f"
    assert (row["head_page_type"], row["head_module"], row["head_slot"]) == ("home", "feed", 3)
    assert row["head_content_id"] == "(none)"


def test_a_carts_path_begins_with_the_click_of_its_moment(sales: list[Row]) -> None:
    for number, case in enumerate(CASES):
        if "at one moment" in case.name:
            row = next(row for row in sales if row["order_id"] == f"o{number}")
            click = next(event for event in case.events if event["event_type"] == "click")
            assert row["head_event_id"] == f"{number}-{click['event_id']}"


def test_the_fallbacks_change_no_line_with_a_cart_or_a_click(sales: list[Row], without_fallbacks: list[Row]) -> None:
    key = ("order_id", "line_no")
    before = {tuple(row[name] for name in key): row for row in without_fallbacks}
    after = {tuple(row[name] for name in key): row for row in sales}
    assert before.keys() == after.keys()
    had = [line for line, row in before.items() if row["matched_by"] != "none"]
    assert len(had) > 10
    assert all(after[line] == before[line] for line in had)
