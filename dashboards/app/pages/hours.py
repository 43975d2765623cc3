"""A metric of an entrance or slot by hour of the day, over all days shown.

Here: the chart with its table.
Not here: the metric's chart by day and its control (``dashboards.app.pages.one_course``), the day in progress
(``dashboards.app.pages.today``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.app.context import Context
from dashboards.blocks import Block, Chart, Table, Text
from dashboards.columns import exact, text
from dashboards.figures.hours import HOURS, clock, hours_of_day
from dashboards.queries import query
from pipelines.sqlproject.metrics import known_metric

_EVENTS = ("core.events", "attribution.attributed_events")
"""The tables from which hours are computed again on a filtered page; the copy of a large shop lacks them."""


def by_hour(
    context: Context, own: str, metric: str, table: str, keys: Mapping[str, object], **parameters: object
) -> list[Block]:
    """*metric* by hour of the day, beside the comparison days; one line if no day shown has hours.

    Args:
        context: The context of the request.
        own: The query: one row per hour, from ``$from`` to ``$to``, with columns hour and *metric*.
        metric: The metric.
        table: The table by hour, of which only the last days are kept.
        keys: Name → value of extra columns in the CSV and XLSX files; they identify the entrance or slot.
        parameters: Other parameters of *own*.
    """
    locale, days = context.locale, context.days
    if context.slice and not all(map(context.copy.has, _EVENTS)):
        return [Text(locale.text("hours.not_filtered"), "missing")]
    kept = context.copy.days_of(table)
    first = max(days.first, kept[0]) if kept else days.first
    if not kept or first > days.last:
        return [Text(locale.text("hours.not_kept", days=locale.text.days(context.copy.settings.hours.days)))]

    def values(start: dt.date, end: dt.date) -> list[Any]:
        return _by_hour(context.copy.rows(query(own), **{"from": start, "to": end}, **parameters), metric)

    now, before = values(first, days.last), None
    about = [locale.text.name("about", metric), locale.text("hours.about")]
    if first > days.first:
        about.append(locale.text("hours.cut", first=first))
    elif days.is_recorded_then and days.then_first and days.then_last and days.then_first >= kept[0]:
        before = values(days.then_first, days.then_last)
        about.append(locale.text("course.one.compared"))
    name = locale.text.name("metric", metric)
    columns = [text(locale.text("column.hour"), "hour"), exact(locale, metric)]
    if before:
        title = locale.text("hours.before", metric=name)
        columns.append(exact(locale, metric, field=f"{metric}_before", title=title))
    rows = [
        {"hour": f"{clock(hour)}–{clock(hour + 1)}", metric: now[hour], **keys}
        | ({f"{metric}_before": before[hour]} if before else {})
        for hour in range(HOURS)
    ]
    shown = Table(
        "hours",
        locale.text("hours.title", metric=name),
        columns,
        rows,
        locale.text.joined(*about),
        keys=tuple(keys),
    )
    return [Chart(hours_of_day(locale, metric, now, before), shown)]


def _by_hour(rows: Sequence[Mapping[str, Any]], metric: str) -> list[Any]:
    """*metric* of each of the 24 hours. An hour without a row gets 0, or None if *metric* is a ratio."""
    found = {row["hour"]: row[metric] for row in rows}
    nothing = None if known_metric(metric).is_ratio else 0
    return [found.get(hour, nothing) for hour in range(HOURS)]
