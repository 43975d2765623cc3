"""Section of the overview: the day's sales at a glance, their course, the way to them.

Here: its cards and chart.
Not here: what a figure is (``dashboards.totals``), where the sales came from (``dashboards.report.entrances``), how a
chart looks (``dashboards.figures.sales``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.columns import arrowed, definition, exact, text
from dashboards.figures.look import Look
from dashboards.figures.sales import TREND_DAYS, revenue_trend
from dashboards.metrics import full_text, is_rate, short_text
from dashboards.numbers import NONE
from dashboards.report.html import Html, joined, message, tag
from dashboards.report.page import Page
from dashboards.report.queries import MAIN, Reader
from dashboards.report.render import html_of
from dashboards.sections.sales import sales_notes
from dashboards.totals import OF_VISITORS, SALES, STEPS, VISITORS, is_without_log, totals

_DAYS = """
SELECT dt, sum(revenue) AS revenue, sum(net_revenue) AS net_revenue, count(DISTINCT order_id) AS orders,
    count(DISTINCT user_id) AS buyers, sum(margin) AS margin
FROM core.order_lines WHERE dt BETWEEN $first AND $day GROUP BY dt
"""
_NOTHING = {"revenue": 0.0, "net_revenue": 0.0, "orders": 0, "buyers": 0, "margin": 0.0}

Figures = Mapping[str, Any]
"""A row of ``dashboards.totals.totals``."""


def overview(page: Page, reader: Reader) -> Html:
    """The day's sales against the day before and the same weekday of the week before, their course, the way to them."""
    look, day = page.look, reader.day
    now = figures(reader, day)
    before, week = (figures(reader, day - dt.timedelta(days=n)) for n in (1, 7))
    parts: list[Html] = []
    if not now["orders"]:
        parts.append(message(look.text("empty.orders", day=day), f"headwater run --from {day} --to {day} --force"))
    names = [name for name in SALES if not is_without_log(now) or name not in OF_VISITORS]
    parts.append(tag("div", *(_card(look, name, now, before, week) for name in names), class_="cards"))
    parts.append(html_of(page, sales_notes(look, now)))
    parts.append(tag("div", *_trend(page, reader), class_="grid"))
    if not is_without_log(now):
        parts.append(_funnel(look, now))
    return joined(parts)


def figures(reader: Reader, day: dt.date) -> Figures:
    """The figures of *day*; each of them None where it is not computed."""
    found = totals(reader, day, day, has_visitors=reader.exists(VISITORS))
    return found if day in reader.days(MAIN) else dict.fromkeys(found)


def _trend(page: Page, reader: Reader) -> list[Html]:
    """The course of the sales up to the day; nothing where there were none."""
    look, day = page.look, reader.day
    found = reader.frame(_DAYS, first=day - dt.timedelta(days=TREND_DAYS - 1))
    days = {row["dt"]: row for row in found.iter_rows(named=True)}
    for computed in reader.days(MAIN):
        if computed <= day and (day - computed).days < TREND_DAYS and computed not in days:
            days[computed] = {"dt": computed, **_NOTHING}
    trend = pl.DataFrame([{key: row[key] for key in ("dt", "revenue", "orders")} for row in days.values()])
    if trend.is_empty() or not trend["orders"].sum():
        return []
    rows = [
        row | {"day": f"{row['dt']} {look.text('weekday.' + str(row['dt'].isoweekday()))}"} for row in days.values()
    ]
    columns = [
        text(look.text("column.day"), "day"),
        *(exact(look, name) for name in ("revenue", "net_revenue", "orders", "buyers", "margin")),
    ]
    return [
        page.chart(
            revenue_trend(look, trend, day),
            look.text("trend.title", days=look.text.days(len(days))),
            look.text("trend.definition"),
            columns,
            sorted(rows, key=lambda row: row["dt"], reverse=True),
            is_wide=True,
        )
    ]


def _card(look: Look, metric: str, now: Figures, before: Figures, week: Figures) -> Html:
    value = now[metric]
    return tag(
        "div",
        tag("p", look.text(f"metric.{metric}"), class_="name"),
        tag("p", short_text(look.numbers, metric, value), class_="value", title=full_text(look.numbers, metric, value)),
        _comparison(look, metric, value, before, "compare.before"),
        _comparison(look, metric, value, week, "compare.week"),
        tag("p", definition(look, metric), class_="definition"),
        class_="card kpi",
    )


def _comparison(look: Look, metric: str, value: float | None, earlier: Figures, key: str) -> Html:
    then = earlier[metric]
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


def _funnel(look: Look, now: Figures) -> Html:
    """Exposures, clicks, carts and lines of the day, with the rate of each step."""
    cards = []
    for metric, rate in STEPS:
        said = Html("")
        if rate:
            value = now[rate]
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
                    look.numbers.short(now[metric] or 0),
                    class_="value",
                    title=look.numbers.full(now[metric] or 0),
                ),
                said,
                tag("p", definition(look, rate or metric), class_="definition"),
                class_="card kpi",
            )
        )
    return joined([tag("h4", look.text("funnel.title")), tag("div", *cards, class_="cards funnel")])
