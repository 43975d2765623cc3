"""Overview: sales and their factors, today so far, what changed most, what needs attention.

Here: the order of the blocks; the chart by day, the funnel, what changed most.
Not here: the tree of sales (``dashboards.app.pages.sales_tree``), the open day (``dashboards.app.pages.today``), what
needs attention (``dashboards.app.pages.attention``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from dashboards.app.cards import changes_since, metric_card
from dashboards.app.context import Context
from dashboards.app.pages.attention import attention
from dashboards.app.pages.sales_tree import linked, sales_tree
from dashboards.app.pages.slots import SLOT_KEYS, slot_key, slot_name
from dashboards.app.pages.targets import target_cards
from dashboards.app.pages.today import today
from dashboards.blocks import Block, Card, Cards, Change, Chart, Group, Row, Table, Text
from dashboards.columns import change, difference, exact, metric, text, with_changes
from dashboards.figures.course import course
from dashboards.metrics import card_text
from dashboards.numbers import NONE
from dashboards.queries import query
from dashboards.sections.sales import sales_notes
from dashboards.totals import OF_VISITORS, SALES, STEPS, VISITORS, is_without_log, totals


def overview(context: Context) -> Sequence[Block]:
    """The blocks: sales with their factors, today so far, what needs attention, what changed most, the chart by day."""
    locale, days = context.locale, context.days
    now = _totals(context, days.first, days.last)
    then: Mapping[str, Any] | None = None
    if days.is_recorded_then and days.then_first and days.then_last:
        then = _totals(context, days.then_first, days.then_last)
    has_log = not is_without_log(now)
    if not context.computed_days:
        now = dict.fromkeys(now)  # show "–", not 0: the sales of days that are not computed are unknown
    tree = sales_tree(context, now, then)
    in_tree = {card.metric for card in tree[0].cards} if isinstance(tree[0], Cards) else set()
    more = [name for name in SALES if name not in in_tree and (has_log or name not in OF_VISITORS)]
    parts: list[Block] = []
    if not now["orders"]:
        parts.append(context.nothing_there("empty.days"))
    parts += [*tree, *sales_notes(locale, now, has_formula=False, is_deleted=context.has_deleted_days)]
    parts += today(context)
    if context.slice:
        whole = context.view.sliced(**{name: () for name, _ in context.slice})
        parts.append(Text(locale.text("overview.of_whole"), href=whole.href))
        parts.append(_course(context, has_log=has_log))
    else:
        parts += target_cards(context)
        listed = attention(context, now, then, has_log=has_log)
        course_shown = _course(context, has_log=has_log)
        is_list = isinstance(listed[0], Table)
        parts += [Group((course_shown, *listed))] if is_list else [course_shown, *listed]
    parts += _movers(context, has_log=has_log)
    parts.append(Text(locale.text("overview.more"), "heading"))
    parts.append(Cards(tuple(linked(context.view, metric_card(locale, name, now, then)) for name in more)))
    if has_log:
        parts.append(Text(locale.text("funnel.title"), "heading"))
        parts.append(_funnel(context, now, then))
    return parts


def _totals(context: Context, first: dt.date, last: dt.date) -> dict[str, Any]:
    return totals(context.copy, first, last, has_visitors=context.copy.has(VISITORS))


def _course(context: Context, *, has_log: bool) -> Chart:
    locale, days = context.locale, context.days
    frame = context.copy.frame(query("overview.days"), **{"from": days.first, "to": days.last})
    earlier: pl.DataFrame | None = None
    if days.is_recorded_then:
        earlier = context.copy.frame(query("overview.days"), **{"from": days.then_first, "to": days.then_last})
    rows = frame.to_dicts()
    if earlier is not None:
        rows = [row | {"revenue_before": then["revenue"]} for row, then in zip(rows, earlier.to_dicts(), strict=True)]
    columns = [
        text(locale.text("column.day"), "dt"),
        *(exact(locale, name) for name in ("revenue", "net_revenue", "margin", "orders", "units")),
        *([exact(locale, "visitors")] if has_log else []),
    ]
    if earlier is not None:
        columns.insert(2, exact(locale, "revenue", field="revenue_before", title=locale.text("column.revenue_before")))
    about = locale.text.joined(
        locale.text("overview.course.about"), locale.text("course.compared") if earlier is not None else ""
    )
    table = Table("days", locale.text("overview.course"), columns, rows[::-1], about)
    return Chart(course(locale, frame, "revenue", earlier), table)


def _funnel(context: Context, now: Mapping[str, Any], then: Mapping[str, Any] | None) -> Cards:
    locale, cards = context.locale, []
    for name, rate in STEPS:
        changes = list(changes_since(locale, name, now, then))
        if rate:
            value = now[rate]
            changes.insert(
                0,
                Change(
                    locale.numbers.percent(value), locale.text(f"metric.{rate}"), locale.numbers.full_percent(value)
                ),
            )
        card = Card(
            locale.text(f"metric.{name}"),
            card_text(locale.numbers, name, now[name]),
            locale.numbers.full(now[name]),
            tuple(changes),
            locale.text.name("about", rate or name),
            metric=name,
        )
        cards.append(linked(context.view, card))
    return Cards(tuple(cards), "funnel")


def _movers(context: Context, *, has_log: bool) -> list[Block]:
    """What changed most: products and, if there is an event log (*has_log*), entrances and slots.

    Empty without a comparison. A kind without changes is shown as one line.
    """
    locale, days = context.locale, context.days
    if days.then_first is None:
        return []
    if not days.is_recorded_then:
        return [Text(locale.text("overview.movers.none"))]
    found = with_changes(context.rows(query("overview.movers")), "revenue")
    names = context.entrance_names()
    rows = {
        "entrance": [
            row | {"name": names.get(row["key"], row["key"]), "entrance_id": row["key"]}
            for row in found
            if row["kind"] == "entrance"
        ],
        "product": [row | {"product_id": row["key"]} for row in found if row["kind"] == "product"],
        "slot": [
            row | {"name": _slot(context, names, row)}
            for row in with_changes(context.rows(query("overview.slot_movers")), "revenue")
        ],
    }
    kinds = ("entrance", "product", "slot") if has_log else ("product",)
    shown = [_movers_of(context, kind, rows[kind]) for kind in kinds if rows[kind]]
    empty = [
        Text(locale.text("overview.movers.nothing", title=locale.text(f"overview.movers.{kind}")))
        for kind in kinds
        if not rows[kind]
    ]
    heading = Text(locale.text("overview.movers"), "heading")
    return [heading, *([Group(tuple(shown), "thirds")] if shown else []), *empty]


def _slot(context: Context, names: Mapping[str, str], row: Row) -> str:
    """The name of a slot; if the events do not name the slot, the name of its entrance."""
    found = slot_name(context, row)
    return names.get(row["entrance_id"], row["entrance_id"]) if found == NONE else found


_KEYS = {"entrance": ("entrance_id",), "product": ("product_id",), "slot": SLOT_KEYS}


def _movers_of(context: Context, kind: str, rows: list[dict[str, Any]]) -> Table:
    locale = context.locale
    return Table(
        f"movers_{kind}",
        locale.text(f"overview.movers.{kind}"),
        [
            text(locale.text("column.place" if kind == "slot" else f"column.{kind}"), "name", href=_to(context, kind)),
            metric(locale, "revenue"),
            difference(locale, "revenue", "difference", title=locale.text("column.difference")),
            change(locale, "revenue"),
        ],
        rows,
        locale.text("overview.movers.about"),
        keys=(*_KEYS[kind], "revenue_before"),
    )


def _to(context: Context, kind: str) -> Callable[[Row], str | None]:
    """The link of a row to the page of its entrance, product or slot."""
    view = context.view
    if kind == "product":
        return lambda row: view.to("products", sku=row["product_id"]).href
    if kind == "slot":
        return lambda row: view.to("entrances", entrance=row["entrance_id"], slot=slot_key(row)).href
    return lambda row: view.to("entrances", entrance=row["entrance_id"]).href
