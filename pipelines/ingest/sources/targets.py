"""The canonical targets: what a source's SELECTs must return.

Here: each target's columns with type, meaning and rules, and its other declarations.
Not here: the types of declarations (``pipelines.ingest.sources.target``), the raw tables
(``pipelines.ingest.sources.raw_tables``), validating values (``pipelines.ingest.records.validation``).
"""

from __future__ import annotations

from pipelines.ingest.sources.target import MOMENT, MONEY, TEXT, WHOLE, Column, CountedOn, Derived, Target

PROVENANCE = ("batch_id", "record_no")
"""Columns of every relation, which every mapping must return unchanged."""

ATTRIBUTION_TYPES = ("page_view", "exposure", "click", "add_to_cart")
ORDER_STATUSES = ("paid", "unpaid", "cancelled", "refunded")

_IN_ATTRIBUTION = "event_type IN ({})".format(", ".join(f"'{kind}'" for kind in ATTRIBUTION_TYPES))
_UPDATED = Column(
    MOMENT,
    "time of this version at the source, UTC; the latest version of a key counts; null = unknown",
    takes_day=True,
    bounded=True,
)


def _local_day(column: str) -> Derived:
    return Derived("DATE", f"day of {column} in the shop's time zone", f"{{local:{column}}}")


EVENTS = Target(
    "events",
    "Tracking events as they were recorded, one row for each event.",
    ("event_id",),
    {
        "event_id": Column(TEXT, "unique id of the event", required=True, is_id=True),
        "device_id": Column(TEXT, "device (browser or app) that recorded it", required=True, is_id=True),
        "user_id": Column(TEXT, "logged-in user as sent; null before login", is_id=True),
        "event_type": Column(
            TEXT,
            "page_view, exposure, click or add_to_cart; other types are kept but take no part in attribution",
            required=True,
        ),
        "page_id": Column(
            WHOLE,
            "PageId of the device's page stack: a newer page has a larger number; null = derived in core.event_pages",
            needed_if=_IN_ATTRIBUTION,
            else_needed="page_url",
        ),
        "page_type": Column(
            TEXT,
            "kind of page, e.g. home, list, detail; null = config/page_types.csv gives it by page_url",
            needed_if=f"{_IN_ATTRIBUTION} AND page_url IS NULL",
            else_needed="page_url",
        ),
        "page_url": Column(TEXT, "address of the page, as sent; null = none sent"),
        "module": Column(TEXT, "module on the page; null = none sent"),
        "slot": Column(
            "INTEGER", "position in the module as sent, usually from 1; null = none sent", not_negative=True
        ),
        "sku": Column(TEXT, "product or variant that the slot showed", is_id=True),
        "content_id": Column(TEXT, "creative, campaign or version that the slot showed", is_id=True),
        "device_time": Column(MOMENT, "time of the event by the device's own clock, UTC", required=True, local=False),
        "sent_time": Column(MOMENT, "time of sending by the device's own clock, UTC", local=False),
        "received_at": Column(MOMENT, "time of receipt by the server's clock, UTC", local=False),
        "referrer": Column(TEXT, "URL of the referring page"),
        "utm_source": Column(TEXT, "as sent; null = none"),
        "utm_medium": Column(TEXT, "as sent; null = none"),
        "utm_campaign": Column(TEXT, "as sent; null = none"),
        "click_id": Column(
            TEXT,
            "name of the parameter by which an advertising platform marked the link, e.g. gclid; null = none sent",
        ),
        "platform": Column(TEXT, "platform, e.g. ios, android, web"),
        "app_version": Column(TEXT, "version of the app"),
        "is_bot": Column("BOOLEAN", "whether a program such as a crawler sent it; core.events omits these"),
    },
    {
        "occurred_at": Derived(
            MOMENT,
            "time of the event, UTC: device_time, corrected by received_at - sent_time if these differ by more than "
            "clock_tolerance_seconds",
            # A smaller difference between the two times is the duration of the request, not an error of the device's
            # clock.
            "CASE WHEN abs(epoch_us(received_at) - epoch_us(sent_time)) > {clock_tolerance_us} THEN "
            "make_timestamp(epoch_us(device_time) + epoch_us(received_at) - epoch_us(sent_time)) ELSE device_time END",
        ),
        "event_rank": Derived(
            "INTEGER",
            "order at equal page_id and device_time: page_view 0, exposure 1, click 2, add_to_cart 3, others 4",
            "CASE event_type WHEN 'page_view' THEN 0 WHEN 'exposure' THEN 1 WHEN 'click' THEN 2 "
            "WHEN 'add_to_cart' THEN 3 ELSE 4 END",
        ),
        "dt": Derived("DATE", "day of occurred_at in the shop's time zone", "{local:occurred_at}"),
    },
    partitioned=True,
    earliest="2000-01-01",
)

ORDERS = Target(
    "orders",
    "Orders of any status, one row for each version of an order.",
    ("order_id",),
    {
        "order_id": Column(TEXT, "the shop's id of the order", required=True, is_id=True),
        "user_id": Column(TEXT, "user who ordered; null = unknown, for example a guest", is_id=True),
        "status": Column(TEXT, f"one of {', '.join(ORDER_STATUSES)}", required=True, allowed=ORDER_STATUSES),
        "ordered_at": Column(MOMENT, "time of ordering, UTC", required=True, bounded=True),
        "paid_at": Column(
            MOMENT,
            "time of payment, UTC; null = not paid, or unknown",
            takes_day=True,
            not_before="ordered_at",
            bounded=True,
        ),
        "currency": Column(TEXT, "ISO 4217 code; null = the reporting currency", shape="[A-Za-z]{3}"),
        "updated_at": _UPDATED,
    },
    {name: _local_day(f"{name.removesuffix('_dt')}_at") for name in ("ordered_dt", "paid_dt", "updated_dt")},
    precedence="CASE status WHEN 'unpaid' THEN 0 WHEN 'paid' THEN 1 ELSE 2 END",
    counted_on=(
        CountedOn("ordered_dt"),
        CountedOn("paid_dt"),
        # A refund that only the order's status reports belongs to the day of the order's version with that status.
        CountedOn("updated_dt", "status = 'refunded'"),
    ),
    own_day="coalesce(paid_dt, ordered_dt)",
)

ORDER_LINES = Target(
    "order_lines",
    "Lines of orders, one row for each version of a line. Money is in the order's currency.",
    ("order_id", "line_no"),
    {
        "order_id": Column(TEXT, "the shop's id of the order", required=True, is_id=True),
        "line_no": Column("INTEGER", "line of the order", required=True),
        "sku": Column(TEXT, "product", required=True, is_id=True),
        "quantity": Column(
            "INTEGER", "units; 0 = the line was removed from the order", required=True, not_negative=True
        ),
        "unit_price": Column(MONEY, "price of one unit", required=True, not_negative=True),
        "discount": Column(
            MONEY, "discount on all units of the line together; 0 if none is given", default="0", not_negative=True
        ),
        "unit_cost": Column(MONEY, "cost of one unit; null = unknown", not_negative=True),
        "refunded_amount": Column(
            MONEY, "amount refunded so far; null = the source does not state it on the line", not_negative=True
        ),
        "updated_at": _UPDATED,
    },
    {"updated_dt": _local_day("updated_at")},
    amounts=(("quantity", "unit_price"), ("quantity", "unit_cost"), ("discount",), ("refunded_amount",)),
    precedence="CASE quantity WHEN 0 THEN 1 ELSE 0 END",
    # A refund that only the order line reports belongs to the day of the line's version.
    counted_on=(CountedOn("updated_dt", "refunded_amount > 0"),),
)

REFUNDS = Target(
    "refunds",
    "Refunds of order lines, one row for each version of a refund. Money is in the order's currency.",
    ("order_id", "line_no", "refund_id"),
    {
        "refund_id": Column(
            TEXT,
            "id of the refund, unique within an order line; a hash of the record if none is given",
            is_id=True,
            default="md5(concat_ws('|', order_id, line_no, refunded_at, amount))",
        ),
        "order_id": Column(TEXT, "the shop's id of the order", required=True, is_id=True),
        "line_no": Column("INTEGER", "line of the order", required=True),
        "refunded_at": Column(MOMENT, "time of the refund, UTC", required=True, takes_day=True, bounded=True),
        "amount": Column(MONEY, "amount refunded", required=True, not_negative=True),
        "updated_at": _UPDATED,
    },
    {"refunded_dt": _local_day("refunded_at")},
    amounts=(("amount",),),
    counted_on=(CountedOn("refunded_dt"),),
)

PRODUCTS = Target(
    "products",
    "Products, one row for each version of a product.",
    ("sku",),
    {
        "sku": Column(TEXT, "a product, or a variant of one", required=True, is_id=True),
        "parent_sku": Column(TEXT, "the product that sku is a variant of; null = sku is a product itself", is_id=True),
        "name": Column(TEXT, "name shown to shoppers"),
        "category": Column(TEXT, "as landed; null = unknown"),
        "brand": Column(TEXT, "as landed; null = unknown"),
        "unit_cost": Column(MONEY, "cost of one unit, reporting currency; null = unknown", not_negative=True),
        "list_price": Column(MONEY, "list price of one unit, reporting currency", not_negative=True),
        "launched_on": Column("DATE", "first day of sale; null = unknown"),
        "updated_at": _UPDATED,
    },
    amounts=(("unit_cost",), ("list_price",)),
)

# Spend has no counted_on: a row about advertising last year or tomorrow is no reason to compute that day.
SPEND = Target(
    "spend",
    "Cost of advertising, one row for each version of a day's spend on a channel and campaign.",
    ("spent_on", "channel", "campaign"),
    {
        "spent_on": Column("DATE", "business day on which it was spent", required=True, bounded=True),
        "channel": Column(
            TEXT, "channel that it was spent on, as sent; a channel of core.sessions", required=True, is_id=True
        ),
        "campaign": Column(
            TEXT,
            "campaign that it was spent on: the utm_campaign of its links; '(not set)' if none is given",
            is_id=True,
            default="'(not set)'",
        ),
        "cost": Column(MONEY, "what was spent, in currency", required=True, not_negative=True),
        "currency": Column(TEXT, "ISO 4217 code; null = the reporting currency", shape="[A-Za-z]{3}"),
        "impressions": Column(WHOLE, "times that the ads were shown; null = unknown", not_negative=True),
        "clicks": Column(WHOLE, "clicks on the ads as the platform counts them; null = unknown", not_negative=True),
        "updated_at": _UPDATED,
    },
    amounts=(("cost",),),
)

TARGETS: dict[str, Target] = {t.name: t for t in (EVENTS, ORDERS, ORDER_LINES, REFUNDS, PRODUCTS, SPEND)}
"""Name → canonical target; a source's mapping to it is ``<name>.sql``."""
