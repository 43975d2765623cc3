"""The overview section: the day's totals, the sales by day, the funnel.

Here: its cards and chart.
Not here: computing totals (``dashboards.totals``), sales by entrance (``dashboards.report.entrances``), how a
chart looks (``dashboards.figures.sales``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.blocks import Block, Card, Cards, Change, Chart, Group, Table, Text
from dashboards.columns import arrowed, definition, exact, text
from dashboards.figures.look import Look
from dashboards.figures.sales import TREND_DAYS, revenue_trend
from dashboards.metrics import full_text, is_rate, short_text, tone
from dashboards.numbers import NONE
from dashboards.queries import query
from dashboards.report.queries import MAIN, Reader
from dashboards.sections.sales import sales_notes
from dashboards.totals import OF_VISITORS, SALES, STEPS, VISITORS, is_without_log, totals

_NOTHING = {"revenue": 0.0, "net_revenue": 0.0, "orders": 0, "buyers": 0, "margin": 0.0}

Figures = Mapping[str, Any]
"""A row of ``dashboards.totals.totals``."""


def overview(look: Look, reader: Reader) -> list[Block]:
    """The day's totals against the day before and the same weekday last week, the sales by day, the funnel."""
    day = reader.day
    now = figures(reader, day)
    before, week = (figures(reader, day - dt.timedelta(days=n)) for n in (1, 7))
    parts: list[Block] = []
    if not now["orders"]:
        remedy = f"headwater run --from {day} --to {day} --force"
        parts.append(Text(look.text("empty.orders", day=day), "missing", remedy))
    names = [name for name in SALES if not is_without_log(now) or name not in OF_VISITORS]
    parts.append(Cards(tuple(_card(look, name, now, before, week) for name in names)))
    parts += sales_notes(look, now)
    parts.append(Group(_trend(look, reader)))
    if not is_without_log(now):
        parts += [Text(look.text("funnel.title"), "heading"), _funnel(look, now)]
    return parts


def figures(reader: Reader, day: dt.date) -> Figures:
    """The totals of *day*; all None if the day is not computed."""
    found = totals(reader, day, day, has_visitors=reader.exists(VISITORS))
    return found if day in reader.days(MAIN) else dict.fromkeys(found)


def _trend(look: Look, reader: Reader) -> tuple[Chart, ...]:
    """Sales by day up to the day; empty if there were none."""
    day = reader.day
    found = reader.frame(query("report.days"), first=day - dt.timedelta(days=TREND_DAYS - 1))
    days = {row["dt"]: row for row in found.iter_rows(named=True)}
    for computed in reader.days(MAIN):
        if computed <= day and (day - computed).days < TREND_DAYS and computed not in days:
            days[computed] = {"dt": computed, **_NOTHING}
    trend = pl.DataFrame([{key: row[key] for key in ("dt", "revenue", "orders")} for row in days.values()])
    if trend.is_empty() or not trend["orders"].sum():
        return ()
    rows = [row | {"day": f"{row['dt']} {look.text.date('date.weekday', row['dt'])}"} for row in days.values()]
    columns = [
        text(look.text("column.day"), "day"),
        *(exact(look, name) for name in ("revenue", "net_revenue", "orders", "buyers", "margin")),
    ]
    table = Table(
        "days",
        look.text("trend.title", days=look.text.days(len(days))),
        columns,
        sorted(rows, key=lambda row: row["dt"], reverse=True),
        look.text("trend.definition"),
    )
    return (Chart(revenue_trend(look, trend, day), table, is_wide=True),)


def _card(look: Look, metric: str, now: Figures, before: Figures, week: Figures) -> Card:
    value = now[metric]
    return Card(
        look.text(f"metric.{metric}"),
        short_text(look.numbers, metric, value),
        full_text(look.numbers, metric, value),
        (
            _comparison(look, metric, value, before, "compare.before"),
            _comparison(look, metric, value, week, "compare.week"),
        ),
        definition(look, metric),
    )


def _comparison(look: Look, metric: str, value: float | None, earlier: Figures, key: str) -> Change:
    then = earlier[metric]
    if is_rate(metric):
        change = look.numbers.points(value, then)
        signed = change if change == NONE else look.text("compare.points", n=change)
    else:
        signed = look.numbers.change(value, then)
    then_text = "" if then is None else f" ({short_text(look.numbers, metric, then)})"
    full = full_text(look.numbers, metric, then)
    return Change(arrowed(signed), look.text(key) + then_text, full, tone(metric, signed))


def _funnel(look: Look, now: Figures) -> Cards:
    """The day's funnel: exposures, clicks, carts and order lines, with the rate of each step."""
    cards = []
    for metric, rate in STEPS:
        value = now[metric] or 0
        changes: tuple[Change, ...] = ()
        if rate:
            share, name = now[rate], look.text(f"metric.{rate}")
            changes = (Change(look.numbers.percent(share), name, look.numbers.full_percent(share)),)
        cards.append(
            Card(
                look.text(f"metric.{metric}"),
                look.numbers.short(value),
                look.numbers.full(value),
                changes,
                definition(look, rate or metric),
            )
        )
    return Cards(tuple(cards), "funnel")
