"""One slot: its totals, its contents, before and after a change of content, its chart by day, its orders.

Here: the order of the blocks, its totals, its contents.
Not here: the slots of an entrance, changes of content and orders (``dashboards.app.pages.slots``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from dashboards.app.cards import metric_card
from dashboards.app.context import Context
from dashboards.app.pages.controls import Slot, slot_days, verdict
from dashboards.app.pages.experiments import click_verdict, tests_of
from dashboards.app.pages.hours import by_hour
from dashboards.app.pages.judged_change import judged_change
from dashboards.app.pages.matches import sales_by_match
from dashboards.app.pages.one_course import chosen_metric, one_course
from dashboards.app.pages.slot_map import file_faults
from dashboards.app.pages.slots import (
    SLOT_KEYS,
    content_column,
    content_name,
    measures,
    orders,
    place_of,
    slot_changes,
    slot_name,
)
from dashboards.app.pages.two_contents import two_contents
from dashboards.blocks import Block, Cards, Row, Table, Text
from dashboards.columns import text
from dashboards.figures.occasions import Shown
from dashboards.numbers import NONE
from dashboards.queries import query

_METRICS = (
    "revenue", "net_revenue", "margin", "order_lines", "impressions", "clicks", "slot_click_rate", "exposures",
    "product_clicks", "click_through_rate", "click_to_order_rate", "revenue_per_mille",
)  # fmt: skip
_CARDS = (
    "revenue", "order_lines", "impressions", "clicks", "slot_click_rate", "exposures", "product_clicks",
    "click_through_rate",
)  # fmt: skip

_IN_FILES = ("revenue_by_visit", "refunded")
"""Metrics of contents that only exported files have: with them the table would not fit the screen."""


def one_slot(context: Context, entrance: str, name: str, slot: str) -> Sequence[Block]:
    """The page of the slot with the key *slot*; *name* is the display name of its entrance."""
    locale, place = context.locale, place_of(slot)
    if not context.one(query("slot.is_known"), entrance=entrance, **place)["is_known"]:
        return [Text(locale.text("slots.unknown", entrance=name, id=slot), "missing")]
    called = slot_name(context, {f"head_{key}": value for key, value in place.items()})
    heading: list[Block] = [Text(name if called == NONE else called, "title"), *file_faults(context)]
    if called != NONE:
        href = context.view.to("slots", page_type=place["page_type"]).href
        heading.append(Text(locale.text("slot_map.this"), "note", href=href))
    if not context.computed_days:
        return [*heading, context.nothing_there("empty.days")]
    keys = dict(zip(SLOT_KEYS, (entrance, *place.values()), strict=True))
    chosen = chosen_metric(context, "slot_metric", _METRICS)
    totals = {row["is_before"]: row for row in context.rows(query("slot.total"), entrance=entrance, **place)}
    total, then = totals.get(False), totals.get(True)
    if total is None:
        return [*heading, Text(locale.text("slots.quiet_days"), "missing")]
    contents = [
        row
        | {
            "content": content_name(context, row["head_content_id"]),
            "shown_on": " – ".join(dict.fromkeys(f"{row[day]:%m-%d}" for day in ("first_day", "last_day"))),
        }
        for row in context.rows(query("slot.contents"), entrance=entrance, **place)
    ]
    _judge(context, entrance, (place["page_type"], place["module"], place["slot"]), contents)
    return [
        *heading,
        Cards(tuple(metric_card(locale, metric, total, then) for metric in _CARDS)),
        one_course(
            context,
            "slot_metric",
            _METRICS,
            "slot.days",
            "slots.course",
            keys,
            new_contents(context, contents),
            by_hour(context, "slot.hours", chosen, "attribution.slot_hourly", keys, entrance=entrance, **place),
            entrance=entrance,
            **place,
        ),
        _contents(context, called, contents, total),
        *two_contents(context, contents),
        *sales_by_match(context, entrance, slot),
        *slot_changes(context, entrance, slot),
        *judged_change(context, entrance, slot),
        orders(context, entrance, slot),
    ]


def _judge(context: Context, entrance: str, slot: Slot, contents: Sequence[dict[str, Any]]) -> None:
    """Add ``judged`` to each content: the result of its A/B test, else its effect compared with a control."""
    days = context.days
    tests = tests_of(context)
    seen = slot_days(context, days.first, days.last, slot[0])
    shown = {days.first + dt.timedelta(days=nth) for nth in range(days.number)}
    before = None
    for row in contents:
        key = row["head_content_id"]
        row["judged"] = click_verdict(context, tests, key)
        if row["judged"] is None and before is not None:
            name = "slot_click_rate"
            row["judged"] = verdict(context, name, seen.of_contents(name, slot, key, before, shown))
        before = key


def new_contents(context: Context, contents: Sequence[Row]) -> list[Shown]:
    """Marks for charts over time: each content that the slot began to show after the first of the days shown."""
    text = context.locale.text
    return [
        Shown(row["first_day"], row["first_day"], row["content"], text("occasion.content", name=row["content"]))
        for row in contents
        if row["first_day"] > context.days.first
    ]


def _contents(context: Context, called: str, rows: Sequence[Row], total: Row) -> Table:
    """The contents that a slot showed, *rows*, with the traffic and sales of each.

    *called* is the slot's name, *total* has its figures over all contents.
    """
    locale = context.locale
    leading, *others = (one for one in measures(context) if one.field not in _IN_FILES)
    columns = [
        content_column(context, "content", "head_content_id"),
        leading,
        text(locale.text("slots.shown_on"), "shown_on"),
        text(locale.text("column.against_control"), "judged", is_long=True),
        *others,
    ]
    return Table(
        "contents",
        locale.text("slots.of_slot", slot=called),
        columns,
        rows,
        locale.text("slots.about"),
        {**total, "content": locale.text("total"), "shown_on": None, "judged": ""},
        is_wide=True,
        keys=(*SLOT_KEYS, "head_content_id", "first_day", "last_day", *_IN_FILES),
    )
