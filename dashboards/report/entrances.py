"""Sections of the entrances and their slots: where the sales came from.

Here: their queries, charts and tables.
Not here: the day as a whole (``dashboards.report.overview``), how a chart looks (``dashboards.figures.sales``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from dashboards.blocks import Column
from dashboards.columns import exact, metric, text
from dashboards.figures.look import Look
from dashboards.figures.sales import entrance_revenue, entrance_value, has_place, slot_revenue
from dashboards.numbers import NONE
from dashboards.report.columns import change_column
from dashboards.report.html import Html, first_of, message, table, tag
from dashboards.report.page import Page
from dashboards.report.queries import Reader
from dashboards.sections.sales import MATCHES

BARS = 12
QUIET_ROWS = 10

_ENTRANCES = """
WITH names AS (SELECT entrance_id, min(name_zh) AS name_zh, min(name_en) AS name_en FROM core.entrances GROUP BY 1)
SELECT now.*, names.name_zh, names.name_en,
    CAST(now.revenue AS DOUBLE) / nullif(sum(now.revenue) OVER (), 0) AS revenue_share,
    before.revenue AS revenue_before, week.revenue AS revenue_week
FROM attribution.entrance_daily AS now
LEFT JOIN names USING (entrance_id)
LEFT JOIN attribution.entrance_daily AS before ON before.entrance_id = now.entrance_id AND before.dt = $day - 1
LEFT JOIN attribution.entrance_daily AS week ON week.entrance_id = now.entrance_id AND week.dt = $day - 7
WHERE now.dt = $day ORDER BY now.revenue DESC, now.exposures DESC, now.entrance_id
"""
_TOTAL = """
SELECT sum(exposures) AS exposures, sum(product_clicks) AS product_clicks, sum(add_to_carts) AS add_to_carts,
    sum(order_lines) AS order_lines, sum(revenue) AS revenue, sum(revenue_by_visit) AS revenue_by_visit,
    sum(net_revenue) AS net_revenue, sum(margin) AS margin,
    CAST(sum(product_clicks) AS DOUBLE) / nullif(sum(exposures), 0) AS click_through_rate,
    CAST(sum(add_to_carts) AS DOUBLE) / nullif(sum(product_clicks), 0) AS cart_rate,
    CAST(sum(order_lines) AS DOUBLE) / nullif(sum(product_clicks), 0) AS click_to_order_rate,
    CAST(1000 * sum(revenue) AS DOUBLE) / nullif(sum(exposures), 0) AS revenue_per_mille,
    (SELECT count(DISTINCT order_id) FROM core.order_lines WHERE dt = $day) AS orders,
    (SELECT sum(revenue) FROM attribution.entrance_daily WHERE dt = $day - 1) AS revenue_before,
    (SELECT sum(revenue) FROM attribution.entrance_daily WHERE dt = $day - 7) AS revenue_week,
    coalesce(sum(revenue), 0) = coalesce((SELECT sum(revenue) FROM core.order_lines WHERE dt = $day), 0) AS is_equal
FROM attribution.entrance_daily WHERE dt = $day
"""
_MATCHES = """
SELECT matched_by, count(*) AS order_lines, sum(revenue) AS revenue, sum(net_revenue) AS net_revenue,
    sum(margin) AS margin, CAST(sum(revenue) AS DOUBLE) / nullif(sum(sum(revenue)) OVER (), 0) AS revenue_share
FROM attribution.attributed_sales WHERE dt = $day GROUP BY matched_by
"""
_SLOTS = """
WITH names AS (SELECT entrance_id, min(name_zh) AS name_zh, min(name_en) AS name_en FROM core.entrances GROUP BY 1)
SELECT slots.*, names.name_zh, names.name_en,
    CAST(clicks AS DOUBLE) / nullif(impressions, 0) AS slot_click_rate
FROM attribution.slot_daily AS slots LEFT JOIN names USING (entrance_id)
WHERE dt = $day
ORDER BY revenue DESC, impressions DESC, entrance_id, head_page_type, head_module, head_slot, head_content_id
"""


def entrances(page: Page, reader: Reader) -> Html:
    """The entrances' sales and traffic; that the sales sum to the day's."""
    look = page.look
    frame = _named(look, reader.frame(_ENTRANCES))
    total = reader.frame(_TOTAL).row(0, named=True)
    rows = frame.to_dicts()
    if not rows:
        return message(
            look.text("empty.entrances", day=reader.day), f"headwater run --from {reader.day} --to {reader.day}"
        )
    columns = [
        text(look.text("column.entrance"), "name"),
        metric(look, "revenue"),
        metric(look, "revenue_by_visit"),
        metric(look, "revenue_share"),
        *_changes(look),
        *(
            metric(look, name)
            for name in ("net_revenue", "margin", "orders", "exposures", "product_clicks", "click_through_rate")
        ),
        metric(look, "click_to_order_rate"),
        metric(look, "revenue_per_mille"),
    ]
    all_rows = {**total, "name": look.text("total"), "revenue_share": 1.0 if total["revenue"] else None}
    has_shared_orders = sum(row["orders"] or 0 for row in rows) > (total["orders"] or 0)
    sums = look.numbers.full_money(total["revenue"] or 0)
    check = look.text("check.equal" if total["is_equal"] else "check.differs", sums=sums)
    parts = [
        tag(
            "div",
            table(columns, rows, total=all_rows),
            tag("p", check, class_="check"),
            *([tag("p", look.text("entrances.orders"), class_="note")] if has_shared_orders else []),
            class_="card wide",
        ),
        *_matches(look, reader),
    ]
    full = [
        text(look.text("column.entrance"), "name"),
        *(
            exact(look, name)
            for name in ("revenue", "revenue_by_visit", "net_revenue", "margin", "orders", "exposures")
        ),
        *(exact(look, name) for name in ("product_clicks", "add_to_carts", "click_through_rate")),
        *(exact(look, name) for name in ("click_to_order_rate", "revenue_per_mille")),
    ]
    if total["revenue"]:
        parts.append(
            page.chart(
                entrance_revenue(look, frame),
                look.text("entrances.revenue.title"),
                look.text("definition.entrance_revenue"),
                full,
                rows,
            )
        )
        parts.append(_value_chart(page, frame, full))
    return tag("div", *parts, class_="grid")


def _matches(look: Look, reader: Reader) -> list[Html]:
    """By what the day's order lines found their entrances; nothing where the home has no such table."""
    if not reader.has("attribution.attributed_sales"):
        return []
    found = {row["matched_by"]: row for row in reader.frame(_MATCHES).iter_rows(named=True)}
    rows = [
        found[kind] | {"name": look.text.name("matched_by", kind), "definition": look.text(f"about_match.{kind}")}
        for kind in MATCHES
        if kind in found
    ]
    columns = [
        text(look.text("column.matched"), "name"),
        exact(look, "order_lines"),
        metric(look, "revenue"),
        metric(look, "revenue_share"),
        *(metric(look, name) for name in ("net_revenue", "margin")),
        text(look.text("column.definition"), "definition", is_long=True),
    ]
    return [tag("div", tag("h3", look.text("matches.title")), table(columns, rows), class_="card wide")] if rows else []


def _value_chart(page: Page, frame: pl.DataFrame, columns: Sequence[Column]) -> Html:
    look = page.look
    rows = frame.to_dicts()
    left_out = [row["name"] for row in rows if not has_place(row)]
    title = look.text("entrances.value.title")
    if len(left_out) == len(rows):
        return tag("div", tag("h3", title), message(look.text("empty.value")), class_="card")
    said = look.text("note.no_place", names=look.text("list.separator").join(left_out))
    return page.chart(
        entrance_value(look, frame),
        title,
        look.text("definition.entrance_value"),
        columns,
        rows,
        notes=[said] if left_out else [],
    )


def _changes(look: Look) -> list[Column]:
    return [
        change_column(look, look.text("column.against_before"), "revenue", "revenue_before"),
        change_column(look, look.text("column.against_week"), "revenue", "revenue_week"),
    ]


def slots(page: Page, reader: Reader) -> Html:
    """The slots that brought the most, and those that were seen most without a sale."""
    look = page.look
    frame = _named(look, reader.frame(_SLOTS)).with_columns(pl.col("name").alias("entrance"))
    modules = dict(frame.group_by("entrance_id").agg(pl.col("head_module").n_unique()).iter_rows())
    rows = [
        row | {"place": (place := _place(look, row, modules[row["entrance_id"]] > 1)), "name": _slot_name(row, place)}
        for row in frame.to_dicts()
    ]
    if not rows:
        return message(look.text("empty.slots", day=reader.day), f"headwater run --from {reader.day} --to {reader.day}")
    columns = [
        text(look.text("column.entrance"), "entrance"),
        text(look.text("column.slot"), "place"),
        *(metric(look, name) for name in ("impressions", "clicks", "slot_click_rate", "exposures")),
        *(metric(look, name) for name in ("click_through_rate", "orders", "revenue", "revenue_by_visit", "margin")),
        metric(look, "revenue_per_mille"),
    ]
    selling = [row for row in rows if row["revenue"] > 0]
    parts = []
    total = sum(row["revenue"] for row in rows)
    if selling:
        shown = selling[:BARS]
        parts.append(
            page.chart(
                slot_revenue(look, pl.DataFrame(shown, infer_schema_length=None), total),
                look.text("slots.title"),
                look.text("definition.slots"),
                columns,
                rows,
                notes=[first_of(look, len(shown), len(selling))],
            )
        )
    quiet = sorted(
        (row for row in rows if not row["revenue"] and row["impressions"]), key=lambda row: -row["impressions"]
    )
    if quiet:
        shown = quiet[:QUIET_ROWS]
        parts.append(
            tag(
                "div",
                tag("h3", look.text("slots.quiet.title")),
                tag("p", look.text("slots.quiet.definition"), class_="definition"),
                table(
                    [
                        text(look.text("column.entrance"), "entrance"),
                        text(look.text("column.slot"), "place"),
                        *(metric(look, name) for name in ("impressions", "clicks", "slot_click_rate")),
                    ],
                    shown,
                ),
                tag("p", first_of(look, len(shown), len(quiet)), class_="note"),
                class_="card",
            )
        )
    if not parts:
        return message(look.text("empty.selling"))
    return tag("div", *parts, class_="grid")


def _named(look: Look, frame: pl.DataFrame) -> pl.DataFrame:
    names = [
        look.text.name("entrance", row["entrance_id"])
        if row["entrance_id"].startswith("(")
        else row[f"name_{look.language}"] or row["entrance_id"]
        for row in frame.iter_rows(named=True)
    ]
    return frame.with_columns(pl.Series("name", names, dtype=pl.String))


def _place(look: Look, row: Mapping[str, Any], has_modules: bool) -> str:
    """Where the slot is and what it shows; the module only where its entrance has several."""
    parts = [look.text.name("module", row["head_module"])] if has_modules and row["head_module"] != "(none)" else []
    if row["head_slot"]:
        parts.append(look.text("slot.number", n=row["head_slot"]))
    if row["head_content_id"] != "(none)":
        parts.append(row["head_content_id"])
    return " · ".join(parts) or NONE


def _slot_name(row: Mapping[str, Any], place: str) -> str:
    return row["entrance"] if place == NONE else f"{row['entrance']} · {place}"
