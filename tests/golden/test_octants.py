"""The worked example of octants.json through the whole pipeline: orders landed, octants out."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from pipelines.home.folder import Home
from tests.support import Row, land, make_home, run_selected, table

EXAMPLE = json.loads(Path(__file__).with_name("octants.json").read_text(encoding="utf-8"))
LAST_DAY = dt.date(2026, 5, 31)


def orders_of(customer: Row) -> tuple[list[Row], list[Row]]:
    """Orders and order lines that give *customer* the example's frequency, recency and monetary value.

    The latest order is ``recency_days`` before the last day, the others are on the days before it. The orders' amounts
    are equal whole numbers, except that the latest order also gets the remainder.
    """
    orders, lines = [], []
    amount, left_over = divmod(customer["monetary"], customer["frequency"])
    for number in range(customer["frequency"]):
        day = LAST_DAY - dt.timedelta(days=customer["recency_days"] + number)
        key = f"{customer['user_id']}-{number}"
        time = f"{day}T04:00:00Z"
        orders.append(
            {"order_id": key, "user_id": customer["user_id"], "status": "paid", "ordered_at": time, "paid_at": time}
        )
        lines.append(
            {
                "order_id": key,
                "line_no": 1,
                "sku": "s",
                "quantity": 1,
                "unit_price": amount + (left_over if number == 0 else 0),
            }
        )
    return orders, lines


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    # The example's orders have gaps of months. Without start_date, the shop would start after the last gap.
    settings = {"start_date": LAST_DAY - dt.timedelta(days=99), "snapshots": {"daily_for_days": 1}}
    home = make_home(tmp_path_factory.mktemp("octants") / "home", settings=settings)
    made = [orders_of(customer) for customer in EXAMPLE["customers"]]
    land(home, "orders", [order for orders, _ in made for order in orders], "orders")
    land(home, "order_lines", [line for _, lines in made for line in lines], "lines")
    # Tables are computed up to the last day with records, so this event on LAST_DAY makes them reach it.
    visit = {"event_id": "e", "device_id": "d", "event_type": "exposure", "page_id": 1, "page_type": "home"}
    land(home, "events", [{**visit, "sku": "s", "device_time": f"{LAST_DAY}T04:00:00Z"}], "events")
    run_selected(home, "+customers.rfm")
    return home


def test_each_customer_is_in_the_stated_octant(computed: Home) -> None:
    found = {row["user_id"]: row for row in table(computed, "customers.rfm") if row["dt"] == LAST_DAY}
    stated = {customer["user_id"]: customer for customer in EXAMPLE["customers"]}
    assert found.keys() == stated.keys()
    for user_id, customer in stated.items():
        values = {name: found[user_id][name] for name in ("recency_days", "frequency", "monetary", "octant_code")}
        assert values == {name: customer[name] for name in values}


def test_the_thresholds_are_the_stated_means(computed: Home) -> None:
    rows = [row for row in table(computed, "customers.rfm_thresholds") if row["dt"] == LAST_DAY]
    assert {row["axis"]: row["value"] for row in rows} == pytest.approx({"r": 50, "f": 5, "m": 500})
    assert {(row["low"], row["high"]) for row in rows} == {(4, 4)}


def test_the_octants_have_the_stated_names(computed: Home) -> None:
    rows = [row for row in table(computed, "customers.rfm") if row["dt"] == LAST_DAY]
    lines = computed.config.joinpath("segments.csv").read_text(encoding="utf-8").splitlines()
    names = {cells[1]: cells[5] for cells in (line.split(",") for line in lines) if cells[0] == "octant"}
    assert {row["octant_code"]: names[row["octant"]] for row in rows} == EXAMPLE["octants"]
