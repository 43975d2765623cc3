"""A page's sales and traffic by one dimension, such as platform.

Here: the table, and its chart by day.
Not here: the dimensions and their names (``dashboards.app.slice_bar``), reading them (``dashboards.slices``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import polars as pl

from dashboards.app.context import Context
from dashboards.app.slice_bar import Dimensions
from dashboards.blocks import Block, Chart, Table
from dashboards.columns import change, exact, metric, text, with_changes
from dashboards.figures.course import LINES, courses
from dashboards.slices import OF_ITEMS, Slice
from pipelines.sqlproject.metric_sql import select
from pipelines.sqlproject.model import DIALECT

_METRICS = {
    "overview": (
        "revenue", "visitors", "visitor_conversion_rate", "revenue_per_buyer", "buyers", "orders",
        "average_order_value", "units", "net_revenue", "margin",
    ),
    "entrances": (
        "revenue", "exposures", "product_clicks", "click_through_rate", "add_to_carts", "cart_rate", "order_lines",
        "click_to_order_rate", "orders", "net_revenue", "margin", "revenue_per_mille",
    ),
}  # fmt: skip
"""Page → its metrics."""

_INSTEAD = {"attribution.entrance_daily": "attribution.visitor_ends"}
"""A mart has no dimensions; the table of which it is the sums has."""


def breakdown(context: Context) -> list[Block]:
    """The table of the page's metrics by the chosen dimension, then sales by day of its largest values."""
    locale, days, view = context.locale, context.days, context.view
    dimensions = Dimensions(context)
    names = _METRICS[view.page]
    found = _by(context, names, days.first, days.last)
    before = {}
    if days.is_recorded_then and days.then_first and days.then_last:
        before = {row["value"]: row for row in _by(context, names, days.then_first, days.then_last)}
    values = {row["value"]: row for row in found}
    empty: Mapping[str, Any] = dict.fromkeys(names, 0)
    rows: list[dict[str, Any]] = []
    total = sum(row["revenue"] or 0 for row in found)
    for value in dict.fromkeys([*values, *before]):
        row = {**empty, **values.get(value, {}), "value": value, "name": dimensions.name(view.by, value)}
        row["revenue_before"] = before.get(value, empty)["revenue"] if before else None
        row["revenue_share"] = row["revenue"] / total if total else None
        rows.append(row)
    rows.sort(key=lambda row: (-(row["revenue"] or 0), -(row[names[1]] or 0), row["name"]))
    with_changes(rows, "revenue")
    title = dimensions.title(view.by)
    columns = [
        text(title, "name", href=lambda row: replace(view.sliced(**{view.by: (row["value"],)}), by="").href),
        metric(locale, "revenue"),
        metric(locale, "revenue_share"),
        *([change(locale, "revenue")] if days.is_recorded_then else []),
        *(metric(locale, name) for name in names[1:]),
    ]
    table = Table(
        "breakdown",
        locale.text("slice.breakdown", by=title),
        columns,
        rows,
        locale.text(f"slice.{view.by}.about"),
        notes=_notes(context, names),
        is_wide=True,
        keys=("value",),
    )
    return [table, *_course(context, rows, title)]


def _notes(context: Context, names: tuple[str, ...]) -> tuple[str, ...]:
    text, by = context.locale.text, context.view.by
    distinct = [name for name in ("visitors", "buyers", "orders") if name in names]
    key = "slice.distinct.items" if by in OF_ITEMS else "slice.distinct"
    counted = text("list.separator").join(text.name("metric", name) for name in distinct)
    return (text(key, names=counted),)


def _course(context: Context, rows: list[dict[str, Any]], title: str) -> list[Block]:
    locale, days = context.locale, context.days
    sql = _sql(("revenue",), ("dt", f"slice_{context.view.by}"))
    frame = _read(context, sql, days.first, days.last).rename({f"slice_{context.view.by}": "key"}).sort("dt", "key")
    if days.number == 1 or frame.is_empty():
        return []
    shown = rows[: len(LINES)]
    names = {row["value"]: row["name"] for row in rows}
    table = Table(
        "breakdown_days",
        locale.text("slice.course", by=title),
        [text(locale.text("column.day"), "dt"), text(title, "name"), exact(locale, "revenue")],
        [row | {"name": names.get(row["key"], row["key"])} for row in frame.to_dicts()],
        locale.text.name("about", "revenue"),
        notes=(locale.text("first_of", n=len(shown), m=len(rows)),) if len(shown) < len(rows) else (),
        is_wide=True,
        keys=("key",),
    )
    figure = courses(locale, frame, "revenue", {row["value"]: row["name"] for row in shown})
    return [Chart(figure, table, is_wide=True)]


def _by(context: Context, names: tuple[str, ...], first: dt.date, last: dt.date) -> list[dict[str, Any]]:
    column = f"slice_{context.view.by}"
    frame = _read(context, _sql(names, (column,)), first, last)
    return frame.rename({column: "value"}).sort("value").to_dicts()


def _read(context: Context, sql: str, first: dt.date, last: dt.date) -> pl.DataFrame:
    part = Slice(context.slice, context.segments_on, context.view.by)
    return context.whole.in_slice(part).frame(sql, **{"from": first, "to": last})


@cache
def _sql(names: tuple[str, ...], by: tuple[str, ...]) -> str:
    return select(names, by, "dt BETWEEN $from AND $to", instead=_INSTEAD).sql(dialect=DIALECT)
