"""One customer: recency, frequency, monetary value, segment and octant, timeline, orders.

Here: the blocks of this page.
Not here: the timeline (``dashboards.app.pages.customer_timeline``), all customers (``dashboards.app.pages.customers``),
hashed ids (``dashboards.app.people``).
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.app.as_of import AsOf
from dashboards.app.context import Context
from dashboards.app.pages.customer_timeline import timeline
from dashboards.app.people import shown_id, user_of
from dashboards.blocks import Block, Card, Cards, Change, Row, Table, Text
from dashboards.columns import definition, exact, text
from dashboards.locale import Locale
from dashboards.metrics import card_text, full_text
from dashboards.queries import query
from dashboards.sections.segments import all_names

_MEASURES = (("recency_days", "r_score"), ("frequency", "f_score"), ("monetary", "m_score"))


def customer(context: Context, reading: AsOf, note: Text, shown: str) -> Sequence[Block]:
    """The page of the customer whose id pages show as *shown* (hashed for viewers); *note* names the page's day."""
    locale = context.locale
    back = Text(locale.text("customer.back"), href=context.view.to(user=None).href)
    user = user_of(context, shown, reading.frame(query("customers.users"))["user_id"])
    if user is None:
        return [back, Text(locale.text("customer.unknown", id=shown, day=reading.day), "missing")]
    scored = reading.frame(query("customers.scored"), user=user).to_dicts() if reading.exists("customers.rfm") else []
    if scored:
        cards: Block = Cards((_group(locale, reading, scored[0]), *_measures(locale, scored[0])))
    else:
        cards = Text(locale.text("customer.not_scored", day=reading.day), "missing")
    return [
        back,
        Text(locale.text("customer.title", id=shown), "title"),
        note,
        cards,
        timeline(context, reading, user),
        _orders(context, reading, user),
    ]


def _group(locale: Locale, reading: AsOf, row: Row) -> Card:
    """The card with the customer's segment, the advice for this segment, and the customer's octant."""
    found = {(one["kind"], one["key"]): one for one in all_names(reading).iter_rows(named=True)}
    segment, octant = (found.get((kind, row[kind]), {}) for kind in ("segment", "octant"))
    return Card(
        locale.text("column.segment"),
        segment.get(f"name_{locale.language}") or row["segment"],
        changes=(Change(octant.get(f"name_{locale.language}") or row["octant"], locale.text("column.octant")),),
        note=segment.get(f"advice_{locale.language}") or "",
    )


def _measures(locale: Locale, row: Row) -> list[Card]:
    return [
        Card(
            locale.text.name("metric", name),
            card_text(locale.numbers, name, row[name]),
            full_text(locale.numbers, name, row[name]),
            definition=definition(locale, name),
            note=locale.text("customer.score", score=row[score]),
            metric=name,
        )
        for name, score in _MEASURES
    ]


def _orders(context: Context, reading: AsOf, user: str) -> Table:
    """All orders; the number of a paid order links to the paths of its lines."""
    locale, view = context.locale, context.view
    rows = [
        row | {"status": locale.text.name("order_status", row["status"]), "user_id": shown_id(context, user)}
        for row in reading.frame(query("customers.orders"), user=user).iter_rows(named=True)
    ]
    return Table(
        "orders",
        locale.text("customer.orders"),
        [
            text(
                locale.text("column.order"),
                "order_id",
                href=lambda row: view.to("paths", find=row["order_id"]).href if row["paid_on"] else None,
            ),
            text(locale.text("column.status"), "status"),
            *(exact(locale, name) for name in ("revenue", "refunded", "net_revenue", "order_lines", "units")),
            text(locale.text("column.ordered_on"), "ordered_on"),
            text(locale.text("column.paid_on"), "paid_on"),
        ],
        rows,
        locale.text("customer.orders.about", day=reading.day),
        is_wide=True,
        keys=("user_id",),
        bar="revenue",
    )
