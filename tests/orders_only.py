"""A shop that lands only orders and no log of events, as public data sets and back-office systems do.

Here: the shop's records and its home.
Not here: the expected tables, pages and report (``tests.integration.test_orders_only``).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pipelines.home.folder import Home
from tests.support import Row, land, make_home, run

FIRST = dt.date(2026, 3, 1)
LAST = FIRST + dt.timedelta(days=15)
SETTINGS = {
    "start_date": FIRST,
    "snapshots": {"daily_for_days": 1},
    "products": {"windows": [1, 7], "repurchase_days": 3},
}
CATALOGUE = [
    {"sku": f"s{n}", "name": f"Product {n}", "category": "AB"[n % 2], "unit_cost": 3 + n, "launched_on": "2025-01-01"}
    for n in range(6)
]


def sold() -> tuple[list[Row], list[Row]]:
    """Orders of two weeks, and their lines.

    Product 5 sells only from the second week on, and every seventh order has no user.
    """
    orders: list[Row] = []
    lines: list[Row] = []
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + dt.timedelta(days=number)
        for customer in range(9):
            if (customer * 7 + number * 5) % 3 == 0:
                continue
            key, time = f"{day}-{customer}", f"{day}T05:00:00Z"
            user = None if (customer + number) % 7 == 0 else f"u{customer}"
            orders.append({"order_id": key, "user_id": user, "status": "paid", "ordered_at": time, "paid_at": time})
            for line in range(1 + customer % 2):
                sku = 5 if number > 8 and customer == 1 else (customer + line + number) % 5
                price = 9 + 2 * sku + (number if sku % 2 else 0)
                lines.append(
                    {
                        "order_id": key,
                        "line_no": line + 1,
                        "sku": f"s{sku}",
                        "quantity": 1 + sku % 2,
                        "unit_price": price,
                    }
                )
    return orders, lines


def orders_only_shop(folder: Path) -> Home:
    """The computed home of the shop, in *folder*."""
    home = make_home(folder, settings=SETTINGS)
    orders, lines = sold()
    land(home, "products", CATALOGUE, "products")
    land(home, "orders", orders, "orders")
    land(home, "order_lines", lines, "lines")
    run(home)
    return home
