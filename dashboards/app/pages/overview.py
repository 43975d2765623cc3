"""Overview: revenue as visitors × conversion × revenue per buyer, the funnel, what changed most.

Here: the blocks of this page.
Not here: computing totals (``dashboards.totals``), sales by entrance (``dashboards.app.pages.entrances``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from dashboards.app.cards import changes_since, metric_card
from dashboards.app.context import Context
from dashboards.app.pages.matches import sales_by_match
from dashboards.blocks import Block, Card, Cards, Change, Chart, Group, Row, Table, Text
from dashboards.columns import change, exact, metric, text, with_changes
from dashboards.figures.course import course
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.sections.sales import sales_notes
from dashboards.totals import OF_VISITORS, SALES, STEPS, VISITORS, is_without_log, totals

_KEYS = {"entrance": "entrance_id", "product": "product_id"}


def overview(context: Context) -> Sequence[Block]:
    """The sales of these days, their factors, their chart by day, what changed most."""
    locale, days = context.locale, context.days
    now = _totals(context, days.first, days.last)
    then: Mapping[str, Any] | None = None
    if days.is_recorded_then and days.then_first and days.then_last:
        then = _totals(context, days.then_first, days.then_last)
    has_log = not is_without_log(now)
    if not context.computed_days:
        now = dict.fromkeys(now)  # show "–", not 0: the sales of days that are not computed are unknown
    names = [name for name in SALES if has_log or name not in OF_VISITORS]
    parts: list[Block] = []
    if not now["orders"]:
        parts.append(context.nothing_there("empty.days"))
    parts.append(Cards(tuple(metric_card(locale, name, now, then) for name in names)))
    parts += sales_notes(locale, now)
    parts.append(_course(context, has_log=has_log))
    if has_log:
        parts.append(Text(locale.text("funnel.title"), "heading"))
        parts.append(_funnel(locale, now, then))
        parts += sales_by_match(context)
    return [*parts, *_movers(context, has_log=has_log)]


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
    table = Table("days", locale.text("overview.course"), columns, rows[::-1], about, is_wide=True)
    return Chart(course(locale, frame, "revenue", earlier), table, is_wide=True)


def _funnel(locale: Locale, now: Mapping[str, Any], then: Mapping[str, Any] | None) -> Cards:
    cards = []
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
        cards.append(
            Card(
                locale.text(f"metric.{name}"),
                locale.numbers.short(now[name]),
                locale.numbers.full(now[name]),
                tuple(changes),
                locale.text.name("about", rate or name),
                metric=name,
            )
        )
    return Cards(tuple(cards), "funnel")


def _movers(context: Context, *, has_log: bool) -> list[Block]:
    """What changed most: products and, if there is an event log (*has_log*), entrances; empty without a comparison."""
    locale, days = context.locale, context.days
    if days.then_first is None:
        return []
    if not days.is_recorded_then:
        return [Text(locale.text("overview.movers.none"), "missing")]
    names = context.entrance_names()
    rows = [
        row
        | {"name": names.get(row["key"], row["key"]) if row["kind"] == "entrance" else row["name"]}
        | {_KEYS[row["kind"]]: row["key"]}
        for row in with_changes(context.rows(query("overview.movers")), "revenue")
    ]
    kinds = ("entrance", "product") if has_log else ("product",)
    return [
        Group(tuple(_movers_of(context, kind, [row for row in rows if row["kind"] == kind]) for kind in kinds), "grid")
    ]


def _movers_of(context: Context, kind: str, rows: list[dict[str, Any]]) -> Table:
    locale = context.locale
    page, key = ("entrances", "entrance") if kind == "entrance" else ("products", "sku")
    return Table(
        f"movers_{kind}",
        locale.text(f"overview.movers.{kind}"),
        [
            text(locale.text(f"column.{kind}"), "name", href=_to(context, page, key)),
            metric(locale, "revenue"),
            metric(locale, "revenue", field="revenue_before", title=locale.text("column.revenue_before")),
            metric(locale, "revenue", field="difference", title=locale.text("column.difference")),
            change(locale, "revenue"),
        ],
        rows,
        locale.text("overview.movers.about"),
        keys=(_KEYS[kind],),
    )


def _to(context: Context, page: str, key: str) -> Callable[[Row], str | None]:
    return lambda row: context.view.to(page, **{key: row["key"]}).href
