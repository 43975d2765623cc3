"""Made-up touches, order lines and spend of few persons, for tests of the tables of the touch models.

Here: Hypothesis strategies for rows of attribution.touches and of core.order_lines, paid_orders, first_orders and
spend. Times are at and around the ends of the touch window and of days; orders are paid at once, later, or too late.
Not here: landed records (``tests.strategies_touch``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from pipelines.home.settings import Settings
from tests.reference_core import Row, Shop, first_orders, paid_orders
from tests.reference_touch import TYPES
from tests.strategies_touch import DAY, SECOND, transforms

TOUCH_TABLES = [
    f"attribution.{name}"
    for name in (
        "touch_models",
        "order_touches",
        "paths",
        "touch_paths",
        "touch_path_daily",
        "touch_transitions",
        "removal_effects",
        "touch_credits",
        "model_daily",
        "touchpoint_daily",
        "touch_lag_daily",
        "touch_path_summary",
    )
]
"""The tables of the touch models, each after those that it reads.

Without model_effects, which draws random samples and so has no reference implementation.
"""

FIRST_DAY = dt.date(2026, 3, 1)
DAYS = [FIRST_DAY + dt.timedelta(days=n) for n in range(10)]
PERSONS = ("u1", "u1", "u1", "u2", "device:d1")
TOUCHPOINTS = ("home_banner", "home_feed", "search")
PRICES = (Decimal("9.99"), Decimal("0.0001"), Decimal("100"), Decimal("0.0003"), Decimal("12345678.9012"), Decimal(0))


@dataclass(frozen=True)
class Visits:
    """A shop and rows of the tables that the touch models read."""

    shop: Shop
    touches: list[Row]
    lines: list[Row]
    spend: list[Row]

    @property
    def given(self) -> dict[str, list[Row]]:
        """The rows by table."""
        orders = list({line["order_id"]: {**line, "status": "paid"} for line in self.lines}.values())
        return {
            "attribution.touches": self.touches,
            "core.order_lines": self.lines,
            "core.paid_orders": paid_orders(self.lines),
            "core.first_orders": first_orders(orders, self.shop),
            "core.spend": self.spend,
        }

    @property
    def settings(self) -> Settings:
        touch: dict[str, Any] = {
            "window_days": self.shop.touch_window_days,
            "half_life_days": self.shop.touch_half_life_days,
            "transform": list(self.shop.touch_transform),
            "effects_days": self.shop.touch_effects_days,
            "markov_order": self.shop.touch_markov_order,
        }
        delay = {"max_payment_delay_days": self.shop.max_payment_delay_days}
        return Settings.model_validate({"timezone": "UTC", "attribution": delay, "touch": touch})


@st.composite
def visits(draw: st.DrawFn) -> Visits:
    """Touches and orders of up to three persons within ``DAYS``."""
    shop = Shop(
        timezone="UTC",
        max_payment_delay_days=draw(st.sampled_from((1, 0, 2))),
        touch_window_days=draw(st.sampled_from((2, 1, 3))),
        touch_half_life_days=draw(st.sampled_from((7, 0.5, 0.0001))),
        touch_transform=draw(transforms()),
        touch_effects_days=draw(st.sampled_from((4, 2, 1, 3, 30))),
        touch_markov_order=draw(st.sampled_from((1, 2, 3))),
    )
    touches = [draw(_touch(number, shop)) for number in range(draw(st.sampled_from((12, 20, 8, 1, 0))))]
    lines = [line for number in range(draw(st.sampled_from((2, 3, 1, 5, 0)))) for line in draw(_order(number, shop))]
    return Visits(shop, touches, lines, draw(_spend()))


_midnights = st.sampled_from([dt.datetime.combine(day, dt.time()) for day in DAYS[1:-4]])
_around = st.sampled_from((0 * SECOND, -SECOND, SECOND, 30 * SECOND, -61 * SECOND, DAY / 2, DAY / 2, DAY / 3))


@st.composite
def _touch(draw: st.DrawFn, number: int, shop: Shop) -> Row:
    time = draw(_midnights) + draw(_around)
    return {
        "person_id": draw(st.sampled_from(PERSONS)),
        # The order of the ids differs from that of the times, so that sorting by the wrong one is noticed.
        "touch_event_id": f"e{number * 37 % 100:02}",
        "touchpoint_type": draw(st.sampled_from(("entrance", "entrance", "entrance", *TYPES))),
        "touchpoint": draw(st.sampled_from(TOUCHPOINTS)),
        "campaign": draw(st.sampled_from((None, "spring"))),
        "occurred_at": time,
        "dt": time.date(),
    }


@st.composite
def _order(draw: st.DrawFn, number: int, shop: Shop) -> list[Row]:
    """The lines of an order; some are paid later than the shop allows."""
    ordered_at = draw(_midnights) + draw(_around)
    waits = (SECOND, SECOND, 0 * SECOND, -SECOND, DAY, shop.max_payment_delay_days * DAY, 4 * DAY)
    paid_at = ordered_at + draw(st.sampled_from(waits))
    order = {
        "order_id": f"o{number}",
        "user_id": draw(st.sampled_from(("u1", "u1", "u1", "u2", None))),
        "ordered_at": ordered_at,
        "paid_at": paid_at,
        "dt": paid_at.date(),
    }
    lines = []
    for line_no in range(1, draw(st.sampled_from((1, 1, 3))) + 1):
        revenue = draw(st.sampled_from(PRICES))
        net_revenue = draw(st.sampled_from((revenue, Decimal(0), revenue / 2))).quantize(Decimal("0.0001"))
        lines.append({**order, "line_no": line_no, "revenue": revenue, "net_revenue": net_revenue})
    return lines


@st.composite
def _spend(draw: st.DrawFn) -> list[Row]:
    """Spend on channels and campaigns, also on some that have no sale; some costs are unknown."""
    costs = st.sampled_from((Decimal("12.5"), Decimal("0.3333"), Decimal(0), None))
    keys = st.tuples(
        st.sampled_from(DAYS), st.sampled_from((*TOUCHPOINTS, "radio")), st.sampled_from((*TOUCHPOINTS, "a > b"))
    )
    return [
        {"dt": day, "channel": channel, "campaign": campaign, "cost": draw(costs)}
        for day, channel, campaign in draw(st.lists(keys, max_size=6, unique=True))
    ]
