"""Made-up logs of shoppers who visit often before they buy, for tests of the touch models.

A touch is a click on an entrance before an order. A path is the list of an order's touches; the setting ``transform``
shortens it, for example by removing repetitions.

Here: Hypothesis strategies for that setting, and for logs whose orders have many touches. Touches are at the bounds of
the time window, at the same time, before and after log-in, and on two devices.
Not here: complete sessions with all other difficulties (``tests.strategies``), where orders rarely have three touches.
"""

from __future__ import annotations

import datetime as dt

from hypothesis import strategies as st

from tests.reference_core import Log, Row, Shop

ENTRANCES: tuple[Row, ...] = (
    {"entrance_id": "home_banner", "page_type": "home", "module": "banner"},
    {"entrance_id": "home_feed", "page_type": "home", "module": "feed"},
    {"entrance_id": "search", "page_type": "home", "module": "search"},
)
ORDERED_AT = dt.datetime(2026, 3, 9, 16, 0, 1)
"""A second after midnight in Asia/Shanghai, so that calendar days and windows of 24 hours differ."""

SECOND = dt.timedelta(seconds=1)
DAY = dt.timedelta(days=1)


@st.composite
def transforms(draw: st.DrawFn) -> tuple[str | dict[str, list[str]], ...]:
    """A value of the setting ``transform``: transforms of paths, in the order in which they are applied."""
    names = st.lists(st.sampled_from(("home_banner", "home_feed", "search", "nowhere")), min_size=1, max_size=2)
    removals: list[str | dict[str, list[str]]] = [
        {kind: draw(names)}
        for kind in ("remove_if_not_all", "remove_if_last_and_not_all")
        if draw(st.sampled_from((False, False, False, True)))
    ]
    collapses = draw(st.sampled_from((["exposure"], ["exposure"], ["unique"], ["first"], ["frequency"], [])))
    return (*removals, *collapses)


@st.composite
def touch_settings(draw: st.DrawFn) -> Row:
    """The touch settings of a shop; time windows are short, so that many clicks are near the ends of windows."""
    return {
        "touch_window_days": draw(st.sampled_from((2, 1, 3))),
        "touch_half_life_days": draw(st.sampled_from((7, 0.5, 0.0001))),
        "touch_transform": draw(transforms()),
        "touch_effects_days": draw(st.sampled_from((3, 2, 5, 1))),
        "touch_markov_order": draw(st.sampled_from((1, 2, 3))),
    }


@st.composite
def touch_shops(draw: st.DrawFn) -> Shop:
    """A shop with three entrances."""
    return Shop(
        entrances=list(ENTRANCES),
        start_date=dt.date(2026, 3, 1),
        max_payment_delay_days=draw(st.sampled_from((1, 0))),
        **draw(touch_settings()),
    )


@st.composite
def touch_logs(draw: st.DrawFn, shop: Shop) -> Log:
    """Clicks on entrances around several orders; a click may be near more than one order."""
    orders = [draw(_order(number)) for number in range(draw(st.integers(1, 2)))]
    clicks = [draw(_click(shop, orders)) for _ in range(draw(st.sampled_from((9, 6, 12, 20, 4, 1))))]
    for number, click in enumerate(clicks):
        # The order of the clicks' ids differs from that of their times, so that sorting by the wrong one is noticed.
        click["event_id"] = f"e{number * 37 % 100:02}"
    lines = [line for order in orders for line in draw(_lines(order["order_id"]))]
    refunded = [line for line in lines if draw(st.booleans())]
    return Log(
        events=[_written(click) for click in clicks],
        orders=[_written(order) for order in orders],
        order_lines=lines,
        refunds=[_written(draw(_refund(line))) for line in refunded],
    )


@st.composite
def _order(draw: st.DrawFn, number: int) -> Row:
    ordered_at = ORDERED_AT + number * draw(st.sampled_from((DAY, dt.timedelta(0), 3 * DAY)))
    wait = draw(st.sampled_from((SECOND, SECOND, dt.timedelta(0), DAY, 3 * DAY, -SECOND)))
    user = draw(st.sampled_from((*["u1"] * 8, "u2", None)))
    return {
        "order_id": f"o{number}",
        "user_id": user,
        "status": "paid",
        "ordered_at": ordered_at,
        "paid_at": ordered_at + wait,
    }


@st.composite
def _click(draw: st.DrawFn, shop: Shop, orders: list[Row]) -> Row:
    """A click around one of *orders*: within the window before it, at the bounds, just outside, or after it."""
    window = shop.touch_window_days * DAY
    inside = (dt.timedelta(0), SECOND, SECOND, 60 * SECOND, 8.64 * SECOND, DAY / 2, DAY, window, window - SECOND)
    outside = (-SECOND, -DAY, window + SECOND, window + dt.timedelta(milliseconds=1))
    order = draw(st.sampled_from(orders))
    user = draw(st.sampled_from((*["u1"] * 8, None, "u2")))
    entrance = draw(st.sampled_from(shop.entrances))
    return {
        "event_id": "",
        "device_id": draw(st.sampled_from(("d1", "d1", "d2"))),
        "user_id": user,
        "event_type": draw(st.sampled_from((*["click"] * 12, "exposure"))),
        "page_id": 1,
        "page_type": entrance["page_type"],
        "module": entrance["module"],
        "utm_campaign": draw(st.sampled_from((None, "spring"))),
        "device_time": order["ordered_at"] - draw(st.sampled_from((*inside, *inside, *outside))),
    }


@st.composite
def _lines(draw: st.DrawFn, order_id: str) -> list[Row]:
    prices = st.sampled_from(("9.99", "0.0001", "100", "0.3333", "12345678.9012", "0.0003"))
    return [
        {"order_id": order_id, "line_no": number, "sku": "A", "quantity": 1, "unit_price": draw(prices)}
        for number in range(1, draw(st.sampled_from((1, 1, 2))) + 1)
    ]


@st.composite
def _refund(draw: st.DrawFn, line: Row) -> Row:
    return {
        "refund_id": f"{line['order_id']}-{line['line_no']}",
        "order_id": line["order_id"],
        "line_no": line["line_no"],
        "refunded_at": ORDERED_AT + 5 * DAY,
        "amount": draw(st.sampled_from(("0.0001", line["unit_price"], "0.0777"))),
    }


def _written(record: Row) -> Row:
    """*record* as a source writes it, with times as UTC texts that end with Z."""
    return {
        name: value.isoformat(timespec="milliseconds") + "Z" if isinstance(value, dt.datetime) else value
        for name, value in record.items()
    }
