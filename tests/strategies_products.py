"""Made-up shops of a few products, as rows of the tables that the product models read.

Here: Hypothesis strategies.
Not here: expected results.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import strategies as st

from pipelines.home.settings import Settings
from tests.sql_models import Row

LAST = dt.date(2026, 3, 31)
WINDOWS = (1, 3)
REPURCHASE = 4
SETTINGS = Settings.model_validate({"products": {"windows": list(WINDOWS), "repurchase_days": REPURCHASE}})
MODELS = ["attribution.visitor_ends", "products.catalog", "products.daily", "products.metrics"]
ENDS = {"exposure": "exposures", "click": "product_clicks", "add_to_cart": "add_to_carts"}


@st.composite
def shops(draw: st.DrawFn) -> dict[str, list[Row]]:
    """Table → rows for twelve days of three skus in one or two categories.

    A sku may be a variant; its parent is one of the three or a sku that is not in the catalogue.
    """
    ago = st.integers(0, 11).map(lambda n: LAST - dt.timedelta(days=n))
    products = [
        {
            "sku": sku,
            "parent_sku": draw(st.sampled_from([None, None, "a", "p"])),
            "category": draw(st.sampled_from(["x", "y", None])),
            "launched_on": draw(
                st.sampled_from([None, LAST, LAST - dt.timedelta(days=5), LAST + dt.timedelta(days=5)])
            ),
        }
        for sku in sorted(draw(st.sets(st.sampled_from("abcd"))))
    ]
    for row in products:
        row["product_id"] = row["parent_sku"] or row["sku"]
    product_ids = {row["sku"]: row["product_id"] for row in products}
    skus = st.sampled_from("abc").map(lambda sku: {"sku": sku, "product_id": product_ids.get(sku, sku)})
    money = st.sampled_from([0, 5, 10, 10, 25]).map(Decimal)
    lines, refunds = [], []
    for number in range(draw(st.integers(0, 12))):
        sku, day, revenue = draw(skus), draw(ago), draw(money)
        cost = draw(st.sampled_from([None, Decimal(3), Decimal(3), Decimal(12)]))
        key = {"order_id": f"o{number // 2}", "line_no": number, "user_id": draw(st.sampled_from(["u", "v", None]))}
        lines.append({**key, **sku, "dt": day, "quantity": 2, "revenue": revenue, "cost": cost})
        if draw(st.integers(0, 3)) == 0:
            made_on = min(day + dt.timedelta(days=draw(st.integers(0, 3))), LAST)
            refunds.append({**key, "refund_id": f"r{number}", **sku, "amount": Decimal(20), "dt": made_on})
    ends = [
        {"event_id": f"e{n}", "end_type": draw(st.sampled_from(list(ENDS))), **draw(skus), "dt": draw(ago)}
        for n in range(draw(st.integers(0, 12)))
    ]
    views = [
        {
            "event_id": f"v{n}",
            "event_type": draw(st.sampled_from(["page_view", "product_view", "click"])),
            **draw(skus),
            "dt": draw(ago),
        }
        for n in range(draw(st.integers(0, 6)))
    ]
    return {
        "core.products": products,
        "core.events": views,
        "attribution.attributed_events": ends,
        "core.order_lines": lines,
        "core.refunds": refunds,
    }
