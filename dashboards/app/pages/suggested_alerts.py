"""Suggested alerts: sales and their factors against their usual range, each with a line to copy into ``alerts.yaml``.

Here: the table that the page of alerts shows while no alert is configured.
Not here: the alerts of a shop (``dashboards.app.pages.alerts``), the usual range (``dashboards.app.watch.rules``).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.sales_tree import PAGE_OF_METRIC, SALES_AND_FACTORS
from dashboards.app.watch.festivals import festivals_of
from dashboards.app.watch.measured import values_of
from dashboards.app.watch.rules import WEEKS, usual_bounds
from dashboards.blocks import Table
from dashboards.columns import of_row, text
from dashboards.metrics import card_text, is_money, is_rate
from pipelines.home.errors import HeadwaterError


def suggested_alerts(context: Context) -> Table:
    """A row for each metric: its value on the newest closed day, its usual range, the line for ``alerts.yaml``."""
    locale = context.locale
    day = context.whole.newest(context.now)
    columns = [
        text(locale.text("entrances.metric"), "name", href=lambda row: row["href"]),
        of_row(locale, f"{day}", "value"),
        text(locale.text("alerts.usual"), "usual"),
        text(locale.text("column.state"), "state"),
        text(locale.text("alerts.line"), "line", is_long=True),
    ]
    festivals = festivals_of(context.whole.home).days
    rows = [row for name in SALES_AND_FACTORS if (row := _row(context, name, day, festivals))]
    return Table(
        "suggested",
        locale.text("alerts.suggested"),
        columns,
        rows,
        locale.text("alerts.suggested.about"),
        notes=(locale.text("alerts.suggested.people"), locale.text("alerts.suggested.try")),
        is_wide=True,
        is_of_days=False,
        is_sortable=False,
    )


def _row(context: Context, name: str, day: dt.date, festivals: Collection[dt.date]) -> dict[str, Any] | None:
    """The row of the metric *name*; None if the dashboards' copy lacks its table."""
    locale = context.locale
    try:
        values = values_of(context.whole, name, (), day - dt.timedelta(days=7 * WEEKS), day)
    except HeadwaterError:
        return None
    value, bounds = values.get(day), None if day in festivals else usual_bounds(values, day, festivals)
    usual, state = None, f"– {locale.text('alerts.not_judged')}"
    if bounds is not None and value is not None:
        low, high = bounds.low, bounds.high
        if not is_rate(name) and not is_money(name):  # a count: it is within these bounds if within the whole ones
            low, high = low and math.ceil(low), high and math.floor(high)
        first, last = (card_text(locale.numbers, name, bound) for bound in (low, high))
        usual = locale.text("alert.days", first=first, last=last)
        state = f"▲ {locale.text('alerts.fired')}" if bounds.side(value) else f"● {locale.text('alerts.fine')}"
    return {
        "metric": name,
        "name": locale.text.name("metric", name),
        "value": value,
        "usual": usual,
        "state": state,
        "line": f"  {name}: {{metric: {name}, unusual: either, to: ops}}",
        "href": context.view.to(PAGE_OF_METRIC[name]).over(day, day).href,
    }
