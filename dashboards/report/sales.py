"""Sections of the sales: the day at a glance, the entrances, the slots.

Here: their queries, cards, charts and tables.
Not here: how a chart looks (``dashboards.figures.sales``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.figures.look import Look
from dashboards.figures.sales import (
    TREND_DAYS,
    entrance_revenue,
    entrance_value,
    has_place,
    revenue_trend,
    slot_revenue,
)
from dashboards.metrics import full_text, is_rate, short_text
from dashboards.numbers import NONE
from dashboards.report.columns import arrowed, change_column, full_column, short_column, text_column
from dashboards.report.html import Html, first_of, joined, message, table, tag
from dashboards.report.page import Page
from dashboards.report.queries import Reader

BARS = 12
QUIET_ROWS = 10

_DAYS = """
SELECT dt, sum(revenue) AS revenue, sum(net_revenue) AS net_revenue, count(DISTINCT order_id) AS orders,
    count(DISTINCT user_id) AS buyers, sum(quantity) AS units, sum(margin) AS margin,
    count(*) FILTER (WHERE margin IS NULL) AS lines_without_cost,
    CAST(sum(margin) AS DOUBLE) / nullif(sum(net_revenue) FILTER (WHERE margin IS NOT NULL), 0) AS margin_rate,
    CAST(sum(revenue) AS DOUBLE) / nullif(count(DISTINCT order_id), 0) AS average_order_value
FROM core.order_lines WHERE dt BETWEEN $first AND $day GROUP BY dt
"""
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
    sum(order_lines) AS order_lines, sum(revenue) AS revenue, sum(net_revenue) AS net_revenue, sum(margin) AS margin,
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
_SLOTS = """
WITH names AS (SELECT entrance_id, min(name_zh) AS name_zh, min(name_en) AS name_en FROM core.entrances GROUP BY 1)
SELECT slots.*, names.name_zh, names.name_en,
    CAST(clicks AS DOUBLE) / nullif(impressions, 0) AS slot_click_rate
FROM attribution.slot_daily AS slots LEFT JOIN names USING (entrance_id)
WHERE dt = $day
ORDER BY revenue DESC, impressions DESC, entrance_id, head_page_type, head_module, head_slot, head_content_id
"""

_CARDS = ("revenue", "net_revenue", "orders", "buyers", "average_order_value", "margin", "margin_rate", "units")
_EMPTY = {
    "revenue": 0.0,
    "net_revenue": 0.0,
    "orders": 0,
    "buyers": 0,
    "units": 0,
    "margin": 0.0,
    "lines_without_cost": 0,
}


def overview(page: Page, reader: Reader) -> Html:
    """The day's sales against the day before and the same weekday of the week before, their course, the way to them."""
    look, day = page.look, reader.day
    found = reader.frame(_DAYS, first=day - dt.timedelta(days=TREND_DAYS))
    days = {row["dt"]: row for row in found.iter_rows(named=True)}
    for computed in reader.days("core.order_lines"):
        if computed <= day and (day - computed).days <= TREND_DAYS and computed not in days:
            days[computed] = {"dt": computed, "margin_rate": None, "average_order_value": None, **_EMPTY}
    now = days.get(day)
    parts: list[Html] = []
    if now is None or not now["orders"]:
        parts.append(message(look.text("empty.orders", day=day), f"headwater run --from {day} --to {day} --force"))
    if now is not None:
        before, week = (days.get(day - dt.timedelta(days=n)) for n in (1, 7))
        parts.append(tag("div", *(_card(look, name, now, before, week) for name in _CARDS), class_="cards"))
        if now["lines_without_cost"]:
            parts.append(
                tag("p", look.text("note.cost", n=look.numbers.full(now["lines_without_cost"])), class_="note")
            )
    trend = pl.DataFrame([{key: row[key] for key in ("dt", "revenue", "orders")} for row in days.values()])
    charts = []
    if not trend.is_empty() and trend["orders"].sum():
        rows = [
            row | {"day": f"{row['dt']} {look.text('weekday.' + str(row['dt'].isoweekday()))}"} for row in days.values()
        ]
        charts.append(
            page.chart(
                revenue_trend(look, trend, day),
                look.text("trend.title", n=min(len(days), TREND_DAYS)),
                look.text("trend.definition"),
                [
                    text_column(look.text("column.day"), "day"),
                    *(full_column(look, name) for name in ("revenue", "net_revenue", "orders", "buyers", "margin")),
                ],
                sorted(rows, key=lambda row: row["dt"], reverse=True),
                is_wide=True,
            )
        )
    parts.append(tag("div", *charts, class_="grid"))
    parts.append(_funnel(look, reader))
    return joined(parts)


def _card(
    look: Look, metric: str, now: Mapping[str, Any], before: Mapping[str, Any] | None, week: Mapping[str, Any] | None
) -> Html:
    value = now[metric]
    return tag(
        "div",
        tag("p", look.text(f"metric.{metric}"), class_="name"),
        tag("p", short_text(look.numbers, metric, value), class_="value", title=full_text(look.numbers, metric, value)),
        _comparison(look, metric, value, before, "compare.before"),
        _comparison(look, metric, value, week, "compare.week"),
        tag("p", look.text(f"definition.{metric}"), class_="definition"),
        class_="card kpi",
    )


def _comparison(look: Look, metric: str, value: float | None, earlier: Mapping[str, Any] | None, key: str) -> Html:
    then = earlier[metric] if earlier else None
    if is_rate(metric):
        change = look.numbers.points(value, then)
        said = change if change == NONE else look.text("compare.points", n=change)
    else:
        said = look.numbers.change(value, then)
    way = {"+": "up", "−": "down"}.get(said[0])
    then_text = "" if then is None else f" ({short_text(look.numbers, metric, then)})"
    return tag(
        "p",
        tag("span", arrowed(said), class_=way),
        " ",
        look.text(key) + then_text,
        class_="change",
        title=full_text(look.numbers, metric, then),
    )


def _funnel(look: Look, reader: Reader) -> Html:
    """Exposures, clicks, carts and lines of the day, with the rate of each step."""
    total = reader.frame(_TOTAL).row(0, named=True)
    steps = (
        ("exposures", None),
        ("product_clicks", "click_through_rate"),
        ("add_to_carts", "cart_rate"),
        ("order_lines", "click_to_order_rate"),
    )
    cards = []
    for metric, rate in steps:
        said = Html("")
        if rate:
            value = total[rate]
            said = tag(
                "p",
                tag("strong", look.numbers.percent(value)),
                f" {look.text(f'metric.{rate}')}",
                class_="change",
                title=look.numbers.full_percent(value),
            )
        cards.append(
            tag(
                "div",
                tag("p", look.text(f"metric.{metric}"), class_="name"),
                tag(
                    "p",
                    look.numbers.short(total[metric] or 0),
                    class_="value",
                    title=look.numbers.full(total[metric] or 0),
                ),
                said,
                tag("p", look.text(f"definition.{metric}"), class_="definition"),
                class_="card kpi",
            )
        )
    return joined([tag("h4", look.text("funnel.title")), tag("div", *cards, class_="cards funnel")])


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
        text_column(look.text("column.entrance"), "name"),
        short_column(look, "revenue"),
        short_column(look, "revenue_share"),
        *_changes(look, reader),
        *(
            short_column(look, name)
            for name in ("net_revenue", "margin", "orders", "exposures", "product_clicks", "click_through_rate")
        ),
        short_column(look, "click_to_order_rate"),
        short_column(look, "revenue_per_mille"),
    ]
    totals = {**total, "name": look.text("total"), "revenue_share": 1.0 if total["revenue"] else None}
    sums = look.numbers.full_money(total["revenue"] or 0)
    check = look.text("check.equal" if total["is_equal"] else "check.differs", sums=sums)
    parts = [
        tag("div", table(columns, rows, total=totals), tag("p", check, class_="check"), class_="card wide"),
    ]
    full = [
        text_column(look.text("column.entrance"), "name"),
        *(full_column(look, name) for name in ("revenue", "net_revenue", "margin", "orders", "exposures")),
        *(full_column(look, name) for name in ("product_clicks", "add_to_carts", "click_through_rate")),
        *(full_column(look, name) for name in ("click_to_order_rate", "revenue_per_mille")),
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
        left_out = [row["name"] for row in rows if not has_place(row)]
        parts.append(
            page.chart(
                entrance_value(look, frame),
                look.text("entrances.value.title"),
                look.text("definition.entrance_value"),
                full,
                rows,
                notes=[look.text("note.no_place", names=", ".join(left_out))] if left_out else [],
            )
        )
    return tag("div", *parts, class_="grid")


def _changes(look: Look, reader: Reader) -> list[Any]:
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
        text_column(look.text("column.entrance"), "entrance"),
        text_column(look.text("column.slot"), "place"),
        *(short_column(look, name) for name in ("impressions", "clicks", "slot_click_rate", "exposures")),
        *(
            short_column(look, name)
            for name in ("click_through_rate", "orders", "revenue", "margin", "revenue_per_mille")
        ),
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
                notes=[look.text("first_of", n=len(shown), m=look.numbers.full(len(selling)))],
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
                        text_column(look.text("column.entrance"), "entrance"),
                        text_column(look.text("column.slot"), "place"),
                        *(short_column(look, name) for name in ("impressions", "clicks", "slot_click_rate")),
                    ],
                    shown,
                ),
                first_of(look, len(shown), len(quiet)),
                class_="card",
            )
        )
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
    parts = [row["head_module"]] if has_modules and row["head_module"] != "(none)" else []
    if row["head_slot"]:
        parts.append(look.text("slot.number", n=row["head_slot"]))
    if row["head_content_id"] != "(none)":
        parts.append(row["head_content_id"])
    return " · ".join(parts) or NONE


def _slot_name(row: Mapping[str, Any], place: str) -> str:
    return row["entrance"] if place == NONE else f"{row['entrance']} · {place}"
