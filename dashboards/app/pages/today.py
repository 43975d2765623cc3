"""The day that is not over yet: its sales, orders, visitors and exposures so far, beside an earlier day.

Here: which hours are complete, and these blocks.
Not here: which day is open (``dashboards.app.marts``), the chart (``dashboards.figures.hours``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

from dashboards.app.cards import metric_card
from dashboards.app.context import Context
from dashboards.app.pages.sales_tree import linked
from dashboards.app.view import compared_days
from dashboards.blocks import Block, Cards, Chart, Table, Text
from dashboards.columns import exact, text
from dashboards.figures.hours import HOURS, clock, hours_so_far
from dashboards.locale import Locale
from dashboards.queries import query

_METRICS = ("revenue", "orders", "visitors", "exposures")
_OF_LOG = frozenset({"visitors", "exposures"})
_TABLES = ("core.order_lines", "core.traffic_hourly", "attribution.entrance_hourly")
_OF_SLICES = ("core.events", "attribution.attributed_events")
"""Tables from which the hours of a slice are computed."""

Hours = Mapping[str, Sequence[float]]
"""Metric → its value from midnight to the end of each hour of a day."""


def today(context: Context) -> list[Block]:
    """The open day up to its last full hour; empty if no day is open, or if the view does not reach the newest day."""
    copy, locale = context.copy, context.locale
    needed = (*_TABLES, *(_OF_SLICES if context.slice else ()))
    day = copy.open_from(context.now)
    if day not in copy.days or context.days.last < copy.newest(context.now) or not all(map(copy.has, needed)):
        return []
    is_today = day == context.now.astimezone(ZoneInfo(copy.settings.timezone)).date()
    title = locale.text("today.title") if is_today else locale.text("today.title_of", day=day)
    then = compared_days(day, day, context.view.compare)
    before = then[0] if then and then[0] in copy.days_of("attribution.entrance_hourly") else None
    asked = {"day": day, "then": before or dt.date.min}
    rows = copy.rows(query("today.hours"), **asked)
    own = [row for row in rows if row["dt"] == day]
    # Find the complete hours from all visitors: a slice may have no visitor in the last complete hour.
    everyone = [row for row in context.whole.rows(query("today.hours"), **asked) if row["dt"] == day]
    end = full_hours(everyone, copy.one(query("today.ingested"))["landed_at"], day, copy.settings.timezone)
    if not end:
        return [Text(title, "heading"), Text(locale.text("today.no_hour", day=day))]
    metrics = [name for name in _METRICS if name not in _OF_LOG or any(row["events"] for row in everyone)]
    now = _so_far(own, end)
    earlier = _so_far([row for row in rows if row["dt"] == before], HOURS) if before else None
    about = [locale.text("today.about", day=day, time=clock(end))]
    if before:
        about.append(locale.text("today.compared", day=before))
    cards = (
        linked(
            context.view.over(day, day),
            metric_card(locale, name, {name: now[name][-1]}, {name: earlier[name][end - 1]} if earlier else None),
        )
        for name in metrics
    )
    return [
        Text(title, "heading"),
        Text(locale.text.joined(*about)),
        Cards(tuple(cards)),
        _chart(context, metrics, {day: now} | ({before: earlier} if before and earlier else {})),
    ]


def full_hours(rows: Sequence[Mapping[str, Any]], landed_at: dt.datetime, day: dt.date, timezone: str) -> int:
    """How many hours from the midnight on which *day* began are complete: 9 means up to 9:00.

    The last hour with events (without an event log, with sales) is complete if the newest file was written after its
    end. *rows* have hour and events; *landed_at* is the time when the newest file was written, UTC.
    """
    has_log = any(row["events"] for row in rows)
    last = max((row["hour"] for row in rows if row["events"] or not has_log), default=-1)
    landed = landed_at.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(timezone))
    is_complete = landed.date() > day or (landed.date() == day and landed.hour > last)
    return last + 1 if is_complete else max(last, 0)


def _so_far(rows: Sequence[Mapping[str, Any]], end: int) -> Hours:
    by_hour = {row["hour"]: row for row in rows}
    return {
        name: list(accumulate(by_hour[hour][name] if hour in by_hour else 0 for hour in range(end)))
        for name in _METRICS
    }


def _chart(context: Context, metrics: Sequence[str], days: Mapping[dt.date, Hours]) -> Chart:
    locale = context.locale
    now, *others = days.values()
    columns = [text(locale.text("column.until"), "until"), *(exact(locale, name) for name in metrics)]
    for before in list(days)[1:]:
        columns += [exact(locale, name, field=f"{name}_before", title=_on(locale, name, before)) for name in metrics]
    rows = []
    for hour in range(HOURS if others else len(now["revenue"])):
        row: dict[str, Any] = {"until": clock(hour + 1)}
        for name in metrics:
            row[name] = now[name][hour] if hour < len(now[name]) else None
            row |= {f"{name}_before": earlier[name][hour] for earlier in others}
        rows.append(row)
    title, about = locale.text("today.course"), locale.text("today.course.about")
    table = Table("today", title, columns, rows, about, is_wide=True, is_of_days=False)
    lines = {locale.text.date("date.short", own): hours["revenue"] for own, hours in days.items()}
    return Chart(hours_so_far(locale, "revenue", lines), table, is_wide=True)


def _on(locale: Locale, name: str, day: dt.date) -> str:
    return locale.text("today.on", metric=locale.text(f"metric.{name}"), day=day)
