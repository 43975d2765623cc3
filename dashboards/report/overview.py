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
from dashboards.figures.occasions import add_occasions
from dashboards.figures.sales import TREND_DAYS, revenue_trend
from dashboards.locale import Locale
from dashboards.metrics import card_text, full_text, is_rate, tone
from dashboards.numbers import NONE
from dashboards.plans.occasions import occasions_of
from dashboards.queries import query
from dashboards.report.queries import MAIN, Reader
from dashboards.sections.sales import sales_notes
from dashboards.totals import OF_VISITORS, SALES, STEPS, VISITORS, is_without_log, totals

_NOTHING = {"revenue": 0.0, "net_revenue": 0.0, "orders": 0, "buyers": 0, "margin": 0.0}

Figures = Mapping[str, Any]
"""The type of a row of ``dashboards.totals.totals``."""


def overview(locale: Locale, reader: Reader) -> list[Block]:
    """The day's totals against the day before and the same weekday last week, the sales by day, the funnel."""
    day = reader.day
    now = figures(reader, day)
    before, week = (figures(reader, day - dt.timedelta(days=n)) for n in (1, 7))
    parts: list[Block] = []
    if not now["orders"]:
        remedy = f"headwater run --from {day} --to {day} --force"
        parts.append(Text(locale.text("empty.orders", day=day), "missing", remedy))
    names = [name for name in SALES if not is_without_log(now) or name not in OF_VISITORS]
    parts.append(Cards(tuple(_card(locale, name, now, before, week) for name in names)))
    parts += sales_notes(locale, now, is_deleted=reader.workspace.is_closed(VISITORS, day))
    parts.append(Group(_trend(locale, reader)))
    if not is_without_log(now):
        parts += [Text(locale.text("funnel.title"), "heading"), _funnel(locale, now)]
    return parts


def figures(reader: Reader, day: dt.date) -> Figures:
    """The totals of *day*; all None if the day is not computed."""
    found = totals(reader, day, day, has_visitors=reader.exists(VISITORS))
    return found if day in reader.days(MAIN) else dict.fromkeys(found)


def _trend(locale: Locale, reader: Reader) -> tuple[Chart, ...]:
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
    rows = [row | {"day": f"{row['dt']} {locale.text.date('date.weekday', row['dt'])}"} for row in days.values()]
    columns = [
        text(locale.text("column.day"), "day"),
        *(exact(locale, name) for name in ("revenue", "net_revenue", "orders", "buyers", "margin")),
    ]
    table = Table(
        "days",
        locale.text("trend.title", days=locale.text.days(len(days))),
        columns,
        sorted(rows, key=lambda row: row["dt"], reverse=True),
        locale.text("trend.definition"),
    )
    figure = revenue_trend(locale, trend, day)
    add_occasions(figure, occasions_of(locale, reader.workspace.home))
    return (Chart(figure, table, is_wide=True),)


def _card(locale: Locale, metric: str, now: Figures, before: Figures, week: Figures) -> Card:
    value = now[metric]
    return Card(
        locale.text(f"metric.{metric}"),
        card_text(locale.numbers, metric, value),
        full_text(locale.numbers, metric, value),
        (
            _comparison(locale, metric, value, before, "compare.before"),
            _comparison(locale, metric, value, week, "compare.week"),
        ),
        definition(locale, metric),
    )


def _comparison(locale: Locale, metric: str, value: float | None, earlier: Figures, key: str) -> Change:
    then = earlier[metric]
    if is_rate(metric):
        change = locale.numbers.points(value, then)
        signed = change if change == NONE else locale.text("compare.points", n=change)
    else:
        signed = locale.numbers.change(value, then)
    then_text = "" if then is None else f" ({card_text(locale.numbers, metric, then)})"
    full = full_text(locale.numbers, metric, then)
    return Change(arrowed(signed), locale.text(key) + then_text, full, tone(metric, signed))


def _funnel(locale: Locale, now: Figures) -> Cards:
    """The day's funnel: exposures, clicks, carts and order lines, with the rate of each step."""
    cards = []
    for metric, rate in STEPS:
        value = now[metric] or 0
        changes: tuple[Change, ...] = ()
        if rate:
            share, name = now[rate], locale.text(f"metric.{rate}")
            changes = (Change(locale.numbers.percent(share), name, locale.numbers.full_percent(share)),)
        cards.append(
            Card(
                locale.text(f"metric.{metric}"),
                card_text(locale.numbers, metric, value),
                locale.numbers.full(value),
                changes,
                definition(locale, rate or metric),
            )
        )
    return Cards(tuple(cards), "funnel")
