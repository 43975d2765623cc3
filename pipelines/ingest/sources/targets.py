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
    "when this version was written at the source; the latest version of a key wins (UTC)",
    takes_day=True,
    bounded=True,
)


def _local_day(column: str) -> Derived:
    return Derived("DATE", f"day of {column} in the shop's time zone", f"{{local:{column}}}")


EVENTS = Target(
    "events",
    "Tracking events, one row an event as it was recorded.",
    ("event_id",),
    {
        "event_id": Column(TEXT, "unique id of the event", required=True, is_id=True),
        "device_id": Column(TEXT, "device (browser or app) that recorded it", required=True, is_id=True),
        "user_id": Column(TEXT, "account that was logged in; null before log-in", is_id=True),
        "event_type": Column(TEXT, "page_view, exposure, click, add_to_cart, or another", required=True),
        "page_id": Column(WHOLE, "the PageId: larger is newer on a device", needed_if=_IN_ATTRIBUTION),
        "page_type": Column(TEXT, "kind of page, e.g. home, list, detail", needed_if=_IN_ATTRIBUTION),
        "module": Column(TEXT, "module code on the page"),
        "slot": Column("INTEGER", "position in the module, as the log counts it: mostly from 1", not_negative=True),
        "sku": Column(TEXT, "product that the slot showed", is_id=True),
        "content_id": Column(TEXT, "creative, campaign or version that the slot showed", is_id=True),
        "device_time": Column(MOMENT, "when it happened, by the device's own clock (UTC)", required=True, local=False),
        "sent_time": Column(MOMENT, "when it was sent, by the device's own clock (UTC)", local=False),
        "received_at": Column(MOMENT, "when the server received it (UTC)", local=False),
        "referrer": Column(TEXT, "referring URL"),
        "utm_source": Column(TEXT, "campaign source"),
        "utm_medium": Column(TEXT, "campaign medium"),
        "utm_campaign": Column(TEXT, "campaign name"),
        "platform": Column(TEXT, "platform, e.g. ios, android, web"),
        "app_version": Column(TEXT, "version of the app"),
    },
    {
        "occurred_at": Derived(
            MOMENT,
            "when it happened: device_time, corrected by received_at - sent_time where these differ by more than "
            "clock_tolerance_seconds (UTC)",
            # A smaller difference is the duration of the request, not an error of the device's clock.
            "CASE WHEN abs(epoch_us(received_at) - epoch_us(sent_time)) > {clock_tolerance_us} THEN "
            "make_timestamp(epoch_us(device_time) + epoch_us(received_at) - epoch_us(sent_time)) ELSE device_time END",
        ),
        "event_rank": Derived(
            "INTEGER",
            "orders events of one page at one moment: page_view 0, exposure 1, click 2, add_to_cart 3, others 4",
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
    "Orders of any status, one row a version of an order.",
    ("order_id",),
    {
        "order_id": Column(TEXT, "order", required=True, is_id=True),
        "user_id": Column(TEXT, "account that ordered; null for guests", is_id=True),
        "status": Column(TEXT, f"one of {', '.join(ORDER_STATUSES)}", required=True, allowed=ORDER_STATUSES),
        "ordered_at": Column(MOMENT, "when it was ordered (UTC)", required=True, bounded=True),
        "paid_at": Column(
            MOMENT,
            "when it was paid; null if it was not (UTC)",
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
        # A refund that follows only from the order's status counts on the day of that version.
        CountedOn("updated_dt", "status = 'refunded'"),
    ),
    own_day="coalesce(paid_dt, ordered_dt)",
)

ORDER_LINES = Target(
    "order_lines",
    "Lines of orders, one row a version of a line. Money is in the order's currency.",
    ("order_id", "line_no"),
    {
        "order_id": Column(TEXT, "order", required=True, is_id=True),
        "line_no": Column("INTEGER", "line of the order", required=True),
        "sku": Column(TEXT, "product", required=True, is_id=True),
        "quantity": Column("INTEGER", "pieces; 0 = the line was taken away", required=True, not_negative=True),
        "unit_price": Column(MONEY, "price of one piece", required=True, not_negative=True),
        "discount": Column(MONEY, "discount on the whole line; 0 where none is given", default="0", not_negative=True),
        "unit_cost": Column(MONEY, "cost of one piece, where known", not_negative=True),
        "refunded_amount": Column(MONEY, "refunded so far, where the source says it on the line", not_negative=True),
        "updated_at": _UPDATED,
    },
    {"updated_dt": _local_day("updated_at")},
    amounts=(("quantity", "unit_price"), ("quantity", "unit_cost"), ("discount",), ("refunded_amount",)),
    precedence="CASE quantity WHEN 0 THEN 1 ELSE 0 END",
    # A refund that only the order line reports counts on the day of the line's version.
    counted_on=(CountedOn("updated_dt", "refunded_amount > 0"),),
)

REFUNDS = Target(
    "refunds",
    "Refunds of order lines, one row a version of a refund. Money is in the order's currency.",
    ("order_id", "line_no", "refund_id"),
    {
        "refund_id": Column(
            TEXT,
            "refund, once an order line; where none is given, a hash of the record",
            is_id=True,
            default="md5(concat_ws('|', order_id, line_no, refunded_at, amount))",
        ),
        "order_id": Column(TEXT, "order", required=True, is_id=True),
        "line_no": Column("INTEGER", "line of the order", required=True),
        "refunded_at": Column(MOMENT, "when it was refunded (UTC)", required=True, takes_day=True, bounded=True),
        "amount": Column(MONEY, "refunded", required=True, not_negative=True),
        "updated_at": _UPDATED,
    },
    {"refunded_dt": _local_day("refunded_at")},
    amounts=(("amount",),),
    counted_on=(CountedOn("refunded_dt"),),
)

PRODUCTS = Target(
    "products",
    "Products, one row a version of a product.",
    ("sku",),
    {
        "sku": Column(TEXT, "what can be bought: a product, or a variant of one", required=True, is_id=True),
        "parent_sku": Column(TEXT, "the product that sku is a variant of; null = it is a product itself", is_id=True),
        "name": Column(TEXT, "name"),
        "category": Column(TEXT, "category"),
        "brand": Column(TEXT, "brand"),
        "unit_cost": Column(MONEY, "cost of one piece, where known", not_negative=True),
        "list_price": Column(MONEY, "list price", not_negative=True),
        "launched_on": Column("DATE", "day of launch"),
        "updated_at": _UPDATED,
    },
    amounts=(("unit_cost",), ("list_price",)),
)

TARGETS: dict[str, Target] = {t.name: t for t in (EVENTS, ORDERS, ORDER_LINES, REFUNDS, PRODUCTS)}
"""Name → canonical target; a source's mapping to it is ``<name>.sql``."""
