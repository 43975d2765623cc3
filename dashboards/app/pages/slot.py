"""One slot: its totals, its contents, before and after a change of content, its chart by day, its orders.

Here: the order of the blocks, its totals, its contents.
Not here: the slots of an entrance, changes of content and orders (``dashboards.app.pages.slots``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.hours import by_hour
from dashboards.app.pages.matches import sales_by_match
from dashboards.app.pages.one_course import chosen_metric, one_course
from dashboards.app.pages.slots import (
    SLOT_KEYS,
    content_name,
    measures,
    orders,
    place_of,
    slot_changes,
    slot_name,
)
from dashboards.blocks import Block, Card, Cards, Table, Text
from dashboards.columns import definition, text
from dashboards.metrics import full_text, short_text
from dashboards.queries import query

_METRICS = (
    "revenue", "net_revenue", "margin", "order_lines", "impressions", "clicks", "slot_click_rate", "exposures",
    "product_clicks", "click_through_rate", "click_to_order_rate", "revenue_per_mille",
)  # fmt: skip
_CARDS = (
    "revenue", "revenue_by_visit", "impressions", "clicks", "slot_click_rate", "order_lines", "exposures",
    "product_clicks", "click_through_rate",
)  # fmt: skip


def one_slot(context: Context, entrance: str, name: str, slot: str) -> Sequence[Block]:
    """The page of the slot with the key *slot*; *name* is the display name of its entrance."""
    locale, place = context.locale, place_of(slot)
    if not context.one(query("slot.is_known"), entrance=entrance, **place)["is_known"]:
        return [Text(locale.text("slots.unknown", entrance=name, id=slot), "missing")]
    called = slot_name(context, {f"head_{key}": value for key, value in place.items()})
    heading = Text(f"{name} · {called}", "heading")
    if not context.computed_days:
        return [heading, context.nothing_there("empty.days")]
    keys = dict(zip(SLOT_KEYS, (entrance, *place.values()), strict=True))
    chosen = chosen_metric(context, "slot_metric", _METRICS)
    total = context.one(query("slot.total"), entrance=entrance, **place)
    if not total["days"]:
        return [heading, Text(locale.text("slots.quiet_days"), "missing")]
    return [
        heading,
        Cards(tuple(_card(context, metric, total) for metric in _CARDS)),
        one_course(context, "slot_metric", _METRICS, "slot.days", "slots.course", keys, entrance=entrance, **place),
        *by_hour(context, "slot.hours", chosen, "attribution.slot_hourly", keys, entrance=entrance, **place),
        _contents(context, entrance, called, place, total),
        *sales_by_match(context, entrance, slot),
        *slot_changes(context, entrance, slot),
        orders(context, entrance, slot),
    ]


def _card(context: Context, metric: str, total: Mapping[str, Any]) -> Card:
    locale = context.locale
    return Card(
        locale.text.name("metric", metric),
        short_text(locale.numbers, metric, total[metric]),
        full_text(locale.numbers, metric, total[metric]),
        definition=definition(locale, metric),
        metric=metric,
    )


def _contents(
    context: Context, entrance: str, called: str, place: Mapping[str, Any], total: Mapping[str, Any]
) -> Table:
    """The contents that a slot of *entrance* showed, with the traffic and sales of each.

    *called* is the slot's name, *place* its query parameters (``place_of``), *total* its figures over all contents.
    """
    locale = context.locale
    rows = [
        row | {"content": content_name(context, row["head_content_id"])}
        for row in context.rows(query("slot.contents"), entrance=entrance, **place)
    ]
    columns = [
        text(locale.text("column.content"), "content"),
        text(locale.text("column.first_day"), "first_day"),
        text(locale.text("column.last_day"), "last_day"),
        *measures(context),
    ]
    return Table(
        "contents",
        locale.text("slots.of_slot", slot=called),
        columns,
        rows,
        locale.text("slots.about"),
        {**total, "content": locale.text("total"), "first_day": None, "last_day": None},
        is_wide=True,
        keys=(*SLOT_KEYS, "head_content_id"),
    )
