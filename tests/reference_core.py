"""Reference implementation of the tables of schema ``core`` in plain loops, from the landed records.

Here: reading values, the clock correction, duplicates, newest versions, identity, entrances, money.
The code is slow, and uses no SQL, no data frames and none of the program's code, so that it can be compared sentence by
sentence with docs/how-it-works.md.
Not here: paths and sales (``tests.reference``); refused records, except those with times out of range.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

FIRST_TIME = dt.datetime(2000, 1, 1)
ONE_DAY = dt.timedelta(days=1)
OLDEST = dt.timedelta(days=400)
EPOCH = dt.datetime(1970, 1, 1)

RANKS = {"page_view": 0, "exposure": 1, "click": 2, "add_to_cart": 3}

EVENT_TEXTS = """event_id device_id user_id event_type page_type page_url module sku content_id
    referrer utm_source utm_medium utm_campaign click_id platform app_version"""


IDS = ("event_id", "device_id", "user_id", "sku", "content_id", "order_id", "refund_id", "channel", "campaign")
WORDS_FOR_NOTHING = ("undefined", "null", "NULL", "None", "nil", "NaN", "\\N", "(not set)")
STATUS_RANKS = {"unpaid": 0, "paid": 1, "cancelled": 2, "refunded": 2}


@dataclass(frozen=True)
class Log:
    """The records of each relation of a source, with the values as they stand in the log files."""

    events: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    order_lines: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    products: list[Row] = field(default_factory=list)
    spend: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Shop:
    """The configuration: ``entrances.csv`` and ``fx.csv`` as rows, and the settings."""

    entrances: list[Row] = field(default_factory=list)
    fx: list[Row] = field(default_factory=list, repr=False)
    timezone: str = "Asia/Shanghai"
    currency: str = "CNY"
    start_date: dt.date = dt.date(2000, 1, 1)
    head_lookback_hours: int = 24
    cart_window_days: int = 30
    max_payment_delay_days: int = 7
    path_ends: tuple[str, ...] = ("add_to_cart",)
    max_path_steps: int = 500
    action_modules: tuple[str, ...] = ()
    clock_tolerance_seconds: int = 60
    sales_fallbacks: tuple[str, ...] = ("order", "visit")
    touch_window_days: int = 30
    touch_half_life_days: float = 7
    touch_transform: tuple[str | dict[str, list[str]], ...] = ("exposure",)
    touch_effects_days: int = 90
    touch_markov_order: int = 1


def restate_core(log: Log, shop: Shop) -> dict[str, list[Row]]:
    """Table → rows, with dt, of the tables of core except those of sessions."""
    log = Log(**{relation: [without_empty(record) for record in records] for relation, records in vars(log).items()})
    orders = newest(log.orders, ("order_id",), shop)
    lines = paid_lines(log, orders, shop)
    sold = {line["record"]["order_id"] for line in lines}
    everything = core_events(log.events, product_ids(log.products, shop), shop)
    bots = Counter(event["dt"] for event in everything if event["is_bot"])
    events = with_persons([event for event in everything if not event["is_bot"]])
    order_lines = [order_line(line, shop) for line in lines]
    tables = {
        "core.events": events,
        "core.traffic_daily": traffic_daily(events, bots),
        "core.visitors": visitors(events),
        "core.orders": [core_order(order, shop) for order in orders],
        "core.order_lines": order_lines,
        "core.paid_orders": paid_orders(order_lines),
        "core.refunds": [refund for line in lines for refund in line["refunds"]],
        "core.spend": spend(log.spend, shop),
        "core.first_orders": first_orders(
            [core_order(order, shop) for order in orders if order["order_id"] in sold], shop
        ),
    }
    return {name: [row for row in rows if row["dt"] >= shop.start_date] for name, rows in tables.items()}


# Values ------------------------------------------------------------------------------------------------


def without_empty(record: Row) -> Row:
    """The record without its missing values: null, empty text, and in an id a word that means null."""
    given = {name: value for name, value in record.items() if value not in (None, "")}
    return {name: value for name, value in given.items() if name not in IDS or value not in WORDS_FOR_NOTHING}


def time_of(value: Any, shop: Shop) -> dt.datetime | None:
    """A landed time as naive UTC, from epoch milliseconds, ISO 8601 with an offset, or the shop's local time."""
    if value is None:
        return None
    if isinstance(value, int) or value.isdigit():
        return EPOCH + dt.timedelta(milliseconds=int(value))
    time = dt.datetime.fromisoformat(value)
    if time.tzinfo is None:
        # A local time that occurs twice, because clocks were set back, means the later time.
        time = time.replace(tzinfo=ZoneInfo(shop.timezone), fold=1)
    return time.astimezone(dt.UTC).replace(tzinfo=None)


def local_date(time: dt.datetime, shop: Shop) -> dt.date:
    """The date of a UTC time in the shop's time zone."""
    return time.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(shop.timezone)).date()


def integer_of(value: Any) -> int | None:
    return None if value is None else int(value)


def amount_of(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def money(value: Decimal) -> Decimal:
    """*value* rounded to four decimals, halves away from zero."""
    return value.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


# Events ------------------------------------------------------------------------------------------------


def core_events(records: Iterable[Row], products: dict[str, str], shop: Shop) -> list[Row]:
    events = [canonical_event(record, shop) for record in records]
    events = without_duplicates([event for event in events if is_in_range(event)])
    for event in events:
        event["dt"] = local_date(event["occurred_at"], shop)
        event["entrance_id"] = entrance_of(event, shop)
        event["product_id"] = products.get(event["sku"], event["sku"])
    return events


def with_persons(events: list[Row]) -> list[Row]:
    """The rows of core.events: *events*, without those of bots, each with its person."""
    rows = [{name: value for name, value in event.items() if name != "is_bot"} for event in events]
    for event in rows:
        event["person_id"] = person_of(event, rows)
    return rows


def traffic_daily(events: list[Row], bots: Mapping[dt.date, int]) -> list[Row]:
    days = sorted({event["dt"] for event in events})
    return [traffic([e for e in events if e["dt"] == day]) | {"bot_events": bots.get(day, 0)} for day in days]


def visitors(events: list[Row]) -> list[Row]:
    """One row for each person and day with an event."""
    return [{"dt": day, "person_id": person} for day, person in sorted({(e["dt"], e["person_id"]) for e in events})]


def traffic(events: list[Row]) -> Row:
    """The row of core.traffic_daily for the events of one day: visitors, and measures of the log's quality."""
    opened = drops = resets = 0
    for device in {event["device_id"] for event in events}:
        own = [event for event in events if event["device_id"] == device and event["page_id"] is not None]
        times = {
            event["page_id"]: min(e["device_time"] for e in own if e["page_id"] == event["page_id"]) for event in own
        }
        pages = sorted(times, key=lambda page: (times[page], page))
        opened += len(pages)
        for place in range(1, len(pages)):
            if pages[place] < pages[place - 1]:
                drops += 1
                resets += max(pages[place:]) < max(pages[:place])
    number = len(events)
    without = sum(event["page_id"] is None for event in events)
    skewed = sum(abs(event["occurred_at"] - event["device_time"]) > dt.timedelta(minutes=5) for event in events)
    late = sum(
        event["received_at"] - event["occurred_at"] > dt.timedelta(hours=1) for event in events if event["received_at"]
    )
    return {
        "dt": events[0]["dt"],
        "events": number,
        "page_views": sum(event["event_type"] == "page_view" for event in events),
        "visitors": len({event["person_id"] for event in events}),
        "devices": len({event["device_id"] for event in events}),
        "events_without_page_id": without,
        "events_with_derived_page_id": sum(event["page_id_origin"] == "derived" for event in events),
        "pages_opened": opened,
        "page_id_drops": drops,
        "page_id_resets": resets,
        "skewed_events": skewed,
        "late_events": late,
        "page_id_missing_rate": without / number,
        "page_id_drop_rate": drops / opened if opened else None,
        "skewed_rate": skewed / number,
        "late_rate": late / number,
    }


def canonical_event(record: Row, shop: Shop) -> Row:
    """The row of core.events for a landed record, without person and entrance; occurred_at is the corrected time."""
    event = {name: record.get(name) for name in EVENT_TEXTS.split()}
    event["page_id"] = integer_of(record.get("page_id"))
    event["slot"] = integer_of(record.get("slot"))
    device_time = time_of(record["device_time"], shop)
    sent = time_of(record.get("sent_time"), shop)
    received = time_of(record.get("received_time"), shop)
    assert device_time is not None
    event["device_time"] = device_time
    event["received_at"] = received
    event["occurred_at"] = device_time
    tolerance = dt.timedelta(seconds=shop.clock_tolerance_seconds)
    if sent is not None and received is not None and abs(received - sent) > tolerance:
        event["occurred_at"] = device_time + (received - sent)
    event["event_rank"] = RANKS.get(event["event_type"], 4)
    event["page_id_origin"] = None if event["page_id"] is None else "tracker"
    event["is_bot"] = record.get("is_bot") in ("true", True)
    # Keep sent_time until duplicates are removed: two records that differ only in this field are different records.
    event["_sent"] = sent
    return event


def is_in_range(event: Row) -> bool:
    """Whether the corrected time is in 2000 or later, at most a day after the receipt and at most 400 days before.

    The receipt is the time at which the server received the event; without one only the first rule counts.
    """
    if event["occurred_at"] < FIRST_TIME:
        return False
    received = event["received_at"]
    return received is None or received - OLDEST <= event["occurred_at"] <= received + ONE_DAY


def without_duplicates(events: list[Row]) -> list[Row]:
    """One record for each event_id: the one received first; a record without received_time comes last.

    If different records were received at the same time, the pipeline chooses by a hash, which the documented rules do
    not define. Such a log fails an assertion here.
    """
    kept: dict[str, Row] = {}
    for event in events:
        other = kept.get(event["event_id"], event)
        if received_order(event) < received_order(other):
            kept[event["event_id"]] = event
        else:
            same_time = received_order(event) == received_order(other)
            assert event == other or not same_time, "the kept record would depend on its hash"
            kept[event["event_id"]] = other
    return [{name: value for name, value in event.items() if name != "_sent"} for event in kept.values()]


def received_order(event: Row) -> tuple[bool, dt.datetime]:
    return event["received_at"] is None, event["received_at"] or EPOCH


def device_order(event: Row) -> tuple[dt.datetime, bool, int, int, str]:
    """The sort key of a device's events: (device_time, page_id, event_rank, event_id); a missing page_id is last."""
    page_id = event["page_id"]
    return event["device_time"], page_id is None, page_id or 0, event["event_rank"], event["event_id"]


def person_of(event: Row, events: list[Row]) -> str:
    """The event's user_id; else the next one on its device that day, else the last one before it; else the device."""
    that_day = [e for e in events if e["device_id"] == event["device_id"] and e["dt"] == event["dt"]]
    known = sorted((e for e in that_day if e["user_id"] is not None), key=device_order)
    later = [e for e in known if device_order(e) > device_order(event)]
    earlier = [e for e in known if device_order(e) < device_order(event)]
    known_first = [event, *later, *reversed(earlier)]
    users: list[str] = [e["user_id"] for e in known_first if e["user_id"] is not None]
    return users[0] if users else f"device:{event['device_id']}"


def entrance_of(event: Row, shop: Shop) -> str | None:
    """The entrance with the event's page_type, module and (if the entrance has one) slot, valid on its day."""
    matches = [row for row in shop.entrances if is_on(event, row)]
    with_slot = [row for row in matches if row.get("slot") is not None]
    entrances: set[str] = {row["entrance_id"] for row in with_slot or matches}
    assert len(entrances) <= 1, f"entrances overlap: {entrances}"
    return entrances.pop() if entrances else None


def is_on(event: Row, entrance: Row) -> bool:
    valid_from = entrance.get("valid_from") or dt.date.min.isoformat()
    valid_to = entrance.get("valid_to") or dt.date.max.isoformat()
    return (
        event["page_type"] == entrance["page_type"]
        and event["module"] == entrance["module"]
        and entrance.get("slot") in (None, event["slot"])
        and valid_from <= event["dt"].isoformat() <= valid_to
    )


# Orders and money --------------------------------------------------------------------------------------


def newest(records: list[Row], key: tuple[str, ...], shop: Shop) -> list[Row]:
    """The version of each key with the latest updated_at; a version without updated_at is the oldest.

    At equal times the version with the more advanced status is used, or the one that removes the line. The pipeline
    decides other ties by a hash, which the documented rules do not define; such records fail an assertion here.
    """
    kept: dict[tuple[Any, ...], Row] = {}
    for record in records:
        identity = tuple(str(record[name]) for name in key)
        other = kept.setdefault(identity, record)
        mine, theirs = version_order(record, shop), version_order(other, shop)
        assert mine != theirs or record == other, "the newest version would depend on its hash"
        if mine > theirs:
            kept[identity] = record
    return list(kept.values())


def version_order(record: Row, shop: Shop) -> tuple[dt.datetime, int, bool]:
    """Sort key of a version of a record; a larger key means a newer version."""
    updated_at = time_of(record.get("updated_at"), shop) or dt.datetime.min
    return updated_at, STATUS_RANKS.get(record.get("status", ""), 0), integer_of(record.get("quantity")) == 0


def core_order(order: Row, shop: Shop) -> Row:
    ordered_at = time_of(order["ordered_at"], shop)
    assert ordered_at is not None
    return {
        "order_id": order["order_id"],
        "user_id": order.get("user_id"),
        "status": order["status"],
        "ordered_at": ordered_at,
        "paid_at": time_of(order.get("paid_at"), shop),
        "currency": order.get("currency"),
        "updated_at": time_of(order.get("updated_at"), shop),
        "dt": local_date(ordered_at, shop),
    }


def first_orders(orders: list[Row], shop: Shop) -> list[Row]:
    """The first paid order of each user, from rows of core.orders of all days that have lines."""
    paid = [order for order in orders if order["paid_at"] is not None and order["status"] in ("paid", "refunded")]
    first: dict[str, Row] = {}
    for order in sorted(paid, key=lambda order: (order["paid_at"], order["order_id"])):
        if order["user_id"] is not None:
            first.setdefault(order["user_id"], order)
    names = ("user_id", "order_id", "paid_at")
    return [
        {**{name: order[name] for name in names}, "dt": local_date(order["paid_at"], shop)} for order in first.values()
    ]


def paid_lines(log: Log, orders: list[Row], shop: Shop) -> list[Row]:
    """The newest lines of paid orders, each with its order, exchange rate, product's cost and refunds.

    A line whose newest version has quantity 0 was removed from the order, and is left out.
    """
    paid = {}
    for order in orders:
        if order.get("paid_at") is not None and order["status"] in ("paid", "refunded"):
            paid[order["order_id"]] = core_order(order, shop)
    products = product_ids(log.products, shop)
    unit_costs = {p["sku"]: amount_of(p.get("unit_cost")) for p in newest(log.products, ("sku",), shop)}
    with_id = [refund for refund in log.refunds if refund.get("refund_id") is not None]
    without_id = {tuple(sorted(r.items())): r for r in log.refunds if r.get("refund_id") is None}
    dated = newest(with_id, ("order_id", "line_no", "refund_id"), shop) + list(without_id.values())
    lines = []
    for record in newest(log.order_lines, ("order_id", "line_no"), shop):
        if record["order_id"] in paid and int(record["quantity"]) > 0:
            line: Row = {"record": record, "order": paid[record["order_id"]]}
            line["rate"] = rate_of(line["order"], shop)
            line["product_id"] = products.get(record["sku"], record["sku"])
            line["product_unit_cost"] = unit_costs.get(record["sku"])
            line["refunds"] = refunds_of(line, dated, shop)
            lines.append(line)
    stated = {refund["order_id"] for refund in log.refunds}
    stated |= {line["record"]["order_id"] for line in lines if (refunded_amount(line) or 0) > 0}
    for line in lines:
        if line["order"]["status"] == "refunded" and line["record"]["order_id"] not in stated:
            line["refunds"] = implied_refunds(line, shop)
    return lines


def product_ids(products: list[Row], shop: Shop) -> dict[str, str]:
    """Sku → product_id for the skus of the catalogue: the sku's parent_sku, else the sku."""
    return {row["sku"]: row.get("parent_sku") or row["sku"] for row in newest(products, ("sku",), shop)}


def refunded_amount(line: Row) -> Decimal | None:
    """The refunded_amount of the line's record, in the order's currency; None if the record has none."""
    return amount_of(line["record"].get("refunded_amount"))


def implied_refunds(line: Row, shop: Shop) -> list[Row]:
    """The refund of a line whose order's status says that it was refunded, while no refund is recorded.

    The refund's amount is the line's revenue; its time is that of the order's last change, else of the payment. A line
    without positive revenue has no refund.
    """
    record, order = line["record"], line["order"]
    amount = revenue_of(line)
    time = order["updated_at"] or order["paid_at"]
    if amount <= 0:
        return []
    key = {"order_id": record["order_id"], "line_no": int(record["line_no"])}
    return [
        {
            **key,
            "refund_id": f"implied:{key['order_id']}:{key['line_no']}",
            "user_id": order["user_id"],
            "sku": record["sku"],
            "product_id": line["product_id"],
            "amount": amount,
            "is_implied": True,
            "refunded_at": time,
            "dt": local_date(time, shop),
        }
    ]


def revenue_of(line: Row) -> Decimal:
    """Quantity × unit_price − discount, in the reporting currency."""
    record = line["record"]
    amount = int(record["quantity"]) * Decimal(str(record["unit_price"])) - (amount_of(record.get("discount")) or 0)
    return money(amount * line["rate"])


def rate_of(order: Row, shop: Shop) -> Decimal:
    """The price of one unit of the order's currency in the reporting currency on the day of the payment."""
    return rate_on(local_date(order["paid_at"], shop), order["currency"], shop)


def rate_on(day: dt.date, currency: str | None, shop: Shop) -> Decimal:
    """The price of one unit of *currency* (null = the reporting currency) in the reporting currency on *day*."""
    if currency in (None, shop.currency):
        return Decimal(1)
    rates = [row["rate"] for row in shop.fx if (row["dt"], row["currency"]) == (day.isoformat(), currency)]
    assert rates, f"no rate for {currency} on {day}"
    return Decimal(str(rates[0]))


def spend(records: list[Row], shop: Shop) -> list[Row]:
    """The newest version of each day's spend on a channel and campaign; channels ignore case and surrounding blanks."""
    keyed = [
        {**record, "channel": record["channel"].strip().lower(), "campaign": record.get("campaign", "(not set)")}
        for record in records
    ]
    rows = []
    for record in newest(keyed, ("dt", "channel", "campaign"), shop):
        day = dt.date.fromisoformat(record["dt"])
        rate = rate_on(day, record.get("currency"), shop)
        rows.append(
            {
                "dt": day,
                "channel": record["channel"],
                "campaign": record["campaign"],
                "cost": money(Decimal(str(record["cost"])) * rate),
                "impressions": integer_of(record.get("impressions")),
                "clicks": integer_of(record.get("clicks")),
            }
        )
    return rows


def order_line(line: Row, shop: Shop) -> Row:
    record, order = line["record"], line["order"]
    quantity = int(record["quantity"])
    own_cost, product_cost = amount_of(record.get("unit_cost")), line["product_unit_cost"]
    revenue = revenue_of(line)
    net_revenue = revenue - sum(refund["amount"] for refund in line["refunds"])
    cost = None
    if own_cost is not None:
        cost = money(quantity * own_cost * line["rate"])
    elif product_cost is not None:
        cost = money(quantity * product_cost)
    return {
        "order_id": record["order_id"],
        "line_no": int(record["line_no"]),
        "user_id": order["user_id"],
        "sku": record["sku"],
        "product_id": line["product_id"],
        "quantity": quantity,
        "revenue": revenue,
        "refunded": revenue - net_revenue,
        "net_revenue": net_revenue,
        "cost": cost,
        "margin": None if cost is None else net_revenue - cost,
        "ordered_at": order["ordered_at"],
        "paid_at": order["paid_at"],
        "dt": local_date(order["paid_at"], shop),
    }


def paid_orders(lines: list[Row]) -> list[Row]:
    """The rows of core.paid_orders, from rows of core.order_lines."""
    by_order: dict[str, list[Row]] = {}
    for line in lines:
        by_order.setdefault(line["order_id"], []).append(line)
    names = ("order_id", "user_id", "ordered_at", "paid_at", "dt")
    return [
        {name: own[0][name] for name in names}
        | {"order_lines": len(own), "revenue": sum(line["revenue"] for line in own)}
        for own in by_order.values()
    ]


def refunds_of(line: Row, dated: list[Row], shop: Shop) -> list[Row]:
    """A paid line's dated refunds; if it has none, its refunded_amount as one refund."""
    record, order = line["record"], line["order"]
    key = (record["order_id"], int(record["line_no"]))
    refunds = [
        (refund.get("refund_id"), refund["amount"], time_of(refund["refunded_at"], shop))
        for refund in dated
        if (refund["order_id"], int(refund["line_no"])) == key
    ]
    undated = refunded_amount(line)
    if not refunds and undated is not None and undated > 0:
        time = time_of(record.get("updated_at"), shop) or order["paid_at"]
        refunds.append((f"undated:{key[0]}:{key[1]}", undated, time))
    return [
        {
            "refund_id": refund_id,
            "order_id": key[0],
            "line_no": key[1],
            "user_id": order["user_id"],
            "sku": record["sku"],
            "product_id": line["product_id"],
            "amount": money(Decimal(str(amount)) * line["rate"]),
            "is_implied": False,
            "refunded_at": time,
            "dt": local_date(time, shop),
        }
        for refund_id, amount, time in refunds
        if time is not None
    ]
