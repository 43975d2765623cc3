"""The canonical targets: what a source's SELECTs must return, and the raw tables made of it.

Here: each target's columns with type, meaning and rule, and the columns of every ``raw`` table.
Not here: how a value is judged (``pipelines.ingest.records.validation``) or where the files are
(``pipelines.ingest.batches``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

PROVENANCE = ("batch_id", "record_no")
"""The pseudo-columns of every relation, which every mapping SELECT hands on."""

ATTRIBUTION_TYPES = ("page_view", "exposure", "click", "add_to_cart")
ORDER_STATUSES = ("paid", "unpaid", "cancelled", "refunded")


@dataclass(frozen=True)
class Column:
    """A column that a mapping SELECT may return (must, if *required*).

    A record without a value where one is needed is quarantined: *required* says always, *needed_if* when (a
    condition over the target's columns). In an *is_id* column the words for nothing of the settings are no value, and
    what stands for no one thing, such as a nested value or a rounded number, is refused.
    A *not_negative* number below 0 is refused. Of a TIMESTAMP, text without an offset is the shop's local time if
    *local* is set, and is refused otherwise; a day without a time of day is its local beginning if *takes_day* is
    set, but not before the column *not_before* where that is on the same day, and is refused otherwise; a *bounded*
    one must lie between the target's *earliest* and the day after the landing. *default*, an expression over the
    target's columns, stands in for a missing value. *allowed* lists the only values, and *shape* is a regular
    expression for the whole value, which is stored in capitals.
    """

    kind: str
    description: str
    required: bool = False
    needed_if: str | None = None
    is_id: bool = False
    not_negative: bool = False
    local: bool = True
    takes_day: bool = False
    not_before: str | None = None
    bounded: bool = False
    default: str | None = None
    allowed: tuple[str, ...] = ()
    shape: str | None = None


@dataclass(frozen=True)
class Derived:
    """A column that ingestion adds: *expression* over the target's typed columns.

    In it ``{local:x}`` stands for x's local date, ``{clock_tolerance_us}`` for that setting in microseconds.
    """

    kind: str
    description: str
    expression: str


@dataclass(frozen=True)
class Target:
    """One canonical table: a mapping SELECT's columns, what ingestion adds, and the key of a row.

    *stored* orders the columns of the raw table where that is not simply columns, then derived ones. *partitioned*
    targets are kept by day, ``dt``. *amounts* are products of columns that must be less than a trillion, so that no
    sum of money overflows its type. *earliest* is the first day of its times. *precedence* is an expression for a
    digit: of two versions of a key with equal updated_at, the one with the larger digit counts.
    """

    name: str
    description: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    derived: dict[str, Derived] = field(default_factory=dict)
    partitioned: bool = False
    amounts: tuple[tuple[str, ...], ...] = ()
    earliest: str = "1980-01-01"
    precedence: str | None = None

    @property
    def table(self) -> str:
        """The raw table's name."""
        return f"raw.{self.name}"


TEXT, WHOLE, MOMENT, MONEY = "VARCHAR", "BIGINT", "TIMESTAMP", "DECIMAL(18,4)"
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
            # A smaller difference is the time that the request took, not an error of the device's clock.
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
"""The canonical targets by name; a source maps to one in ``<name>.sql``."""

RECORD_HASH = "record_hash"
_ORIGIN = {
    "source": (TEXT, "source that it came from"),
    "batch_id": (TEXT, "batch (file) that it came from; see raw.batches"),
    "record_no": (WHOLE, "record of the file, counted from 1 without blank lines"),
}
_HASH = {
    RECORD_HASH: (
        TEXT,
        "hash of the record's canonical columns, of orders and lines behind a digit for how far they are: of versions "
        "with equal updated_at the larger one counts",
    )
}


def _raw_columns(target: Target) -> dict[str, tuple[str, str]]:
    given = {name: (column.kind, column.description) for name, column in target.columns.items()}
    derived = {name: (column.kind, column.description) for name, column in target.derived.items()}
    if target.partitioned:
        day = {"dt": derived.pop("dt")}
        return _after(given, "received_at", derived) | _ORIGIN | day
    return given | derived | _HASH | _ORIGIN


def _after(
    columns: dict[str, tuple[str, str]], name: str, more: dict[str, tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    position = list(columns).index(name) + 1
    items = list(columns.items())
    return dict(items[:position]) | more | dict(items[position:])


_SUPERSEDED = {
    "event_id": (TEXT, "event that a later batch brought again, with an earlier received_at"),
    "batch_id": (TEXT, "batch whose row of raw.events no longer counts"),
    "superseded_by": (TEXT, "batch whose row counts instead"),
    "dt": ("DATE", "day of the row that no longer counts"),
}
_QUARANTINE = {
    "batch_id": (TEXT, "batch that the record belongs to"),
    "source": (TEXT, "source"),
    "relation": (TEXT, "relation of the source"),
    "file": (TEXT, "file, relative to the landing folder"),
    "line_no": (WHOLE, "line of the file where the record begins, from 1; null where the file is gone"),
    "record_no": (WHOLE, "record of the file, counted from 1 without blank lines"),
    "reasons": (TEXT, "all that is wrong with it, separated by '; '"),
    "raw": (TEXT, "the record as it is in the file (of an over-long line, its beginning)"),
    "landed_at": (MOMENT, "when the file landed (UTC)"),
}
_BATCHES = {
    "batch_id": (TEXT, "hash of the file's path and content"),
    "kind": (TEXT, "'file', or 'mapping' for the rows of a target that is mapped over all files at once"),
    "source": (TEXT, "source"),
    "relation": (TEXT, "relation of the source, or the target of a mapping"),
    "file": (TEXT, "file, relative to the landing folder"),
    "bytes": (WHOLE, "size of the file"),
    "modified_at": (MOMENT, "modification time of the file (UTC)"),
    "landed_at": (MOMENT, "modification time of the file when it was first read (UTC)"),
    "ingested_at": (MOMENT, "when it was ingested (UTC)"),
    "records": (WHOLE, "records read: accepted + duplicates + quarantined"),
    "accepted": (WHOLE, "records that count"),
    "duplicates": (WHOLE, "records that are in the lake already"),
    "quarantined": (WHOLE, "records that were refused; see raw.quarantine"),
    "unmapped": (WHOLE, "accepted records that the mapping makes no row of"),
}

_TABLES: dict[str, dict[str, tuple[str, str]]] = {
    **{target.table: _raw_columns(target) for target in TARGETS.values()},
    "raw.superseded_events": _SUPERSEDED,
    "raw.quarantine": _QUARANTINE,
    "raw.batches": _BATCHES,
}

RAW_TABLES: dict[str, dict[str, str]] = {
    table: {name: kind for name, (kind, _) in columns.items()} for table, columns in _TABLES.items()
}
"""Every raw table's columns and DuckDB types, ``dt`` last where it is kept by day."""

ACCOUNTS = frozenset({"raw.batches", "raw.quarantine"})
"""The raw tables that say what became of records, instead of holding them."""

RAW_COLUMN_DESCRIPTIONS: dict[str, dict[str, str]] = {
    table: {name: text for name, (_, text) in columns.items()} for table, columns in _TABLES.items()
}

RAW_DESCRIPTIONS: dict[str, str] = {
    **{target.table: target.description for target in TARGETS.values()},
    "raw.superseded_events": "Rows of raw.events that no longer count: an earlier copy of the event came later.",
    "raw.quarantine": "Refused records, each once and whole, with all reasons.",
    "raw.batches": "Batches: what was read from each landing file, and what became of its records.",
}
