"""Random shops and logs with all known difficulties (duplicates, ties, wrong clocks and others), for property tests.

Here: Hypothesis strategies for settings, for complete logs (events, orders, lines, refunds, products, spend) and
for deliveries of a log. Ids are from small sets, so that collisions, ties and matches are frequent; many times are near
local midnights, including the one before a change to summer time.
Not here: expected results (``tests.reference``).
"""

from __future__ import annotations

import datetime as dt
import random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.reference_core import Log, Row, Shop
from tests.strategies_touch import touch_settings

FIRST_DAY = dt.date(2026, 3, 6)
FIRST_UPDATE = dt.datetime(2026, 3, 7, 15, 59, 59)
RELATIONS = ("events", "orders", "order_lines", "refunds", "products", "spend")

DEVICES = ("d1", "d2", "d3")
USERS = ("u1", "u2", "u3")
SKUS = ("A", "B", "C")
CONTENTS = (None, "c1", "c2", "ab/hero/A", "ab/hero/B/2")

# (page_type, module), where None is a missing module; the first four may be entrances.
POSITIONS = (
    ("home", "banner"),
    ("home", "feed"),
    ("home", "search"),
    ("campaign", "grid"),
    ("list", "grid"),
    ("detail", "recommend"),
    ("detail", "buy"),
    ("detail", "choose_size"),
    ("detail", None),
)
ENTRANCE_TABLES: tuple[tuple[Row, ...], ...] = (
    (
        {"entrance_id": "home_banner", "page_type": "home", "module": "banner"},
        {"entrance_id": "home_feed", "page_type": "home", "module": "feed"},
        {"entrance_id": "search", "page_type": "home", "module": "search"},
    ),
    (
        {"entrance_id": "home_banner", "page_type": "home", "module": "banner"},
        {"entrance_id": "first_banner", "page_type": "home", "module": "banner", "slot": 1},
        {"entrance_id": "search", "page_type": "home", "module": "search", "slot": 2},
        {"entrance_id": "search", "page_type": "campaign", "module": "grid"},
    ),
    (
        {"entrance_id": "old", "page_type": "home", "module": "banner", "valid_to": "2026-03-07"},
        {"entrance_id": "new", "page_type": "home", "module": "banner", "valid_from": "2026-03-08"},
        {
            "entrance_id": "festival",
            "page_type": "home",
            "module": "banner",
            "slot": 2,
            "valid_from": "2026-03-07",
            "valid_to": "2026-03-07",
        },
        {"entrance_id": "home_feed", "page_type": "home", "module": "feed", "valid_from": "2026-03-08"},
    ),
    (),
)

MILLISECOND = dt.timedelta(milliseconds=1)
SECOND = dt.timedelta(seconds=1)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
NONE = dt.timedelta(0)


# Shops -------------------------------------------------------------------------------------------------


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    """Settings and tables of a shop; time windows are short, so that many events are near the ends of windows."""
    rates = [
        {
            "dt": (FIRST_DAY + dt.timedelta(days=n)).isoformat(),
            "currency": "USD",
            "rate": f"7.1{n % 10}345675",
        }
        for n in range(-5, 25)
    ]
    return Shop(
        entrances=list(draw(st.sampled_from((*ENTRANCE_TABLES, *ENTRANCE_TABLES[:3])))),
        fx=rates,
        timezone=draw(st.sampled_from(("Asia/Shanghai", "America/New_York"))),
        start_date=draw(st.sampled_from((*[FIRST_DAY - 3 * DAY] * 3, FIRST_DAY + DAY))),
        head_lookback_hours=draw(st.sampled_from((24, 1, 2, 25))),
        cart_window_days=draw(st.sampled_from((1, 2, 3))),
        max_payment_delay_days=draw(st.sampled_from((7, 0, 1))),
        path_ends=draw(
            st.sampled_from((("add_to_cart",), ("add_to_cart", "click", "exposure"), ("exposure", "click")))
        ),
        max_path_steps=draw(st.sampled_from((500, 500, 2, 3, 5))),
        action_modules=draw(
            st.sampled_from(((), (), ("choose_size",), ("choose_size",), ("choose_size", "recommend")))
        ),
        clock_tolerance_seconds=draw(st.sampled_from((60, 60, 0, 5))),
        sales_fallbacks=draw(st.sampled_from((("order", "visit"), ("order", "visit"), ("visit",), ("order",), ()))),
        **draw(touch_settings()),
    )


# Logs --------------------------------------------------------------------------------------------------


@st.composite
def logs(draw: st.DrawFn, shop: Shop, *, ties: bool = False) -> Log:
    """A complete log. With *ties*, only hashes decide between some of its records (see ``without_duplicates``)."""
    writer = _Writer(draw, shop)
    sessions = draw(st.lists(_session(shop), min_size=1, max_size=4))
    events = [event for session in sessions for event in session]
    for number, event in enumerate(events):
        # The order of the events' ids differs from that of their times, so that sorting by the wrong one is noticed.
        event["event_id"] = f"e{number * 37 % 1000:03}"
    orders, lines = draw(_orders(shop, events, ties))
    events += draw(_duplicates(events, ties))
    return Log(
        events=[writer.event(event) for event in events],
        orders=[writer.order(order) for order in orders],
        order_lines=[writer.order(line) for line in lines],
        refunds=[writer.order(refund) for refund in draw(_refunds())],
        products=[writer.order(product) for product in draw(_products())],
        spend=[writer.order(spent) for spent in draw(_spend(shop, orders, ties))],
    )


def _midnights(shop: Shop) -> list[dt.datetime]:
    """The UTC times at which four consecutive days begin in the shop."""
    zone = ZoneInfo(shop.timezone)
    days = [dt.datetime.combine(FIRST_DAY + n * DAY, dt.time(), zone) for n in range(4)]
    return [day.astimezone(dt.UTC).replace(tzinfo=None) for day in days]


@st.composite
def _session(draw: st.DrawFn, shop: Shop) -> list[Row]:
    """Consecutive events of a device; the first is a click on an entrance, and a user may log in during the session."""
    start = draw(st.sampled_from(_midnights(shop)))
    start += draw(st.sampled_from((-MINUTE, -SECOND, NONE, -2 * HOUR, 12 * HOUR)))
    # A wrong clock is corrected if an event has sent_time and received_time. Otherwise the wrong time is used, so that
    # the event is on another day or is refused. A clock that was never set shows one of the first days of 1970; the
    # pipeline refuses later times of the seventies.
    never_set = dt.datetime(1970, 1, 4) - dt.datetime.combine(FIRST_DAY, dt.time())
    skew = draw(st.sampled_from((*[NONE] * 3, 3 * MINUTE, -MINUTE, 26 * HOUR, 49 * HOUR, 49 * HOUR, never_set)))
    stamps = draw(st.sampled_from((*["both"] * 3, "neither", "received", "sent", "mixed", "mixed")))
    device = draw(st.sampled_from(DEVICES))
    users = [draw(st.sampled_from(("u1", None, "undefined", *USERS))) for _ in range(2)]
    logs_in_at = draw(st.integers(0, 8))
    time = start
    events: list[Row] = []
    for step in range(draw(st.integers(3, 12))):
        if step:
            time = draw(_later(time, start + shop.head_lookback_hours * HOUR))
        event: Row = draw(_any_event(step) if step else _click_on_entrance(shop))
        stamped = stamps if stamps != "mixed" else ("both", "neither", "received")[step % 3]
        event |= draw(_times(time, skew, stamped))
        events.append(event | {"device_id": device, "user_id": users[step >= logs_in_at]})
        if draw(st.integers(0, 20)) == 20:
            events[-1]["is_bot"] = draw(st.sampled_from(("true", "false")))
        if event["page_id"] is not None and draw(st.integers(0, 5)) == 5:
            # The same event at the same time on another page: the PageId decides which one is later.
            events.append(events[-1] | {"page_id": draw(st.integers(1, 6))})
        if step % 4 == 3:
            # The clock may be changed during a session.
            skew += draw(st.sampled_from((NONE, NONE, -MINUTE, HOUR)))
    return events


@st.composite
def _later(draw: st.DrawFn, time: dt.datetime, bound: dt.datetime) -> dt.datetime:
    """A time at or after *time*: soon, much later, at *bound*, or just after *bound*."""
    soon = (SECOND, SECOND, NONE, MILLISECOND, 5 * SECOND, 30 * SECOND, MINUTE)
    times = [time + gap for gap in (*soon, *soon, *soon, HOUR, 23 * HOUR)]
    return draw(st.sampled_from((*times, max(bound, time), max(bound, time), max(bound, time) + MILLISECOND)))


@st.composite
def _times(draw: st.DrawFn, time: dt.datetime, skew: dt.timedelta, stamped: str) -> Row:
    """The times of an event whose device's clock is *skew* ahead.

    *stamped* says which of sent_time and received_time the event has: sent, received, both or neither.
    """
    sent = time + draw(st.sampled_from((SECOND, NONE, MINUTE)))
    times = {"device_time": time + skew}
    if stamped in ("both", "sent"):
        times["sent_time"] = sent + skew
    if stamped in ("both", "received"):
        times["received_time"] = sent + draw(st.sampled_from((NONE, SECOND, 30 * SECOND, 60 * SECOND, 61 * SECOND)))
    return times


@st.composite
def _click_on_entrance(draw: st.DrawFn, shop: Shop) -> Row:
    """A click on the position of one of the shop's entrances, possibly on a day on which the entrance is not valid."""
    event: Row = draw(_any_event(0))
    entrance = draw(st.sampled_from(shop.entrances or ENTRANCE_TABLES[0]))
    position = {name: entrance[name] for name in ("page_type", "module", "slot") if name in entrance}
    return event | position | {"event_type": "click", "page_id": draw(st.integers(1, 3))}


@st.composite
def _any_event(draw: st.DrawFn, step: int) -> Row:
    """The event number *step* of a session, usually on a new page, sometimes on an earlier one."""
    kinds = ("click", "add_to_cart", "click", "exposure", "click", "add_to_cart", "click", "page_view", "share")
    event_type = draw(st.sampled_from(kinds))
    page_type, module = draw(st.sampled_from((*POSITIONS[4:], *POSITIONS[4:], *POSITIONS)))
    event: Row = {
        "event_type": event_type,
        "page_id": draw(st.sampled_from((step + 1, step + 1, step, 1, 2, 5))),
        "page_type": page_type,
        "module": module,
        "slot": draw(st.sampled_from((None, 1, 2))),
        "sku": draw(st.sampled_from(("A", "A", "B", "C", None))),
        "content_id": draw(st.sampled_from(CONTENTS)),
        "utm_source": None if page_type == "home" else "weibo",
    }
    if event_type == "share":
        # Events of other types only serve to identify the device's user, and need no page.
        event |= {"page_id": None, "page_type": None, "module": None}
    return event


_skus = st.sampled_from(SKUS)


def _occurred_at(event: Row) -> dt.datetime:
    time: dt.datetime = event["device_time"]
    if "sent_time" not in event or "received_time" not in event:
        return time
    latency: dt.timedelta = event["received_time"] - event["sent_time"]
    return time + latency


@st.composite
def _duplicates(draw: st.DrawFn, events: list[Row], ties: bool) -> list[Row]:
    """Records with the id of one of *events*: sent again, received earlier or later, or changed."""
    copies = []
    for event in draw(st.lists(st.sampled_from(events), max_size=4, unique_by=id)):
        copy = dict(event)
        kind = draw(st.sampled_from(("same", "later", "earlier", "tie" if ties else "later")))
        if kind != "same":
            copy["user_id"] = draw(st.sampled_from((None, *USERS)))
            copy["sku"] = draw(_skus)
            copy["device_time"] += draw(st.sampled_from((NONE, DAY, -DAY, SECOND)))
        if kind in ("later", "earlier"):
            received: Any = event.get("received_time", event["device_time"])
            copy["received_time"] = received - SECOND if kind == "earlier" else received + SECOND
        copies.append(copy)
    return copies


@st.composite
def _orders(draw: st.DrawFn, shop: Shop, events: list[Row], ties: bool) -> tuple[list[Row], list[Row]]:
    """Orders that follow events, and their lines, each in one or more versions.

    Some orders are paid late, never, or before they were made; some lines have no order, some orders no lines.
    """
    causes = [event for event in events if event["sku"] and event["event_type"] in ("click", "add_to_cart")]
    carts = [event for event in causes if event["event_type"] == "add_to_cart"]
    orders: list[Row] = []
    lines: list[Row] = []
    for number in range(draw(st.integers(1, 4))):
        key = {"order_id": f"o{number}"}
        cause = draw(st.sampled_from([*carts, *causes] or events))
        orders += [key | values for values in draw(_versions(_order(shop, cause), ties))]
        if orders[-1]["status"] != "unpaid" and draw(st.integers(0, 3)) == 3:
            # An earlier status with the same updated_at as the later one.
            orders.append(orders[-1] | {"status": "unpaid", "paid_at": None})
        for line_no in range(1, draw(st.sampled_from((1, 2, 0, 1))) + 1):
            lines += [key | {"line_no": line_no} | values for values in draw(_versions(_line(cause), ties))]
            if draw(st.integers(0, 7)) == 7:
                lines.append(lines[-1] | {"quantity": 0})
    if orders and draw(st.integers(0, 9)) == 9:
        orders = [order for order in orders if order["order_id"] != "o0"]
    return orders, lines


@st.composite
def _versions(draw: st.DrawFn, values: st.SearchStrategy[Row], ties: bool) -> list[Row]:
    """One or more versions of a record; the first may lack updated_at."""
    versions: list[Row] = []
    for number in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        updated_at = FIRST_UPDATE + number * DAY if number or draw(st.booleans()) else None
        if ties and number and draw(st.booleans()):
            updated_at = versions[-1]["updated_at"]
        versions.append(draw(values) | {"updated_at": updated_at})
    return versions


@st.composite
def _order(draw: st.DrawFn, shop: Shop, cause: Row) -> Row:
    """An order soon after event *cause*, or at the bounds of the cart window and of the payment delay."""
    window, delay = shop.cart_window_days * DAY, shop.max_payment_delay_days * DAY
    gaps = (
        *[10 * MINUTE] * 4,
        NONE,
        NONE,
        MINUTE,
        HOUR,
        -SECOND,
        -30 * SECOND,
        -MINUTE,
        window,
        window,
        window + SECOND,
        DAY,
    )
    waits = (*[MINUTE] * 4, NONE, DAY, delay, delay + SECOND, delay + 3 * DAY, -MINUTE, -HOUR, None)
    ordered_at = max(_occurred_at(cause), _midnights(shop)[0]) + draw(st.sampled_from(gaps))
    wait = draw(st.sampled_from(waits))
    return {
        "user_id": draw(st.sampled_from((*[cause["user_id"] or "u1"] * 12, *USERS, None))),
        "status": draw(st.sampled_from((*["paid"] * 6, "refunded", "refunded", "unpaid", "cancelled"))),
        "ordered_at": ordered_at,
        "paid_at": None if wait is None else ordered_at + wait,
        "currency": draw(st.sampled_from(("CNY", "USD", None))),
    }


@st.composite
def _line(draw: st.DrawFn, cause: Row) -> Row:
    return {
        "sku": draw(st.sampled_from((*[cause["sku"] or "A"] * 6, *SKUS))),
        "quantity": draw(st.integers(1, 3)),
        "unit_price": draw(st.sampled_from(("10", "19.99", "0.3333", "100.0001"))),
        "discount": draw(st.sampled_from((None, "0", "1.5", "0.0001"))),
        "unit_cost": draw(st.sampled_from((None, "4.5", "0.1111"))),
        "refunded_amount": draw(st.sampled_from((None, None, "0", "3.3333"))),
    }


@st.composite
def _refunds(draw: st.DrawFn) -> list[Row]:
    """Dated refunds, with or without an id, some with a later version."""
    refunds = []
    for number in range(draw(st.integers(0, 3))):
        refund: Row = {
            "refund_id": draw(st.sampled_from((f"r{number}", None))),
            "order_id": f"o{draw(st.integers(0, 3))}",
            "line_no": draw(st.sampled_from((1, 1, 2))),
            "refunded_at": FIRST_UPDATE + draw(st.sampled_from((HOUR, DAY, 3 * DAY))),
            "amount": draw(st.sampled_from(("1", "0.0001", "5.55"))),
        }
        refunds.append(refund)
        if refund["refund_id"] is not None and draw(st.booleans()):
            refunds.append({**refund, "amount": "2.5", "updated_at": refund["refunded_at"] + DAY})
        if refund["refund_id"] is not None and draw(st.integers(0, 3)) == 3:
            # One refund that has two lines.
            refunds.append({**refund, "line_no": 3 - refund["line_no"], "amount": "0.75"})
    return refunds


@st.composite
def _products(draw: st.DrawFn) -> list[Row]:
    return [
        {
            "sku": sku,
            "parent_sku": draw(st.sampled_from((None, None, "A", "P"))) if sku != "A" else None,
            "name": f"商品{sku}",
            "category": "服装",
            "unit_cost": draw(st.sampled_from((None, "3.3333", "7"))),
            "updated_at": FIRST_UPDATE + version * DAY if version else None,
        }
        for sku in draw(st.lists(_skus, max_size=3, unique=True))
        for version in range(draw(st.sampled_from((1, 2))))
    ]


@st.composite
def _spend(draw: st.DrawFn, shop: Shop, orders: list[Row], ties: bool) -> list[Row]:
    """Spend on the days of *orders*, because days with nothing but spend are not computed.

    Some has several versions.
    """
    days = sorted({order["ordered_at"].replace(tzinfo=dt.UTC).astimezone(ZoneInfo(shop.timezone)) for order in orders})
    if not days:
        return []
    day = st.sampled_from([day.date().isoformat() for day in days])
    keys = st.fixed_dictionaries(
        {"dt": day, "channel": st.sampled_from(("email", "display")), "campaign": st.sampled_from((None, "spring"))}
    )
    spend = []
    for key in draw(st.lists(keys, max_size=3, unique_by=lambda key: (key["dt"], key["channel"], key["campaign"]))):
        for version in draw(_versions(_cost(), ties)):
            channel = draw(st.sampled_from((key["channel"], f" {key['channel'].title()}")))
            spend.append(key | {"channel": channel} | version)
    return spend


@st.composite
def _cost(draw: st.DrawFn) -> Row:
    return {
        "cost": draw(st.sampled_from(("0", "12.5", "0.3333", "100.0001"))),
        "currency": draw(st.sampled_from(("CNY", "USD", None))),
        "impressions": draw(st.sampled_from((None, 0, 1000))),
        "clicks": draw(st.sampled_from((None, 7))),
    }


class _Writer:
    """Writes the values of a log as text, in one of the notations that a source may use."""

    def __init__(self, draw: st.DrawFn, shop: Shop) -> None:
        self.zone = ZoneInfo(shop.timezone)
        self.event_time = draw(st.sampled_from(("offset", "zulu", "milliseconds", "digits")))
        self.order_time = draw(st.sampled_from(("offset", "local")))
        self.missing = draw(st.sampled_from(("null", "absent", "empty")))
        self.as_text = draw(st.booleans())

    def event(self, record: Row) -> Row:
        return self._record(record, self.event_time)

    def order(self, record: Row) -> Row:
        return self._record(record, self.order_time)

    def _record(self, record: Row, form: str) -> Row:
        written = {name: self._value(value, form) for name, value in record.items()}
        if self.missing == "absent":
            return {name: value for name, value in written.items() if value is not None}
        return {name: "" if value is None and self.missing == "empty" else value for name, value in written.items()}

    def _value(self, value: Any, form: str) -> Any:
        if isinstance(value, dt.datetime):
            return self._time(value.replace(tzinfo=dt.UTC), form)
        return str(value) if self.as_text and isinstance(value, int) else value

    def _time(self, time: dt.datetime, form: str) -> Any:
        if form == "zulu":
            return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        if form == "offset":
            return time.astimezone(self.zone).isoformat()
        if form == "local":
            return time.astimezone(self.zone).replace(tzinfo=None).isoformat(sep=" ")
        milliseconds = round(time.timestamp() * 1000)
        return str(milliseconds) if form == "digits" else milliseconds


# Deliveries --------------------------------------------------------------------------------------------

Delivery = list[dict[str, list[list[Row]]]]
"""For each of consecutive runs: relation → the files that land before it."""


@st.composite
def deliveries(draw: st.DrawFn, log: Log) -> Delivery:
    """The log's records in any order, split into files and one to three runs."""
    chance: random.Random = draw(st.randoms())
    runs: Delivery = [{} for _ in range(draw(st.integers(1, 3)))]
    files = draw(st.integers(1, 3))
    for relation in RELATIONS:
        records = list(getattr(log, relation))
        chance.shuffle(records)
        for record in records:
            landed = chance.choice(runs).setdefault(relation, [[] for _ in range(files)])
            chance.choice(landed).append(record)
    return runs
