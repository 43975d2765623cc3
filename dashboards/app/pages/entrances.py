"""Entrances: what each brought, its slots, what they showed, down to the orders; fused beside the rule models.

Here: the blocks of all entrances; the order of the parts of one.
Not here: slots, contents and orders (``dashboards.app.pages.slots``), models (``dashboards.app.pages.models``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from dashboards.app.context import Context
from dashboards.app.pages.models import MODELS, compared_models, model_frame
from dashboards.app.pages.slots import contents, orders, slot_changes, slots
from dashboards.blocks import Block, Chart, Choice, Controls, Group, Option, Row, Table, Text
from dashboards.columns import change, exact, metric, text, with_changes
from dashboards.figures.course import LINES, courses
from dashboards.figures.sales import entrance_value, has_place
from dashboards.metrics import full_text

_ENTRANCES = """
SELECT entrance_id, sum(exposures)::BIGINT AS exposures, sum(product_clicks)::BIGINT AS product_clicks,
    sum(add_to_carts)::BIGINT AS add_to_carts, sum(orders)::BIGINT AS orders, sum(order_lines)::BIGINT AS order_lines,
    sum(revenue) AS revenue, sum(net_revenue) AS net_revenue, sum(revenue) - sum(net_revenue) AS refunded,
    sum(margin) AS margin,
    sum(revenue)::DOUBLE / nullif(sum(sum(revenue)) OVER (), 0) AS revenue_share,
    sum(product_clicks)::DOUBLE / nullif(sum(exposures), 0) AS click_through_rate,
    sum(order_lines)::DOUBLE / nullif(sum(product_clicks), 0) AS click_to_order_rate,
    1000 * sum(revenue)::DOUBLE / nullif(sum(exposures), 0) AS revenue_per_mille,
    (
        SELECT sum(before.revenue) FROM attribution.entrance_daily AS before
        WHERE before.dt BETWEEN $then_first AND $then_last AND before.entrance_id = now.entrance_id
    ) AS revenue_before
FROM attribution.entrance_daily AS now
WHERE dt BETWEEN $first AND $last
GROUP BY entrance_id
QUALIFY $entrance = '' OR entrance_id = $entrance
ORDER BY sum(now.revenue) DESC, sum(now.exposures) DESC, entrance_id
"""
_TOTAL = """
SELECT sum(exposures)::BIGINT AS exposures, sum(product_clicks)::BIGINT AS product_clicks,
    sum(add_to_carts)::BIGINT AS add_to_carts, sum(order_lines)::BIGINT AS order_lines,
    sum(revenue) AS revenue, sum(net_revenue) AS net_revenue, sum(revenue) - sum(net_revenue) AS refunded,
    sum(margin) AS margin, 1.0 AS revenue_share,
    sum(product_clicks)::DOUBLE / nullif(sum(exposures), 0) AS click_through_rate,
    sum(order_lines)::DOUBLE / nullif(sum(product_clicks), 0) AS click_to_order_rate,
    1000 * sum(revenue)::DOUBLE / nullif(sum(exposures), 0) AS revenue_per_mille,
    (SELECT count(DISTINCT order_id) FROM core.order_lines WHERE dt BETWEEN $first AND $last) AS orders,
    (SELECT sum(revenue) FROM attribution.entrance_daily WHERE dt BETWEEN $then_first AND $then_last) AS revenue_before,
    (SELECT sum(revenue) FROM core.order_lines WHERE dt BETWEEN $first AND $last) AS paid,
    coalesce(sum(revenue), 0) = coalesce(
        (SELECT sum(revenue) FROM core.order_lines WHERE dt BETWEEN $first AND $last), 0
    ) AS is_equal
FROM attribution.entrance_daily WHERE dt BETWEEN $first AND $last
"""
_COURSE = """
SELECT dt, entrance_id AS key, exposures, product_clicks, orders, revenue, net_revenue, margin, click_through_rate,
    click_to_order_rate, revenue_per_mille
FROM attribution.entrance_daily WHERE dt BETWEEN $first AND $last AND ($entrance = '' OR entrance_id = $entrance)
ORDER BY dt, revenue DESC
"""
_COURSE_METRICS = (
    "revenue", "net_revenue", "margin", "orders", "exposures", "product_clicks", "click_through_rate",
    "click_to_order_rate", "revenue_per_mille",
)  # fmt: skip


def entrances(context: Context) -> Sequence[Block]:
    """All entrances, or one with its slots, or one slot with what it showed; with the orders at the end."""
    names = context.entrance_names()
    entrance = context.view.get("entrance")
    rows = [
        row | {"name": names.get(row["entrance_id"], row["entrance_id"])}
        for row in with_changes(context.rows(_ENTRANCES, entrance=entrance), "revenue")
    ]
    parts: list[Block] = [*_way_back(context, entrance), _controls(context, names)]
    if not rows:
        return [*parts, context.nothing_there("empty.days")]
    parts.append(_table(context, rows, entrance))
    if entrance:
        slot = context.view.get("slot")
        parts += [contents(context, entrance, slot)] if slot else [slots(context, entrance)]
        parts += slot_changes(context, entrance, slot)
        parts += [_course(context, rows, names), orders(context, entrance, slot)]
        return parts
    model = context.view.get("model", "fused")
    parts.append(Group((_course(context, rows, names), _value(context, rows))))
    parts += compared_models(context, model_frame(context), names, model)
    return parts


def _way_back(context: Context, entrance: str) -> list[Block]:
    """From a slot to the slots of its entrance, from an entrance to all."""
    look, view = context.look, context.view
    if not entrance:
        return []
    if view.get("slot"):
        return [Text(look.text("entrances.back_to_slots"), "note", href=view.to(slot=None).href)]
    return [Text(look.text("entrances.back"), "note", href=view.to(entrance=None).href)]


def _controls(context: Context, names: dict[str, str]) -> Controls:
    look, view = context.look, context.view
    entrance = view.get("entrance")
    every = (Option("", look.text("entrances.all")), *(Option(key, name) for key, name in sorted(names.items())))
    choices = [
        Choice("entrance", look.text("column.entrance"), every, entrance, is_searchable=True, clears=("slot",)),
        Choice(
            "metric",
            look.text("entrances.metric"),
            tuple(Option(name, look.text.name("metric", name)) for name in _COURSE_METRICS),
            view.get("metric", "revenue"),
            default="revenue",
        ),
    ]
    if not entrance:
        models = tuple(Option(name, look.text(f"model.{name}")) for name in MODELS)
        choices.append(
            Choice("model", look.text("entrances.model"), models, view.get("model", "fused"), default="fused")
        )
    return Controls(tuple(choices))


def _table(context: Context, rows: Sequence[dict[str, Any]], entrance: str) -> Table:
    look, view = context.look, context.view
    total = context.one(_TOTAL)
    columns = [
        text(
            look.text("column.entrance"),
            "name",
            href=None if entrance else lambda row: view.to(entrance=row["entrance_id"], slot=None).href,
        ),
        metric(look, "revenue"),
        metric(look, "revenue_share"),
        *([change(look, "revenue")] if context.days.is_recorded_then else []),
        *(metric(look, name) for name in ("net_revenue", "refunded", "margin", "orders", "exposures")),
        *(metric(look, name) for name in ("product_clicks", "click_through_rate", "click_to_order_rate")),
        metric(look, "revenue_per_mille"),
    ]
    notes = []
    whole: Row | None = None
    if not entrance:
        whole = with_changes([{**total, "name": look.text("total")}], "revenue")[0]
        key = "entrances.equal" if total["is_equal"] else "entrances.differs"
        notes.append(
            look.text(
                key,
                sums=full_text(look.numbers, "revenue", total["revenue"] or 0),
                paid=full_text(look.numbers, "revenue", total["paid"] or 0),
            )
        )
        if sum(row["orders"] or 0 for row in rows) > (total["orders"] or 0):
            notes.append(look.text("entrances.orders"))
    return Table(
        "entrances",
        look.text("entrances.one" if entrance else "entrances.title"),
        columns,
        rows,
        look.text("entrances.about"),
        whole,
        tuple(notes),
        is_wide=True,
    )


def _course(context: Context, rows: Sequence[dict[str, Any]], names: dict[str, str]) -> Chart:
    look = context.look
    name = context.view.get("metric", "revenue")
    if name not in _COURSE_METRICS:
        name = "revenue"
    frame = pl.DataFrame(context.rows(_COURSE, entrance=context.view.get("entrance")), infer_schema_length=None)
    keys = [row["entrance_id"] for row in rows][: len(LINES)]
    table = Table(
        "course",
        look.text("entrances.course", metric=look.text.name("metric", name)),
        [text(look.text("column.day"), "dt"), text(look.text("column.entrance"), "name"), exact(look, name)],
        [row | {"name": names.get(row["key"], row["key"])} for row in frame.to_dicts()],
        look.text.name("about", name),
        notes=(look.text("first_of", n=len(keys), m=len(rows)),) if len(keys) < len(rows) else (),
    )
    return Chart(courses(look, frame, name, {key: names.get(key, key) for key in keys}), table)


def _value(context: Context, rows: Sequence[dict[str, Any]]) -> Block:
    look = context.look
    placed = [row for row in rows if has_place(row)]
    title, about = look.text("entrances.value.title"), look.text("definition.entrance_value")
    left_out = [row["name"] for row in rows if not has_place(row)]
    notes = (look.text("note.no_place", names=look.text("list.separator").join(left_out)),) if left_out else ()
    columns = [
        text(look.text("column.entrance"), "name"),
        *(exact(look, name) for name in ("exposures", "revenue_per_mille", "revenue")),
    ]
    table = Table("value", title, columns, rows, about, notes=notes)
    if not placed:
        return Group((Text(look.text("empty.value"), "missing"),), "card")
    return Chart(entrance_value(look, pl.DataFrame(rows, infer_schema_length=None)), table)
