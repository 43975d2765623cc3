"""Overview: revenue as visitors × conversion × average order, the way to it, what changed most, what is wrong.

Here: its queries and blocks.
Not here: where the sales came from (``dashboards.app.pages.entrances``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from dashboards.app.context import Context
from dashboards.blocks import Block, Card, Cards, Change, Chart, Group, Row, Table, Text
from dashboards.columns import arrowed, change, exact, metric, text, with_changes
from dashboards.figures.course import course
from dashboards.figures.look import Look
from dashboards.metrics import full_text, is_rate, short_text
from dashboards.numbers import NONE

_DAYS = """
WITH days AS (
    SELECT unnest(generate_series($from, $to, INTERVAL 1 DAY))::DATE AS dt
), sales AS (
    SELECT dt, sum(revenue) AS revenue, sum(net_revenue) AS net_revenue, sum(margin) AS margin,
        count(DISTINCT order_id) AS orders, sum(quantity)::BIGINT AS units
    FROM core.order_lines WHERE dt BETWEEN $from AND $to GROUP BY dt
)
SELECT days.dt, traffic.visitors,
    CASE WHEN computed.dt IS NOT NULL THEN coalesce(sales.revenue, 0) END AS revenue,
    CASE WHEN computed.dt IS NOT NULL THEN coalesce(sales.net_revenue, 0) END AS net_revenue,
    CASE WHEN computed.dt IS NOT NULL THEN coalesce(sales.margin, 0) END AS margin,
    CASE WHEN computed.dt IS NOT NULL THEN coalesce(sales.orders, 0) END AS orders,
    CASE WHEN computed.dt IS NOT NULL THEN coalesce(sales.units, 0) END AS units
FROM days
LEFT JOIN (SELECT DISTINCT dt FROM attribution.entrance_daily) AS computed ON computed.dt = days.dt
LEFT JOIN core.traffic_daily AS traffic ON traffic.dt = days.dt
LEFT JOIN sales ON sales.dt = days.dt
ORDER BY days.dt
"""
_TOTALS = """
WITH sales AS (
    SELECT sum(revenue) AS revenue, sum(net_revenue) AS net_revenue, sum(margin) AS margin,
        sum(net_revenue) FILTER (WHERE margin IS NOT NULL) AS costed, count(DISTINCT order_id) AS orders,
        count(DISTINCT user_id) AS buyers, sum(refunded) AS refunded,
        count(*) FILTER (WHERE margin IS NULL) AS lines_without_cost
    FROM core.order_lines WHERE dt BETWEEN $from AND $to
), traffic AS (
    SELECT sum(visitors)::BIGINT AS visitors FROM core.traffic_daily WHERE dt BETWEEN $from AND $to
), steps AS (
    SELECT sum(exposures)::BIGINT AS exposures, sum(product_clicks)::BIGINT AS product_clicks,
        sum(add_to_carts)::BIGINT AS add_to_carts, sum(order_lines)::BIGINT AS order_lines,
        sum(revenue) AS entrance_revenue
    FROM attribution.entrance_daily WHERE dt BETWEEN $from AND $to
)
SELECT *,
    orders::DOUBLE / nullif(visitors, 0) AS visitor_conversion_rate,
    revenue::DOUBLE / nullif(orders, 0) AS average_order_value,
    margin::DOUBLE / nullif(costed, 0) AS margin_rate,
    product_clicks::DOUBLE / nullif(exposures, 0) AS click_through_rate,
    add_to_carts::DOUBLE / nullif(product_clicks, 0) AS cart_rate,
    order_lines::DOUBLE / nullif(product_clicks, 0) AS click_to_order_rate,
    coalesce(entrance_revenue, 0) = coalesce(revenue, 0) AS is_equal
FROM sales, traffic, steps
"""
_MOVERS = """
WITH both_times AS (
    SELECT kind, key, sum(revenue) FILTER (WHERE is_now) AS revenue, sum(revenue) FILTER (WHERE NOT is_now) AS before
    FROM (
        SELECT 'entrance' AS kind, entrance_id AS key, revenue, dt BETWEEN $first AND $last AS is_now
        FROM attribution.entrance_daily
        WHERE dt BETWEEN $first AND $last OR dt BETWEEN $then_first AND $then_last
        UNION ALL
        SELECT 'product', sku, revenue, dt BETWEEN $first AND $last
        FROM core.order_lines
        WHERE dt BETWEEN $first AND $last OR dt BETWEEN $then_first AND $then_last
    )
    GROUP BY ALL
)
SELECT kind, key, coalesce(products.name, key) AS name, coalesce(both_times.revenue, 0) AS revenue,
    coalesce(before, 0) AS revenue_before, coalesce(both_times.revenue, 0) - coalesce(before, 0) AS difference
FROM both_times LEFT JOIN core.products AS products ON kind = 'product' AND products.sku = key
QUALIFY row_number() OVER (PARTITION BY kind ORDER BY abs(difference) DESC, key) <= 8
ORDER BY kind, abs(difference) DESC, key
"""
_CARDS = (
    "revenue", "visitors", "visitor_conversion_rate", "average_order_value", "orders", "buyers", "net_revenue", "margin"
)  # fmt: skip
_KEYS = {"entrance": "entrance_id", "product": "sku"}
_STEPS = (
    ("exposures", None),
    ("product_clicks", "click_through_rate"),
    ("add_to_carts", "cart_rate"),
    ("order_lines", "click_to_order_rate"),
)


def overview(context: Context) -> Sequence[Block]:
    """The sales of the days, what they are made of, how they went, what changed most."""
    look, days, copy = context.look, context.days, context.copy
    now = copy.one(_TOTALS, **{"from": days.first, "to": days.last})
    then: Mapping[str, Any] | None = None
    if days.is_recorded_then:
        then = copy.one(_TOTALS, **{"from": days.then_first, "to": days.then_last})
    if not context.computed_days:
        now = dict.fromkeys(now)  # not nothing, but not known
    parts: list[Block] = []
    if not now["orders"]:
        parts.append(context.nothing_there("empty.days"))
    parts.append(Cards(tuple(_card(look, name, now, then) for name in _CARDS)))
    parts.append(Text(look.text("overview.product"), "note"))
    if now["lines_without_cost"]:
        parts.append(Text(look.text("note.cost", n=look.numbers.full(now["lines_without_cost"]))))
    parts.append(_course(context))
    parts.append(Text(look.text("funnel.title"), "heading"))
    parts.append(_funnel(look, now, then))
    parts.append(_movers(context))
    return parts


def _card(look: Look, name: str, now: Mapping[str, Any], then: Mapping[str, Any] | None) -> Card:
    return Card(
        look.text(f"metric.{name}"),
        short_text(look.numbers, name, now[name]),
        full_text(look.numbers, name, now[name]),
        (compared(look, name, now[name], then[name] if then else None),),
        look.text.name("about", name),
        metric=name,
    )


def compared(look: Look, name: str, now: float | None, then: float | None) -> Change:
    """How a metric differs from what it was."""
    if is_rate(name):
        points = look.numbers.points(now, then)
        said = points if points == NONE else look.text("compare.points", n=points)
    else:
        said = look.numbers.change(now, then)
    against = look.text("compare.with", then=short_text(look.numbers, name, then))
    return Change(arrowed(said), against, full_text(look.numbers, name, then))


def _course(context: Context) -> Chart:
    look, days = context.look, context.days
    frame = context.copy.frame(_DAYS, **{"from": days.first, "to": days.last})
    earlier: pl.DataFrame | None = None
    if days.is_recorded_then:
        earlier = context.copy.frame(_DAYS, **{"from": days.then_first, "to": days.then_last})
    rows = frame.to_dicts()
    if earlier is not None:
        rows = [row | {"revenue_before": then["revenue"]} for row, then in zip(rows, earlier.to_dicts(), strict=True)]
    columns = [
        text(look.text("column.day"), "dt"),
        *(exact(look, name) for name in ("revenue", "net_revenue", "margin", "orders", "units", "visitors")),
    ]
    if earlier is not None:
        columns.insert(2, exact(look, "revenue", field="revenue_before", title=look.text("column.revenue_before")))
    table = Table(
        "days", look.text("overview.course"), columns, rows[::-1], look.text("overview.course.about"), is_wide=True
    )
    return Chart(course(look, frame, "revenue", earlier), table, is_wide=True)


def _funnel(look: Look, now: Mapping[str, Any], then: Mapping[str, Any] | None) -> Cards:
    cards = []
    for name, rate in _STEPS:
        changes = [compared(look, name, now[name], then[name] if then else None)]
        if rate:
            value = now[rate]
            changes.insert(
                0, Change(look.numbers.percent(value), look.text(f"metric.{rate}"), look.numbers.full_percent(value))
            )
        cards.append(
            Card(
                look.text(f"metric.{name}"),
                look.numbers.short(now[name]),
                look.numbers.full(now[name]),
                tuple(changes),
                look.text.name("about", rate or name),
                metric=name,
            )
        )
    return Cards(tuple(cards), "funnel")


def _movers(context: Context) -> Block:
    look = context.look
    if not context.days.is_recorded_then:
        return Text(look.text("overview.movers.none"), "missing")
    names = context.entrance_names()
    rows = with_changes(context.rows(_MOVERS), "revenue")
    tables = []
    for kind in ("entrance", "product"):
        own = [
            row
            | {"name": names.get(row["key"], row["key"]) if kind == "entrance" else row["name"]}
            | {_KEYS[kind]: row["key"]}
            for row in rows
            if row["kind"] == kind
        ]
        page, key = ("entrances", "entrance") if kind == "entrance" else ("products", "sku")
        tables.append(
            Table(
                f"movers_{kind}",
                look.text(f"overview.movers.{kind}"),
                [
                    text(look.text(f"column.{kind}"), "name", href=_to(context, page, key)),
                    metric(look, "revenue"),
                    metric(look, "revenue", field="revenue_before", title=look.text("column.revenue_before")),
                    metric(look, "revenue", field="difference", title=look.text("column.difference")),
                    change(look, "revenue"),
                ],
                own,
                look.text("overview.movers.about"),
                keys=(_KEYS[kind],),
            )
        )
    return Group(tuple(tables))


def _to(context: Context, page: str, key: str) -> Callable[[Row], str | None]:
    return lambda row: context.view.to(page, **{key: row["key"]}).href
