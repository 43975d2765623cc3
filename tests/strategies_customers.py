"""Made-up paid order lines and refunds, with many ties, few customers and odd amounts.

Here: Hypothesis strategies for ``tests.reference_customers.Sales``.
"""

from __future__ import annotations

import datetime as dt
import os
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.reference_customers import Sales

EXAMPLES = int(os.environ.get("HEADWATER_EXAMPLES", "10"))
"""The number of made-up shops per test. If HEADWATER_EXAMPLES is not set, they are always the same."""

LAST_DAY = dt.date(2026, 3, 31)


def tried(times: int) -> settings:
    """Hypothesis settings for *times* × ``EXAMPLES`` examples."""
    is_chosen = "HEADWATER_EXAMPLES" in os.environ
    return settings(max_examples=times * EXAMPLES, deadline=None, derandomize=not is_chosen, database=None)


_AMOUNTS = st.sampled_from([0, 1, 10, 10, 25, 99, 100, 33333]).map(lambda cents: Decimal(cents) / 100)


@st.composite
def sales(draw: st.DrawFn, most_orders: int = 14, days_back: int = 60) -> Sales:
    """Up to *most_orders* orders of the last *days_back* days, with one to three lines each.

    There are up to five customers, some orders have none, and some refunds exceed the price.
    """
    lines: list[dict[str, Any]] = []
    refunds: list[dict[str, Any]] = []
    for order in range(draw(st.integers(0, most_orders))):
        user_id = draw(st.sampled_from(["u1", "u2", "u3", "u4", "u5", None]))
        day = LAST_DAY - dt.timedelta(days=draw(st.integers(0, days_back)))
        for line_no in range(1, draw(st.integers(1, 3)) + 1):
            revenue = draw(_AMOUNTS)
            key = {
                "order_id": f"o{order}",
                "line_no": line_no,
                "user_id": user_id,
                "sku": f"s{line_no}",
                "product_id": f"p{line_no % 2}",
            }
            cost = draw(st.sampled_from([None, Decimal(0), revenue / 2, revenue + 1]))
            lines.append({**key, "revenue": revenue, "cost": cost, "dt": day})
            if draw(st.integers(0, 5)) == 0:
                made_on = day + dt.timedelta(days=draw(st.integers(0, 30)))
                amount = revenue if draw(st.booleans()) else draw(_AMOUNTS)
                refunds.append({**key, "refund_id": f"r{order}-{line_no}", "amount": amount, "dt": made_on})
    return Sales(lines, refunds)
