"""Entrances: their traffic and sales, their slots, contents and orders.

Here: the blocks for all entrances, and the order of the blocks for one entrance.
Not here: one slot (``dashboards.app.pages.slot``), slots and orders (``dashboards.app.pages.slots``), sales of one kind
of match (``dashboards.app.pages.matches``), attribution models (``dashboards.app.pages.models``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from dashboards.app.cards import metric_card
from dashboards.app.context import Context
from dashboards.app.pages.hours import by_hour
from dashboards.app.pages.matches import chosen_kind, match_choice, matched_sales, sales_by_match
from dashboards.app.pages.one_course import chosen_metric, metric_choice, one_course
from dashboards.app.pages.slot import one_slot
from dashboards.app.pages.slots import orders, slot_changes, slots
from dashboards.blocks import Block, Cards, Chart, Choice, Controls, Group, Option, Row, Table, Text
from dashboards.columns import change, exact, metric, text, with_changes
from dashboards.figures.course import courses, not_drawn
from dashboards.figures.sales import entrance_value, has_place
from dashboards.metrics import full_text
from dashboards.queries import query
from pipelines.sqlproject.metrics import known_metric

_COURSE_METRICS = (
    "revenue", "net_revenue", "margin", "orders", "exposures", "product_clicks", "click_through_rate",
    "click_to_order_rate", "revenue_per_mille",
)  # fmt: skip
_CARDS = (
    "revenue", "margin", "orders", "exposures", "product_clicks", "click_through_rate", "click_to_order_rate",
    "revenue_per_mille",
)  # fmt: skip


def entrances(context: Context) -> Sequence[Block]:
    """All entrances, one entrance with its slots, or one slot with its contents; the orders come last."""
    names = context.entrance_names()
    entrance, slot = context.view.get("entrance"), context.view.get("slot")
    parts: list[Block] = [*_way_back(context, entrance), _controls(context, names)]
    if entrance and entrance not in names:
        return [*parts, Text(context.locale.text("entrances.unknown", id=entrance), "missing")]
    if chosen_kind(context):
        return [*parts, *matched_sales(context, names, entrance, slot if entrance else "")]
    if entrance and slot:
        return [*parts, *one_slot(context, entrance, names[entrance], slot)]
    if slot:
        parts.append(Text(context.locale.text("slots.without_entrance", id=slot), "warning"))
    rows = [
        row | {"name": names.get(row["entrance_id"], row["entrance_id"])}
        for row in with_changes(context.rows(query("entrances.entrances"), entrance=entrance), "revenue")
    ]
    if entrance:
        return [*parts, Text(names[entrance], "title"), *_one(context, entrance, names[entrance], rows)]
    if not rows:
        return [*parts, context.nothing_there("empty.days")]
    return [
        *parts,
        _table(context, rows, entrance),
        *sales_by_match(context),
        Group((_course(context, rows, names), _value(context, rows))),
        Text(context.locale.text("entrances.models"), "note", href=context.view.to("models").href),
    ]


def _one(context: Context, entrance: str, name: str, rows: Sequence[dict[str, Any]]) -> list[Block]:
    """One entrance: its totals, slots, chart by day and orders."""
    if not rows and not context.computed_days:
        return [context.nothing_there("empty.days")]
    if not rows:
        return [Text(context.locale.text("entrances.quiet", name=name), "missing")]
    keys = {"entrance_id": entrance}
    hours = by_hour(
        context,
        "entrances.hours",
        chosen_metric(context, "metric", _COURSE_METRICS),
        "attribution.entrance_hourly",
        keys,
        entrance=entrance,
    )
    return [
        _cards(context, entrance, rows[0]),
        one_course(
            context,
            "metric",
            _COURSE_METRICS,
            "entrances.days",
            "entrances.course_of_one",
            keys,
            beside=hours,
            entrance=entrance,
        ),
        slots(context, entrance),
        *slot_changes(context, entrance, ""),
        _table(context, rows, entrance),
        *sales_by_match(context, entrance),
        orders(context, entrance, ""),
    ]


def _cards(context: Context, entrance: str, now: Row) -> Cards:
    """The cards of *entrance* with its figures *now* and their changes since the comparison days."""
    days, then = context.days, None
    if days.is_recorded_then and days.then_first and days.then_last:
        earlier = replace(context, view=context.view.over(days.then_first, days.then_last))
        nothing = {name: None if known_metric(name).is_ratio else 0 for name in _CARDS}
        then = next(iter(earlier.rows(query("entrances.entrances"), entrance=entrance)), nothing)
    return Cards(tuple(metric_card(context.locale, name, now, then) for name in _CARDS))


def _way_back(context: Context, entrance: str) -> list[Block]:
    """The link back: from a slot to its entrance, from an entrance to all entrances."""
    locale, view = context.locale, context.view
    if not entrance:
        return []
    if view.get("slot"):
        return [Text(locale.text("entrances.back_to_slots"), "note", href=view.to(slot=None).href)]
    return [Text(locale.text("entrances.back"), "note", href=view.to(entrance=None).href)]


def _controls(context: Context, names: dict[str, str]) -> Controls:
    """The choices of entrance and kind of match, which filter the full page."""
    locale = context.locale
    every = (Option("", locale.text("entrances.all")), *(Option(key, name) for key, name in sorted(names.items())))
    entrance = context.view.get("entrance")
    title = locale.text("column.entrance")
    return Controls(
        (
            Choice("entrance", title, every, entrance, is_searchable=True, clears=("slot",), is_open=True),
            match_choice(context),
        )
    )


def _table(context: Context, rows: Sequence[dict[str, Any]], entrance: str) -> Table:
    locale, view = context.locale, context.view
    total = context.one(query("entrances.total"))
    columns = [
        text(
            locale.text("column.entrance"),
            "name",
            href=None if entrance else lambda row: view.to(entrance=row["entrance_id"], slot=None).href,
        ),
        metric(locale, "revenue"),
        metric(locale, "revenue_by_visit"),
        metric(locale, "revenue_share"),
        *([change(locale, "revenue")] if context.days.is_recorded_then else []),
        *(metric(locale, name) for name in ("net_revenue", "refunded", "margin", "orders", "exposures")),
        *(metric(locale, name) for name in ("product_clicks", "click_through_rate", "click_to_order_rate")),
        metric(locale, "revenue_per_mille"),
    ]
    notes = []
    whole: Row | None = None
    if not entrance:
        whole = with_changes([{**total, "name": locale.text("total")}], "revenue")[0]
        key = "entrances.equal" if total["is_equal"] else "entrances.differs"
        notes.append(
            locale.text(
                key,
                sums=full_text(locale.numbers, "revenue", total["revenue"] or 0),
                paid=full_text(locale.numbers, "revenue", total["paid"] or 0),
            )
        )
        if sum(row["orders"] or 0 for row in rows) > (total["orders"] or 0):
            notes.append(locale.text("entrances.orders"))
    return Table(
        "entrances",
        locale.text("entrances.one" if entrance else "entrances.title"),
        columns,
        rows,
        locale.text("entrances.one.about" if entrance else "entrances.about"),
        whole,
        tuple(notes),
        is_wide=True,
        keys=("entrance_id",),
    )


def _course(context: Context, rows: Sequence[dict[str, Any]], names: dict[str, str]) -> Group:
    """The chart of all entrances by day, with the control that chooses its metric."""
    locale = context.locale
    name = chosen_metric(context, "metric", _COURSE_METRICS)
    frame = pl.DataFrame(context.rows(query("entrances.course")), infer_schema_length=None)
    keys = [row["entrance_id"] for row in rows]
    table = Table(
        "course",
        locale.text("entrances.course", metric=locale.text.name("metric", name)),
        [text(locale.text("column.day"), "dt"), text(locale.text("column.entrance"), "name"), exact(locale, name)],
        [row | {"name": names.get(row["entrance_id"], row["entrance_id"])} for row in frame.to_dicts()],
        locale.text.name("about", name),
        notes=not_drawn(locale, name, len(rows)),
        keys=("entrance_id",),
    )
    figure = courses(locale, frame, name, {key: names.get(key, key) for key in keys})
    choice = metric_choice(locale, "metric", _COURSE_METRICS, name)
    return Group((Controls((choice,)), Chart(figure, table)), "stack")


def _value(context: Context, rows: Sequence[dict[str, Any]]) -> Block:
    locale = context.locale
    placed = [row for row in rows if has_place(row)]
    title, about = locale.text("entrances.value.title"), locale.text("definition.entrance_value")
    left_out = [row["name"] for row in rows if not has_place(row)]
    notes = (locale.text("note.no_place", names=locale.text("list.separator").join(left_out)),) if left_out else ()
    columns = [
        text(locale.text("column.entrance"), "name"),
        *(exact(locale, name) for name in ("exposures", "revenue_per_mille", "revenue")),
    ]
    table = Table("value", title, columns, rows, about, notes=notes, keys=("entrance_id",))
    if not placed:
        return Group((Text(locale.text("empty.value"), "missing"),), "card")
    return Chart(entrance_value(locale, pl.DataFrame(rows, infer_schema_length=None)), table)
