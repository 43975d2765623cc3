"""Section of the overview: the day's sales at a glance, their course, the way to them.

Here: its queries, cards and chart, and the totals of the day.
Not here: where the sales came from (``dashboards.report.entrances``), how a chart looks (``dashboards.figures.sales``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.columns import arrowed, exact, text
from dashboards.figures.look import Look
from dashboards.figures.sales import TREND_DAYS, revenue_trend
from dashboards.metrics import full_text, is_rate, short_text
from dashboards.numbers import NONE
from dashboards.report.html import Html, joined, message, tag
from dashboards.report.page import Page
from dashboards.report.queries import MAIN, Reader

_DAYS = """
SELECT dt, sum(revenue) AS revenue, sum(net_revenue) AS net_revenue, count(DISTINCT order_id) AS orders,
    count(DISTINCT user_id) AS buyers, sum(quantity) AS units, sum(margin) AS margin,
    count(*) FILTER (WHERE margin IS NULL) AS lines_without_cost,
    CAST(sum(margin) AS DOUBLE) / nullif(sum(net_revenue) FILTER (WHERE margin IS NOT NULL), 0) AS margin_rate,
    CAST(sum(revenue) AS DOUBLE) / nullif(count(DISTINCT order_id), 0) AS average_order_value
FROM core.order_lines WHERE dt BETWEEN $first AND $day GROUP BY dt
"""
_TOTALS = """
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
    found = reader.frame(_DAYS, first=day - dt.timedelta(days=TREND_DAYS - 1))
    days = {row["dt"]: row for row in found.iter_rows(named=True)}
    for computed in reader.days(MAIN):
        if computed <= day and (day - computed).days < TREND_DAYS and computed not in days:
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
                look.text("trend.title", days=look.text.days(len(days))),
                look.text("trend.definition"),
                [
                    text(look.text("column.day"), "day"),
                    *(exact(look, name) for name in ("revenue", "net_revenue", "orders", "buyers", "margin")),
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
    total = totals(reader)
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


def totals(reader: Reader) -> dict[str, Any]:
    """The sums over the entrances of the day, and whether their sales are those of the paid orders."""
    return reader.frame(_TOTALS).row(0, named=True)
